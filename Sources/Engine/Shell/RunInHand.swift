import CRM
import Foundation
import Store

#if canImport(Glibc)
  import Glibc
#endif

/// Names the run in hand in a small mapped file before each segment, so that the next process knows which run took
/// this one down. A watchdog thread ends a process whose segment has outlived its time budget many times over:
/// nothing that honours budgets does that, so it is stuck in C. What is in the file after a kill from outside carries
/// no verdict, and such a run goes on as if nothing had happened.
///
/// `@unchecked Sendable` is sound: the mapping lives as long as the process; its words are written and read whole, through
/// pointers to aligned 64-bit integers, by the engine thread and the watchdog, and a torn pair costs one more look.
public final class RunInHand: RunWatch, @unchecked Sendable {
  /// What a dead process left behind.
  public struct Verdict: Sendable {
    /// The run under which it died; `InHand.aGuard` for a guard.
    public var runID: Int64
    /// For the run's error.
    public var message: String
  }

  /// Four words: run id (0: none), start of the segment in milliseconds of the monotonic clock, verdict, serial number.
  private let words: UnsafeMutablePointer<Int64>
  private static let size = 32
  /// How a process ends whose watchdog found it stuck.
  static let stuckExitCode: Int32 = 70
  private static let stuck: Int64 = 1
  private static let crashed: Int64 = 2

  /// - Throws: `EngineFault.workspace` when the file can't be mapped.
  public init(path: String) throws(EngineFault) {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0, ftruncate(descriptor, off_t(Self.size)) == 0,
      let address = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), address != MAP_FAILED
    else {
      if descriptor >= 0 { close(descriptor) }
      throw EngineFault(.workspace, "\(path) can't be written (\(String(cString: strerror(errno))))")
    }
    close(descriptor)
    words = address.bindMemory(to: Int64.self, capacity: 4)
  }

  deinit { munmap(words, Self.size) }

  /// What the process before this one left, if it was ended by its watchdog or by a fault; clears the file.
  public func takeVerdict() -> Verdict? {
    defer { clear() }
    guard words[0] > 0 else { return nil }
    switch words[2] {
    case Self.stuck:
      return Verdict(
        runID: words[0],
        message: "the script was stuck where no budget could stop it, and the engine ended itself; it is not tried again "
          + "by itself. Look at the script, then: coulisse runs retry \(words[0])")
    case Self.crashed:
      return Verdict(
        runID: words[0],
        message: "the engine crashed while it executed this run; it is not tried again by itself. "
          + "Look at the script, then: coulisse runs retry \(words[0])")
    default:
      return nil
    }
  }

  /// The run in hand; 0 when there is none.
  var runID: Int64 { words[0] }

  /// The run in hand is to blame for the end of the process, as the next process is told.
  func convict() { words[2] = Self.crashed }

  private func clear() { for place in 0..<4 { words[place] = 0 } }

  /// Names a run, or a guard, as in hand from now on.
  public func begin(runID: Int64) -> InHand {
    let before = InHand(runID: words[0], since: words[1])
    // A guard inside a run is that run's: a verdict that names a guard convicts nobody.
    name(InHand(runID: runID == InHand.aGuard && before.runID > 0 ? before.runID : runID, since: Self.milliseconds()))
    FaultPoint.reach(.runNamed)
    return before
  }

  /// Names again what was in hand before.
  public func end(_ before: InHand) { name(before) }

  private func name(_ inHand: InHand) {
    words[0] = 0  // The watchdog never sees one's name with the other's time.
    words[1] = inHand.since
    words[3] &+= 1
    words[0] = inHand.runID
  }

  /// Starts the watchdog, and notes crashes of this process. A segment is stuck when it has outlived its budget twelve
  /// times, and two seconds: nothing that honours budgets does that.
  /// - Parameter runTime: the budget of one run.
  func guardEngine(runTime: TimeSpan) {
    guardProcess(limit: TimeSpan(milliseconds: max(2000, runTime.milliseconds.multipliedOrMost(by: 12))))
  }

  private func guardProcess(limit: TimeSpan) {
    Self.crashWord = words + 2
    Self.engineThread = pthread_self()
    for number in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP] {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { number in
        // A crash of another thread is nobody's fault who executes on this one.
        if pthread_self() == RunInHand.engineThread { RunInHand.crashWord?.pointee = RunInHand.crashed }
        signal(number, SIG_DFL)
        raise(number)
      }
      // On the alternate stack, if the thread has one: its own may be what overflowed.
      action.sa_flags = Int32(bitPattern: UInt32(SA_RESETHAND)) | SA_ONSTACK
      sigaction(number, &action, nil)
    }
    let thread = Thread { [self] in
      while true {
        usleep(200_000)
        let (run, serial, start) = (words[0], words[3], words[1])
        guard run != 0, Self.milliseconds() - start > limit.milliseconds, words[3] == serial, words[0] == run else {
          continue
        }
        words[2] = Self.stuck
        let what = run == InHand.aGuard ? "a guard" : "run \(run)"
        FileHandle.standardError.write(
          Data("coulisse: \(what) is stuck where no budget can stop it; the engine ends itself\n".utf8))
        _exit(Self.stuckExitCode)
      }
    }
    thread.name = "watchdog"
    thread.start()
  }

  /// Where a signal handler, which can hold nothing, finds the verdict's word.
  ///
  /// `nonisolated(unsafe)` is sound: it is written once, before the handlers that read it are installed, and a handler can
  /// take no lock.
  nonisolated(unsafe) private static var crashWord: UnsafeMutablePointer<Int64>?
  /// The thread that executes scripts. `nonisolated(unsafe)` is sound for the same reason: it is written once, before the
  /// handlers that read it are installed.
  nonisolated(unsafe) private static var engineThread = pthread_self()

  private static func milliseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }
}

/// A stack for signal handlers of the thread that makes it, while it lives: the handler that notes a crash must work
/// when the thread's own stack has overflowed.
final class AlternateStack {
  private let memory: UnsafeMutableRawPointer
  private static let size = 64 << 10

  init() {
    memory = .allocate(byteCount: Self.size, alignment: 16)
    var stack = stack_t()
    stack.ss_sp = memory
    stack.ss_size = Self.size
    sigaltstack(&stack, nil)
  }

  deinit {
    var none = stack_t()
    none.ss_flags = Int32(SS_DISABLE)
    sigaltstack(&none, nil)
    memory.deallocate()
  }
}

extension Int64 {
  /// The product, or the greatest number there is.
  fileprivate func multipliedOrMost(by factor: Int64) -> Int64 {
    let (product, overflow) = multipliedReportingOverflow(by: factor)
    return overflow ? .max : product
  }
}
