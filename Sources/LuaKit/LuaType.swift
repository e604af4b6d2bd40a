/// A host function. What it throws becomes a Lua error at the line that called it.
public typealias LuaHostFunction = (borrowing LuaCall) throws -> LuaReturn

/// What a host function gives back.
public enum LuaReturn {
  case none
  case value(LuaValue)
  case values([LuaValue])
  /// The run is suspended until `LuaState.resume` brings the results. Ask `LuaCall.canSuspend` before
  /// doing anything that can't be undone.
  case suspend
}

/// An operator or behaviour of a host type.
public enum LuaMetamethod: String, Sendable, CaseIterable {
  case add, sub, mul, div, mod, unm, eq, lt, le, concat, len, tostring, call
  /// Reading with a key that is an integer, `list[3]`. Arguments: the object and the key.
  case index
  /// What `pairs` starts with.
  case pairs
}

/// A userdata type. Its fields are numbered by their place in `fields`; methods are called with ':'.
public struct LuaTypeDefinition {
  public var name: String
  public var fields: [String]
  public var methods: [(String, LuaHostFunction)]
  /// Reads a field, by its slot.
  public var get: (borrowing LuaCall, LuaObject, Int) throws -> LuaValue
  /// Assigns a field; `nil` if none can be assigned.
  public var set: ((borrowing LuaCall, LuaObject, Int, LuaValue) throws -> Void)?
  /// The error for a name that is no field; the flag says whether it was to be assigned.
  public var unknownField: (LuaObject?, String, Bool) -> any Error
  /// Without `.eq`, two objects are equal when their types and payloads are.
  public var metamethods: [LuaMetamethod: LuaHostFunction]
  /// Whether a field once read is answered without Swift until `LuaState.invalidateFields()` or an assignment.
  public var cachesFields: Bool

  public init(
    name: String, fields: [String] = [], methods: [(String, LuaHostFunction)] = [],
    get: @escaping (borrowing LuaCall, LuaObject, Int) throws -> LuaValue = { _, _, _ in .nil },
    set: ((borrowing LuaCall, LuaObject, Int, LuaValue) throws -> Void)? = nil,
    unknownField: ((LuaObject?, String, Bool) -> any Error)? = nil,
    metamethods: [LuaMetamethod: LuaHostFunction] = [:], cachesFields: Bool = false
  ) {
    self.name = name
    self.fields = fields
    self.methods = methods
    self.get = get
    self.set = set
    self.unknownField = unknownField ?? { _, field, _ in LuaHostError("\(name) has no field '\(field)'") }
    self.metamethods = metamethods
    self.cachesFields = cachesFields
  }
}
