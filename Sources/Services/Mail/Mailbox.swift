import CRM

/// A person's name and e-mail address, as From, To, Cc and Bcc hold them.
public struct Mailbox: Hashable, Sendable {
  /// As it is shown; empty for none.
  public let name: String
  /// Letters, digits and the usual signs, such as "floriane@altitude.example".
  public let address: String

  /// - Throws: for an address that mail programs could read otherwise than it is meant, and for a name with line
  ///   breaks.
  public init(name: String = "", address: String) throws(ValueFault) {
    guard let fault = Self.fault(of: address) else {
      try MailHeader.check(name, "a person's name", limit: 200)
      self.name = name
      self.address = address
      return
    }
    throw ValueFault(
      "expected an e-mail address like nom@exemple.fr, found \(Value.text(address).summary): \(fault)")
  }

  /// What follows the @.
  public var domain: String { String(address.split(separator: "@").last ?? "") }

  /// Checks RFC 5322's addr-spec without its oddities: no quoted local part, no comment, no address literal. So nothing
  /// in an address can end its header or begin another address.
  private static func fault(of address: String) -> String? {
    guard address.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      return "only unaccented letters, digits and signs without blanks can be in one; a domain with accents is "
        + "written in its form that begins with xn--"
    }
    let halves = address.utf8.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
    guard halves.count == 2 else { return "it needs one @" }
    guard address.utf8.count <= 254, halves[0].count <= 64 else { return "it is too long" }
    let words = halves[0].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard words.allSatisfy({ !$0.isEmpty }) else { return "before the @, a dot can't be at an end or follow a dot" }
    for byte in halves[0] where !isAtomByte(byte) && byte != UInt8(ascii: ".") {
      return "\"\(Character(UnicodeScalar(byte)))\" can't be before the @"
    }
    let labels = halves[1].split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    let areLabels = labels.allSatisfy { label in
      !label.isEmpty && label.count <= 63 && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
        && label.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }
    guard areLabels else { return "after the @ there must be a domain like exemple.fr" }
    return nil
  }

  /// What RFC 5322 calls atext.
  static func isAtomByte(_ byte: UInt8) -> Bool {
    isAlphanumeric(byte) || "!#$%&'*+-/=?^_`{|}~".utf8.contains(byte)
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }
}
