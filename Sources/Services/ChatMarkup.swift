/// The markup of messages: `<url|label>` is a link, and `&`, `<` and `>` are written as entities (the rules that
/// Slack has, ALT-151).
public enum ChatMarkup {
  /// The text so that none of it is taken for markup.
  public static func escape(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 == 0x26 || $0 == 0x3C || $0 == 0x3E }) else { return text }
    var result = ""
    result.reserveCapacity(text.utf8.count + 16)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// A link that shows `label`. Neither part can end the link or begin another: what could is percent-encoded in the
  /// address and escaped in the label. An empty label shows the address.
  public static func link(url: String, label: String) -> String {
    let address = escape(encoded(url))
    let text = escape(singleLine(label))
    return text.isEmpty ? "<\(address)>" : "<\(address)|\(text)>"
  }

  /// Percent-encodes what no address may hold and what would end the link: white space, controls, `<`, `>`, `|`.
  private static func encoded(_ url: String) -> String {
    var result = ""
    result.reserveCapacity(url.utf8.count)
    for scalar in url.unicodeScalars {
      let ends = scalar == "<" || scalar == ">" || scalar == "|"
      guard ends || scalar.value <= 0x20 || scalar.value == 0x7F || scalar.properties.isWhitespace else {
        result.unicodeScalars.append(scalar)
        continue
      }
      for byte in String(scalar).utf8 {
        let digits = String(byte, radix: 16, uppercase: true)
        result += byte < 16 ? "%0\(digits)" : "%\(digits)"
      }
    }
    return result
  }

  /// A link is one line: line breaks, tabs and other controls become blanks.
  private static func singleLine(_ label: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in label.unicodeScalars {
      let isBreak =
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
        || scalar.value == 0x2028 || scalar.value == 0x2029
      result.append(isBreak ? " " : scalar)
    }
    return String(result)
  }
}
