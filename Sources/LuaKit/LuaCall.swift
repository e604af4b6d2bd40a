import CLuaShim

/// One call from Lua, as a host function sees it. It can't outlive the call. Arguments are numbered from
/// 1, as in Lua's own messages; a method's receiver is not among them. Nothing here raises a Lua error:
/// a wrong argument is a Swift error that the binding turns into one after Swift has returned.
public struct LuaCall: ~Copyable {
  public let state: LuaState
  let thread: OpaquePointer
  let function: Int32
  /// Stack index of argument 1: behind the receiver in a method.
  let base: Int32

  @inline(__always)
  init(state: LuaState, thread: OpaquePointer, function: Int32, base: Int32) {
    self.state = state
    self.thread = thread
    self.function = function
    self.base = base
  }

  /// The place of an argument on the Lua stack; for one that can't be, the place behind the last.
  @inline(__always)
  private func slot(_ i: Int) -> Int32 {
    i >= 1 && i <= LuaCall.argumentLimit ? Int32(i) - 1 + base : clk_arg_count(thread) + 1
  }

  /// As many values as a Lua stack holds.
  private static let argumentLimit = 1_000_000

  /// How many arguments the script passed, without the receiver.
  public var count: Int { max(0, Int(clk_arg_count(thread) - base + 1)) }

  /// The function's name as scripts know it: "crm.deal", or "deal:move_to" for a method.
  public var name: String { state.functionName(function) }

  /// Whether `.suspend` is possible here: not within a sort comparison, a gsub replacement function or a
  /// metamethod that C code called.
  public var canSuspend: Bool { clk_can_suspend(thread) }

  /// The script and line that made this call.
  public func position() -> (script: String, line: Int)? { state.position(thread) }

  /// The object before the ':' of a method call, or the first operand of a metamethod.
  public var receiver: LuaObject? {
    state.object(thread, 1)
  }

  // MARK: any value

  /// The argument as plain data; nil for a missing one.
  public func value(_ i: Int) throws -> LuaValue {
    guard i >= 1 else { return .nil }
    return try state.read(thread, slot(i))
  }

  /// All arguments from `first` on.
  public func values(from first: Int = 1) throws -> [LuaValue] {
    let count = self.count
    guard first <= count else { return [] }
    return try (first...count).map { try value($0) }
  }

  public func isNil(_ i: Int) -> Bool { clk_arg_type(thread, slot(i)) <= LuaTypeCode.absent }

  /// Lua's name of the argument's type, a host type's own name, "no value" if missing.
  public func typeName(_ i: Int) -> String { state.typeName(thread, slot(i)) }

  // MARK: typed values; a wrong type throws "bad argument #1 to 'name' (text expected, got nil)"

  public func string(_ i: Int) throws -> String {
    if let text = state.text(thread, slot(i)) { return text }
    if clk_arg_type(thread, slot(i)) == LuaTypeCode.string {
      throw badArgument(i, "text in UTF-8 expected, got other bytes")
    }
    throw expected(i, "string")
  }

  public func bytes(_ i: Int) throws -> LuaString {
    if let bytes = state.bytes(thread, slot(i)) { return LuaString(bytes: bytes) }
    throw expected(i, "string")
  }

  /// An integer, or a float with an integer's value.
  public func integer(_ i: Int) throws -> Int64 {
    var value: Int64 = 0
    if clk_arg_integer(thread, slot(i), &value) { return value }
    if clk_arg_type(thread, slot(i)) == LuaTypeCode.number {
      throw badArgument(i, "number has no integer representation")
    }
    throw expected(i, "integer")
  }

  public func number(_ i: Int) throws -> Double {
    guard clk_arg_type(thread, slot(i)) == LuaTypeCode.number else { throw expected(i, "number") }
    return clk_arg_number(thread, slot(i))
  }

  public func boolean(_ i: Int) throws -> Bool {
    guard clk_arg_type(thread, slot(i)) == LuaTypeCode.boolean else { throw expected(i, "boolean") }
    return clk_arg_boolean(thread, slot(i))
  }

  public func table(_ i: Int) throws -> LuaTable {
    guard case .table(let table) = try value(i) else { throw expected(i, "table") }
    return table
  }

  /// A function, valid until the host function returns; `LuaState.retain` keeps it longer.
  public func function(_ i: Int) throws -> LuaFunction {
    guard clk_arg_type(thread, slot(i)) == LuaTypeCode.function,
      case .function(let function) = try value(i)
    else { throw expected(i, "function") }
    return function
  }

  public func object(_ i: Int, _ type: LuaTypeID) throws -> LuaObject {
    if let object = state.object(thread, slot(i)), object.type == type { return object }
    throw expected(i, state.typeName(type))
  }

  /// An object of any host type.
  public func object(_ i: Int) throws -> LuaObject {
    if let object = state.object(thread, slot(i)) { return object }
    throw expected(i, "record")
  }

  // MARK: nil or missing is allowed

  public func optionalString(_ i: Int) throws -> String? { isNil(i) ? nil : try string(i) }
  public func optionalBytes(_ i: Int) throws -> LuaString? { isNil(i) ? nil : try bytes(i) }
  public func optionalInteger(_ i: Int) throws -> Int64? { isNil(i) ? nil : try integer(i) }
  public func optionalNumber(_ i: Int) throws -> Double? { isNil(i) ? nil : try number(i) }
  public func optionalBoolean(_ i: Int) throws -> Bool? { isNil(i) ? nil : try boolean(i) }
  public func optionalTable(_ i: Int) throws -> LuaTable? { isNil(i) ? nil : try table(i) }
  public func optionalFunction(_ i: Int) throws -> LuaFunction? { isNil(i) ? nil : try function(i) }
  public func optionalObject(_ i: Int, _ type: LuaTypeID) throws -> LuaObject? {
    isNil(i) ? nil : try object(i, type)
  }

  // MARK: errors to throw

  /// "bad argument #1 to 'deal:move_to' (reason)".
  public func badArgument(_ i: Int, _ reason: String) -> LuaHostError {
    LuaHostError("bad argument #\(i) to '\(name)' (\(reason))")
  }

  /// "bad argument #1 to 'deal:move_to' (stage name expected, got nil)".
  public func expected(_ i: Int, _ what: String) -> LuaHostError {
    badArgument(i, "\(what) expected, got \(typeName(i))")
  }
}
