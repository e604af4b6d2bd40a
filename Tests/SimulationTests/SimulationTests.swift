import Foundation
import Simulation
import TestSupport
import Testing

/// The engine's promises under crashes, bad disks and unreliable services: the real engine and store, on a clock, a disk
/// and services that obey one seed.
@Suite("Simulated histories keep every promise")
struct SimulationTests {
  @Test("1,000 seeds: whatever fails, whenever, what was answered is there, nothing happens twice, nothing is forgotten")
  func thousandSeeds() throws {
    let first = testSeed("simulation")
    let summary = try Simulations.run(from: first, count: 1000, for: nil)
    print("simulation: \(summary)")
    #expect(summary.faults.isEmpty, "\(summary)")
    #expect(summary.accepted > 1000 && summary.crashes > 1000, "the seeds do something: \(summary)")
  }

  @Test("one seed is one history")
  func replays() throws {
    for seed: UInt64 in 1...5 {
      let first = Simulation.run(seed: seed, on: try Stage("one-\(seed)"))
      let second = Simulation.run(seed: seed, on: try Stage("two-\(seed)"))
      #expect(first.trace == second.trace)
      #expect(first.trace.count > 15)
    }
  }
}
