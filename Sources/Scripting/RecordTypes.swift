import CRM
import LuaKit

/// Records as scripts see them: handles whose fields are read and assigned by name. A handle holds an id, never a
/// copy, so after a step it shows the record as it is then.
extension ScriptContext {
  func defineRecordTypes(_ state: LuaState) throws {
    for kind in RecordKind.allCases {
      let fields = schema.fields(of: kind)
      let keys = fields.map(\.key)
      let type = try state.define(
        type: LuaTypeDefinition(
          name: kind.rawValue, fields: keys, methods: methods(of: kind),
          get: { [unowned self] _, object, slot in
            let ref = RecordRef(kind: kind, id: object.first, part: Int32(truncatingIfNeeded: object.second))
            return lua(try value(.get(ref, field: keys[slot])))
          },
          set: { [unowned self] call, object, slot, new in
            try assign(fields[slot], of: kind, object, new)
            call.state.invalidateFields()
          },
          unknownField: { [schema, services] _, name, _ in
            let methods = services.flatMap(\.operations).filter { $0.methodOf == kind }.compactMap(\.method)
            return LuaHostError(Self.unknownField(name, kind, schema, methods: methods))
          },
          metamethods: [
            .tostring: { call in
              let (id, part) = (call.receiver?.first ?? 0, call.receiver?.second ?? 0)
              return .value(.string("\(kind.words) \(id)" + (kind.isLine ? ".\(part)" : "")))
            }
          ],
          cachesFields: true))
      types.records.append(type)
      types.kinds[type] = kind
    }
  }

  /// ALT-01: an unknown field is an error that names it, and suggests the right one.
  private static func unknownField(
    _ name: String, _ kind: RecordKind, _ schema: RecordSchema, methods: [String] = []
  ) -> String {
    if schema.suggestion(for: name, in: kind) == nil,
      let method = Suggestion.nearest(
        to: name, among: APITable.methods(of: kind).map(\.name) + methods)
    {
      return "\(kind.words) has no field '\(name)'; did you mean '\(kind.rawValue):\(method)(…)'?"
    }
    return schema.unknownField(name, of: kind).message
  }

  /// Checks a value against the schema, then hands it to the host.
  func assign(_ field: FieldDefinition, of kind: RecordKind, _ object: LuaObject, _ new: LuaValue) throws {
    try schema.checkWritable(field, of: kind)
    let checked = try schema.check(try value(new), for: field, of: kind)
    let ref = RecordRef(kind: kind, id: object.first, part: Int32(truncatingIfNeeded: object.second))
    _ = try value(.set(ref, field: field.key, value: checked))
  }

  private func methods(of kind: RecordKind) -> [(String, LuaHostFunction)] {
    let own: [(String, LuaHostFunction)] =
      switch kind {
      case .deal: dealMethods
      case .note: noteMethods
      default: []
      }
    return own + serviceMethods(of: kind)
  }

  private func receiver(_ call: borrowing LuaCall, _ kind: RecordKind) throws -> RecordRef {
    guard let object = call.receiver, types.kinds[object.type] == kind else {
      throw LuaHostError("'\(call.name)' is called with a colon, like \(kind.rawValue):\(call.name)(…)")
    }
    return RecordRef(kind: kind, id: object.first)
  }

  /// What changes records beyond the assigned field: everything that was read may be old.
  private func act(_ call: borrowing LuaCall, _ request: HostCall) throws -> LuaReturn {
    defer { call.state.invalidateFields() }
    return .value(lua(try value(request)))
  }

  private var dealMethods: [(String, LuaHostFunction)] {
    [
      ("move_to", { [unowned self] call in
        let deal = try receiver(call, .deal)
        var from: String?
        if let options = try call.optionalTable(2) {
          try Options.check(options, allowed: ["from"], function: "deal:move_to")
          from = try Options.text(options, "from", function: "deal:move_to")
        }
        return try act(call, .move(deal, stage: call.string(1), from: from))
      }),
      ("win", { [unowned self] call in try act(call, .close(receiver(call, .deal), .won)) }),
      ("lose", { [unowned self] call in try act(call, .close(receiver(call, .deal), .lost)) }),
      ("reopen", { [unowned self] call in try act(call, .close(receiver(call, .deal), .open)) }),
      ("add_note", { [unowned self] call in
        let deal = try receiver(call, .deal)
        let text = try call.string(1)
        var pinned = false
        if let options = try call.optionalTable(2) {
          try Options.check(options, allowed: ["pinned"], function: "deal:add_note")
          switch options["pinned"] {
          case .nil: break
          case .boolean(let flag): pinned = flag
          default:
            throw LuaHostError("deal:add_note: the option pinned is true or false, found a \(options["pinned"].typeName)")
          }
        }
        return try act(
          call,
          .create(
            .note,
            [
              ValueField("deal", .record(deal)), ValueField("text", .text(text)),
              ValueField("pinned", .boolean(pinned)),
            ]))
      }),
      ("append", { [unowned self] call in
        let deal = try receiver(call, .deal)
        let key = try call.string(1)
        guard let field = schema.field(.deal, key) else {
          throw LuaHostError(Self.unknownField(key, .deal, schema))
        }
        guard field.type == .texts else {
          throw LuaHostError("\(field.displayName) holds one value; assign it: deal.\(key) = …")
        }
        var list: [Value] = []
        if case .list(let present) = try value(.get(deal, field: field.key)) { list = present }
        list.append(try value(call.value(2)))
        let checked = try schema.check(.list(list), for: field, of: .deal)
        return try act(call, .set(deal, field: field.key, value: checked))
      }),
      ("becomes", { [unowned self] call in
        let status = try DealStatus(word: call.string(1))
        return .value(waitTarget(try receiver(call, .deal), "status", status.rawValue))
      }),
      ("reaches", { [unowned self] call in
        let stage = try knownStage(call.string(1))
        return .value(waitTarget(try receiver(call, .deal), "stage", stage))
      }),
    ]
  }

  private var noteMethods: [(String, LuaHostFunction)] {
    func pinning(_ pinned: Bool) -> LuaHostFunction {
      { [unowned self] call in
        try act(call, .set(receiver(call, .note), field: "pinned", value: .boolean(pinned)))
      }
    }
    return [("pin", pinning(true)), ("unpin", pinning(false))]
  }

  private func waitTarget(_ deal: RecordRef, _ kind: String, _ name: String) -> LuaValue {
    var table = LuaTable()
    table["deal"] = lua(.record(deal))
    table[kind] = .string(name)
    return .table(table)
  }

  /// A stage's name as declared, looked up as labels are (ALT-04).
  func knownStage(_ name: String) throws -> String {
    let folded = Label.folded(name)
    for pipeline in declaration.pipelines {
      for stage in pipeline.stages where Label.folded(stage.name) == folded { return stage.name }
    }
    let known = declaration.pipelines.flatMap(\.stages).map { "\"\($0.name)\"" }.joined(separator: ", ")
    throw LuaHostError("there is no stage \"\(name)\"; the stages are \(known)")
  }
}

/// Options given as a table: a misspelt one is an error, not silently nothing.
enum Options {
  static func check(_ table: LuaTable, allowed: [String], function: String) throws {
    for field in table.fields {
      guard let name = field.key.text, allowed.contains(name) else {
        let found = field.key.text.map { "'\($0)'" } ?? "a \(field.key.typeName)"
        throw LuaHostError("\(function) has the options \(allowed.joined(separator: ", ")); found \(found)")
      }
    }
    if !table.sequence.isEmpty {
      throw LuaHostError("\(function): options are given by name, like { \(allowed.first ?? "name") = … }")
    }
  }

  static func text(_ table: LuaTable, _ name: String, function: String) throws -> String? {
    switch table[name] {
    case .nil: return nil
    case .string(let string):
      if let text = string.text { return text }
      throw LuaHostError("\(function): the option \(name) is text in UTF-8")
    default: throw LuaHostError("\(function): the option \(name) is text, found a \(table[name].typeName)")
    }
  }
}
