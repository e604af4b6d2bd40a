#if DEBUG
  import Foundation
  import Synchronization
#endif

/// A place at which the program touches the disk or a service, so that a test can end the process exactly there.
/// Nothing happens at any of them unless a variable of the environment asks for it, and in a release build they are
/// not there at all.
///
/// `COULISSE_FAULT=file.synced:2` ends the process, as `kill -9` does, when it comes to that point for the second time;
/// `COULISSE_FAULT=file.synced:2:stop` stops it there, until it gets SIGCONT.
/// `COULISSE_FAULT_LOG=PATH` writes a line into a file for each point that the process comes to.
public enum FaultPoint: String, CaseIterable, Sendable {
  /// The database is open, and has the present layout.
  case databaseOpened = "database.opened"
  /// A transaction that writes has begun; then it is all written and not committed; then it is committed.
  case writeBegun = "write.begun"
  case writeReady = "write.ready"
  case writeCommitted = "write.committed"
  /// The engine's lock is held; nothing was recovered yet; then it was.
  case lockTaken = "lock.taken"
  case recoveryBegun = "recovery.begun"
  case recoveryDone = "recovery.done"
  /// The run in hand is named in the mapped file; its segment has not begun.
  case runNamed = "run.named"
  /// A step is in the journal and its service was not asked; then it has answered, and nobody knows.
  case stepAsked = "step.asked"
  case stepAnswered = "step.answered"
  /// A file: made under a temporary name, written, on the disk, under its own name; and its folder on the disk.
  case fileMade = "file.made"
  case fileWritten = "file.written"
  case fileSynced = "file.synced"
  case fileNamed = "file.named"
  case fileFiled = "file.filed"
  case folderMade = "folder.made"
  case folderFiled = "folder.filed"
  case fileRemoved = "file.removed"
  /// The process that prints: it was asked for a PDF, and has answered.
  case pressAsked = "press.asked"
  case pressAnswered = "press.answered"

  #if DEBUG
    /// Says that the program has come to a point.
    public static func reach(_ point: FaultPoint) { FaultPlan.present?.reach(point) }
  #else
    /// Nothing: the points are for tests.
    @inlinable @inline(__always) public static func reach(_ point: FaultPoint) {}
  #endif
}

#if DEBUG
  /// What the environment asks for.
  private final class FaultPlan: Sendable {
    static let present = FaultPlan(ProcessInfo.processInfo.environment)

    private let fatal: FaultPoint?
    private let isStop: Bool
    private let log: Int32?
    /// How often the process is still to pass the fatal point.
    private let remaining: Atomic<Int>

    init?(_ environment: [String: String]) {
      let parts = environment["COULISSE_FAULT"]?.split(separator: ":").map(String.init) ?? []
      fatal = parts.first.flatMap(FaultPoint.init(rawValue:))
      remaining = Atomic(parts.count > 1 ? Int(parts[1]) ?? 1 : 1)
      isStop = parts.count > 2 && parts[2] == "stop"
      log = environment["COULISSE_FAULT_LOG"].map { open($0, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644) }
      if fatal == nil && log == nil { return nil }
    }

    func reach(_ point: FaultPoint) {
      if let log {
        let line = Array((point.rawValue + "\n").utf8)
        _ = write(log, line, line.count)
      }
      guard point == fatal, remaining.subtract(1, ordering: .relaxed).newValue == 0 else { return }
      if isStop {
        kill(getpid(), SIGSTOP)
        return
      }
      kill(getpid(), SIGKILL)
      while true { pause() }  // Not one more instruction of the program.
    }
  }
#endif
