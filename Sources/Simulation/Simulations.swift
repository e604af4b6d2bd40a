import Foundation
import Synchronization

/// Many seeds, on as many threads as there are cores.
public enum Simulations {
  /// What they came to.
  public struct Summary: Sendable, CustomStringConvertible {
    public var seeds = 0
    public var events = 0
    public var crashes = 0
    public var wishes = 0
    public var accepted = 0
    /// Of the seeds that broke a promise.
    public var faults: [(seed: UInt64, fault: String)] = []

    public var description: String {
      var lines = ["\(seeds) seeds: \(wishes) changes asked for, \(accepted) accepted, \(crashes) crashes"]
      lines += faults.prefix(20).map { "seed \($0.seed): \($0.fault); see it with: coulisse-sim --seed \($0.seed) --events \(events)" }
      return lines.joined(separator: "\n")
    }
  }

  /// - Parameters:
  ///   - from: the first seed; the others follow it.
  ///   - count: how many; nil: as many as come in the time.
  ///   - time: how long; nil: until all are done.
  ///   - progress: says now and then where it is.
  /// - Throws: `SimulationFault` when the workspace of the simulation can't be made.
  public static func run(
    from first: UInt64, count: UInt64?, for time: Duration?, events: Int = Simulation.usualEvents, progress: Bool = false
  ) throws -> Summary {
    let next = Atomic<UInt64>(0)
    let summary = Mutex(Summary(events: events))
    let end = time.map { ContinuousClock.now + $0 }
    let failure = Mutex<(any Error)?>(nil)
    let group = DispatchGroup()
    for place in 0..<ProcessInfo.processInfo.activeProcessorCount {
      group.enter()
      let thread = Thread {
        defer { group.leave() }
        do {
          let stage = try Stage("stage-\(first)-\(place)")
          while end.map({ ContinuousClock.now < $0 }) ?? true {
            let place = next.add(1, ordering: .relaxed).oldValue
            if let count, place >= count { return }
            let report = Simulation.run(seed: first &+ place, on: stage, events: events)
            let seeds = summary.withLock { summary in
              summary.add(report)
              return summary.seeds
            }
            if progress, seeds % 1000 == 0 { print("\(seeds) seeds, to \(report.seed)") }
          }
        } catch {
          failure.withLock { $0 = error }
        }
      }
      // As the engine's own.
      thread.stackSize = 64 << 20
      thread.start()
    }
    group.wait()
    if let failure = failure.withLock({ $0 }) { throw failure }
    return summary.withLock { $0 }
  }
}

extension Simulations.Summary {
  fileprivate mutating func add(_ report: Simulation.Report) {
    seeds += 1
    crashes += report.crashes
    wishes += report.wishes
    accepted += report.accepted
    if let fault = report.fault { faults.append((report.seed, fault)) }
  }
}
