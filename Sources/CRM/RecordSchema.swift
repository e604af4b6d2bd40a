/// All fields of all kinds of one workspace: the built-in ones and those that `workspace.lua` adds. Copies share
/// one storage.
public struct RecordSchema: Sendable {
  /// What amounts written without a currency are in.
  public let currency: Currency
  private let storage: Storage

  private final class Storage: Sendable {
    let kinds: [KindFields]

    init(kinds: [KindFields]) {
      self.kinds = kinds
    }
  }

  private struct KindFields: Sendable {
    var fields: [FieldDefinition]
    /// The place in `fields`, by key and by those aliases that are written like keys.
    var byKey: [String: Int]
    /// The places in `fields`, in declared order, by folded label and alias.
    var byLabel: [String: [Int]]
  }

  /// The built-in fields alone.
  public static let builtIn = RecordSchema(
    kinds: RecordKind.allCases.map { index(BuiltInFields.of($0)) }, currency: .eur)

  private init(kinds: [KindFields], currency: Currency) {
    storage = Storage(kinds: kinds)
    self.currency = currency
  }

  /// The built-in fields, then `custom` in the order declared. Throws for a key that isn't `[a-z][a-z0-9_]*`, that
  /// a built-in field or another custom one has, for a field without a label, and for types that can't be stored.
  /// Labels may repeat.
  public init(custom: [RecordKind: [FieldDefinition]], currency: Currency = .eur) throws(ValueFault)
  {
    var kinds: [KindFields] = []
    for kind in RecordKind.allCases {
      let builtIn = BuiltInFields.of(kind)
      let added = custom[kind] ?? []
      try Self.check(added, of: kind, besides: builtIn)
      kinds.append(Self.index(builtIn + added))
    }
    self.init(kinds: kinds, currency: currency)
  }

  private static func check(
    _ added: [FieldDefinition], of kind: RecordKind, besides builtIn: [FieldDefinition]
  ) throws(ValueFault) {
    var taken: [String: FieldDefinition] = [:]
    for field in builtIn { taken[field.key] = field }
    for field in added {
      let place = "the field \(field.displayName) of \(kind.words)"
      guard isKey(field.key) else {
        throw ValueFault(
          "\(place): a key is lower-case letters, digits and underscores and begins with a letter, like start_date"
        )
      }
      guard !Label.folded(field.label).isEmpty else { throw ValueFault("\(place) has no label") }
      if let other = taken.updateValue(field, forKey: field.key) {
        throw ValueFault(
          other.isBuiltIn
            ? "\(place): every \(kind.words) has a field of that key already, « \(other.label) »; choose another key"
            : "\(place): the field « \(other.label) » has that key already; choose another key")
      }
      switch field.type {
      case .records, .objects, .discount:
        throw ValueFault("\(place): a field of one's own can't be of the type \(field.type.word)")
      case .record(let target) where target.isLine:
        throw ValueFault("\(place): a field can't refer to a \(target.words)")
      case .choice(let options):
        guard !options.isEmpty, Set(options.map(Label.folded)).count == options.count else {
          throw ValueFault("\(place): a choice needs options, each different from the others")
        }
      default: break
      }
    }
    for field in added {
      for alias in field.aliases {
        if let other = taken[alias], other.key != field.key {
          throw ValueFault(
            "the field \(field.displayName) of \(kind.words): its alias \(quoted(alias)) is the key of « \(other.label) »"
          )
        }
      }
    }
  }

  private static func isKey(_ key: String) -> Bool {
    guard let first = key.utf8.first, first >= 0x61, first <= 0x7A else { return false }
    return key.utf8.allSatisfy {
      ($0 >= 0x61 && $0 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x5F
    }
  }

  private static func index(_ fields: [FieldDefinition]) -> KindFields {
    var byKey: [String: Int] = [:]
    var byLabel: [String: [Int]] = [:]
    for (index, field) in fields.enumerated() { byKey[field.key] = index }
    for (index, field) in fields.enumerated() {
      for alias in field.aliases where isKey(alias) && byKey[alias] == nil { byKey[alias] = index }
      for label in [field.label] + field.aliases {
        let folded = Label.folded(label)
        if byLabel[folded]?.contains(index) != true { byLabel[folded, default: []].append(index) }
      }
    }
    return KindFields(fields: fields, byKey: byKey, byLabel: byLabel)
  }

  // MARK: Look-up

  private func kindFields(_ kind: RecordKind) -> KindFields { storage.kinds[Int(kind.code)] }

  /// The kind's fields: built-in ones, then custom ones, as declared.
  public func fields(of kind: RecordKind) -> [FieldDefinition] { kindFields(kind).fields }

  /// The kind's own fields of this workspace, as declared.
  public func customFields(of kind: RecordKind) -> [FieldDefinition] {
    kindFields(kind).fields.filter { !$0.isBuiltIn }
  }

  /// The field of this key, or with this alias written like a key; nil when there is none.
  public func field(_ kind: RecordKind, _ key: String) -> FieldDefinition? {
    let fields = kindFields(kind)
    return fields.byKey[key].map { fields.fields[$0] }
  }

  /// The place of the field in `fields(of:)`; nil when there is none.
  public func index(_ kind: RecordKind, _ key: String) -> Int? { kindFields(kind).byKey[key] }

  /// The fields of this label or alias, compared as labels are (ALT-04, ALT-27), in the order declared.
  public func fields(labelled label: String, of kind: RecordKind) -> [FieldDefinition] {
    let fields = kindFields(kind)
    return (fields.byLabel[Label.folded(label)] ?? []).map { fields.fields[$0] }
  }

  /// The field meant by a key, or by a label that only one field has. Throws for none (with a suggestion) and for
  /// several (with their keys).
  public func resolve(_ name: String, of kind: RecordKind) throws(ValueFault) -> FieldDefinition {
    if let field = field(kind, name) { return field }
    let labelled = fields(labelled: name, of: kind)
    if labelled.count == 1 { return labelled[0] }
    guard labelled.isEmpty else {
      let keys = labelled.map(\.key).joined(separator: ", ")
      throw ValueFault("\(kind.words) has several fields « \(name) »; use a key: \(keys)")
    }
    throw unknownField(name, of: kind)
  }

  /// The key nearest to a mistyped `name`: that of a field whose key or label takes few edits; nil when none is near.
  public func suggestion(for name: String, in kind: RecordKind) -> String? {
    let fields = fields(of: kind)
    if let key = Suggestion.nearest(to: name, among: fields.map(\.key)) { return key }
    let labels = fields.flatMap { [$0.label] + $0.aliases }
    guard let label = Suggestion.nearest(to: name, among: labels) else { return nil }
    return self.fields(labelled: label, of: kind).first?.key
  }

  /// "deal has no field 'titel'; did you mean 'title'?" (ALT-01)
  public func unknownField(_ name: String, of kind: RecordKind) -> ValueFault {
    let hint = suggestion(for: name, in: kind).map { "; did you mean '\($0)'?" } ?? ""
    return ValueFault("\(kind.words) has no field '\(name)'\(hint)")
  }
}
