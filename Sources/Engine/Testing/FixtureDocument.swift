import CRM

/// A deal as a test writes it, with its owner, organization, person, participants and products nested in it, turned
/// into the shape of an import, in which records name each other by key.
struct FixtureDocument {
  /// The keys that were made up so far in one test.
  struct Names {
    fileprivate var count = 0
  }

  private(set) var names: Names
  /// Where a deal stands that does not say so.
  private let firstStage: String?
  private var collections: [(name: String, records: [(key: String, value: JSON)])] = [
    ("users", []), ("organizations", []), ("persons", []), ("products", []), ("deals", []),
  ]

  init(names: Names, firstStage: String?) {
    self.names = names
    self.firstStage = firstStage
  }

  var json: JSON {
    .object(collections.filter { !$0.records.isEmpty }.map { JSONMember($0.name, .array($0.records.map(\.value))) })
  }

  /// Adds a deal and what is nested in it.
  /// - Parameter keyOf: the key of a record that exists already.
  /// - Returns: the deal's key; one is made up for a deal that has none, so the same fixture twice is two deals.
  mutating func add(deal: Value, keyOf: (RecordRef) throws -> String?) throws -> String {
    guard case .object(var fields) = deal else {
      throw ValueFault("a deal is written as a table like { title = \"…\", stage = \"…\" }, found \(deal.summary)")
    }
    if let firstStage, !fields.contains(where: { $0.name == "stage" }) {
      fields.append(ValueField("stage", .text(firstStage)))
    }
    return try add(fields, to: "deals", path: "deal", keyOf: keyOf)
  }

  /// Which collection the records under a name belong to.
  private static let links = [
    "owner": "users", "organization": "organizations", "person": "persons", "participants": "persons",
    "product": "products",
  ]

  private mutating func add(
    _ fields: [ValueField], to collection: String, path: String, keyOf: (RecordRef) throws -> String?
  ) throws -> String {
    var key: String?
    var members: [JSONMember] = []
    for field in fields {
      let place = "\(path).\(field.name)"
      if field.name == "key" {
        guard case .text(let text) = field.value else {
          throw ValueFault("\(place): text expected, found \(field.value.summary)")
        }
        key = text
      } else if let target = Self.links[field.name] {
        members.append(JSONMember(field.name, try link(field.value, target, place, keyOf)))
      } else if field.name == "lines", case .list(let lines) = field.value {
        members.append(
          JSONMember(
            "lines",
            .array(try lines.enumerated().map { try line($1, "\(place)[\($0 + 1)]", keyOf) })))
      } else {
        members.append(JSONMember(field.name, try Self.json(field.value, place)))
      }
    }
    if key == nil { names.count += 1 }
    let name = key ?? "fixture-\(names.count)"
    members.insert(JSONMember("key", .string(name)), at: 0)
    guard let index = collections.firstIndex(where: { $0.name == collection }) else { return name }
    let record = JSON.object(members)
    // The same record may stand in several places; two different ones under one key are for the import to refuse.
    if !collections[index].records.contains(where: { $0.key == name && $0.value == record }) {
      collections[index].records.append((name, record))
    }
    return name
  }

  private mutating func link(
    _ value: Value, _ collection: String, _ path: String, _ keyOf: (RecordRef) throws -> String?
  ) throws -> JSON {
    switch value {
    case .text(let key): return .string(key)
    case .null: return .null
    case .object(let fields): return .string(try add(fields, to: collection, path: path, keyOf: keyOf))
    case .list(let values):
      return .array(try values.enumerated().map { try link($1, collection, "\(path)[\($0 + 1)]", keyOf) })
    case .record(let ref):
      guard let key = try keyOf(ref) else {
        throw ValueFault("\(path): the \(ref.kind.words) \(ref.id) has no key by which it can be named; assign it afterwards")
      }
      return .string(key)
    default: throw ValueFault("\(path): a key or a table with a record's fields expected, found \(value.summary)")
    }
  }

  private mutating func line(_ value: Value, _ path: String, _ keyOf: (RecordRef) throws -> String?) throws -> JSON {
    guard case .object(let fields) = value else {
      throw ValueFault("\(path): a table like { product = …, quantity = \"1\" } expected, found \(value.summary)")
    }
    return .object(
      try fields.map { field in
        let place = "\(path).\(field.name)"
        return JSONMember(
          field.name,
          field.name == "product"
            ? try link(field.value, "products", place, keyOf) : try Self.json(field.value, place))
      })
  }

  /// Numbers, amounts and dates are text in an import.
  private static func json(_ value: Value, _ path: String) throws -> JSON {
    switch value {
    case .null: return .null
    case .boolean(let flag): return .bool(flag)
    case .text(let text): return .string(text)
    case .integer(let number): return .string(String(number))
    case .decimal(let number): return .string(number.description)
    case .money(let money): return .string(money.amountText)
    case .day(let day): return .string(day.description)
    case .instant(let instant): return .string(instant.description)
    case .span(let span): return .string(span.description)
    case .address(let address): return address.json
    case .list(let values): return .array(try values.enumerated().map { try json($1, "\(path)[\($0 + 1)]") })
    case .object(let fields):
      return .object(try fields.map { JSONMember($0.name, try json($0.value, "\(path).\($0.name)")) })
    case .number(let number):
      throw ValueFault("\(path): write numbers that are not whole as text, like \"\(number)\"")
    case .record(let ref): throw ValueFault("\(path): text expected, found \(ref.kind.phrase)")
    }
  }
}
