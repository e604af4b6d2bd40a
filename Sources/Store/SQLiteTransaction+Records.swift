import CRM

extension SQLiteTransaction {
  func record(_ ref: RecordRef) throws -> Record? {
    if let cached = cache[ref] { return cached }
    guard let table = RecordTable.of(ref.kind) else { return nil }
    let arguments: StatementArguments = ref.kind.isLine ? [ref.id, ref.part] : [ref.id]
    let found = try row(table.select, arguments).map { try record(ref, table, $0) }
    if let found { cache[ref] = found }
    return found
  }

  /// - Parameter row: of the table's own `SELECT`.
  func record(_ ref: RecordRef, _ table: RecordTable, _ row: ResultRow) throws -> Record {
    var record = Record(ref: ref, columns: [], custom: [:])
    record.columns.reserveCapacity(table.columns.count)
    for (place, column) in table.columns.enumerated() {
      record.columns.append(try decode(row, place, column.codec))
    }
    if table.hasCustomFields {
      record.custom = try decodeCustom(try row.at(table.columns.count))
    }
    return record
  }

  func value(_ ref: RecordRef, _ field: String) throws -> Value? {
    guard let record = try record(ref) else { return nil }
    if let table = RecordTable.of(ref.kind), let place = table.index[field] { return record.columns[place] }
    if let stored = record.custom[field] { return stored }
    return try computed(record, field) ?? .null
  }

  func set(_ ref: RecordRef, _ field: String, _ value: Value, author: Author, at: Instant) throws {
    guard var record = try record(ref) else { throw StoreError(.notFound, "there is no \(ref.kind.words) \(ref.id)") }
    let old = record[field: field]
    if old == value { return }
    if let table = RecordTable.of(ref.kind), let place = table.index[field] {
      // Checked now, so that the error comes at the assignment and not at the end of the segment.
      _ = try encode(value, table.columns[place].codec, field: field)
      record.columns[place] = value
    } else if RecordTable.of(ref.kind)?.hasCustomFields == true {
      record.custom[field] = value.isNull ? nil : value
    } else {
      throw StoreError(.constraint, "a \(ref.kind.words) has no stored field \(field)")
    }
    cache[ref] = record
    try note(ref, author: author, at: at) { pending in
      if let place = pending.changes.firstIndex(where: { $0.field == field }) {
        pending.changes[place].new = value
      } else {
        pending.changes.append((field, old, value))
      }
    }
  }

  /// Adds to what is pending for a record; what another author left there is written first.
  func note(_ ref: RecordRef, author: Author, at: Instant, _ change: (inout Pending) -> Void) throws {
    if let present = pending[ref], present.author != author || present.at != at { try flushRecords() }
    if pending[ref] == nil { pendingOrder.append(ref) }
    change(&pending[ref, default: Pending(author: author, at: at)])
  }

  func flush() throws {
    try flushRecords()
    try flushRuns()
  }

  func flushRecords() throws {
    if pendingOrder.isEmpty { return }
    // What the database refuses stays pending: whoever catches the error and goes on can't commit without it.
    var done = 0
    defer { pendingOrder.removeFirst(done) }
    for ref in pendingOrder {
      if let change = pending[ref], let record = cache[ref] { try write(change, of: record) }
      pending[ref] = nil
      done += 1
    }
  }

  private func write(_ pending: Pending, of record: Record) throws {
    var pending = pending
    // Set back to what it was.
    pending.changes.removeAll { $0.old == $0.new }
    if pending.changes.isEmpty && pending.stageTo == nil && pending.request == nil { return }
    try update(record, pending)
    try appendHistory(
      record.ref, pending.changes, author: pending.author, at: pending.at, stageFrom: pending.stageFrom,
      stageTo: pending.stageTo, request: pending.request)
  }

  private func update(_ record: Record, _ pending: Pending) throws {
    guard let table = RecordTable.of(record.ref.kind) else { return }
    var assignments: [String] = []
    var arguments: StatementArguments = []
    var touchesCustom = false
    for change in pending.changes {
      guard let place = table.index[change.field] else {
        touchesCustom = true
        continue
      }
      let column = table.columns[place]
      assignments.append("\(column.name) = ?")
      arguments.append(try encode(record.columns[place], column.codec, field: change.field))
      if record.ref.kind == .user, change.field == "email" {
        assignments.append("email_folded = ?")
        arguments.append(record.columns[place].plainText.lowercased())
      }
    }
    if touchesCustom {
      assignments.append("custom = ?")
      arguments.append(encodeCustom(record.custom))
    }
    guard !assignments.isEmpty else { return }
    arguments.append(record.ref.id)
    if record.ref.kind.isLine { arguments.append(record.ref.part) }
    try execute(
      "UPDATE \(table.name) SET \(assignments.joined(separator: ", ")) WHERE \(table.identity)",
      arguments)
  }

  func appendHistory(
    _ ref: RecordRef, _ changes: [(field: String, old: Value, new: Value)], author: Author, at: Instant,
    stageFrom: Int64? = nil, stageTo: Int64? = nil, request: String? = nil
  ) throws {
    // A line's changes stand in the history of the record that it belongs to, as `lines.2.quantity`.
    let owner: RecordKind = ref.kind == .dealLine ? .deal : ref.kind == .quoteLine ? .quote : ref.kind
    let prefix = ref.kind.isLine ? "lines.\(ref.part)." : ""
    var text = JSONText()
    text.beginObject()
    for change in changes {
      text.name(prefix + change.field)
      text.beginArray()
      text.value(change.old)
      text.value(change.new)
      text.endArray()
    }
    text.endObject()
    try execute(
      """
      INSERT INTO history (record_kind, record_id, seq, at, actor, run_id, request, stage_from, stage_to, changes)
      VALUES (?1, ?2, (SELECT COALESCE(MAX(seq), 0) + 1 FROM history WHERE record_kind = ?1 AND record_id = ?2),
        ?3, ?4, ?5, ?6, ?7, ?8, ?9)
      """,
      [
        owner.rawValue, ref.id, at.milliseconds, author.actor, author.runID, request, stageFrom, stageTo,
        text.text,
      ])
  }

  func insert(_ kind: RecordKind, _ fields: [ValueField], author: Author, at: Instant) throws -> RecordRef {
    guard let table = RecordTable.of(kind), !kind.isLine else {
      throw StoreError(.constraint, "a \(kind.words) can't be inserted by itself")
    }
    var names: [String] = []
    var arguments: StatementArguments = []
    var custom: [String: Value] = [:]
    for (index, field) in fields.enumerated() where !field.value.isNull {
      if fields[..<index].contains(where: { $0.name == field.name }) {
        throw StoreError(.constraint, "the field \(field.name) is given twice")
      }
      if let place = table.index[field.name] {
        names.append(table.columns[place].name)
        arguments.append(try encode(field.value, table.columns[place].codec, field: field.name))
        if kind == .user, field.name == "email" {
          names.append("email_folded")
          arguments.append(field.value.plainText.lowercased())
        }
      } else if table.hasCustomFields {
        custom[field.name] = field.value
      } else {
        throw StoreError(.constraint, "a \(kind.words) has no field \(field.name)")
      }
    }
    if table.hasCustomFields {
      names.append("custom")
      arguments.append(encodeCustom(custom))
    }
    let places = Array(repeating: "?", count: names.count).joined(separator: ", ")
    try execute(
      "INSERT INTO \(table.name) (\(names.joined(separator: ", "))) VALUES (\(places))", arguments)
    let ref = RecordRef(kind, statements.lastInsertedRowID)
    try appendHistory(
      ref, fields.filter { !$0.value.isNull }.map { ($0.name, .null, $0.value) }, author: author, at: at)
    return ref
  }

  func replaceLines(of deal: RecordRef, _ lines: [[ValueField]], author: Author, at: Instant) throws {
    guard let table = RecordTable.of(.dealLine) else { return }
    let before = try value(deal, "lines") ?? .null
    let beforeFields = try describeLines(before)
    try execute("DELETE FROM deal_line WHERE deal_id = ?", [deal.id])
    for (place, line) in lines.enumerated() {
      var names = ["deal_id", "position"]
      var arguments: StatementArguments = [deal.id, place + 1]
      for field in line where !field.value.isNull {
        guard let index = table.index[field.name] else {
          throw StoreError(.constraint, "a deal line has no field \(field.name)")
        }
        names.append(table.columns[index].name)
        arguments.append(try encode(field.value, table.columns[index].codec, field: field.name))
      }
      let places = Array(repeating: "?", count: names.count).joined(separator: ", ")
      try execute(
        "INSERT INTO deal_line (\(names.joined(separator: ", "))) VALUES (\(places))", arguments)
    }
    // By name, not by looking through a cache that may hold an import of 100,000 records.
    var count = lines.count
    if case .list(let old) = before { count = max(count, old.count) }
    known.lines[deal.id] = nil
    for part in 0..<count { cache[RecordRef(kind: .dealLine, id: deal.id, part: Int32(part + 1))] = nil }
    let after = try describeLines(try value(deal, "lines") ?? .null)
    if beforeFields != after {
      try flush()
      try appendHistory(deal, [("lines", beforeFields, after)], author: author, at: at)
    }
  }

  /// A deal's lines as plain values, so that the history can show them after they are gone.
  private func describeLines(_ lines: Value) throws -> Value {
    guard case .list(let refs) = lines else { return .list([]) }
    return .list(
      try refs.compactMap { ref in
        guard case .record(let ref) = ref, let record = try record(ref) else { return nil }
        return .object(
          ["product", "quantity", "price", "discount"].map { ValueField($0, record[field: $0]) }
            .filter { !$0.value.isNull })
      })
  }

  func replaceParticipants(of deal: RecordRef, _ persons: [RecordRef], author: Author, at: Instant) throws {
    let before = try value(deal, "participants") ?? .list([])
    let after = Value.list(persons.map { .record($0) })
    if before == after { return }
    try execute("DELETE FROM participant WHERE deal_id = ?", [deal.id])
    for (place, person) in persons.enumerated() {
      try execute(
        "INSERT INTO participant (deal_id, position, person_id) VALUES (?, ?, ?)", [deal.id, place + 1, person.id])
    }
    try flush()
    try appendHistory(deal, [("participants", before, after)], author: author, at: at)
  }

  func history(of ref: RecordRef) throws -> [HistoryEntry] {
    try flush()
    return try rows(
      """
      SELECT at, actor, run_id, stage_from, stage_to, changes FROM history
      WHERE record_kind = ? AND record_id = ? ORDER BY seq
      """, [ref.kind.rawValue, ref.id]
    ).map { row in
      var changes: [(field: String, old: Value, new: Value)] = []
      let text: String = try row.at(5)
      try stored(text) {
        for member in try JSON(parsing: text, depthLimit: Self.jsonDepth).objectValue ?? [] {
          guard let pair = member.value.arrayValue, pair.count == 2 else { continue }
          changes.append((member.name, try Value(json: pair[0]), try Value(json: pair[1])))
        }
      }
      return try HistoryEntry(
        at: Instant(milliseconds: row.at(0)), author: Author(actor: row.at(1), runID: row.at(2)), changes: changes,
        stageFrom: row.at(3), stageTo: row.at(4))
    }
  }
}
