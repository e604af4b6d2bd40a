extension JSON {
  /// Reads one JSON document. Duplicate keys, nesting beyond `depthLimit`, text after the document, invalid
  /// UTF-8 and everything else RFC 8259 doesn't allow are errors that say where.
  public init(parsing text: String, depthLimit: Int = JSON.depthLimit) throws(JSONFault) {
    try self.init(span: text.utf8Span.span, depthLimit: depthLimit)
  }

  /// Reads one JSON document from UTF-8 bytes, as `init(parsing: String)` does. A byte order mark is refused.
  public init(parsing bytes: [UInt8], depthLimit: Int = JSON.depthLimit) throws(JSONFault) {
    try self.init(span: bytes.span, depthLimit: depthLimit)
  }

  /// Reads one JSON document from UTF-8 bytes that someone else holds.
  public init(parsing bytes: UnsafeRawBufferPointer, depthLimit: Int = JSON.depthLimit)
    throws(JSONFault)
  {
    // The caller holds the memory for as long as this call lasts, and the span isn't kept beyond it.
    try self.init(span: bytes.bindMemory(to: UInt8.self).span, depthLimit: depthLimit)
  }

  private init(span: Span<UInt8>, depthLimit: Int) throws(JSONFault) {
    var parser = JSONParser(depthLimit: depthLimit)
    do {
      self = try parser.document(span)
    } catch {
      throw error.fault(in: span)
    }
  }
}

/// An error on its way out of the parser: the offset becomes a line and a column at the top, and each level
/// that it passes puts its own step before the path.
private struct ParseError: Error {
  var offset: Int
  var message: String
  var path: [String] = []

  func fault(in span: Span<UInt8>) -> JSONFault {
    var line = 1
    var column = 1
    for index in 0..<min(offset, span.count) {
      let byte = span[index]
      if byte == 0x0A {
        line += 1
        column = 1
      } else if byte & 0xC0 != 0x80 {
        column += 1
      }
    }
    var path = ""
    for step in self.path.reversed() {
      path += path.isEmpty || step.hasPrefix("[") ? step : "." + step
    }
    return JSONFault(line: line, column: column, path: path, message: message)
  }
}

/// A recursive descent parser over the bytes. The span is handed to each function, since a stored one would
/// make the parser itself non-escapable.
private struct JSONParser {
  private var index = 0
  private var depth = 0
  private let depthLimit: Int

  init(depthLimit: Int) {
    self.depthLimit = depthLimit
  }

  mutating func document(_ span: Span<UInt8>) throws(ParseError) -> JSON {
    skipBlanks(span)
    let value = try value(span)
    skipBlanks(span)
    guard index == span.count else {
      throw fault("expected the end of the text, found \(shown(span))")
    }
    return value
  }

  private func fault(_ message: String, at offset: Int? = nil) -> ParseError {
    ParseError(offset: offset ?? index, message: message)
  }

  /// What stands at the present place, for a message.
  private func shown(_ span: Span<UInt8>) -> String {
    guard index < span.count else { return "the end of the text" }
    let byte = span[index]
    return byte > 0x20 && byte < 0x7F ? "'\(Character(UnicodeScalar(byte)))'" : "the byte \(byte)"
  }

  @inline(__always)
  private mutating func skipBlanks(_ span: Span<UInt8>) {
    while index < span.count {
      let byte = span[index]
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
      index += 1
    }
  }

  private mutating func value(_ span: Span<UInt8>) throws(ParseError) -> JSON {
    guard index < span.count else { throw fault("expected a value, found the end of the text") }
    switch span[index] {
    case UInt8(ascii: "\""):
      return .string(try string(span))
    case UInt8(ascii: "{"):
      return try object(span)
    case UInt8(ascii: "["):
      return try array(span)
    case UInt8(ascii: "t"):
      try word("true", span)
      return .bool(true)
    case UInt8(ascii: "f"):
      try word("false", span)
      return .bool(false)
    case UInt8(ascii: "n"):
      try word("null", span)
      return .null
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      return try number(span)
    default:
      throw fault("expected a value, found \(shown(span))")
    }
  }

  private mutating func word(_ word: String, _ span: Span<UInt8>) throws(ParseError) {
    let start = index
    var text = ""
    while index < span.count, span[index] >= 0x61, span[index] <= 0x7A, index - start < 8 {
      text.unicodeScalars.append(UnicodeScalar(span[index]))
      index += 1
    }
    guard text == word else {
      throw fault("expected true, false or null, found \(quoted(text))", at: start)
    }
  }

  private mutating func array(_ span: Span<UInt8>) throws(ParseError) -> JSON {
    try enter()
    index += 1
    var elements: [JSON] = []
    skipBlanks(span)
    if index < span.count, span[index] == UInt8(ascii: "]") {
      index += 1
      depth -= 1
      return .array([])
    }
    while true {
      skipBlanks(span)
      do {
        elements.append(try value(span))
      } catch {
        throw error.within("[\(elements.count)]")
      }
      skipBlanks(span)
      guard index < span.count else {
        throw fault("expected ',' or ']', found the end of the text")
      }
      let byte = span[index]
      guard byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]") else {
        throw fault("expected ',' or ']', found \(shown(span))")
      }
      index += 1
      if byte == UInt8(ascii: "]") { break }
    }
    depth -= 1
    return .array(elements)
  }

  private mutating func object(_ span: Span<UInt8>) throws(ParseError) -> JSON {
    try enter()
    index += 1
    var members: [JSONMember] = []
    var names: Set<String> = []
    skipBlanks(span)
    if index < span.count, span[index] == UInt8(ascii: "}") {
      index += 1
      depth -= 1
      return .object([])
    }
    while true {
      skipBlanks(span)
      let start = index
      guard index < span.count, span[index] == UInt8(ascii: "\"") else {
        throw fault("expected a name in quotes, found \(shown(span))")
      }
      let name = try string(span)
      // A small object is searched; a large one gets a set, so that a hostile text costs no quadratic time.
      if members.count == 16 { names = Set(members.map(\.name)) }
      let isNew =
        members.count < 16 ? !members.contains { $0.name == name } : names.insert(name).inserted
      guard isNew else {
        throw fault("the name \(quoted(name)) occurs twice in one object", at: start)
      }
      skipBlanks(span)
      guard index < span.count, span[index] == UInt8(ascii: ":") else {
        throw fault("expected ':' after \(quoted(name)), found \(shown(span))")
      }
      index += 1
      skipBlanks(span)
      do {
        members.append(JSONMember(name, try value(span)))
      } catch {
        throw error.within(name)
      }
      skipBlanks(span)
      guard index < span.count else {
        throw fault("expected ',' or '}', found the end of the text")
      }
      let byte = span[index]
      guard byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") else {
        throw fault("expected ',' or '}', found \(shown(span))")
      }
      index += 1
      if byte == UInt8(ascii: "}") { break }
    }
    depth -= 1
    return .object(members)
  }

  private mutating func enter() throws(ParseError) {
    guard depth < depthLimit else { throw fault("nested deeper than \(depthLimit) levels") }
    depth += 1
  }

  // MARK: Numbers

  private mutating func number(_ span: Span<UInt8>) throws(ParseError) -> JSON {
    let start = index
    let isNegative = span[index] == UInt8(ascii: "-")
    if isNegative { index += 1 }
    // Counted downwards, since Int64 reaches one further there.
    var total: Int64 = 0
    var overflows = false
    let digitsStart = index
    while index < span.count {
      let digit = span[index] &- UInt8(ascii: "0")
      guard digit < 10 else { break }
      let (product, first) = total.multipliedReportingOverflow(by: 10)
      let (sum, second) = product.subtractingReportingOverflow(Int64(digit))
      overflows = overflows || first || second
      total = sum
      index += 1
    }
    let digits = index - digitsStart
    guard digits > 0 else { throw fault("expected a digit, found \(shown(span))") }
    guard digits == 1 || span[digitsStart] != UInt8(ascii: "0") else {
      throw fault("a number can't begin with 0", at: digitsStart)
    }
    var isInteger = true
    if index < span.count, span[index] == UInt8(ascii: ".") {
      isInteger = false
      index += 1
      try skipDigits(span)
    }
    if index < span.count, span[index] | 0x20 == UInt8(ascii: "e") {
      isInteger = false
      index += 1
      if index < span.count, span[index] == UInt8(ascii: "+") || span[index] == UInt8(ascii: "-") {
        index += 1
      }
      try skipDigits(span)
    }
    // "-0" keeps its sign as written.
    if isInteger, !overflows, !(isNegative && total == 0), isNegative || total != .min {
      return .integer(isNegative ? total : -total)
    }
    return .number(try text(span, start, index))
  }

  private mutating func skipDigits(_ span: Span<UInt8>) throws(ParseError) {
    let start = index
    while index < span.count, span[index] &- UInt8(ascii: "0") < 10 { index += 1 }
    guard index > start else { throw fault("expected a digit, found \(shown(span))") }
  }

  // MARK: Strings

  private func text(_ span: Span<UInt8>, _ start: Int, _ end: Int) throws(ParseError) -> String {
    do {
      return String(copying: try UTF8Span(validating: span.extracting(start..<end)))
    } catch {
      throw fault("the text is not valid UTF-8", at: start)
    }
  }

  private mutating func string(_ span: Span<UInt8>) throws(ParseError) -> String {
    index += 1
    let start = index
    while index < span.count {
      let byte = span[index]
      if byte == UInt8(ascii: "\"") {
        index += 1
        return try text(span, start, index - 1)
      }
      if byte == UInt8(ascii: "\\") { return try escapedString(span, start) }
      guard byte >= 0x20 else {
        throw fault("a string can't hold the control character \(byte); write it as an escape")
      }
      index += 1
    }
    throw fault("the string that begins here has no end", at: start - 1)
  }

  /// The rest of a string whose first backslash has been reached.
  private mutating func escapedString(_ span: Span<UInt8>, _ start: Int) throws(ParseError)
    -> String
  {
    var result = try text(span, start, index)
    var plain = index
    while index < span.count {
      let byte = span[index]
      if byte == UInt8(ascii: "\"") {
        result += try text(span, plain, index)
        index += 1
        return result
      }
      if byte == UInt8(ascii: "\\") {
        result += try text(span, plain, index)
        result.unicodeScalars.append(try escape(span))
        plain = index
        continue
      }
      guard byte >= 0x20 else {
        throw fault("a string can't hold the control character \(byte); write it as an escape")
      }
      index += 1
    }
    throw fault("the string that begins here has no end", at: start - 1)
  }

  private mutating func escape(_ span: Span<UInt8>) throws(ParseError) -> UnicodeScalar {
    let start = index
    guard index + 1 < span.count else { throw fault("the text ends within an escape") }
    let byte = span[index + 1]
    index += 2
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return UnicodeScalar(byte)
    case UInt8(ascii: "b"): return "\u{08}"
    case UInt8(ascii: "f"): return "\u{0C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): break
    default: throw fault("there is no such escape in a string", at: start)
    }
    let unit = try hexUnit(span)
    if let scalar = UnicodeScalar(unit) { return scalar }
    // A surrogate: only a high one with its low one after it means a character.
    guard unit < 0xDC00, index + 1 < span.count, span[index] == UInt8(ascii: "\\"),
      span[index + 1] == UInt8(ascii: "u")
    else { throw fault("half a surrogate pair is no character", at: start) }
    index += 2
    let low = try hexUnit(span)
    guard low >= 0xDC00, low <= 0xDFFF,
      let scalar = UnicodeScalar(0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
    else { throw fault("half a surrogate pair is no character", at: start) }
    return scalar
  }

  private mutating func hexUnit(_ span: Span<UInt8>) throws(ParseError) -> UInt32 {
    guard index + 4 <= span.count else { throw fault("the text ends within an escape") }
    var unit: UInt32 = 0
    for _ in 0..<4 {
      let byte = span[index]
      let digit: UInt8
      switch byte {
      case 0x30...0x39: digit = byte - 0x30
      case 0x41...0x46: digit = byte - 0x41 + 10
      case 0x61...0x66: digit = byte - 0x61 + 10
      default: throw fault("expected four hexadecimal digits after \\u, found \(shown(span))")
      }
      unit = unit << 4 | UInt32(digit)
      index += 1
    }
    return unit
  }
}

extension ParseError {
  fileprivate func within(_ step: String) -> ParseError {
    var error = self
    error.path.append(step)
    return error
  }
}
