import CRM

extension SQLiteTransaction {
  func next(counter: String) throws -> Int64 {
    if isReader { throw Self.readerWrites }
    return try number(
      """
      INSERT INTO counter (name, value) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1
      RETURNING value
      """, [counter]) ?? 1
  }

  // MARK: Quotes

  private static let quoteColumns = """
    id, number, deal_id, status, url, customer_name, customer_address, customer_siret, total_without_tax, total_tax,
    total, fingerprint, created_at
    """

  private func quotes(_ clause: String, _ arguments: StatementArguments) throws -> [QuoteRow] {
    try rows("SELECT \(Self.quoteColumns) FROM quote \(clause)", arguments).map { row in
      let number: String = try row.at(1)
      let word: String = try row.at(3)
      guard let status = QuoteStatus(rawValue: word) else {
        throw StoreError(.corrupted, "the quote \(number) has the unknown status \(word)")
      }
      return try QuoteRow(
        id: row.at(0), number: number, dealID: row.at(2), status: status, url: row.at(4), customerName: row.at(5),
        customerAddress: (row.at(6) as String?).map(decodeAddress), customerSiret: row.at(7),
        totalWithoutTax: Money(cents: row.at(8), currency: currency),
        totalTax: Money(cents: row.at(9), currency: currency), total: Money(cents: row.at(10), currency: currency),
        fingerprint: row.at(11), createdAt: Instant(milliseconds: row.at(12)), lines: quoteLines(row.at(0)))
    }
  }

  private func quoteLines(_ id: Int64) throws -> [QuoteRow.Line] {
    try rows(
      """
      SELECT product_id, description, quantity, price, discount, vat_rate, total, tax FROM quote_line
      WHERE quote_id = ? ORDER BY position
      """, [id]
    ).map { row in
      try QuoteRow.Line(
        productID: row.at(0), description: row.at(1), quantity: ExactDecimal(millionths: row.at(2)),
        price: Money(cents: row.at(3), currency: currency), discount: row.at(4),
        vatRate: ExactDecimal(millionths: row.at(5)), total: Money(cents: row.at(6), currency: currency),
        tax: Money(cents: row.at(7), currency: currency))
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
        quote.number, quote.dealID, quote.status.rawValue, quote.url, try whole(quote.customerName, "customer"),
        quote.customerAddress?.json.text(pretty: false), quote.customerSiret, currency.code,
        quote.totalWithoutTax.cents, quote.totalTax.cents, quote.total.cents, quote.fingerprint,
        quote.createdAt.milliseconds,
      ])
    quote.id = statements.lastInsertedRowID
    for (place, line) in quote.lines.enumerated() {
      try execute(
        """
        INSERT INTO quote_line (quote_id, position, product_id, description, quantity, price, discount, vat_rate, total,
          tax) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
          quote.id, place + 1, line.productID, try whole(line.description, "description"), line.quantity.millionths,
          line.price.cents,
          line.discount, line.vatRate.millionths, line.total.cents, line.tax.cents,
        ])
    }
    return quote
  }

  func setStatus(_ status: QuoteStatus, ofQuote id: Int64) throws {
    try execute(
      "UPDATE quote SET status = ?, superseded = ? WHERE id = ?", [status.rawValue, status.isLive ? 0 : id, id])
    if statements.changes == 0 { throw StoreError(.notFound, "there is no quote \(id)") }
    cache[RecordRef(.quote, id)] = nil
  }

  // MARK: Cards

  private func cards(_ clause: String, _ arguments: StatementArguments) throws -> [CardRow] {
    try rows(
      "SELECT id, effect_key, card_id, deal_id, list, title, text, url, created_at FROM card \(clause)", arguments
    ).map { row in
      try CardRow(
        id: row.at(0), key: row.at(1), cardID: row.at(2), dealID: row.at(3), list: row.at(4), title: row.at(5),
        text: row.at(6), url: row.at(7), createdAt: Instant(milliseconds: row.at(8)))
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
        card.key, card.cardID, card.dealID, try whole(card.list, "list"), try whole(card.title, "title"),
        try whole(card.text, "text"), card.url, card.createdAt.milliseconds,
      ])
    card.id = statements.lastInsertedRowID
    return card
  }

  // MARK: Messages

  private func messages(_ clause: String, _ arguments: StatementArguments) throws -> [MessageRow] {
    try rows("SELECT id, effect_key, recipient_id, deal_id, text, created_at FROM message \(clause)", arguments).map {
      row in
      try MessageRow(
        id: row.at(0), key: row.at(1), recipientID: row.at(2), dealID: row.at(3), text: row.at(4),
        createdAt: Instant(milliseconds: row.at(5)))
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
      [
        message.key, message.recipientID, message.dealID, try whole(message.text, "text"),
        message.createdAt.milliseconds,
      ])
    message.id = statements.lastInsertedRowID
    return message
  }
}
