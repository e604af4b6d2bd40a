import CRM
import Store

extension ImportJob {
  /// Reads the whole document; what is wrong goes into `faults`.
  func check(_ document: JSON) throws -> [Draft] {
    guard let members = document.objectValue else {
      note("", "expected an object with \(Self.sectionList), found \(Self.word(document))")
      return []
    }
    let names = Importer.sections.map(\.name)
    for member in members where !names.contains(member.name) {
      let hint = Suggestion.nearest(to: member.name, among: names).map { "; did you mean \"\($0)\"?" } ?? ""
      note(member.name, "unknown key; expected \(Self.sectionList)\(hint)")
    }
    var sections: [(kind: RecordKind, path: String, records: [JSON])] = []
    for (name, kind) in Importer.sections {
      guard let section = document[name] else { continue }
      guard let records = section.arrayValue else {
        note(name, "expected a list of \(name), found \(Self.word(section))")
        continue
      }
      sections.append((kind, name, records))
      announceKeys(records, of: kind, path: name)
    }
    var drafts: [Draft] = []
    for section in sections {
      for (place, record) in section.records.enumerated() where !isFull {
        if let draft = try draft(record, of: section.kind, path: "\(section.path)[\(place)]") { drafts.append(draft) }
      }
    }
    return drafts
  }

  private static let sectionList = Importer.sections.map(\.name).joined(separator: ", ")

  static func word(_ json: JSON) -> String {
    switch json {
    case .null: "null"
    case .bool(let flag): flag ? "true" : "false"
    case .integer(let number): String(number)
    case .number(let text): text
    case .string(let text): Value.text(text).summary
    case .array: "a list"
    case .object: "an object"
    }
  }

  private func announceKeys(_ records: [JSON], of kind: RecordKind, path: String) {
    var emails: [String: Int] = [:]
    for (place, record) in records.enumerated() {
      if let key = record["key"]?.stringValue, !key.isEmpty, !announced.insert(Name(kind: kind, key: key)).inserted {
        note("\(path)[\(place)].key", "two \(path) of this document have the key \"\(key)\"")
      }
      guard kind == .user, let email = record["email"]?.stringValue?.lowercased() else { continue }
      if let other = emails.updateValue(place, forKey: email) {
        note("\(path)[\(place)].email", "\(path)[\(other)] has the same address; each user needs one of their own")
      }
    }
  }

  private func draft(_ json: JSON, of kind: RecordKind, path: String) throws -> Draft? {
    guard let members = json.objectValue else {
      note(path, "expected an object, found \(Self.word(json))")
      return nil
    }
    var draft = Draft(kind: kind, path: path)
    if let key = json["key"], key != .null {
      guard let text = key.stringValue, text.contains(where: { !$0.isWhitespace }) else {
        note("\(path).key", "expected a name as text, found \(Self.word(key))")
        return nil
      }
      draft.key = text
      draft.existing = try find(Name(kind: kind, key: text)) ?? unkeyed(Name(kind: kind, key: text), like: json)
    }
    // A user without a known key is still known by the address.
    if draft.existing == nil, kind == .user, let email = json["email"]?.stringValue {
      draft.existing = try tx.user(email: email)
    }
    if kind == .user, let email = json["email"]?.stringValue, let owner = try tx.user(email: email),
      owner != draft.existing
    {
      let name = try tx.value(owner, "name")?.plainText ?? ""
      note("\(path).email", "\(Value.text(name).summary) has this address already; each user needs one of their own")
    }
    // The stage is looked for in the pipeline, wherever that stands in the object.
    if kind == .deal, let pipeline = json["pipeline"] { draft.pipeline = try self.pipeline(pipeline, "\(path).pipeline") }
    for member in members {
      try read(member, "\(path).\(member.name)", into: &draft)
    }
    if draft.existing == nil { checkRequired(draft, json) }
    return draft
  }

  private func read(_ member: JSONMember, _ path: String, into draft: inout Draft) throws {
    if draft.kind == .deal {
      switch member.name {
      case "stage": return readStage(member.value, path, into: &draft)
      case "pipeline": return
      case "status":
        do {
          draft.status = try DealStatus(word: member.value.stringValue ?? Self.word(member.value))
        } catch {
          note(path, error.message)
        }
        return
      case "archived":
        guard let flag = member.value.boolValue else {
          return note(path, "expected true or false, found \(Self.word(member.value))")
        }
        draft.archived = flag
        return
      case "participants": return try readParticipants(member.value, path, into: &draft)
      case "lines": return try readLines(member.value, path, into: &draft)
      case "notes": return readNotes(member.value, path, into: &draft)
      default: break
      }
    }
    guard let field = schema.field(draft.kind, member.name), field.key == member.name else {
      return note(path, schema.unknownField(member.name, of: draft.kind).message)
    }
    do {
      try schema.checkWritable(field, of: draft.kind)
    } catch {
      return note(path, error.message)
    }
    if case .record(let target) = field.type {
      if member.value == .null {
        draft.fields.append(ValueField(field.key, .null))
      } else if let link = try link(member.value, to: target, path, field) {
        draft.links.append((field.key, link))
      }
    } else if let value = checked(member.value, field, draft.kind, path) {
      draft.fields.append(ValueField(field.key, value))
    }
  }

  private func checked(_ json: JSON, _ field: FieldDefinition, _ kind: RecordKind, _ path: String) -> Value? {
    do {
      return try schema.check(try Value(plainJSON: json), for: field, of: kind)
    } catch {
      note(path, error.message)
      return nil
    }
  }

  private func pipeline(_ json: JSON, _ path: String) throws -> Int64? {
    guard let name = json.stringValue else {
      note(path, "expected a pipeline's name, found \(Self.word(json))")
      return nil
    }
    var known: [String] = []
    for id in Set(stages.stages.filter { !$0.isRetired }.map(\.pipelineID)).sorted() {
      let other = try tx.value(RecordRef(.pipeline, id), "name")?.plainText ?? ""
      if Label.folded(other) == Label.folded(name) { return id }
      known.append("\"\(other)\"")
    }
    note(path, "there is no pipeline \(Value.text(name).summary); the pipelines are \(known.joined(separator: ", "))")
    return nil
  }

  private func readStage(_ json: JSON, _ path: String, into draft: inout Draft) {
    guard let name = json.stringValue else {
      return note(path, "expected a stage's name, found \(Self.word(json))")
    }
    do {
      draft.stage = try stages.stage(named: name, pipeline: draft.pipeline)
    } catch {
      note(path, "\(error)")
    }
  }

  private func readParticipants(_ json: JSON, _ path: String, into draft: inout Draft) throws {
    guard let elements = json.arrayValue else {
      return note(path, "expected a list of keys of persons, found \(Self.word(json))")
    }
    var links: [Link] = []
    let field = schema.field(.deal, "participants")
    for (place, element) in elements.enumerated() {
      if let link = try link(element, to: .person, "\(path)[\(place)]", field) { links.append(link) }
    }
    draft.participants = links
  }

  private static let lineMembers = "a line is given by product, quantity, price and discount"

  private func readLines(_ json: JSON, _ path: String, into draft: inout Draft) throws {
    guard let elements = json.arrayValue else {
      return note(path, "expected a list of product lines, found \(Self.word(json))")
    }
    var lines: [(product: Link?, fields: [ValueField])] = []
    for (place, element) in elements.enumerated() {
      let path = "\(path)[\(place)]"
      guard let members = element.objectValue else {
        note(path, "expected an object with product, quantity, price and discount, found \(Self.word(element))")
        continue
      }
      var line: (product: Link?, fields: [ValueField]) = (nil, [])
      for member in members {
        let path = "\(path).\(member.name)"
        guard let field = schema.field(.dealLine, member.name), field.key == member.name else {
          note(path, schema.unknownField(member.name, of: .dealLine).message + "; \(Self.lineMembers)")
          continue
        }
        guard field.isWritable else {
          note(path, "\(Self.lineMembers); the rest follows from them")
          continue
        }
        if field.key == "product" {
          line.product = try link(member.value, to: .product, path, field)
        } else if let value = checked(member.value, field, .dealLine, path) {
          if case .decimal(let quantity) = value, field.key == "quantity", quantity <= .zero {
            note(path, "\(field.displayName): expected more than 0, found \(quantity)")
          } else if case .money(let price) = value, price.cents < 0 {
            note(path, "\(field.displayName): expected 0 or more, found \(price)")
          }
          line.fields.append(ValueField(field.key, value))
        }
      }
      if element["product"] == nil { note(path, "a line needs a product") }
      if element["quantity"] == nil { note(path, "a line needs a quantity") }
      lines.append(line)
    }
    draft.lines = lines
  }

  private func readNotes(_ json: JSON, _ path: String, into draft: inout Draft) {
    guard let elements = json.arrayValue else {
      return note(path, "expected a list of notes, found \(Self.word(json))")
    }
    var notes: [(text: String, pinned: Bool)] = []
    for (place, element) in elements.enumerated() {
      let path = "\(path)[\(place)]"
      guard let members = element.objectValue else {
        note(path, "expected an object with text and pinned, found \(Self.word(element))")
        continue
      }
      var read: (text: String, pinned: Bool) = ("", false)
      for member in members {
        let path = "\(path).\(member.name)"
        switch (member.name, member.value) {
        case ("text", .string(let text)):
          if text.utf8.contains(0) { note(path, "text can't hold the character NUL") }
          read.text = text
        case ("text", _): note(path, "expected text, found \(Self.word(member.value))")
        case ("pinned", .bool(let pinned)): read.pinned = pinned
        case ("pinned", _): note(path, "expected true or false, found \(Self.word(member.value))")
        default: note(path, "unknown key; a note has text and pinned")
        }
      }
      if element["text"] == nil { note(path, "a note needs a text") }
      notes.append(read)
    }
    draft.notes = notes
  }

  /// What a key names: a record of this document first, then one of the workspace.
  private func link(_ json: JSON, to kind: RecordKind, _ path: String, _ field: FieldDefinition?) throws -> Link? {
    let label = field.map { "\($0.displayName): " } ?? ""
    if let id = json.integerValue {
      let ref = RecordRef(kind, id)
      if try tx.record(ref) != nil { return .stored(ref) }
      note(path, "\(label)there is no \(kind.words) \(id)")
      return nil
    }
    guard let key = json.stringValue else {
      note(path, "\(label)expected the key of \(kind.phrase), found \(Self.word(json))")
      return nil
    }
    let name = Name(kind: kind, key: key)
    if announced.contains(name) { return .draft(kind, key) }
    if let ref = try find(name) ?? unkeyed(name) { return .stored(ref) }
    if kind == .user, let ref = try tx.user(email: key) { return .stored(ref) }
    note(path, "\(label)no \(kind.words) has the key \(Value.text(key).summary), here or in the workspace\(nearest(name))")
    return nil
  }

  private func nearest(_ name: Name) -> String {
    // Comparing with very many keys would make a faulty import slow.
    guard announced.count <= 2_000 else { return "" }
    let keys = announced.filter { $0.kind == name.kind }.map(\.key).sorted()
    return Suggestion.nearest(to: name.key, among: keys).map { "; did you mean \"\($0)\"?" } ?? ""
  }

  func find(_ name: Name) throws -> RecordRef? {
    if let known = stored[name] { return known }
    let ref = try tx.find(name.kind, key: name.key)
    stored[name] = .some(ref)
    return ref
  }

  /// The record without a key that an export called by kind and id (`deal-12`).
  /// - Parameter like: what the document says of it: in another workspace, or later, the id may be another record's, so
  ///   it has to have the same name.
  private func unkeyed(_ name: Name, like json: JSON? = nil) throws -> RecordRef? {
    let start = "\(name.kind.rawValue)-"
    guard name.key.hasPrefix(start), let id = Int64(name.key.dropFirst(start.count)),
      let record = try tx.record(RecordRef(name.kind, id)), record.key == nil
    else { return nil }
    let identity =
      switch name.kind {
      case .deal: ["title"]
      case .person: ["first_name", "last_name"]
      default: ["name"]
      }
    let isSame = identity.allSatisfy { record[field: $0].plainText == json?[$0]?.stringValue ?? "" }
    return json == nil || isSame ? record.ref : nil
  }

  private func checkRequired(_ draft: Draft, _ json: JSON) {
    for field in schema.fields(of: draft.kind) where field.isRequired && json[field.key] == nil {
      note(draft.path, "\(field.displayName): a \(draft.kind.words) can't be without it; give it a value")
    }
    switch draft.kind {
    case .deal where json["stage"] == nil:
      let known = stages.stages.filter { !$0.isRetired }.map { "\"\($0.name)\"" }.joined(separator: ", ")
      note(draft.path, "a deal needs a stage, one of \(known)")
    case .person where json["first_name"] == nil && json["last_name"] == nil:
      note(draft.path, "a person needs first_name or last_name")
    default: break
    }
  }
}
