extension JSON {
  /// The document as text. Compact by default; `pretty` puts each member on a line of its own, two blanks a level.
  /// A `.number` that isn't one by JSON's rules is written as a string, so that the text can always be read.
  public func text(pretty: Bool = false) -> String {
    String(decoding: bytes(pretty: pretty), as: UTF8.self)
  }

  /// The document as UTF-8 bytes, as `text(pretty:)`.
  public func bytes(pretty: Bool = false) -> [UInt8] {
    var writer = JSONWriter(pretty: pretty)
    writer.write(self)
    return writer.bytes
  }
}

/// Collects a JSON text. The functions for single values also serve writers that make no `JSON` first.
struct JSONWriter {
  private(set) var bytes: [UInt8] = []
  private let pretty: Bool
  private var level = 0

  init(pretty: Bool = false) {
    self.pretty = pretty
  }

  mutating func write(_ json: JSON) {
    switch json {
    case .null: write(raw: "null")
    case .bool(let flag): write(raw: flag ? "true" : "false")
    case .integer(let number): write(number)
    case .number(let text):
      if JSONWriter.isNumber(text) { bytes.append(contentsOf: text.utf8) } else { write(text) }
    case .string(let text): write(text)
    case .array(let elements):
      guard !elements.isEmpty else { return write(raw: "[]") }
      begin(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        separate(isFirst: index == 0)
        write(element)
      }
      end(UInt8(ascii: "]"))
    case .object(let members):
      guard !members.isEmpty else { return write(raw: "{}") }
      begin(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        separate(isFirst: index == 0)
        write(member.name)
        bytes.append(UInt8(ascii: ":"))
        if pretty { bytes.append(UInt8(ascii: " ")) }
        write(member.value)
      }
      end(UInt8(ascii: "}"))
    }
  }

  mutating func write(raw text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  mutating func write(byte: UInt8) { bytes.append(byte) }

  mutating func write(_ number: Int64) {
    var magnitude = number.magnitude
    if number < 0 { bytes.append(UInt8(ascii: "-")) }
    guard magnitude >= 10 else {
      bytes.append(UInt8(ascii: "0") + UInt8(magnitude))
      return
    }
    let start = bytes.count
    while magnitude > 0 {
      bytes.append(UInt8(ascii: "0") + UInt8(magnitude % 10))
      magnitude /= 10
    }
    bytes[start...].reverse()
  }

  mutating func write(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    var text = text
    text.withUTF8 { utf8 in
      var plain = 0
      for index in 0..<utf8.count {
        let byte = utf8[index]
        if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { continue }
        bytes.append(contentsOf: utf8[plain..<index])
        plain = index + 1
        writeEscape(of: byte)
      }
      bytes.append(contentsOf: utf8[plain...])
    }
    bytes.append(UInt8(ascii: "\""))
  }

  private mutating func writeEscape(of byte: UInt8) {
    bytes.append(UInt8(ascii: "\\"))
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
    case 0x08: bytes.append(UInt8(ascii: "b"))
    case 0x09: bytes.append(UInt8(ascii: "t"))
    case 0x0A: bytes.append(UInt8(ascii: "n"))
    case 0x0C: bytes.append(UInt8(ascii: "f"))
    case 0x0D: bytes.append(UInt8(ascii: "r"))
    default:
      let low = byte & 0x0F
      bytes.append(contentsOf: [UInt8(ascii: "u"), 0x30, 0x30, 0x30 + (byte >> 4)])
      bytes.append(low < 10 ? 0x30 + low : 0x61 + low - 10)
    }
  }

  mutating func begin(_ bracket: UInt8) {
    bytes.append(bracket)
    level += 1
  }

  mutating func separate(isFirst: Bool) {
    if !isFirst { bytes.append(UInt8(ascii: ",")) }
    breakLine()
  }

  mutating func end(_ bracket: UInt8) {
    level -= 1
    breakLine()
    bytes.append(bracket)
  }

  private mutating func breakLine() {
    guard pretty else { return }
    bytes.append(0x0A)
    for _ in 0..<level {
      bytes.append(0x20)
      bytes.append(0x20)
    }
  }

  /// Whether `text` is a number by JSON's grammar.
  static func isNumber(_ text: String) -> Bool {
    guard let first = text.utf8.first,
      first == UInt8(ascii: "-") || (first >= 0x30 && first <= 0x39),
      let parsed = try? JSON(parsing: text)
    else { return false }
    switch parsed {
    case .integer, .number: return text.utf8.last.map { $0 > 0x20 } ?? false
    default: return false
    }
  }
}
