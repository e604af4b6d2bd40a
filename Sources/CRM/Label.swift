/// Labels as people type them (ALT-04).
public struct Label {
  /// `text` in the form that labels are compared in: accents, case, the forms of apostrophes and dashes, NFC or
  /// NFD, ligatures (œ, æ, ß) and runs of blanks don't count; blanks at the ends are cut.
  ///
  /// For Latin letters the result is the same bytes for all the forms, so that it can be a key in a table. Letters
  /// of other scripts keep their accents.
  public static func folded(_ text: String) -> String {
    var result: [UInt8] = []
    result.reserveCapacity(text.utf8.count)
    var pendingBlank = false
    func append(_ byte: UInt8) {
      if pendingBlank {
        if !result.isEmpty { result.append(0x20) }
        pendingBlank = false
      }
      result.append(byte)
    }
    for scalar in text.unicodeScalars {
      if scalar.isASCII {
        let byte = UInt8(scalar.value)
        switch byte {
        case 0x41...0x5A: append(byte | 0x20)
        case 0x20, 0x09...0x0D: pendingBlank = true
        case UInt8(ascii: "`"): append(UInt8(ascii: "'"))
        default: append(byte)
        }
        continue
      }
      let isTabulated = scalar.value >= tabulated.lowerBound && scalar.value < tabulated.upperBound
      switch isTabulated ? table[Int(scalar.value - tabulated.lowerBound)] : kind(of: scalar) {
      case .blank: pendingBlank = true
      case .dropped: break
      case .replaced(let bytes): for byte in bytes { append(byte) }
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// The Latin letters of Europe, looked up once: asking Unicode's names takes a microsecond a letter.
  private static let tabulated: Range<UInt32> = 0x80..<0x250
  private static let table: [ScalarKind] = tabulated.map { value in
    UnicodeScalar(value).map(kind(of:)) ?? .dropped
  }

  private enum ScalarKind {
    case blank
    case dropped
    case replaced([UInt8])
  }

  private static func kind(of scalar: UnicodeScalar) -> ScalarKind {
    switch scalar.value {
    // Soft hyphen, zero-width blanks and joiners, byte order mark.
    case 0xAD, 0x200B...0x200D, 0x2060, 0xFEFF: return .dropped
    // ’ ‘ ‛ ʼ ʹ ′ ´ ＇
    case 0x2018, 0x2019, 0x201B, 0x2BC, 0x2B9, 0x2032, 0xB4, 0xFF07:
      return .replaced([UInt8(ascii: "'")])
    // Hyphens, figure, en, em and horizontal dashes, minus, small and wide forms.
    case 0x2010...0x2015, 0x2212, 0xFE58, 0xFE63, 0xFF0D: return .replaced([UInt8(ascii: "-")])
    case 0x152, 0x153: return .replaced(Array("oe".utf8))
    case 0xC6, 0xE6: return .replaced(Array("ae".utf8))
    case 0xDF, 0x1E9E: return .replaced(Array("ss".utf8))
    case 0xFB01: return .replaced(Array("fi".utf8))
    case 0xFB02: return .replaced(Array("fl".utf8))
    // The small dotless i, which only stands for an i here.
    case 0x131: return .replaced([UInt8(ascii: "i")])
    // Combining marks of Latin letters.
    case 0x300...0x36F: return .dropped
    default: break
    }
    let properties = scalar.properties
    if properties.isWhitespace { return .blank }
    // The letter is looked for after the case is gone: some capitals are named unlike their small letters.
    var bytes: [UInt8] = []
    for lower in properties.lowercaseMapping.unicodeScalars
    where !(0x300...0x36F).contains(lower.value) {
      if let letter = latinLetter(in: lower.properties.name) {
        bytes.append(letter)
      } else {
        bytes.append(contentsOf: String(lower).utf8)
      }
    }
    return .replaced(bytes)
  }

  /// The plain letter of a character that Unicode names "LATIN SMALL LETTER E WITH ACUTE".
  private static func latinLetter(in name: String?) -> UInt8? {
    guard let name, name.hasPrefix("LATIN ") else { return nil }
    let words = name.utf8.split(separator: 0x20, maxSplits: 5)
    guard words.count >= 5, words[2].elementsEqual("LETTER".utf8), words[3].count == 1,
      words[4].elementsEqual("WITH".utf8), let letter = words[3].first
    else { return nil }
    return letter | 0x20
  }
}
