/// A Lua value as plain data: nothing in it points into a Lua state.
public enum LuaValue: Hashable, Sendable {
  case `nil`
  case boolean(Bool)
  case integer(Int64)
  case number(Double)
  case string(LuaString)
  case table(LuaTable)
  case function(LuaFunction)
  case object(LuaObject)

  /// A string value made of UTF-8 text.
  public static func string(_ text: String) -> LuaValue { .string(LuaString(text)) }

  /// The text of a string value; `nil` for other values and for bytes that are no UTF-8.
  public var text: String? {
    if case .string(let string) = self { string.text } else { nil }
  }

  public var isNil: Bool {
    if case .nil = self { true } else { false }
  }

  /// The name Lua has for the value's type.
  public var typeName: String {
    switch self {
    case .nil: "nil"
    case .boolean: "boolean"
    case .integer, .number: "number"
    case .string: "string"
    case .table: "table"
    case .function: "function"
    case .object: "userdata"
    }
  }
}

extension LuaValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByStringInterpolation,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(nilLiteral: ()) { self = .nil }
  public init(booleanLiteral value: Bool) { self = .boolean(value) }
  public init(integerLiteral value: Int64) { self = .integer(value) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(stringLiteral value: String) { self = .string(LuaString(value)) }
  public init(arrayLiteral elements: LuaValue...) { self = .table(LuaTable(sequence: elements)) }
  public init(dictionaryLiteral elements: (LuaValue, LuaValue)...) {
    self = .table(LuaTable(fields: elements.map { LuaField(key: $0.0, value: $0.1) }))
  }
}

/// A Lua string: bytes, among them NULs and such as are no UTF-8.
public struct LuaString: Hashable, Sendable, ExpressibleByStringLiteral {
  public var bytes: [UInt8]

  public init(_ text: String) { bytes = Array(text.utf8) }
  public init(bytes: [UInt8]) { self.bytes = bytes }
  public init(stringLiteral value: String) { self.init(value) }

  /// The bytes as text; `nil` if they are no UTF-8. They are never repaired, since two different
  /// keys could become one.
  public var text: String? { String(validating: bytes, as: UTF8.self) }
}

/// One keyed entry of a table.
public struct LuaField: Hashable, Sendable {
  public var key: LuaValue
  public var value: LuaValue
  public init(key: LuaValue, value: LuaValue) {
    self.key = key
    self.value = value
  }
}

/// A table by value: the values at 1, 2, 3... up to the first nil, then all others by key: numbers
/// ascending, strings in the order of their bytes, booleans. Metamethods are not run to read it.
public struct LuaTable: Hashable, Sendable {
  /// How deep tables may be nested in one conversion.
  public static let depthLimit = 32
  /// How many values one conversion may hold.
  public static let elementLimit = 100_000

  public var sequence: [LuaValue]
  public var fields: [LuaField]

  public init(sequence: [LuaValue] = [], fields: [LuaField] = []) {
    self.sequence = sequence
    self.fields = fields
  }

  public init(sequence: [LuaValue] = [], fields: [(key: LuaValue, value: LuaValue)]) {
    self.init(sequence: sequence, fields: fields.map { LuaField(key: $0.key, value: $0.value) })
  }

  /// The value under a string key; nil removes it.
  public subscript(key: String) -> LuaValue {
    get { fields.first { $0.key.text == key }?.value ?? .nil }
    set {
      let index = fields.firstIndex { $0.key.text == key }
      switch (index, newValue.isNil) {
      case (let index?, true): fields.remove(at: index)
      case (let index?, false): fields[index].value = newValue
      case (nil, false): fields.append(LuaField(key: .string(key), value: newValue))
      case (nil, true): break
      }
    }
  }

  public var isEmpty: Bool { sequence.isEmpty && fields.isEmpty }
}

/// A function of a state, in the host's hands. It is valid for the state that made it; a use after its end is an
/// error, never a mix-up. While one is held, the same Lua function has the same handle.
///
/// What a host function gets, as an argument or from a call of its own, ends when it returns, unless it is
/// given to `LuaState.retain`. What `load` makes and what runs return to the host lasts until
/// `LuaState.release`, or a reset to an image taken before the function was made.
public struct LuaFunction: Hashable, Sendable {
  let reference: Int32
  let state: UInt64
  let generation: UInt64
}

/// A type defined by the host, in the order of definition within a state.
public struct LuaTypeID: Hashable, Sendable {
  public let number: Int32
  init(number: Int32) { self.number = number }
}

/// A userdata as plain data: its type and two words. It holds no reference to a Swift object.
public struct LuaObject: Hashable, Sendable {
  public var type: LuaTypeID
  public var first: Int64
  public var second: Int64
  public init(type: LuaTypeID, first: Int64, second: Int64 = 0) {
    self.type = type
    self.first = first
    self.second = second
  }
}

/// A source text and the name that errors show for it, such as "scripts/x.lua".
public struct LuaSource: Hashable, Sendable {
  public var name: String
  public var bytes: [UInt8]
  public init(name: String, text: String) {
    self.name = name
    bytes = Array(text.utf8)
  }
  public init(name: String, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
  }
}
