import CRM
import Foundation
import LuaKit

/// The texts of `reject` and `warn`: Lua's `string.format`, with what a person would otherwise stumble over put right.
/// Any value can be shown; one that is missing shows as nil instead of hiding the reason behind an error about formats;
/// `%q` puts plain quotes; and a text without values may hold a '%' of its own.
enum Format {
  static func text(_ call: borrowing LuaCall, in context: ScriptContext) throws -> String {
    let pattern = try call.string(1)
    var place = 1
    var result = ""
    var rest = pattern[...]
    while let percent = rest.firstIndex(of: "%") {
      result += rest[..<percent]
      rest = rest[rest.index(after: percent)...]
      if rest.first == "%" {
        result += "%"
        rest = rest.dropFirst()
        continue
      }
      if call.count == 1 {
        result += "%"
        continue
      }
      let options = rest.prefix { "-+ #0123456789.".contains($0) }
      rest = rest[options.endIndex...]
      guard let conversion = rest.popFirst() else {
        throw call.badArgument(1, "a '%' at the end of the text; write '%%' for the sign itself")
      }
      place += 1
      result += try shown(call.value(place), conversion, String(options), call, context)
    }
    return result + rest
  }

  private static func shown(
    _ value: LuaValue, _ conversion: Character, _ options: String, _ call: borrowing LuaCall, _ context: ScriptContext
  ) throws -> String {
    let widths = options.split(separator: ".", omittingEmptySubsequences: false).map { $0.drop { !$0.isNumber } }
    guard options.utf8.count <= 8, widths.count <= 2, widths.allSatisfy({ $0.count <= 2 }) else {
      throw call.badArgument(1, "'%\(options)\(conversion)' is too long: width and precision have at most two digits")
    }
    switch conversion {
    case "s": return padded(try plain(value, context), options)
    case "q": return "\"\(try plain(value, context))\""
    case "d", "i", "x", "X":
      guard let number = whole(value, context) else { return try mismatch(value, conversion, call, context) }
      let directive = conversion == "i" ? "d" : String(conversion)
      return String(format: "%\(options)ll\(directive)", number)
    case "f", "g", "e", "G", "E":
      guard let number = floating(value) else { return try mismatch(value, conversion, call, context) }
      return String(format: "%\(options)\(conversion)", number)
    default:
      throw call.badArgument(1, "'%\(conversion)' is not known here; use %s for any value, %q for one in quotes, %d for a whole number")
    }
  }

  /// A number was announced and something else came: nil, amounts and decimals still show.
  private static func mismatch(
    _ value: LuaValue, _ conversion: Character, _ call: borrowing LuaCall, _ context: ScriptContext
  ) throws -> String {
    switch value {
    case .nil, .object, .number: return try plain(value, context)
    default: throw call.badArgument(1, "'%\(conversion)' takes a number, found \(try plain(value, context)); use %s for any value")
    }
  }

  private static func plain(_ value: LuaValue, _ context: ScriptContext) throws -> String {
    switch value {
    case .nil: "nil"
    case .boolean(let flag): String(flag)
    case .integer(let number): String(number)
    // As Lua prints floats.
    case .number(let number):
      number == number.rounded() && abs(number) < 1e15
        ? String(format: "%.1f", number) : String(format: "%.14g", number)
    case .string(let string): String(decoding: string.bytes, as: UTF8.self)
    case .table: "a table"
    case .function: "a function"
    case .object(let object):
      switch try context.value(object) {
      case .record(let ref): "\(ref.kind.words) \(ref.id)" + (ref.kind.isLine ? ".\(ref.part)" : "")
      case let other: other.plainText
      }
    }
  }

  private static func whole(_ value: LuaValue, _ context: ScriptContext) -> Int64? {
    switch value {
    case .integer(let number): number
    case .number(let number): Int64(exactly: number)
    case .string(let string): string.text.flatMap { Int64($0) }
    case .object(let object) where object.type == context.types.decimal:
      ExactDecimal(millionths: object.first).wholeNumber
    default: nil
    }
  }

  private static func floating(_ value: LuaValue) -> Double? {
    switch value {
    case .integer(let number): Double(number)
    case .number(let number): number
    case .string(let string): string.text.flatMap { Double($0) }
    default: nil
    }
  }

  /// Width and precision count characters, not bytes: an "é" is one.
  private static func padded(_ text: String, _ options: String) -> String {
    let parts = options.split(separator: ".", omittingEmptySubsequences: false)
    var text = text
    if parts.count > 1 { text = String(text.prefix(Int(parts[1]) ?? 0)) }
    let width = Int(parts.first?.filter(\.isNumber) ?? "") ?? 0
    guard text.count < width else { return text }
    let blanks = String(repeating: " ", count: width - text.count)
    return options.hasPrefix("-") ? text + blanks : blanks + text
  }
}
