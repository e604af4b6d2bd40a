/// The kinds of records. The raw value is the kind's name in scripts, JSON and the journal.
public enum RecordKind: String, CaseIterable, Hashable, Sendable, CustomStringConvertible {
  case user
  case organization
  case person
  case product
  case deal
  case dealLine = "deal_line"
  case note
  case pipeline
  case stage
  case quote
  case quoteLine = "quote_line"
  case card
  case message
  case folder
  case document
  case signatureRequest = "signature_request"
  case email

  /// The kind's place in `allCases`; a small number for tables and Lua objects.
  public var code: Int64 {
    switch self {
    case .user: 0
    case .organization: 1
    case .person: 2
    case .product: 3
    case .deal: 4
    case .dealLine: 5
    case .note: 6
    case .pipeline: 7
    case .stage: 8
    case .quote: 9
    case .quoteLine: 10
    case .card: 11
    case .message: 12
    case .folder: 13
    case .document: 14
    case .signatureRequest: 15
    case .email: 16
    }
  }

  /// By the code: a kind is part of every look-up of a record, and to hash its name would cost more than the look-up.
  public static func == (a: RecordKind, b: RecordKind) -> Bool { a.code == b.code }
  public func hash(into hasher: inout Hasher) { hasher.combine(code) }

  /// `words` behind its article: "a deal", "an organization".
  public var phrase: String { ("aeio".contains(words.prefix(1)) ? "an " : "a ") + words }

  /// The kind of this code; nil for any other number.
  public init?(code: Int64) {
    guard code >= 0, code < Int64(Self.allCases.count) else { return nil }
    self = Self.allCases[Int(code)]
  }

  /// Whether its records are lines of another record, told apart by `RecordRef.part`.
  public var isLine: Bool { self == .dealLine || self == .quoteLine }

  /// The name as words: "deal line".
  public var words: String {
    switch self {
    case .dealLine: "deal line"
    case .quoteLine: "quote line"
    case .signatureRequest: "signature request"
    default: rawValue
    }
  }

  /// The name in scripts, JSON and the journal: "deal_line".
  public var description: String { rawValue }
}

/// Which record. `part` is the position for a deal line (`id` is the deal's) and a quote line (`id` is the
/// quote's), else 0.
public struct RecordRef: Hashable, Sendable, CustomStringConvertible {
  /// What kind of record it is.
  public var kind: RecordKind
  /// The row's id, from 1; of a line, that of the record to which it belongs.
  public var id: Int64
  /// A line's position, from 1; 0 for every other kind.
  public var part: Int32

  /// A record or, with `part`, a line. Whether it exists is another question.
  public init(kind: RecordKind, id: Int64, part: Int32 = 0) {
    self.kind = kind
    self.id = id
    self.part = part
  }

  /// A record that is no line.
  public init(_ kind: RecordKind, _ id: Int64) {
    self.init(kind: kind, id: id)
  }

  /// Reads "deal:42" or "deal_line:42.1".
  public init(parsing text: String) throws(ValueFault) {
    let fault = ValueFault(
      "expected a record like deal:42 or deal_line:42.1, found \(quoted(text))")
    guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")),
      let kind = RecordKind(rawValue: String(text[..<colon]))
    else { throw fault }
    let rest = text[text.utf8.index(after: colon)...]
    guard let point = rest.utf8.firstIndex(of: UInt8(ascii: ".")) else {
      guard !kind.isLine, let id = Int64(rest) else { throw fault }
      self.init(kind: kind, id: id)
      return
    }
    guard kind.isLine, let id = Int64(rest[..<point]),
      let part = Int32(rest[rest.utf8.index(after: point)...])
    else {
      throw fault
    }
    self.init(kind: kind, id: id, part: part)
  }

  /// "deal:42" or "deal_line:42.1".
  public var description: String {
    kind.isLine ? "\(kind.rawValue):\(id).\(part)" : "\(kind.rawValue):\(id)"
  }
}
