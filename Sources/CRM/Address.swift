/// A postal address. Its parts may be empty, one by one or all.
public struct Address: Hashable, Sendable, CustomStringConvertible {
  /// May hold several lines.
  public var street: String
  public var postalCode: String
  public var city: String
  /// ISO 3166-1 alpha-2, in capitals.
  public var country: String

  public init(
    street: String = "", postalCode: String = "", city: String = "", country: String = "FR"
  ) {
    self.street = street
    self.postalCode = postalCode
    self.city = city
    self.country = country
  }

  /// Whether nothing is known but perhaps the country.
  public var isEmpty: Bool {
    Self.isBlank(street) && Self.isBlank(postalCode) && Self.isBlank(city)
  }

  private static func isBlank(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy { $0.properties.isWhitespace }
  }

  /// As on an envelope: the street's lines, postal code and city, the country's code unless it is France.
  public var lines: [String] {
    guard !isEmpty else { return [] }
    var lines = street.split(whereSeparator: \.isNewline).map(String.init)
    let place = [postalCode, city].filter { !$0.isEmpty }.joined(separator: " ")
    if !place.isEmpty { lines.append(place) }
    if country != "FR", !country.isEmpty { lines.append(country) }
    return lines
  }

  /// The lines, joined by line breaks.
  public var text: String { lines.joined(separator: "\n") }

  /// The lines, joined by commas.
  public var oneLine: String { lines.joined(separator: ", ") }

  public var description: String { oneLine }

  // MARK: JSON

  /// `{"street", "postal_code", "city", "country"}`, always with the four keys.
  public var json: JSON {
    .object([
      JSONMember("street", .string(street)), JSONMember("postal_code", .string(postalCode)),
      JSONMember("city", .string(city)), JSONMember("country", .string(country)),
    ])
  }

  /// Reads the shape that `json` writes; missing or null keys stay empty, unknown ones are refused.
  public init(json: JSON) throws(ValueFault) {
    guard case .object(let members) = json else {
      throw ValueFault("expected an address like {\"street\": …, \"postal_code\": …, \"city\": …}")
    }
    self.init()
    for member in members {
      switch member.value {
      case .string(let text): try set(member.name, to: text)
      case .null: continue
      default: throw ValueFault("expected text for the address part \(quoted(member.name))")
      }
    }
  }

  /// Reads fields by the names street, postal_code, city and country.
  public init(fields: [ValueField]) throws(ValueFault) {
    self.init()
    for field in fields {
      switch field.value {
      case .text(let text): try set(field.name, to: text)
      case .null: continue
      default:
        throw ValueFault(
          "expected text for the address part \(quoted(field.name)), found \(field.value.summary)")
      }
    }
  }

  private mutating func set(_ name: String, to text: String) throws(ValueFault) {
    switch name {
    case "street": street = text
    case "postal_code": postalCode = text
    case "city": city = text
    case "country":
      let upper = text.uppercased()
      guard upper.utf8.count == 2, upper.utf8.allSatisfy({ $0 >= 0x41 && $0 <= 0x5A }) else {
        throw ValueFault("expected a country code of two letters like FR, found \(quoted(text))")
      }
      country = upper
    default:
      throw ValueFault(
        "an address has no part \(quoted(name)); its parts are street, postal_code, city and country"
      )
    }
  }
}
