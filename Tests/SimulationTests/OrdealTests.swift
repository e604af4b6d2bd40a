import Simulation
import Synchronization
import TestSupport
import Testing

/// Promises 1 to 3 on a disk that fails: a fixed story of moves, edits, steps, waits, a checkpoint and a restart is told
/// again for every moment at which the disk could fail, and each time all is well in the end.
@Suite("The disk fails at every moment, one after the other")
struct OrdealTests {
  /// How many operations fail in a row, and at which moments: every one, or one of so many where a moment is much like
  /// the next one.
  static let failures: [(operation: FaultDisk.Operation, fault: FaultDisk.Fault, times: Int, every: Int)] = [
    (.read, .broken, 1, 1), (.write, .broken, 1, 1), (.sync, .broken, 1, 1), (.truncate, .broken, 1, 1),
    (.open, .broken, 1, 1), (.delete, .broken, 1, 1), (.write, .full, 20, 7), (.sync, .broken, 5, 5),
    (.lock, .locked, 1, 7),
  ]

  @Test("the nth operation fails, for each n: the database is sound, every promise kept", arguments: [false, true])
  func everyOperation(whileRecovering: Bool) throws {
    var troubles: [@Sendable (Int) -> Ordeal.Trouble] = []
    for failure in Self.failures {
      troubles.append {
        .fails(failure.operation, failure.fault, nth: 1 + $0 * failure.every, times: failure.times)
      }
    }
    try tryAll(troubles, whileRecovering: whileRecovering)
  }

  @Test("the power goes at the nth change of the disk, for each n, and takes with it what was not synced", arguments: [false, true])
  func everyPowerLoss(whileRecovering: Bool) throws {
    var troubles: [@Sendable (Int) -> Ordeal.Trouble] = []
    for loss in FaultDisk.Loss.allCases {
      troubles.append { .loses(loss, nth: 1 + $0 * (loss != .torn ? 6 : whileRecovering ? 1 : 2)) }
    }
    try tryAll(troubles, whileRecovering: whileRecovering)
  }

  /// Each kind of trouble at the first moment, the second, and so on, until the story is over before it comes.
  private func tryAll(_ troubles: [@Sendable (Int) -> Ordeal.Trouble], whileRecovering: Bool) throws {
    let next = Atomic<Int>(0)
    let tried = Atomic<Int>(0)
    inParallel(2) { half in
      do {
        let stage = try Stage("ordeal-\(whileRecovering)-\(troubles.count)-\(half)")
        while true {
          let place = next.add(1, ordering: .relaxed).oldValue
          guard place < troubles.count else { return }
          var nth = 0
          while true {
            let trouble = troubles[place](nth)
            let ordeal = Ordeal(trouble, atStart: whileRecovering, on: stage)
            if let fault = ordeal.fault {
              Issue.record("\(trouble): \(fault)\n\(ordeal.trace.joined(separator: "\n"))")
              return
            }
            if !ordeal.isReached { break }
            tried.add(1, ordering: .relaxed)
            nth += 1
          }
        }
      } catch {
        Issue.record(error)
      }
    }
    print("ordeals: \(tried.load(ordering: .relaxed))")
    #expect(tried.load(ordering: .relaxed) > troubles.count, "the story comes to such moments")
  }
}
