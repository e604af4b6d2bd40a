import CRM
import Store

/// Gives records back in the shape in which an import takes them.
public struct Exporter {
  let schema: RecordSchema

  public init(schema: RecordSchema) { self.schema = schema }

  /// Everything that an import takes: users, organizations, persons, products and deals, archived ones too. Records
  /// without a key get one of their kind and id (`person-12`), so that others can name them.
  public func document(in tx: any StoreTransaction) throws -> JSON {
    .object(
      try Importer.sections.map { section in
        JSONMember(
          section.name,
          .array(
            try tx.find(section.kind, [], limit: nil).map { ref in
              var members = try fields(ref, in: tx)
              if members.first?.name != "key" {
                members.insert(JSONMember("key", .string(try name(of: ref, in: tx))), at: 0)
              }
              if section.kind == .deal {
                members += try closing(ref, in: tx)
                members += try notes(ref, in: tx)
              }
              return .object(members)
            }))
      })
  }

  /// One deal in the shape of an import.
  /// - Parameter full: also `id`, `status`, `archived`, `quotes`, `documents`, `signatures`, `emails`, `cards`,
  ///   `messages` and `runs`.
  public func deal(_ ref: RecordRef, in tx: any StoreTransaction, full: Bool) throws -> JSON {
    var members = try fields(ref, in: tx)
    guard full else { return .object(members + (try closing(ref, in: tx)) + (try notes(ref, in: tx))) }
    guard let record = try tx.record(ref) else { throw StoreError(.notFound, "there is no deal \(ref.id)") }
    members.insert(JSONMember("id", .integer(ref.id)), at: 0)
    members += try notes(ref, in: tx)
    members.append(JSONMember("status", .string(record[field: "status"].plainText)))
    members.append(JSONMember("archived", .bool(record[field: "archived"] == .boolean(true))))
    members.append(JSONMember("quotes", .array(try tx.quotes(of: ref.id).map { try quote($0, in: tx) })))
    members.append(JSONMember("documents", .array(try tx.documents(of: ref.id).map(document))))
    members.append(JSONMember("signatures", .array(try tx.signatureRequests(of: ref.id).map(signature))))
    members.append(JSONMember("emails", .array(try tx.emails(of: ref.id).map(email))))
    members.append(JSONMember("cards", .array(try tx.cards(of: ref.id).map(card))))
    members.append(JSONMember("messages", .array(try tx.messages(of: ref.id).map { try message($0, in: tx) })))
    members.append(JSONMember("runs", .array(try tx.runs(of: ref.id).map { RunAnswer($0).json })))
    return .object(members)
  }

  /// A record of any other kind: its id, then what an import takes.
  public func record(_ ref: RecordRef, in tx: any StoreTransaction) throws -> JSON {
    .object([JSONMember("id", .integer(ref.id))] + (try fields(ref, in: tx)))
  }

  /// A field's value as an import takes it: amounts, numbers and dates as text, records by key.
  public func json(_ value: Value, in tx: any StoreTransaction) throws -> JSON {
    switch value {
    case .money(let money):
      .string(money.currency == schema.currency ? money.amountText : money.description)
    case .record(let ref): .string(try name(of: ref, in: tx))
    case .list(let values): .array(try values.map { try json($0, in: tx) })
    default: value.plainJSON
    }
  }

  /// The record's key, or one made of kind and id.
  private func name(of ref: RecordRef, in tx: any StoreTransaction) throws -> String {
    switch ref.kind {
    case .stage, .pipeline: try tx.value(ref, "name")?.plainText ?? ""
    default: try tx.record(ref)?.key ?? "\(ref.kind.rawValue)-\(ref.id)"
    }
  }

  /// What can be written of a record, as far as it is filled in.
  private func fields(_ ref: RecordRef, in tx: any StoreTransaction) throws -> [JSONMember] {
    guard let record = try tx.record(ref) else {
      throw StoreError(.notFound, "there is no \(ref.kind.words) \(ref.id)")
    }
    var members: [JSONMember] = []
    for field in schema.fields(of: ref.kind) {
      if ref.kind == .deal, field.key == "stage" {
        if try tx.find(.pipeline, [], limit: 2).count > 1 {
          members.append(JSONMember("pipeline", try json(record[field: "pipeline"], in: tx)))
        }
        members.append(JSONMember("stage", try json(record[field: "stage"], in: tx)))
      }
      guard field.isWritable else { continue }
      let value = record[field: field.key]
      if !value.isNull { members.append(JSONMember(field.key, try json(value, in: tx))) }
      if ref.kind == .deal, field.key == "email" { members += try parts(ref, in: tx) }
    }
    return members
  }

  private func parts(_ deal: RecordRef, in tx: any StoreTransaction) throws -> [JSONMember] {
    var members: [JSONMember] = []
    if case .list(let persons)? = try tx.value(deal, "participants"), !persons.isEmpty {
      members.append(JSONMember("participants", try json(.list(persons), in: tx)))
    }
    guard case .list(let lines)? = try tx.value(deal, "lines"), !lines.isEmpty else { return members }
    var exported: [JSON] = []
    for case .record(let ref) in lines {
      guard let line = try tx.record(ref) else { continue }
      var fields: [JSONMember] = []
      for name in ["product", "quantity", "price", "discount"] where !line[field: name].isNull {
        fields.append(JSONMember(name, try json(line[field: name], in: tx)))
      }
      exported.append(.object(fields))
    }
    members.append(JSONMember("lines", .array(exported)))
    return members
  }

  private func notes(_ deal: RecordRef, in tx: any StoreTransaction) throws -> [JSONMember] {
    guard case .list(let notes)? = try tx.value(deal, "notes"), !notes.isEmpty else { return [] }
    var exported: [JSON] = []
    for case .record(let ref) in notes {
      guard let note = try tx.record(ref) else { continue }
      exported.append(
        .object([
          JSONMember("text", .string(note[field: "text"].plainText)),
          JSONMember("pinned", .bool(note[field: "pinned"] == .boolean(true))),
        ]))
    }
    return [JSONMember("notes", .array(exported))]
  }

  /// Only what differs from an open deal in the pipe, so that an import gives the same deal again.
  private func closing(_ deal: RecordRef, in tx: any StoreTransaction) throws -> [JSONMember] {
    guard let record = try tx.record(deal) else { return [] }
    let status = record[field: "status"].plainText
    let isArchived = record[field: "archived"] == .boolean(true)
    if status == DealStatus.open.rawValue && !isArchived { return [] }
    return [JSONMember("status", .string(status)), JSONMember("archived", .bool(isArchived))]
  }

  private func quote(_ quote: QuoteRow, in tx: any StoreTransaction) throws -> JSON {
    let lines = try quote.lines.map { line in
      JSON.object([
        JSONMember("product", .string(try name(of: RecordRef(.product, line.productID), in: tx))),
        JSONMember("description", .string(line.description)),
        JSONMember("quantity", .string(line.quantity.description)),
        JSONMember("price", .string(line.price.amountText)),
        JSONMember("discount", line.discount.map { .string($0) } ?? .null),
        JSONMember("vat_rate", .string(line.vatRate.description)),
        JSONMember("total", .string(line.total.amountText)),
      ])
    }
    var rates: [(rate: ExactDecimal, base: Int64, tax: Int64)] = []
    for line in quote.lines {
      if let place = rates.firstIndex(where: { $0.rate == line.vatRate }) {
        rates[place].base += line.total.cents
        rates[place].tax += line.tax.cents
      } else {
        rates.append((line.vatRate, line.total.cents, line.tax.cents))
      }
    }
    let currency = quote.total.currency
    let totals = rates.sorted { $0.rate < $1.rate }.map { rate in
      JSON.object([
        JSONMember("rate", .string(rate.rate.description)),
        JSONMember("base", .string(Money(cents: rate.base, currency: currency).amountText)),
        JSONMember("tax", .string(Money(cents: rate.tax, currency: currency).amountText)),
      ])
    }
    return .object([
      JSONMember("number", .string(quote.number)), JSONMember("status", .string(quote.status.rawValue)),
      JSONMember("url", .string(quote.url)), JSONMember("customer_name", .string(quote.customerName)),
      JSONMember("lines", .array(lines)), JSONMember("totals", .array(totals)),
      JSONMember("total_without_tax", .string(quote.totalWithoutTax.amountText)),
      JSONMember("total", .string(quote.total.amountText)), JSONMember("currency", .string(currency.code)),
    ])
  }

  private func card(_ card: CardRow) -> JSON {
    .object([
      JSONMember("id", .string(card.cardID)), JSONMember("list", .string(card.list)),
      JSONMember("title", .string(card.title)), JSONMember("text", .string(card.text)),
      JSONMember("url", .string(card.url)),
    ])
  }

  private func message(_ message: MessageRow, in tx: any StoreTransaction) throws -> JSON {
    let recipient = RecordRef(.user, message.recipientID)
    return .object([
      JSONMember("to", .string(try tx.value(recipient, "email")?.plainText ?? "")),
      JSONMember("recipient", .string(try name(of: recipient, in: tx))), JSONMember("text", .string(message.text)),
    ])
  }
}
