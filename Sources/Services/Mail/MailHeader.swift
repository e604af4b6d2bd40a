import CRM

/// Header lines of RFC 5322, with RFC 2047's encoded words for what is not ASCII.
///
/// A header is made of units between which a line may break. Folding puts the break before the unit's blank, so that
/// a reader who joins the lines gets what was written.
enum MailHeader {
  /// Where lines are to break, at most; a unit that is longer by itself stays whole (RFC 5322 allows 998).
  private static let lineLimit = 76
  /// Bytes of a name in quotes, at most; longer ones go in forms that can be folded.
  private static let quotedLimit = 52

  /// A text can be in a header if it is one line: a line break would end it and begin another header, for readers who
  /// decode words first too.
  static func check(_ text: String, _ what: String, limit: Int) throws(ValueFault) {
    guard text.unicodeScalars.count <= limit else {
      throw ValueFault(
        "\(what): expected at most \(limit) characters, found \(text.unicodeScalars.count); shorten it")
    }
    let isBroken = text.unicodeScalars.contains {
      $0.properties.generalCategory == .control || $0 == "\u{2028}" || $0 == "\u{2029}"
    }
    guard !isBroken else {
      throw ValueFault(
        "\(what): expected text on one line without tabs or control characters, found \(Value.text(text).summary); "
          + "take them out")
    }
  }

  /// "Name: unit unit", folded.
  static func line(_ name: String, _ units: [String]) -> String {
    var text = name + ":"
    var length = text.utf8.count
    for (place, unit) in units.enumerated() {
      if place > 0, length + 1 + unit.utf8.count > lineLimit {
        text += "\r\n"
        length = 0
      }
      text += " " + unit
      length += 1 + unit.utf8.count
    }
    return text + "\r\n"
  }

  /// A subject: as it is, where that can't be misread, else encoded whole.
  static func text(_ text: String, after name: String) -> [String] {
    let words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    let isPlain = words.allSatisfy { word in
      !word.isEmpty && word.utf8.count <= 60 && word.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
        && !word.contains("=?")
    }
    if isPlain { return words }
    return text.isEmpty ? [] : encodedWords(text, room: lineLimit - name.utf8.count - 2)
  }

  /// Name and address, or the address alone; `isLast` leaves out the comma behind it.
  static func units(_ mailbox: Mailbox, isLast: Bool, after name: String) -> [String] {
    let end = isLast ? "" : ","
    guard !mailbox.name.isEmpty else { return [mailbox.address + end] }
    return phrase(mailbox.name, room: lineLimit - name.utf8.count - 2) + ["<\(mailbox.address)>\(end)"]
  }

  /// A display name: atoms, a quoted string, or encoded words, whichever is the first that can hold it.
  private static func phrase(_ text: String, room: Int) -> [String] {
    // With its quotes and the signs before what needs them in there.
    let isShort = quoted(text).utf8.count <= quotedLimit && !text.contains("=?")
    let words = text.split(separator: " ", omittingEmptySubsequences: false)
    if isShort, words.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(Mailbox.isAtomByte) }) { return [text] }
    if isShort, text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }), text.first != " ", text.last != " " {
      return [quoted(text)]
    }
    return encodedWords(text, room: room)
  }

  /// A quoted string of printable ASCII.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      if scalar == "\"" || scalar == "\\" { result += "\\" }
      result.unicodeScalars.append(scalar)
    }
    return result + "\""
  }

  // MARK: Encoded words

  /// Bytes of one encoded word, at most (RFC 2047, section 2).
  private static let wordLimit = 75
  private static let frame = "=?UTF-8?Q?".utf8.count + "?=".utf8.count

  /// The text in words of at most 75 bytes, Q or, where that takes much more room, B. Each holds whole characters;
  /// only one that is too long for a word is cut, between its scalars.
  /// - Parameter room: for the first one, on the header's first line.
  static func encodedWords(_ text: String, room: Int) -> [String] {
    let isQ = qLength(text.utf8) <= text.utf8.count * 2
    var words: [String] = []
    var pending: [UInt8] = []
    var limit = min(wordLimit, max(room, 40)) - frame
    func length(_ bytes: [UInt8]) -> Int { isQ ? qLength(bytes) : (bytes.count + 2) / 3 * 4 }
    func flush() {
      guard !pending.isEmpty else { return }
      words.append(isQ ? "=?UTF-8?Q?\(q(pending))?=" : "=?UTF-8?B?\(MailBody.base64(pending))?=")
      pending = []
      limit = wordLimit - frame
    }
    func append(_ bytes: [UInt8]) -> Bool {
      let more = pending + bytes
      guard length(more) <= limit else { return false }
      pending = more
      return true
    }
    for character in text {
      let bytes = Array(character.utf8)
      if append(bytes) { continue }
      flush()
      if append(bytes) { continue }
      for scalar in character.unicodeScalars {
        let bytes = Array(String(scalar).utf8)
        if append(bytes) { continue }
        flush()
        // Four bytes fit into any word.
        _ = append(bytes)
      }
    }
    flush()
    return words
  }

  private static func isQSafe(_ byte: UInt8) -> Bool {
    // The signs that every place of a header allows, names of persons too (RFC 2047, section 5).
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
      || "!*+-/".utf8.contains(byte)
  }

  private static func qLength(_ bytes: some Sequence<UInt8>) -> Int {
    bytes.reduce(0) { $0 + (isQSafe($1) || $1 == 0x20 ? 1 : 3) }
  }

  private static func q(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    for byte in bytes {
      if byte == 0x20 {
        text.append(UInt8(ascii: "_"))
      } else if isQSafe(byte) {
        text.append(byte)
      } else {
        text += MailBody.escaped(byte, UInt8(ascii: "="))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }

  // MARK: Parameters

  /// A file's name as the parameter of a header: quoted where it is short plain ASCII, else in RFC 2231's form, in
  /// pieces where it is long.
  static func fileName(_ name: String) -> [String] {
    if quoted(name).utf8.count <= quotedLimit, name.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }), !name.contains("=?") {
      return ["filename=" + quoted(name)]
    }
    var pieces: [String] = []
    var piece = ""
    for scalar in name.unicodeScalars {
      var bytes: [UInt8] = []
      for byte in String(scalar).utf8 {
        let isPlain = Mailbox.isAtomByte(byte) && !"*'%=?/".utf8.contains(byte) || byte == UInt8(ascii: ".")
        if isPlain { bytes.append(byte) } else { bytes += MailBody.escaped(byte, UInt8(ascii: "%")) }
      }
      if piece.utf8.count + bytes.count > 45 {
        pieces.append(piece)
        piece = ""
      }
      piece += String(decoding: bytes, as: UTF8.self)
    }
    pieces.append(piece)
    if pieces.count == 1 { return ["filename*=UTF-8''" + piece] }
    return pieces.enumerated().map { place, piece in
      "filename*\(place)*=" + (place == 0 ? "UTF-8''" : "") + piece + (place == pieces.count - 1 ? "" : ";")
    }
  }
}
