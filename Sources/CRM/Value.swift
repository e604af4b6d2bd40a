/// A value of a record's field, or of a call's argument or answer.
public enum Value: Hashable, Sendable {
  case null
  case boolean(Bool)
  case integer(Int64)
  /// A binary floating-point number; never an amount.
  case number(Double)
  case decimal(ExactDecimal)
  case text(String)
  case money(Money)
  case day(CalendarDay)
  case instant(Instant)
  case span(TimeSpan)
  case address(Address)
  case record(RecordRef)
  case list([Value])
  /// Named values, in order.
  case object([ValueField])

  /// How deep lists and objects may be nested in a value that is written to the journal.
  public static let depthLimit = 64

  /// Whether the field is empty.
  public var isNull: Bool { self == .null }

  /// The kind of value in words, for messages: "an amount", "a list".
  public var typeName: String {
    switch self {
    case .null: "nothing"
    case .boolean: "true or false"
    case .integer, .number, .decimal: "a number"
    case .text: "text"
    case .money: "an amount"
    case .day: "a date"
    case .instant: "a time"
    case .span: "a duration"
    case .address: "an address"
    case .record(let ref): "\(ref.kind.phrase)"
    case .list: "a list"
    case .object: "a table"
    }
  }

  /// The value as an error message shows it: text in quotes, numbers and dates as they are, the rest by kind.
  public var summary: String {
    switch self {
    case .null: "nothing"
    case .boolean(let flag): "\(flag)"
    case .integer(let number): "\(number)"
    case .number(let number): "\(number)"
    case .decimal(let number): "\(number)"
    case .text(let text): quoted(text)
    case .money(let money): "\(money)"
    case .day(let day): "\(day)"
    case .instant(let instant): "\(instant)"
    case .span(let span): "\(span)"
    case .address(let address): "the address \(quoted(address.oneLine))"
    case .record(let ref): "\(ref)"
    case .list(let values):
      values.count == 1 ? "a list of 1 value" : "a list of \(values.count) values"
    case .object(let fields): "a table with \(fields.count) fields"
    }
  }

  /// The value as plain text for a person: nothing is "", a list is joined by commas.
  public var plainText: String {
    switch self {
    case .null: ""
    case .text(let text): text
    case .address(let address): address.oneLine
    case .list(let values): values.map(\.plainText).joined(separator: ", ")
    case .object(let fields):
      fields.map { "\($0.name): \($0.value.plainText)" }.joined(separator: ", ")
    default: summary
    }
  }

  /// The named field of an object; nil for anything else.
  public subscript(name: String) -> Value? {
    guard case .object(let fields) = self else { return nil }
    return fields.first { $0.name == name }?.value
  }
}

/// A named value: a field of an object, or an option of a call.
public struct ValueField: Hashable, Sendable {
  /// The field's key.
  public var name: String
  /// `.null` for an empty field.
  public var value: Value

  /// A field and its value.
  public init(_ name: String, _ value: Value) {
    self.name = name
    self.value = value
  }

  /// A field and its value, by name.
  public init(name: String, value: Value) {
    self.init(name, value)
  }
}
