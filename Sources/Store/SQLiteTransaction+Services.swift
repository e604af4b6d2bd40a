import CRM
import GRDB

extension SQLiteTransaction {
  func next(counter: String) throws -> Int64 {
    try execute(
      "INSERT INTO counter (name, value) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1", [counter])
    return try number("SELECT value FROM counter WHERE name = ?", [counter]) ?? 1
  }

  // MARK: Quotes

  private static let quoteColumns = """
    id, number, deal_id, status, url, customer_name, customer_address, customer_siret, total_without_tax, total_tax,
    total, fingerprint, created_at
    """

  private func quotes(_ clause: String, _ arguments: StatementArguments) throws -> [QuoteRow] {
    try rows("SELECT \(Self.quoteColumns) FROM quote \(clause)", arguments).map { row in
      guard let status = QuoteStatus(rawValue: row[3]) else {
        throw StoreError(.corrupted, "quote \(row[1] as String) has the unknown status \(row[3] as String)")
      }
      return QuoteRow(
        id: row[0], number: row[1], dealID: row[2], status: status, url: row[4], customerName: row[5],
        customerAddress: try (row[6] as String?).map { try Address(json: JSON(parsing: $0)) }, customerSiret: row[7],
        totalWithoutTax: Money(cents: row[8], currency: currency), totalTax: Money(cents: row[9], currency: currency),
        total: Money(cents: row[10], currency: currency), fingerprint: row[11],
        createdAt: Instant(milliseconds: row[12]), lines: try quoteLines(row[0]))
    }
  }

  private func quoteLines(_ id: Int64) throws -> [QuoteRow.Line] {
    try rows(
      """
      SELECT product_id, description, quantity, price, discount, vat_rate, total, tax FROM quote_line
      WHERE quote_id = ? ORDER BY position
      """, [id]
    ).map { row in
      QuoteRow.Line(
        productID: row[0], description: row[1], quantity: ExactDecimal(millionths: row[2]),
        price: Money(cents: row[3], currency: currency), discount: row[4], vatRate: ExactDecimal(millionths: row[5]),
        total: Money(cents: row[6], currency: currency), tax: Money(cents: row[7], currency: currency))
    }
  }

  func liveQuote(of deal: Int64) throws -> QuoteRow? {
    try quotes("WHERE deal_id = ? AND superseded = 0", [deal]).first
  }

  func quote(number: String) throws -> QuoteRow? { try quotes("WHERE number = ?", [number]).first }

  func quotes(of deal: Int64) throws -> [QuoteRow] { try quotes("WHERE deal_id = ? ORDER BY id", [deal]) }

  func insert(_ quote: QuoteRow) throws -> QuoteRow {
    var quote = quote
    try execute(
      """
      INSERT INTO quote (number, deal_id, superseded, status, url, customer_name, customer_address, customer_siret,
        currency, total_without_tax, total_tax, total, fingerprint, created_at)
      VALUES (?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        quote.number, quote.dealID, quote.status.rawValue, quote.url, quote.customerName,
        quote.customerAddress?.json.text(pretty: false), quote.customerSiret, currency.code,
        quote.totalWithoutTax.cents, quote.totalTax.cents, quote.total.cents, quote.fingerprint,
        quote.createdAt.milliseconds,
      ])
    quote.id = db.lastInsertedRowID
    for (place, line) in quote.lines.enumerated() {
      try execute(
        """
        INSERT INTO quote_line (quote_id, position, product_id, description, quantity, price, discount, vat_rate, total,
          tax) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
          quote.id, place + 1, line.productID, line.description, line.quantity.millionths, line.price.cents,
          line.discount, line.vatRate.millionths, line.total.cents, line.tax.cents,
        ])
    }
    return quote
  }

  func setStatus(_ status: QuoteStatus, ofQuote id: Int64) throws {
    try execute(
      "UPDATE quote SET status = ?, superseded = ? WHERE id = ?", [status.rawValue, status.isLive ? 0 : id, id])
    cache[RecordRef(.quote, id)] = nil
  }

  // MARK: Cards

  private func cards(_ clause: String, _ arguments: StatementArguments) throws -> [CardRow] {
    try rows(
      "SELECT id, effect_key, card_id, deal_id, list, title, text, url, created_at FROM card \(clause)", arguments
    ).map { row in
      CardRow(
        id: row[0], key: row[1], cardID: row[2], dealID: row[3], list: row[4], title: row[5], text: row[6], url: row[7],
        createdAt: Instant(milliseconds: row[8]))
    }
  }

  func card(key: String) throws -> CardRow? { try cards("WHERE effect_key = ?", [key]).first }

  func card(cardID: String) throws -> CardRow? { try cards("WHERE card_id = ?", [cardID]).first }

  func cards(of deal: Int64?) throws -> [CardRow] {
    guard let deal else { return try cards("ORDER BY id", []) }
    return try cards("WHERE deal_id = ? ORDER BY id", [deal])
  }

  func insert(_ card: CardRow) throws -> CardRow {
    var card = card
    try execute(
      """
      INSERT INTO card (effect_key, card_id, deal_id, list, title, text, url, created_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        card.key, card.cardID, card.dealID, card.list, card.title, card.text, card.url, card.createdAt.milliseconds,
      ])
    card.id = db.lastInsertedRowID
    return card
  }

  // MARK: Messages

  private func messages(_ clause: String, _ arguments: StatementArguments) throws -> [MessageRow] {
    try rows("SELECT id, effect_key, recipient_id, deal_id, text, created_at FROM message \(clause)", arguments).map {
      row in
      MessageRow(
        id: row[0], key: row[1], recipientID: row[2], dealID: row[3], text: row[4],
        createdAt: Instant(milliseconds: row[5]))
    }
  }

  func message(key: String) throws -> MessageRow? { try messages("WHERE effect_key = ?", [key]).first }

  func messages(of deal: Int64?) throws -> [MessageRow] {
    guard let deal else { return try messages("ORDER BY id", []) }
    return try messages("WHERE deal_id = ? ORDER BY id", [deal])
  }

  func insert(_ message: MessageRow) throws -> MessageRow {
    var message = message
    try execute(
      "INSERT INTO message (effect_key, recipient_id, deal_id, text, created_at) VALUES (?, ?, ?, ?, ?)",
      [message.key, message.recipientID, message.dealID, message.text, message.createdAt.milliseconds])
    message.id = db.lastInsertedRowID
    return message
  }
}
