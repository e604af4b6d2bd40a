import CRM

/// The arguments of a script's call, by place.
struct Arguments {
  let name: String
  private let values: [Value]

  /// - Throws: for missing and superfluous arguments, with the list of parameters.
  init(_ service: String, _ operation: OperationDeclaration, _ values: [Value]) throws(ServiceFailure) {
    name = "\(service).\(operation.name)"
    let parameters = operation.parameters
    let needed = parameters.prefix { !$0.isOptional }.count
    let given = values.lastIndex { !$0.isNull }.map { $0 + 1 } ?? 0
    guard given >= needed, given <= parameters.count else {
      let list = parameters.map { $0.isOptional ? "[\($0.name)]" : $0.name }.joined(separator: ", ")
      throw ServiceFailure(
        .permanent, "\(name)(\(list)): expected \(Self.count(needed, parameters.count)), found \(given)")
    }
    self.values = values
  }

  private static func count(_ least: Int, _ most: Int) -> String {
    let noun = most == 1 ? "argument" : "arguments"
    return least == most ? "\(most) \(noun)" : "\(least) to \(most) \(noun)"
  }

  subscript(place: Int) -> Value { place < values.count ? values[place] : .null }

  func fault(_ expected: String, _ place: Int) -> ServiceFailure {
    ServiceFailure(.permanent, "\(name): expected \(expected), found \(self[place].summary)")
  }

  func text(_ place: Int, _ what: String, limit: Int) throws(ServiceFailure) -> String {
    guard case .text(let text) = self[place] else { throw fault(what, place) }
    return try bounded(text, what, limit: limit, in: name)
  }

  func record(_ kind: RecordKind, _ place: Int) throws(ServiceFailure) -> RecordRef {
    guard case .record(let ref) = self[place], ref.kind == kind else { throw fault("\(kind.phrase)", place) }
    return ref
  }

  /// The id of a record that is there.
  func existing(_ kind: RecordKind, _ place: Int, in world: ServiceWorld) throws(ServiceFailure) -> Int64 {
    try existing(try record(kind, place), in: world)
  }

  func existing(_ ref: RecordRef, in world: ServiceWorld) throws(ServiceFailure) -> Int64 {
    guard try stored({ try world.transaction.record(ref) }) != nil else {
      throw ServiceFailure(.permanent, "\(name): there is no \(ref.kind.words) \(ref.id)")
    }
    return ref.id
  }

  /// A table with names; an empty one can't be told from an empty list.
  func table(_ place: Int, allowed: [String]) throws(ServiceFailure) -> Fields {
    switch self[place] {
    case .object(let fields):
      for field in fields where !allowed.contains(field.name) {
        let hint =
          Suggestion.nearest(to: field.name, among: allowed).map { "; did you mean '\($0)'?" }
          ?? "; its fields are \(allowed.joined(separator: ", "))"
        throw ServiceFailure(.permanent, "\(name): the table has no field '\(field.name)'\(hint)")
      }
      return Fields(name, fields)
    case .list(let values) where values.isEmpty: return Fields(name, [])
    default: throw fault("a table like { \(allowed.first ?? "name") = … }", place)
    }
  }
}

/// An object's fields, by name: a table of a script's call, or the resolved arguments.
struct Fields {
  let name: String
  private let fields: [ValueField]

  init(_ name: String, _ fields: [ValueField]) {
    self.name = name
    self.fields = fields
  }

  init(_ name: String, _ value: Value) throws(ServiceFailure) {
    guard case .object(let fields) = value else {
      throw ServiceFailure(.permanent, "\(name): expected arguments by name, found \(value.summary)")
    }
    self.init(name, fields)
  }

  /// `.null` when there is none.
  subscript(field: String) -> Value {
    for candidate in fields where candidate.name == field { return candidate.value }
    return .null
  }

  func fault(_ expected: String, _ field: String) -> ServiceFailure {
    ServiceFailure(.permanent, "\(name): \(field): expected \(expected), found \(self[field].summary)")
  }

  func optionalText(_ field: String, limit: Int) throws(ServiceFailure) -> String? {
    switch self[field] {
    case .null: return nil
    case .text(let text): return try bounded(text, field, limit: limit, in: name)
    default: throw fault("text", field)
    }
  }

  func text(_ field: String, limit: Int) throws(ServiceFailure) -> String {
    guard let text = try optionalText(field, limit: limit) else { throw fault("text", field) }
    return text
  }

  func integer(_ field: String) throws(ServiceFailure) -> Int64 {
    guard case .integer(let number) = self[field] else { throw fault("a whole number", field) }
    return number
  }

  func decimal(_ field: String) throws(ServiceFailure) -> ExactDecimal {
    switch self[field] {
    case .decimal(let number): return number
    case .integer(let number): return try valid(name) { () throws(ValueFault) in try ExactDecimal(number) }
    default: throw fault("a number", field)
    }
  }

  func money(_ field: String) throws(ServiceFailure) -> Money {
    guard case .money(let money) = self[field] else { throw fault("an amount", field) }
    return money
  }

  /// A record that is there, if one is named.
  func optionalRecord(
    _ kind: RecordKind, _ field: String, in world: ServiceWorld
  ) throws(ServiceFailure) -> RecordRef? {
    if self[field].isNull { return nil }
    guard case .record(let ref) = self[field], ref.kind == kind,
      try stored({ try world.transaction.record(ref) }) != nil
    else { throw fault(kind.phrase, field) }
    return ref
  }

  func list(_ field: String) throws(ServiceFailure) -> [Value] {
    guard case .list(let values) = self[field] else { throw fault("a list", field) }
    return values
  }
}

/// `text` if it can be kept: no NUL, and at most `limit` characters.
func bounded(
  _ text: String, _ what: String, limit: Int, in name: String
) throws(ServiceFailure) -> String {
  // Fewer bytes than allowed characters need no count.
  if text.utf8.count > limit, text.unicodeScalars.count > limit {
    throw ServiceFailure(
      .permanent,
      "\(name): \(what): expected at most \(limit) characters, found \(text.unicodeScalars.count); shorten it")
  }
  guard !text.utf8.contains(0) else {
    throw ServiceFailure(.permanent, "\(name): \(what): text can't hold the character NUL; take it out")
  }
  return text
}

/// Executes `body` and gives what is wrong with a value as a permanent failure of the operation.
func valid<T>(_ name: String, _ body: () throws(ValueFault) -> T) throws(ServiceFailure) -> T {
  do {
    return try body()
  } catch {
    throw ServiceFailure(.permanent, "\(name): \(error.message)")
  }
}

/// Whether a text says nothing: it is empty or blanks only.
func isBlank(_ text: String) -> Bool {
  text.unicodeScalars.allSatisfy { $0.properties.isWhitespace }
}

/// What a person entered, for a message: in quotes, shortened, on one line.
func quoted(_ text: String) -> String { Value.text(text).summary }
