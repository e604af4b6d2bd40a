import CLuaShim

/// What is known of the loaded Lua library: its release, which known faults it has, and what in this
/// binding keeps scripts from reaching each.
public struct LuaVersionReport: Sendable {
  public struct Fault: Sendable {
    public var fault: String
    /// First patch release of 5.4 with the fault, and the one that mended it (`nil`: none yet).
    public var since: Int
    public var mendedIn: Int?
    public var answer: String
    public func isIn(_ patch: Int) -> Bool { patch >= since && mendedIn.map { patch < $0 } ?? true }
  }

  /// "5.4.4", as the loaded library says it, not as the headers did.
  public var version: String
  /// The 4 of "5.4.4"; `nil` if the library is no Lua 5.4.
  public var patch: Int?
  /// Those the loaded library has.
  public var faults: [Fault]

  static let known = [
    Fault(
      fault: "use after free when a collection under memory pressure meets a weak metatable", since: 1, mendedIn: 8,
      answer: "scripts have no weak tables; the allocator grants small requests and judges after a collection"),
    Fault(
      fault: "a stale message handler is called when a coroutine is closed", since: 0, mendedIn: 8,
      answer: "coroutines are never closed"),
    Fault(
      fault: "unlimited C recursion when coroutines close each other", since: 0, mendedIn: 5,
      answer: "coroutines are never closed"),
    Fault(
      fault: "recursion and quadratic time in naming a failing variable", since: 0, mendedIn: 7,
      answer: "source texts are capped (64 KB unless set otherwise)"),
    Fault(
      fault: "making an error message outside of protection under a memory limit", since: 0, mendedIn: 8,
      answer: "small requests never fail, and these messages are made beforehand"),
    Fault(
      fault: "a stale pointer in C functions with variables to be closed", since: 0, mendedIn: 5,
      answer: "the binding uses no such variables; library functions use plain userdata as buffers"),
    Fault(
      fault: "a comparison of strings reads too far in locales other than C", since: 0, mendedIn: 7,
      answer: "nothing in the process sets a locale"),
    Fault(
      fault: "chains of __call and of ephemeron tables run long without a hook", since: 0, mendedIn: nil,
      answer: "__call must be a function and there are no weak tables"),
  ]
}

extension LuaState {
  /// About the Lua library in use, for `doctor`.
  public static var versionReport: LuaVersionReport {
    // "$LuaVersion: Lua 5.4.4  Copyright (C) ... $"
    let identity = String(cString: clk_library_identity())
    let words = identity.split { $0 == " " || $0 == "$" }
    let version = words.first { $0.first?.isNumber == true && $0.contains(".") }.map(String.init) ?? "?"
    let parts = version.split(separator: ".").compactMap { Int($0) }
    let patch = parts.count == 3 && parts[0] == 5 && parts[1] == 4 ? parts[2] : nil
    return LuaVersionReport(
      version: version, patch: patch,
      faults: LuaVersionReport.known.filter { fault in patch.map { fault.isIn($0) } ?? true })
  }
}
