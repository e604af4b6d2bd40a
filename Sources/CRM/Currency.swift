/// A currency by its ISO 4217 code. Every currency here counts in hundredths.
public struct Currency: Hashable, Sendable, CustomStringConvertible {
  /// The three capital letters in the three low bytes, the first letter highest.
  private let letters: UInt32

  public static let eur = Currency(letters: 0x45_55_52)

  private init(letters: UInt32) {
    self.letters = letters
  }

  /// Reads a code of three ASCII letters, in either case.
  public init(code: String) throws(ValueFault) {
    var letters: UInt32 = 0
    for byte in code.utf8 {
      let upper = byte & 0xDF
      guard upper >= UInt8(ascii: "A"), upper <= UInt8(ascii: "Z"), letters < 0x1_00_00,
        byte >= 0x41
      else {
        throw ValueFault(
          "expected a currency code of three letters like EUR, found \(quoted(code))")
      }
      letters = letters << 8 | UInt32(upper)
    }
    guard letters >= 0x1_00_00 else {
      throw ValueFault("expected a currency code of three letters like EUR, found \(quoted(code))")
    }
    self.letters = letters
  }

  /// The currency that `packed` was made from; nil for any other number.
  public init?(packed: Int64) {
    guard let letters = UInt32(exactly: packed), letters <= 0xFF_FF_FF else { return nil }
    for shift in [16, 8, 0] {
      let byte = UInt8(truncatingIfNeeded: letters >> UInt32(shift))
      guard byte >= UInt8(ascii: "A"), byte <= UInt8(ascii: "Z") else { return nil }
    }
    self.letters = letters
  }

  /// The code as one number; `init(packed:)` reads it back.
  public var packed: Int64 { Int64(letters) }

  /// Three capital letters, such as "EUR".
  public var code: String {
    let bytes = [letters >> 16, letters >> 8, letters].map { UInt8(truncatingIfNeeded: $0) }
    return String(decoding: bytes, as: UTF8.self)
  }

  public var description: String { code }
}
