import CRM

extension SQLiteTransaction {
  /// Fields that are not stored in the record's own row.
  func computed(_ record: Record, _ field: String) throws -> Value? {
    let ref = record.ref
    switch (ref.kind, field) {
    case (_, "id"):
      return .integer(ref.id)
    case (.person, "name"):
      let names = [record[field: "first_name"], record[field: "last_name"]].map(\.plainText).filter { !$0.isEmpty }
      return names.isEmpty ? .null : .text(names.joined(separator: " "))
    case (.deal, "lines"):
      return try lines(ofDeal: ref.id)
    case (.quote, "lines"):
      return try parts(.quoteLine, "SELECT position FROM quote_line WHERE quote_id = ? ORDER BY position", ref.id)
    case (.deal, "participants"):
      return try list(.person, "SELECT person_id FROM participant WHERE deal_id = ? ORDER BY position", ref.id)
    case (.deal, "notes"):
      return try list(.note, "SELECT id FROM note WHERE deal_id = ? ORDER BY id", ref.id)
    case (.deal, "quotes"):
      return try list(.quote, "SELECT id FROM quote WHERE deal_id = ? ORDER BY id", ref.id)
    case (.deal, "cards"):
      return try list(.card, "SELECT id FROM card WHERE deal_id = ? ORDER BY id", ref.id)
    case (.deal, "messages"):
      return try list(.message, "SELECT id FROM message WHERE deal_id = ? ORDER BY id", ref.id)
    case (.deal, "documents"):
      return try list(.document, "SELECT id FROM document WHERE deal_id = ? ORDER BY id", ref.id)
    case (.deal, "signatures"):
      return try list(.signatureRequest, "SELECT id FROM signature_request WHERE deal_id = ? ORDER BY id", ref.id)
    case (.deal, "emails"):
      return try list(.email, "SELECT id FROM email WHERE deal_id = ? ORDER BY id", ref.id)
    case (.folder, "url"), (.document, "url"), (.signatureRequest, "url"):
      return WorkspaceAddress.of(ref).map { .text($0) }
    case (.pipeline, "stages"):
      return try list(.stage, "SELECT id FROM stage WHERE pipeline_id = ? AND retired = 0 ORDER BY position", ref.id)
    case (.deal, "total"):
      return .money(try total(ofDeal: ref))
    case (.dealLine, "vat_rate"):
      guard case .record(let product) = record[field: "product"] else { return .null }
      return try value(product, "vat_rate")
    case (.dealLine, "total"):
      return try priced(record).map { .money(try $0.total()) } ?? .null
    case (.quote, "totals"):
      return try totals(ofQuote: ref.id)
    default:
      return nil
    }
  }

  // What is pending are changes of fields, which none of these lists depends on.
  private func list(_ kind: RecordKind, _ sql: String, _ id: Int64) throws -> Value {
    .list(try numbers(sql, [id]).map { .record(RecordRef(kind, $0)) })
  }

  /// Read with their fields, which whoever asks for the lines asks for next.
  private func lines(ofDeal id: Int64) throws -> Value {
    if let lines = known.lines[id] { return lines }
    guard let table = RecordTable.of(.dealLine) else { return .list([]) }
    let lines = Value.list(
      try rows(table.selectAll, [id]).map { row in
        let ref = RecordRef(kind: .dealLine, id: id, part: try row.at(table.columns.count))
        // What was assigned to one and is not written yet stays.
        if cache[ref] == nil { cache[ref] = try record(ref, table, row) }
        return .record(ref)
      })
    known.lines[id] = lines
    return lines
  }

  private func parts(_ kind: RecordKind, _ sql: String, _ id: Int64) throws -> Value {
    .list(try numbers(sql, [id]).map { .record(RecordRef(kind: kind, id: id, part: $0)) })
  }

  /// The line with its price, which is the product's unless the line has its own (reading 6 of the conflicts, ALT-29).
  private func priced(_ line: Record) throws -> PricedLine? {
    guard case .decimal(let quantity) = line[field: "quantity"], case .record(let ref) = line[field: "product"],
      let product = try record(ref)
    else { return nil }
    let price = line[field: "price"].isNull ? product[field: "price"] : line[field: "price"]
    guard case .money(let unitPrice) = price else { return nil }
    var rate = ExactDecimal.zero
    if case .decimal(let stored) = product[field: "vat_rate"] { rate = stored }
    var discount: Discount?
    if case .text(let text) = line[field: "discount"] { discount = try Discount(parsing: text, currency: currency) }
    return PricedLine(quantity: quantity, unitPrice: unitPrice, discount: discount, vatRate: rate)
  }

  private func total(ofDeal deal: RecordRef) throws -> Money {
    var total = Money.zero(currency)
    guard case .list(let lines)? = try value(deal, "lines") else { return total }
    for case .record(let ref) in lines {
      if let line = try record(ref), let priced = try priced(line) { total = try total.adding(priced.total()) }
    }
    return total
  }

  private func totals(ofQuote id: Int64) throws -> Value {
    .list(
      try rows(
        "SELECT vat_rate, SUM(total), SUM(tax) FROM quote_line WHERE quote_id = ? GROUP BY vat_rate ORDER BY vat_rate",
        [id]
      ).map { row in
        try .object([
          ValueField("rate", .decimal(ExactDecimal(millionths: row.at(0)))),
          ValueField("base", .money(Money(cents: row.at(1), currency: currency))),
          ValueField("tax", .money(Money(cents: row.at(2), currency: currency))),
        ])
      })
  }

  func find(_ kind: RecordKind, _ criteria: [ValueField], limit: Int?) throws -> [RecordRef] {
    guard let table = RecordTable.of(kind), !kind.isLine else {
      throw StoreError(.constraint, "\(kind.words)s can't be searched; they are reached through their record")
    }
    try flushRecords()
    var conditions: [String] = []
    var arguments: StatementArguments = []
    for criterion in criteria {
      if criterion.name == "id", case .integer(let id) = criterion.value {
        conditions.append("id = ?")
        arguments.append(id)
      } else if let place = table.index[criterion.name] {
        let column = table.columns[place]
        conditions.append("\(column.name) IS ?")
        arguments.append(try encode(criterion.value, column.codec, field: criterion.name))
      } else if table.hasCustomFields, !criterion.name.isEmpty,
        criterion.name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
      {
        // `->` answers the value's JSON text, so that 1, "1" and null stay different.
        conditions.append("custom -> '$.\(criterion.name)' IS ?")
        arguments.append(criterion.value.isNull ? nil : criterion.value.json.text(pretty: false))
      } else {
        throw StoreError(.constraint, "\(kind.words)s can't be searched by \(criterion.name)")
      }
    }
    // A won deal has left the pipe: it is not among those of a stage any more (ALT-139).
    if kind == .deal, criteria.contains(where: { $0.name == "stage" }),
      !criteria.contains(where: { $0.name == "archived" })
    {
      conditions.append("archived = 0")
    }
    let filter = conditions.isEmpty ? "" : " WHERE " + conditions.joined(separator: " AND ")
    // Bound, like all values: each text of a statement stays prepared. No limit is -1.
    arguments.append((limit.map { max(0, $0) } ?? -1))
    return try numbers("SELECT id FROM \(table.name)\(filter) ORDER BY id LIMIT ?", arguments)
      .map { RecordRef(kind, $0) }
  }

  func find(_ kind: RecordKind, key: String) throws -> RecordRef? {
    guard let table = RecordTable.of(kind), table.index["key"] != nil, !key.utf8.contains(0) else { return nil }
    try flushRecords()
    return try number("SELECT id FROM \(table.name) WHERE key = ?", [key]).map { RecordRef(kind, $0) }
  }

  func user(email: String) throws -> RecordRef? {
    if email.utf8.contains(0) { return nil }
    try flushRecords()
    return try number("SELECT id FROM user WHERE email_folded = ?", [email.lowercased()]).map { RecordRef(.user, $0) }
  }
}
