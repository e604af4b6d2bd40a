import Foundation

/// Threads that carry out calls of services: at most so many at once, made when they are needed, kept for the next
/// call. Not a dispatch queue: its threads are shared with the whole process, and somebody else's blocked work would
/// hold up a run.
///
/// `@unchecked Sendable` is sound: every mutable member is private, and is read and written between `condition.lock()` and
/// `condition.unlock()`; what is constant is Sendable, and `condition` itself is thread-safe.
final class WorkerThreads: @unchecked Sendable {
  private let condition = NSCondition()
  private let limit: Int
  /// Threads that are stuck in calls which were given up.
  private var lent = 0
  private var work: [@Sendable () -> Void] = []
  private var threads = 0
  private var idle = 0
  private var isOver = false

  init(limit: Int) { self.limit = limit }

  func perform(_ body: @escaping @Sendable () -> Void) {
    condition.lock()
    defer { condition.unlock() }
    work.append(body)
    if idle >= work.count || threads >= min(limit + lent, Self.mostThreads) { return condition.signal() }
    threads += 1
    Thread.detachNewThread { [self] in loop() }
  }

  private static let mostThreads = 80

  /// A thread is stuck in a call that was given up: another one may be made in its place until it comes back.
  func lend() { condition.withLock { lent += 1 } }

  /// It came back.
  func takeBack() { condition.withLock { lent -= 1 } }

  /// Lets the threads end when they have done what they were given.
  func end() {
    condition.lock()
    isOver = true
    condition.broadcast()
    condition.unlock()
  }

  private func loop() {
    condition.lock()
    while true {
      while work.isEmpty && !isOver {
        idle += 1
        condition.wait()
        idle -= 1
      }
      // One that stood in for a stuck thread goes when that has come back.
      if work.isEmpty || threads > min(limit + lent, Self.mostThreads) { break }
      let body = work.removeFirst()
      condition.unlock()
      body()
      condition.lock()
    }
    threads -= 1
    condition.unlock()
  }
}
