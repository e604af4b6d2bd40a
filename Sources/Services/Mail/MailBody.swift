import Foundation

/// The two ways in which bytes of any kind travel as short lines of ASCII (RFC 2045).
enum MailBody {
  private static let lineLimit = 76
  private static let lineBreak: [UInt8] = [0x0D, 0x0A]

  /// A text, each of its lines ended by CRLF whichever way it was typed, the last one too, readable in the
  /// file as far as that takes not much more room.
  static func text(_ text: String) -> (encoding: String, bytes: [UInt8]) {
    var canonical: [UInt8] = []
    var wasReturn = false
    for byte in text.utf8 {
      if byte == 0x0D {
        canonical += lineBreak
      } else if byte != 0x0A {
        canonical.append(byte)
      } else if !wasReturn {
        canonical += lineBreak
      }
      wasReturn = byte == 0x0D
    }
    if !canonical.isEmpty, canonical.last != 0x0A { canonical += lineBreak }
    let printable = quotedPrintable(canonical)
    return printable.count <= canonical.count * 2
      ? ("quoted-printable", printable) : ("base64", base64Lines(canonical))
  }

  /// - Parameter text: whose line breaks are CRLF.
  private static func quotedPrintable(_ text: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count + text.count / 8)
    for line in text.split(separator: 0x0A, omittingEmptySubsequences: false) {
      // All lines but the rest behind the last break end with a CR.
      let isBroken = line.last == 0x0D
      let content = isBroken ? line.dropLast() : line
      appendLine(content, to: &result)
      if isBroken { result += lineBreak }
    }
    return result
  }

  private static func appendLine(_ line: ArraySlice<UInt8>, to result: inout [UInt8]) {
    var length = 0
    for place in line.indices {
      var unit = quotedPrintable(line[place...], isAtStart: length == 0)
      // Room for the soft break's own sign.
      if length + unit.count > lineLimit - 1 {
        result.append(UInt8(ascii: "="))
        result += lineBreak
        length = 0
        unit = quotedPrintable(line[place...], isAtStart: true)
      }
      result += unit
      length += unit.count
    }
  }

  /// The first byte of the rest of a line.
  private static func quotedPrintable(_ rest: ArraySlice<UInt8>, isAtStart: Bool) -> [UInt8] {
    guard let byte = rest.first else { return [] }
    // Mailbox files and transports take these for marks of their own at the beginning of a line.
    let isMark = isAtStart && (byte == UInt8(ascii: ".") || rest.starts(with: "From ".utf8))
    let isBlank = byte == 0x20 || byte == 0x09
    let isPlain = byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "=") || isBlank && rest.count > 1
    return isPlain && !isMark ? [byte] : escaped(byte, UInt8(ascii: "="))
  }

  /// "=3D", "%20".
  static func escaped(_ byte: UInt8, _ sign: UInt8) -> [UInt8] {
    let digits = Array("0123456789ABCDEF".utf8)
    return [sign, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
  }

  /// On one line.
  static func base64(_ bytes: some Sequence<UInt8>) -> String {
    Data(bytes).base64EncodedString()
  }

  /// In lines of 76 characters, each ended.
  static func base64Lines(_ bytes: [UInt8]) -> [UInt8] {
    let encoded = Array(Data(bytes).base64EncodedData())
    var result: [UInt8] = []
    result.reserveCapacity(encoded.count + encoded.count / lineLimit * 2 + 4)
    var start = 0
    while start < encoded.count {
      let end = min(start + lineLimit, encoded.count)
      result += encoded[start..<end]
      result += lineBreak
      start = end
    }
    return result
  }
}
