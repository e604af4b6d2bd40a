#if DEBUG
  import Foundation
  import LuaKit

  /// `fault.crash()` and `fault.hang()`: what a fault of liblua, or a C call that never returns, would do to the process.
  /// They are for the tests of the engine's supervision, are there only when `COULISSE_FAULTS` is set, and no release
  /// build contains them.
  extension ScriptContext {
    func defineFaultModule(_ state: LuaState) throws {
      guard ProcessInfo.processInfo.environment["COULISSE_FAULTS"] != nil else { return }
      try state.define(function: "crash", in: "fault") { _ in
        // A read of an address that nobody has: the kernel answers with SIGSEGV, on this thread.
        _ = UnsafePointer<Int>(bitPattern: 16)?.pointee
        return .none
      }
      try state.define(function: "hang", in: "fault") { _ in
        while true { pause() }
      }
    }
  }
#endif
