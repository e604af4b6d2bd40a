import Foundation
import Glibc
import Synchronization

/// A thread that has the system's mounts for itself: a small file system can be mounted there, and nobody else sees it
/// or finds it left over, however the test ends. That takes root's rights.
enum PrivateMounts {
  /// Tried, not guessed: containers refuse it to root too.
  static let areAllowed: Bool = {
    let answer = Mutex(false)
    onThread {
      let works = isolate() && mountMemory(at: "/mnt", options: "size=64k")
      answer.withLock { $0 = works }
    }
    return answer.withLock { $0 }
  }()

  /// Executes `body` with a memory file system of this size at `path`.
  static func with(_ path: String, options: String, _ body: @escaping @Sendable () throws -> Void) throws {
    let failure = Mutex<(any Error)?>(nil)
    onThread {
      do {
        guard isolate(), mountMemory(at: path, options: options) else { throw POSIXError(.EPERM) }
        try body()
      } catch {
        failure.withLock { $0 = error }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }

  static func remountReadOnly(_ path: String) -> Bool {
    mount("none", path, nil, UInt(MS_REMOUNT | MS_RDONLY), nil) == 0
  }

  /// Executes `body` on a thread that has the rights of a user without any on files; nil where that can't be had.
  static func asNobody(_ body: @escaping @Sendable () throws -> Void) throws {
    let failure = Mutex<(any Error)?>(nil)
    onThread {
      do {
        // The identity for files is a thread's own. Without root's rights we are nobody special already.
        typealias Call = @convention(c) (UInt32) -> Int32
        if geteuid() == 0, let call = dlsym(nil, "setfsuid") { _ = unsafeBitCast(call, to: Call.self)(65_534) }
        try body()
      } catch {
        failure.withLock { $0 = error }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }

  private static func onThread(_ body: @escaping @Sendable () -> Void) {
    let work = Mutex<(@Sendable () -> Void)?>(body)
    let end = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      work.withLock { work in
        work?()
        // What the work holds is let go while somebody else still has it: a temporary folder that went away on this
        // thread could not be removed, for here its drive is a mount, or its files another user's.
        work = nil
      }
      end.signal()
    }
    end.wait()
  }

  private static func isolate() -> Bool {
    typealias Call = @convention(c) (Int32) -> Int32
    let newMounts: Int32 = 0x0002_0000  // CLONE_NEWNS
    guard let call = dlsym(nil, "unshare"), unsafeBitCast(call, to: Call.self)(newMounts) == 0 else { return false }
    return mount("none", "/", nil, UInt(MS_REC | MS_PRIVATE), nil) == 0
  }

  private static func mountMemory(at path: String, options: String) -> Bool {
    mount("none", path, "tmpfs", 0, options) == 0
  }
}
