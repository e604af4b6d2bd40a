import Foundation
import Store

/// Keeps the database's log short while an engine lives, on a thread of its own, so that no move waits for it.
///
/// `@unchecked Sendable` is sound: `isOver` is read and written under `condition`; everything else is constant.
final class LogKeeper: @unchecked Sendable {
  private let checkpointer: Checkpointer
  private let condition = NSCondition()
  private var isOver = false

  /// - Returns: nil when there is no log to keep, or no second connection to be had: then commits keep it, as without it.
  init?(_ store: Store) {
    guard let checkpointer = try? Checkpointer(beside: store) else { return nil }
    self.checkpointer = checkpointer
    let thread = Thread { [self] in keep() }
    thread.name = "checkpoints"
    thread.start()
  }

  func end() { condition.withLock { isOver = true; condition.signal() } }

  private func keep() {
    var isBusy = true
    while true {
      condition.lock()
      if !isOver { _ = condition.wait(until: Date(timeIntervalSinceNow: isBusy ? 0.1 : 1)) }
      let over = isOver
      condition.unlock()
      if over { break }
      // What could not be done now is a matter of the next pass.
      isBusy = (try? checkpointer.pass()) ?? false
    }
    checkpointer.close()
  }
}
