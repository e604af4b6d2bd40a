/// The checks of French company numbers and European VAT numbers.
public enum CompanyNumber {
  /// The SIRET in `text` as 14 digits, blanks removed. Throws when the number of digits or the check is wrong.
  ///
  /// The check is Luhn's over the SIREN and over the whole. Establishments of La Poste (SIREN 356000000) may pass
  /// by another rule of the issuer: the sum of their digits is a multiple of 5.
  public static func siret(_ text: String) throws(ValueFault) -> String {
    let compact = compacted(text)
    let digits = compact.utf8.map { Int($0) - 0x30 }
    guard digits.count == 14, digits.allSatisfy({ (0...9).contains($0) }) else {
      throw ValueFault("expected a SIRET of 14 digits like 73282932000074, found \(quoted(text))")
    }
    let isPoste = compact.hasPrefix("356000000") && digits.reduce(0, +) % 5 == 0
    guard passesLuhn(digits[0..<9]), passesLuhn(digits[...]) || isPoste,
      digits.contains(where: { $0 != 0 })
    else {
      throw ValueFault("the SIRET \(quoted(text)) is mistyped: its check digit is wrong")
    }
    return compact
  }

  /// The VAT number in `text` in capitals, blanks removed. For France "FR", a key of two characters and the SIREN:
  /// the SIREN's check, and a key of digits, must be right. For the other states two letters and 2 to 12 letters
  /// or digits.
  public static func vatNumber(_ text: String) throws(ValueFault) -> String {
    let compact = compacted(text).uppercased()
    let fault = ValueFault("expected a VAT number like FR44732829320, found \(quoted(text))")
    let bytes = Array(compact.utf8)
    guard bytes.count >= 4, bytes.count <= 14, bytes.allSatisfy({ isDigit($0) || isLetter($0) }),
      isLetter(bytes[0]), isLetter(bytes[1])
    else { throw fault }
    guard bytes.starts(with: "FR".utf8) else {
      guard states.contains(String(compact.prefix(2))) else {
        throw ValueFault(
          "expected a VAT number that begins with a European state's letters, found \(quoted(text))"
        )
      }
      return compact
    }
    guard bytes.count == 13, bytes[4...].allSatisfy(isDigit) else { throw fault }
    let siren = bytes[4...].map { Int($0) - 0x30 }
    guard passesLuhn(siren[...]) else {
      throw ValueFault(
        "the VAT number \(quoted(text)) is mistyped: its last nine digits are no SIREN")
    }
    // Keys with a letter follow another rule, which the administration doesn't publish as a check.
    if isDigit(bytes[2]), isDigit(bytes[3]) {
      let number = siren.reduce(0) { $0 * 10 + $1 }
      let key = (12 + 3 * (number % 97)) % 97
      guard Int(bytes[2] - 0x30) * 10 + Int(bytes[3] - 0x30) == key else {
        throw ValueFault(
          "the VAT number \(quoted(text)) is mistyped: its key should be \(padded(key, 2))")
      }
    }
    return compact
  }

  /// The states that give VAT numbers by this scheme: the Union (Greece as EL) and Northern Ireland (XI).
  private static let states: Set<String> = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "HR", "HU", "IE", "IT",
    "LT", "LU",
    "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK", "XI",
  ]

  private static func compacted(_ text: String) -> String {
    var compact = ""
    compact.unicodeScalars.append(
      contentsOf: text.unicodeScalars.filter { !$0.properties.isWhitespace })
    return compact
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

  private static func isLetter(_ byte: UInt8) -> Bool { byte >= 0x41 && byte <= 0x5A }

  /// Every second digit from the right doubled, nines cast out: the sum is a multiple of 10.
  private static func passesLuhn(_ digits: ArraySlice<Int>) -> Bool {
    var sum = 0
    for (place, digit) in digits.reversed().enumerated() {
      let weighed = place % 2 == 0 ? digit : digit * 2
      sum += weighed > 9 ? weighed - 9 : weighed
    }
    return sum % 10 == 0
  }
}
