import ArgumentParser
import Simulation

/// Executes simulations of the engine: one seed, told as it happens, or many, for as long as is asked for.
@main
struct CoulisseSim: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coulisse-sim", abstract: "Simulate the engine with crashes, bad disks and unreliable services.",
    discussion: """
        coulisse-sim --seed 42        one history, told line by line
        coulisse-sim --count 1000     seeds from 1 on
        coulisse-sim --minutes 10     new seeds, for ten minutes
        coulisse-sim --growth 1000000 so many runs that are over, and 50,000 queued and parked
      """)

  @Option(help: "Tell what happens under this seed.") var seed: UInt64?
  @Option(help: "How many seeds.") var count: UInt64?
  @Option(help: "For how many minutes.") var minutes: Double?
  @Option(help: "The first seed of many; without it, a new one for --minutes and 1 for --count.") var from: UInt64?
  @Option(help: "Measure an engine that begins where so many runs are over.") var growth: Int?
  @Option(help: "How much happens under one seed.") var events = Simulation.usualEvents

  func validate() throws {
    guard [seed != nil, count != nil, minutes != nil, growth != nil].count(where: { $0 }) == 1 else {
      throw ValidationError("one of --seed, --count, --minutes and --growth")
    }
  }

  func run() throws {
    if let seed {
      let report = Simulation.run(seed: seed, on: try Stage("stage"), events: events)
      for line in report.trace { print(line) }
      print("seed \(seed): \(report.fault ?? "every promise kept")")
      if report.fault != nil { throw ExitCode(1) }
      return
    }
    if let growth {
      let cost = try Growth.measure(FaultDisk(name: "growth", seed: 1), ended: growth, open: 25_000, executed: 2_000)
      print("\(growth) runs over, 25,000 queued, 25,000 parked: \(cost)")
      return
    }
    let first = from ?? (count == nil ? .random(in: 1...1_000_000_000) : 1)
    print("seeds from \(first) on, \(events) events each")
    let summary = try Simulations.run(
      from: first, count: count, for: minutes.map { .seconds($0 * 60) }, events: events, progress: true)
    print(summary)
    if !summary.faults.isEmpty { throw ExitCode(1) }
  }
}
