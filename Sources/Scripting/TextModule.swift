import CRM
import LuaKit

/// `text.…`: what scripts need of text beyond Lua's own library, which knows bytes only.
extension ScriptContext {
  func defineTextModule(_ state: LuaState) throws {
    func define(_ name: String, _ body: @escaping (String) throws -> LuaValue) throws {
      try state.define(function: name, in: "text") { call in .value(try body(call.string(1))) }
    }
    try define("trim") { .string(Self.trimmed($0)) }
    try define("folded") { .string(Label.folded($0)) }
    try define("words") { .table(LuaTable(sequence: Self.words($0).map { .string($0) })) }
    try define("percent_encode") { .string(Self.percentEncoded($0)) }
    try define("escape_markup") { .string(Self.escapedMarkup($0)) }
    try define("lines") { text in
      .table(LuaTable(sequence: text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map { .string(String($0)) }))
    }
  }

  /// Without white space at both ends.
  static func trimmed(_ text: String) -> String {
    let head = text.drop(while: \.isWhitespace)
    guard let last = head.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(head[...last])
  }

  /// Runs of letters and digits; an apostrophe or a dash ends a word.
  static func words(_ text: String) -> [String] {
    text.split { !($0.isLetter || $0.isNumber) }.map(String.init)
  }

  /// For HTML and XML, in text and in quoted attributes.
  static func escapedMarkup(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// RFC 3986: everything but the unreserved characters, as UTF-8 bytes.
  static func percentEncoded(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
        result.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        result += byte < 16 ? "%0\(digits)" : "%\(digits)"
      }
    }
    return result
  }
}
