/// What kind of value a field takes.
public enum FieldType: Hashable, Sendable {
  /// One line, by intent; line breaks aren't refused.
  case text
  case longText
  case email
  case url
  case integer
  case decimal
  /// A decimal, not negative.
  case hours
  /// A decimal from 0 to 100.
  case percent
  case money
  /// A percentage or an amount in the text form of `Discount`: "10%", "150.00" (ALT-29).
  case discount
  case day
  case instant
  case boolean
  case address
  /// 14 digits with their check (ALT-50, ALT-68).
  case siret
  /// A European VAT number; French ones with their check.
  case vatNumber
  case record(RecordKind)
  /// A computed list of records: a link.
  case records(RecordKind)
  /// A list of texts, such as several URLs (ALT-58).
  case texts
  /// One of the texts given.
  case choice([String])
  /// A computed list of tables.
  case objects

  /// The name in `workspace.lua` and in JSON; record types and choices say their parameter elsewhere.
  public var word: String {
    switch self {
    case .text: "text"
    case .longText: "long_text"
    case .email: "email"
    case .url: "url"
    case .integer: "integer"
    case .decimal: "decimal"
    case .hours: "hours"
    case .percent: "percent"
    case .money: "money"
    case .discount: "discount"
    case .day: "day"
    case .instant: "instant"
    case .boolean: "boolean"
    case .address: "address"
    case .siret: "siret"
    case .vatNumber: "vat_number"
    case .record(let kind): kind.rawValue
    case .records(let kind): "list of \(kind.rawValue)"
    case .texts: "texts"
    case .choice: "choice"
    case .objects: "objects"
    }
  }

  /// The types a custom field may have by name alone, without parameters.
  public static let named: [FieldType] = [
    .text, .longText, .email, .url, .integer, .decimal, .hours, .percent, .money, .day, .instant,
    .boolean,
    .address, .siret, .vatNumber, .texts,
  ]

  /// The type of this name among `named`. Throws with the known names and, when one is near, a suggestion.
  public init(word: String) throws(ValueFault) {
    if let type = Self.named.first(where: { $0.word == word }) {
      self = type
      return
    }
    // As workspace.lua names them, with those that take more than a name.
    let words = Self.named.map { type in
      switch type {
      case .day: "date"
      case .instant: "time"
      default: type.word
      }
    } + ["choice", "user", "organization", "person", "product", "deal"]
    let hint =
      Suggestion.nearest(to: word, among: words).map { "; did you mean \(quoted($0))?" } ?? "."
    throw ValueFault(
      "there is no field type \(quoted(word))\(hint) The types are \(words.joined(separator: ", "))"
    )
  }
}

/// Who fills a field.
public enum FieldFiller: String, Hashable, Sendable, CaseIterable {
  case person
  case automation
  case any
}

/// A field of a kind of record.
public struct FieldDefinition: Hashable, Sendable {
  /// The name in scripts, JSON and CSV: `[a-z][a-z0-9_]*`.
  public var key: String
  /// What people see; French data.
  public var label: String
  /// What values it takes.
  public var type: FieldType
  /// Who fills it in: a person, a script, or either (ALT-47 to ALT-72).
  public var filler: FieldFiller
  /// Whether every workspace has it; else `workspace.lua` declares it.
  public var isBuiltIn: Bool
  /// Whether `set` and a script's assignment may write it.
  public var isWritable: Bool
  /// Whether a record can't be without it.
  public var isRequired: Bool
  /// Other labels or keys that mean this field (ALT-27).
  public var aliases: [String]

  /// A field as declared; what is wrong with it `RecordSchema` says, which knows the others.
  public init(
    key: String, label: String, type: FieldType, filler: FieldFiller = .any,
    isBuiltIn: Bool = false,
    isWritable: Bool = true, isRequired: Bool = false, aliases: [String] = []
  ) {
    self.key = key
    self.label = label
    self.type = type
    self.filler = filler
    self.isBuiltIn = isBuiltIn
    self.isWritable = isWritable
    self.isRequired = isRequired
    self.aliases = aliases
  }

  /// How messages name the field: « Date de début de mission » (start_date).
  public var displayName: String { "« \(label) » (\(key))" }
}
