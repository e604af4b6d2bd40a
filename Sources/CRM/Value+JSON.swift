// How values are kept in the journal: exact both ways. What JSON has of its own is written plainly; the rest is
// an object with a single key that begins with "$".

extension Value {
  /// The value in the journal's shape.
  public var json: JSON {
    switch self {
    case .null: .null
    case .boolean(let flag): .bool(flag)
    case .integer(let number): .integer(number)
    case .text(let text): .string(text)
    case .list(let values): .array(values.map(\.json))
    case .number(let number): Value.tagged("$number", .string(number.description))
    case .decimal(let number): Value.tagged("$decimal", .string(number.description))
    case .money(let money): Value.tagged("$money", .string(money.description))
    case .day(let day): Value.tagged("$day", .string(day.description))
    case .instant(let instant):
      Value.tagged("$instant", instant.isoText.map(JSON.string) ?? .integer(instant.milliseconds))
    case .span(let span): Value.tagged("$span", .integer(span.milliseconds))
    case .address(let address): Value.tagged("$address", address.json)
    case .record(let ref): Value.tagged("$record", .string(ref.description))
    case .object(let fields):
      Value.tagged("$object", .array(fields.map { .array([.string($0.name), $0.value.json]) }))
    }
  }

  private static func tagged(_ tag: String, _ json: JSON) -> JSON {
    .object([JSONMember(tag, json)])
  }

  /// Reads the journal's shape. Throws for anything `json` doesn't write.
  public init(json: JSON) throws(ValueFault) {
    switch json {
    case .null: self = .null
    case .bool(let flag): self = .boolean(flag)
    case .integer(let number): self = .integer(number)
    case .string(let text): self = .text(text)
    case .number(let text):
      throw ValueFault("expected a tagged number like {\"$decimal\": \"1.5\"}, found \(text)")
    case .array(let elements):
      var values: [Value] = []
      values.reserveCapacity(elements.count)
      for element in elements { values.append(try Value(json: element)) }
      self = .list(values)
    case .object(let members):
      guard members.count == 1 else {
        throw ValueFault(
          "expected an object with a single key like {\"$money\": …}, found \(members.count) keys")
      }
      self = try Value.untagged(members[0].name, members[0].value)
    }
  }

  private static func untagged(_ tag: String, _ json: JSON) throws(ValueFault) -> Value {
    switch (tag, json) {
    case ("$money", .string(let text)): return .money(try Money(parsing: text))
    case ("$decimal", .string(let text)): return .decimal(try ExactDecimal(parsing: text))
    case ("$day", .string(let text)): return .day(try CalendarDay(parsing: text))
    case ("$instant", .string(let text)): return .instant(try Instant(parsing: text))
    case ("$instant", .integer(let milliseconds)):
      return .instant(Instant(milliseconds: milliseconds))
    case ("$span", .integer(let milliseconds)): return .span(TimeSpan(milliseconds: milliseconds))
    case ("$address", _): return .address(try Address(json: json))
    case ("$record", .string(let text)): return .record(try RecordRef(parsing: text))
    case ("$number", .string(let text)):
      guard let number = Double(text) else {
        throw ValueFault("expected a number, found \(quoted(text))")
      }
      return .number(number)
    case ("$object", .array(let pairs)):
      var fields: [ValueField] = []
      fields.reserveCapacity(pairs.count)
      for pair in pairs {
        guard case .array(let parts) = pair, parts.count == 2, case .string(let name) = parts[0]
        else {
          throw ValueFault(
            "expected a pair of name and value in {\"$object\": …}, found \(pair.text())")
        }
        fields.append(ValueField(name, try Value(json: parts[1])))
      }
      return .object(fields)
    default:
      throw ValueFault(
        "expected a tag like {\"$money\": \"1800.00 EUR\"}, found {\(quoted(tag)): …}")
    }
  }

  // MARK: Journal text

  /// Each object of the journal's shape nests three levels of JSON.
  private static let journalDepth = 3 * depthLimit + 2

  /// The value as one line of JSON for the journal. Throws when lists and objects are nested deeper than
  /// `depthLimit`, so that what is written can always be read.
  public func journalText() throws(ValueFault) -> String {
    try checkDepth(Value.depthLimit)
    var text = JSONText()
    text.value(self)
    return text.text
  }

  /// Reads what `journalText` wrote.
  public init(journalText: String) throws(ValueFault) {
    let json: JSON
    do {
      json = try JSON(parsing: journalText, depthLimit: Self.journalDepth)
    } catch {
      throw ValueFault("the value kept in the journal can't be read: \(error)")
    }
    try self.init(json: json)
  }

  private func checkDepth(_ left: Int) throws(ValueFault) {
    switch self {
    case .list, .object: break
    default: return
    }
    guard left > 0 else {
      throw ValueFault("a value is nested deeper than \(Value.depthLimit) levels; pass flatter tables")
    }
    if case .list(let values) = self {
      for value in values { try value.checkDepth(left - 1) }
    } else if case .object(let fields) = self {
      for field in fields { try field.value.checkDepth(left - 1) }
    }
  }

  // MARK: Plain JSON

  /// The value as other programs read it, for `--json` and exports: amounts as {"amount", "currency"}, decimals
  /// as text, dates and times in ISO 8601, records as "deal:42", a duration as text. Not exact both ways.
  public var plainJSON: JSON {
    switch self {
    case .null: .null
    case .boolean(let flag): .bool(flag)
    case .integer(let number): .integer(number)
    case .number(let number): number.isFinite ? .number(number.description) : .null
    case .text(let text): .string(text)
    case .list(let values): .array(values.map(\.plainJSON))
    case .money(let money):
      .object([
        JSONMember("amount", .string(money.amountText)),
        JSONMember("currency", .string(money.currency.code)),
      ])
    case .address(let address): address.json
    case .object(let fields): .object(fields.map { JSONMember($0.name, $0.value.plainJSON) })
    case .decimal, .day, .instant, .span, .record: .string(summary)
    }
  }

  /// Any JSON as a value: an object becomes `.object`, a number with decimals the exact decimal if six places
  /// suffice, else a floating-point number.
  public init(plainJSON json: JSON) throws(ValueFault) {
    switch json {
    case .null: self = .null
    case .bool(let flag): self = .boolean(flag)
    case .integer(let number): self = .integer(number)
    case .string(let text): self = .text(text)
    case .number(let text):
      if let decimal = try? ExactDecimal(parsing: text) {
        self = .decimal(decimal)
      } else if let number = Double(text) {
        self = .number(number)
      } else {
        throw ValueFault("expected a number, found \(quoted(text))")
      }
    case .array(let elements):
      var values: [Value] = []
      for element in elements { values.append(try Value(plainJSON: element)) }
      self = .list(values)
    case .object(let members):
      var fields: [ValueField] = []
      for member in members {
        fields.append(ValueField(member.name, try Value(plainJSON: member.value)))
      }
      self = .object(fields)
    }
  }
}
