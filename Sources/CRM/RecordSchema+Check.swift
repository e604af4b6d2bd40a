extension RecordSchema {
  /// `value` as the field keeps it: text becomes the date, amount or number it says; what has the type already is
  /// checked. Empty text, and text of blanks only where the type isn't text, is no value. Throws with the field's
  /// French label, what was expected and what was found.
  ///
  /// Whether the field may be written is `checkWritable`'s question: what the program itself fills is checked here too.
  public func check(
    _ value: Value, for field: FieldDefinition, of kind: RecordKind
  ) throws(ValueFault) -> Value {
    do throws(ValueFault) {
      let normal = try normalized(value, as: field.type)
      if field.isRequired, normal.isNull {
        throw ValueFault("\(kind.phrase) can't be without it; give it a value")
      }
      return normal
    } catch {
      throw ValueFault("\(field.displayName): \(error.message)")
    }
  }

  /// Throws when neither people nor scripts may write the field.
  public func checkWritable(_ field: FieldDefinition, of kind: RecordKind) throws(ValueFault) {
    guard !field.isWritable else { return }
    let way =
      switch (kind, field.key) {
      case (.deal, "stage"), (.deal, "pipeline"): "; move the deal instead"
      case (.deal, "status"), (.deal, "archived"), (.deal, "closed_at"):
        "; win, lose or reopen the deal instead"
      case (.deal, "total"), (.dealLine, "total"): "; it follows from the lines"
      case (.person, "name"): "; set first_name and last_name instead"
      default: ""
      }
    throw ValueFault("\(field.displayName): this field of \(kind.words) can't be written\(way)")
  }

  /// `value` as a field of `type` keeps it.
  func normalized(_ value: Value, as type: FieldType) throws(ValueFault) -> Value {
    if value.isNull { return .null }
    if case .text(let text) = value {
      if text.isEmpty { return .null }
      guard !text.utf8.contains(0) else { throw ValueFault("text can't hold the character NUL") }
      switch type {
      case .text, .longText, .texts: break
      default: if trimmed(text).isEmpty { return .null }
      }
    }
    switch type {
    case .text, .longText: return try text(value)
    case .email: return .text(try email(value))
    case .url: return .text(try url(value))
    case .integer: return .integer(try integer(value))
    case .decimal: return .decimal(try decimal(value))
    case .hours:
      let hours = try decimal(value)
      guard hours >= .zero else {
        throw ValueFault("expected hours, 0 or more, found \(value.summary)")
      }
      return .decimal(hours)
    case .percent: return .decimal(try percent(value))
    case .money: return .money(try money(value))
    case .discount: return .text(try discount(value))
    case .day: return .day(try day(value))
    case .instant: return .instant(try instant(value))
    case .boolean: return .boolean(try boolean(value))
    case .address: return try address(value)
    case .siret:
      return .text(
        try CompanyNumber.siret(try string(value, "a SIRET of 14 digits like \"73282932000074\"")))
    case .vatNumber:
      return .text(
        try CompanyNumber.vatNumber(try string(value, "a VAT number like \"FR44732829320\"")))
    case .record(let kind): return .record(try record(value, kind))
    case .records(let kind):
      return try list(value, "of \(kind.words)s") { v throws(ValueFault) in
        .record(try record(v, kind))
      }
    case .texts: return try texts(value)
    case .choice(let options): return .text(try choice(value, options))
    case .objects:
      return try list(value, "of tables") { v throws(ValueFault) in
        guard case .object = v else {
          throw ValueFault("expected a list of tables, found \(v.summary) in it")
        }
        return v
      }
    }
  }

  // MARK: Texts

  private func trimmed(_ text: String) -> String {
    var scalars = text.unicodeScalars[...]
    while let first = scalars.first, first.properties.isWhitespace { scalars = scalars.dropFirst() }
    while let last = scalars.last, last.properties.isWhitespace { scalars = scalars.dropLast() }
    return String(scalars)
  }

  private func text(_ value: Value) throws(ValueFault) -> Value {
    switch value {
    case .text: return value
    case .integer, .decimal, .number, .money, .day: return .text(value.summary)
    default: throw ValueFault("expected text, found \(value.summary)")
    }
  }

  private func string(_ value: Value, _ expected: String) throws(ValueFault) -> String {
    guard case .text(let text) = value else {
      throw ValueFault("expected \(expected), written as text, found \(value.summary)")
    }
    return trimmed(text)
  }

  private func email(_ value: Value) throws(ValueFault) -> String {
    let text = try string(value, "an e-mail address like \"nom@exemple.fr\"")
    let parts = text.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
    let isPlain = text.unicodeScalars.allSatisfy {
      !$0.properties.isWhitespace && $0.value > 0x20 && $0.value != 0x7F
    }
    let forbidden = text.utf8.contains { "<>()[],;:\\\"".utf8.contains($0) }
    guard parts.count == 2, isPlain, !forbidden, !parts[0].isEmpty, text.utf8.count <= 254 else {
      throw ValueFault("expected an e-mail address like nom@exemple.fr, found \(quoted(text))")
    }
    let labels = parts[1].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard labels.count >= 2, labels.allSatisfy({ !$0.isEmpty }) else {
      throw ValueFault("expected an e-mail address like nom@exemple.fr, found \(quoted(text))")
    }
    return text
  }

  /// An absolute address of any scheme but those that a browser executes, or a path on this workspace's own pages.
  private func url(_ value: Value) throws(ValueFault) -> String {
    let text = try string(value, "an address like \"https://exemple.fr/page\"")
    let fault = ValueFault(
      "expected an address like https://exemple.fr/page, found \(quoted(text))")
    guard
      text.unicodeScalars.allSatisfy({
        !$0.properties.isWhitespace && $0.value > 0x20 && $0.value != 0x7F
      })
    else {
      throw fault
    }
    if text.hasPrefix("/") {
      guard !text.hasPrefix("//") else { throw fault }
      return text
    }
    let bytes = Array(text.utf8)
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon > 0, colon + 1 < bytes.count
    else { throw fault }
    let scheme = String(decoding: bytes[..<colon], as: UTF8.self).lowercased()
    let isScheme = scheme.utf8.enumerated().allSatisfy { place, byte in
      (byte >= 0x61 && byte <= 0x7A)
        || (place > 0 && ((byte >= 0x30 && byte <= 0x39) || "+-.".utf8.contains(byte)))
    }
    guard isScheme, !["javascript", "data", "vbscript"].contains(scheme) else { throw fault }
    if scheme == "http" || scheme == "https" {
      let rest = bytes[(colon + 1)...]
      guard rest.starts(with: "//".utf8), rest.count > 2,
        rest[rest.startIndex + 2] != UInt8(ascii: "/")
      else {
        throw fault
      }
    }
    return text
  }

  private func choice(_ value: Value, _ options: [String]) throws(ValueFault) -> String {
    let known = options.map { "\"\($0)\"" }.joined(separator: ", ")
    let folded = Label.folded(try string(value, "one of \(known)"))
    guard let option = options.first(where: { Label.folded($0) == folded }) else {
      throw ValueFault("expected one of \(known), found \(value.summary)")
    }
    return option
  }

  private func texts(_ value: Value) throws(ValueFault) -> Value {
    if case .text = value { return .list([value]) }
    return try list(value, "of texts") { v throws(ValueFault) in
      guard case .text(let text) = v else {
        throw ValueFault("expected a list of texts, found \(v.summary) in it")
      }
      guard !text.utf8.contains(0) else { throw ValueFault("text can't hold the character NUL") }
      return v
    }
  }

  // MARK: Numbers

  private func integer(_ value: Value) throws(ValueFault) -> Int64 {
    switch value {
    case .integer(let number): return number
    case .decimal(let number): if let whole = number.wholeNumber { return whole }
    case .number(let number):
      // Beyond 2^53 a floating-point number no longer says which whole number it is.
      if number.magnitude <= 9_007_199_254_740_992, Double(Int64(number)) == number {
        return Int64(number)
      }
    case .text(let text): if let whole = Int64(trimmed(text)) { return whole }
    default: break
    }
    throw ValueFault("expected a whole number, found \(value.summary)")
  }

  private func decimal(_ value: Value) throws(ValueFault) -> ExactDecimal {
    switch value {
    case .decimal(let number): return number
    case .integer(let number): return try ExactDecimal(number)
    case .number(let number): return try ExactDecimal(shortest: number)
    case .text(let text): return try ExactDecimal(parsing: trimmed(text))
    default: throw ValueFault("expected a number, found \(value.summary)")
    }
  }

  private func percent(_ value: Value) throws(ValueFault) -> ExactDecimal {
    var value = value
    if case .text(let text) = value, trimmed(text).hasSuffix("%") {
      value = .text(trimmed(String(trimmed(text).dropLast())))
    }
    let percent = try decimal(value)
    guard percent >= .zero, percent <= .hundred else {
      throw ValueFault("expected a percentage from 0 to 100, found \(percent)")
    }
    return percent
  }

  private func money(_ value: Value) throws(ValueFault) -> Money {
    switch value {
    case .money(let money): return money
    case .integer(let number):
      return try Money(exactly: try ExactDecimal(number), currency: currency)
    case .decimal(let number): return try Money(exactly: number, currency: currency)
    case .text(let text):
      let text = trimmed(text)
      // A currency after the amount, "1800.00 EUR", else the workspace's own.
      if let last = text.utf8.last, last >= 0x41, text.utf8.contains(0x20) {
        return try Money(parsing: text)
      }
      return try Money(parsing: text, currency: currency)
    case .number(let number):
      throw ValueFault(
        "an amount can't be a floating-point number, found \(number); write it as text, \"1800.00\""
      )
    default: throw ValueFault("expected an amount like 1800.00, found \(value.summary)")
    }
  }

  private func discount(_ value: Value) throws(ValueFault) -> String {
    switch value {
    case .text(let text):
      return try Discount(parsing: trimmed(text), currency: currency).description
    case .money(let amount):
      guard amount.currency == currency else {
        throw ValueFault("expected a discount in \(currency), found \(amount)")
      }
      return try Discount(parsing: amount.amountText, currency: currency).description
    default:
      throw ValueFault("expected a discount as text, \"10%\" or \"150.00\", found \(value.summary)")
    }
  }

  // MARK: Others

  private func day(_ value: Value) throws(ValueFault) -> CalendarDay {
    switch value {
    case .day(let day): return day
    case .text(let text): return try CalendarDay(parsing: trimmed(text))
    default: throw ValueFault("expected a date like 2026-11-03, found \(value.summary)")
    }
  }

  private func instant(_ value: Value) throws(ValueFault) -> Instant {
    switch value {
    case .instant(let instant): return instant
    case .text(let text): return try Instant(parsing: trimmed(text))
    default: throw ValueFault("expected a time like 2026-11-03T09:15:00Z, found \(value.summary)")
    }
  }

  private func boolean(_ value: Value) throws(ValueFault) -> Bool {
    switch value {
    case .boolean(let flag): return flag
    case .text(let text):
      switch Label.folded(text) {
      case "true", "yes", "oui", "vrai": return true
      case "false", "no", "non", "faux": return false
      default: break
      }
    default: break
    }
    throw ValueFault("expected true or false, found \(value.summary)")
  }

  private func address(_ value: Value) throws(ValueFault) -> Value {
    let address: Address
    switch value {
    case .address(let given): address = given
    case .object(let fields): address = try Address(fields: fields)
    default:
      throw ValueFault(
        "expected an address with street, postal_code, city and country, found \(value.summary)")
    }
    return address.isEmpty ? .null : .address(address)
  }

  private func record(_ value: Value, _ kind: RecordKind) throws(ValueFault) -> RecordRef {
    switch value {
    case .record(let ref) where ref.kind == kind: return ref
    case .integer(let id) where id > 0 && !kind.isLine: return RecordRef(kind, id)
    default: throw ValueFault("expected \(kind.phrase), found \(value.summary)")
    }
  }

  private func list(
    _ value: Value, _ what: String, _ element: (Value) throws(ValueFault) -> Value
  ) throws(ValueFault) -> Value {
    guard case .list(let values) = value else {
      throw ValueFault("expected a list \(what), found \(value.summary)")
    }
    var normal: [Value] = []
    normal.reserveCapacity(values.count)
    for value in values { normal.append(try element(value)) }
    return .list(normal)
  }
}
