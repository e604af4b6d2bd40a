import CRM
import LuaKit

/// `crm.…`: finds records. `crm.deal(42)` gets one and is an error when there is none; `crm.deals { … }` lists those
/// whose fields equal all that is given.
extension ScriptContext {
  /// Singular, plural, kind.
  static let finders: [(one: String, many: String, kind: RecordKind)] = [
    ("user", "users", .user), ("organization", "organizations", .organization), ("person", "persons", .person),
    ("product", "products", .product), ("deal", "deals", .deal), ("quote", "quotes", .quote), ("document", "documents", .document),
    ("signature_request", "signature_requests", .signatureRequest),
  ]

  func defineCRMModule(_ state: LuaState) throws {
    try state.define(function: "label", in: "crm") { [unowned self] call in
      let word = try call.string(1)
      guard let kind = RecordKind(rawValue: word) else {
        let known = RecordKind.allCases.map(\.rawValue)
        let hint = Suggestion.nearest(to: word, among: known).map { "; did you mean '\($0)'?" } ?? ""
        throw LuaHostError("crm.label: there is no kind of record '\(word)'\(hint)")
      }
      let key = try call.string(2)
      guard let field = schema.field(kind, key) else { throw LuaHostError(schema.unknownField(key, of: kind).message) }
      return .value(.string(field.label))
    }
    try state.define(function: "add_product", in: "crm") { [unowned self] call in
      guard let given = try call.optionalTable(1), given.sequence.isEmpty, !given.fields.isEmpty else {
        throw call.expected(1, "table like { name = \"EDLC\", price = money(\"1800\") }")
      }
      var fields: [ValueField] = []
      for one in given.fields {
        let name = one.key.text ?? ""
        guard let field = schema.field(.product, name) else {
          throw LuaHostError(schema.unknownField(name, of: .product).message)
        }
        try schema.checkWritable(field, of: .product)
        fields.append(ValueField(field.key, try schema.check(value(one.value), for: field, of: .product)))
      }
      guard let name = fields.first(where: { $0.name == "name" }), !name.value.isNull else {
        throw LuaHostError("crm.add_product: a product needs a name")
      }
      defer { call.state.invalidateFields() }
      return .value(lua(try value(.create(.product, fields))))
    }
    for finder in Self.finders {
      let kind = finder.kind
      try state.define(function: finder.one, in: "crm") { [unowned self] call in
        let name = try call.value(1)
        switch name {
        case .integer, .string, .object: break
        default: throw call.expected(1, "\(kind.words)'s id or key")
        }
        let found = try value(.fetch(kind, value(name)))
        if found.isNull { throw LuaHostError("there is no \(kind.words) \(try value(name).summary)") }
        return .value(lua(found))
      }
      try state.define(function: finder.many, in: "crm") { [unowned self] call in
        let criteria = try call.optionalTable(1) ?? LuaTable()
        guard criteria.sequence.isEmpty else {
          throw call.badArgument(1, "fields by name expected, like { stage = \"Confirmé\" }")
        }
        return .value(lua(try value(.find(kind, try criteria.fields.map { try criterion($0, kind) }))))
      }
    }
  }

  private func criterion(_ given: LuaField, _ kind: RecordKind) throws -> ValueField {
    let name = given.key.text ?? ""
    guard let field = schema.field(kind, name) else { throw LuaHostError(schema.unknownField(name, of: kind).message) }
    let plain = try value(given.value)
    switch (field.type, plain) {
    case (.record(.stage), .text(let name)): return ValueField(field.key, .text(try knownStage(name)))
    case (.choice, .text(let word)) where kind == .deal && field.key == "status":
      return ValueField(field.key, .text(try DealStatus(word: word).rawValue))
    case (.records, _), (.objects, _):
      throw LuaHostError("\(field.displayName) is a list; records can't be looked up by it")
    default: break
    }
    return ValueField(field.key, try schema.check(plain, for: field, of: kind))
  }
}
