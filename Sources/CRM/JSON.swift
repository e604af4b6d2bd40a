/// A JSON document (RFC 8259) with what Coulisse needs of it: members keep their order, numbers stay exact.
public enum JSON: Hashable, Sendable {
  case null
  case bool(Bool)
  case integer(Int64)
  /// Any number that isn't an Int64 in plain digits, as it was written.
  case number(String)
  case string(String)
  case array([JSON])
  case object([JSONMember])

  /// How deep arrays and objects may be nested, unless the caller says otherwise.
  public static let depthLimit = 64

  /// The member of this name; nil when there is none or this is no object.
  public subscript(name: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    for member in members where member.name == name { return member.value }
    return nil
  }

  public var stringValue: String? {
    if case .string(let text) = self { text } else { nil }
  }

  public var integerValue: Int64? {
    if case .integer(let number) = self { number } else { nil }
  }

  public var boolValue: Bool? {
    if case .bool(let flag) = self { flag } else { nil }
  }

  public var arrayValue: [JSON]? {
    if case .array(let elements) = self { elements } else { nil }
  }

  public var objectValue: [JSONMember]? {
    if case .object(let members) = self { members } else { nil }
  }
}

/// A name and its value in a JSON object.
public struct JSONMember: Hashable, Sendable {
  public var name: String
  public var value: JSON

  public init(_ name: String, _ value: JSON) {
    self.name = name
    self.value = value
  }
}

/// What is wrong with a JSON text, and where.
public struct JSONFault: Error, Hashable, Sendable, CustomStringConvertible {
  /// From 1.
  public var line: Int
  /// From 1, in Unicode scalars.
  public var column: Int
  /// Where in the document, such as "deals[3].title"; "" at the top.
  public var path: String
  public var message: String

  public init(line: Int, column: Int, path: String = "", message: String) {
    self.line = line
    self.column = column
    self.path = path
    self.message = message
  }

  public var description: String {
    "line \(line), column \(column)\(path.isEmpty ? "" : " (in \(path))"): \(message)"
  }
}
