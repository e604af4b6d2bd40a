/// Cuts a Lua text into what `check` needs: names, strings and signs with their lines. Comments are left out; a text
/// with a syntax error is cut as far as it goes, since the compiler reports the error itself.
struct LuaScanner {
  enum Token: Hashable {
    case name(String)
    case string(String)
    case sign(String)
    case number
  }

  private let bytes: [UInt8]
  private var place = 0
  private var line = 1

  private init(_ text: String) { bytes = Array(text.utf8) }

  static func tokens(of text: String) -> [(token: Token, line: Int)] {
    var scanner = LuaScanner(text)
    if scanner.bytes.first == UInt8(ascii: "#") { scanner.skipLine() }
    var tokens: [(token: Token, line: Int)] = []
    while let next = scanner.next() { tokens.append(next) }
    return tokens
  }

  private func byte(_ offset: Int = 0) -> UInt8? { place + offset < bytes.count ? bytes[place + offset] : nil }

  private static func isWordPart(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
  }

  private mutating func skipLine() {
    while let byte = byte(), byte != 0x0A { place += 1 }
  }

  /// The level of a long bracket that begins here: `[[` is 0, `[=[` is 1.
  private func longBracketLevel() -> Int? {
    guard byte() == UInt8(ascii: "[") else { return nil }
    var level = 0
    while byte(1 + level) == UInt8(ascii: "=") { level += 1 }
    return byte(1 + level) == UInt8(ascii: "[") ? level : nil
  }

  private mutating func longText(_ level: Int) -> String {
    place += level + 2
    let start = place
    let end = [UInt8(ascii: "]")] + Array(repeating: UInt8(ascii: "="), count: level) + [UInt8(ascii: "]")]
    while place < bytes.count {
      if bytes[place...].starts(with: end) {
        let text = String(decoding: bytes[start..<place], as: UTF8.self)
        place += end.count
        return text
      }
      if bytes[place] == 0x0A { line += 1 }
      place += 1
    }
    return String(decoding: bytes[start...], as: UTF8.self)
  }

  /// A quoted string. Escapes stay as they are written: `check` only compares plain names.
  private mutating func quotedText(_ quote: UInt8) -> String {
    place += 1
    let start = place
    while let byte = byte(), byte != quote, byte != 0x0A {
      place += byte == UInt8(ascii: "\\") ? 2 : 1
    }
    let end = min(place, bytes.count)
    place = min(end + 1, bytes.count)
    return String(decoding: bytes[min(start, end)..<end], as: UTF8.self)
  }

  private mutating func next() -> (token: Token, line: Int)? {
    while let byte = byte() {
      if byte == 0x0A { line += 1 }
      if byte == 0x20 || (0x09...0x0D).contains(byte) {
        place += 1
      } else if byte == UInt8(ascii: "-"), self.byte(1) == byte {
        place += 2
        if let level = longBracketLevel() { _ = longText(level) } else { skipLine() }
      } else {
        break
      }
    }
    guard let byte = byte() else { return nil }
    let line = line
    if let level = longBracketLevel() { return (.string(longText(level)), line) }
    if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") { return (.string(quotedText(byte)), line) }
    if (0x30...0x39).contains(byte) {
      // Digits, a point, an exponent with its sign, hexadecimal: all one number.
      while let byte = self.byte(), Self.isWordPart(byte) || byte == UInt8(ascii: ".") {
        let hasSign = "eEpP".utf8.contains(byte) && "+-".utf8.contains(self.byte(1) ?? 0)
        place += hasSign ? 2 : 1
      }
      return (.number, line)
    }
    if Self.isWordPart(byte) {
      let start = place
      while let byte = self.byte(), Self.isWordPart(byte) { place += 1 }
      return (.name(String(decoding: bytes[start..<place], as: UTF8.self)), line)
    }
    for length in [3, 2] where place + length <= bytes.count {
      let sign = String(decoding: bytes[place..<place + length], as: UTF8.self)
      if ["...", "..", "::", "==", "~=", "<=", ">=", "//", "<<", ">>"].contains(sign) {
        place += length
        return (.sign(sign), line)
      }
    }
    place += 1
    return (.sign(String(decoding: [byte], as: UTF8.self)), line)
  }
}
