import CRM

extension QuoteStatus {
  /// Draft, sent and accepted quotes are live: at most one such quote a deal (ALT-10).
  public var isLive: Bool { self == .draft || self == .sent || self == .accepted }
}

/// A quote of the local accounting service.
public struct QuoteRow: Sendable {
  public struct Line: Sendable {
    public var productID: Int64
    public var description: String
    public var quantity: ExactDecimal
    public var price: Money
    /// As entered: `10%` or `150.00`.
    public var discount: String?
    public var vatRate: ExactDecimal
    /// Without tax, rounded to the cent.
    public var total: Money
    public var tax: Money

    public init(
      productID: Int64, description: String, quantity: ExactDecimal, price: Money, discount: String?,
      vatRate: ExactDecimal, total: Money, tax: Money
    ) {
      self.productID = productID
      self.description = description
      self.quantity = quantity
      self.price = price
      self.discount = discount
      self.vatRate = vatRate
      self.total = total
      self.tax = tax
    }
  }

  public var id: Int64
  /// `D-2026-0001`: one sequence a year, without gaps.
  public var number: String
  public var dealID: Int64
  public var status: QuoteStatus
  public var url: String
  public var customerName: String
  public var customerAddress: Address?
  public var customerSiret: String?
  public var totalWithoutTax: Money
  public var totalTax: Money
  public var total: Money
  /// Hash of customer and lines: the same content twice is the same quote.
  public var fingerprint: String
  public var createdAt: Instant
  public var lines: [Line]

  public init(
    id: Int64 = 0, number: String, dealID: Int64, status: QuoteStatus, url: String, customerName: String,
    customerAddress: Address?, customerSiret: String?, totalWithoutTax: Money, totalTax: Money, total: Money,
    fingerprint: String, createdAt: Instant, lines: [Line]
  ) {
    self.id = id
    self.number = number
    self.dealID = dealID
    self.status = status
    self.url = url
    self.customerName = customerName
    self.customerAddress = customerAddress
    self.customerSiret = customerSiret
    self.totalWithoutTax = totalWithoutTax
    self.totalTax = totalTax
    self.total = total
    self.fingerprint = fingerprint
    self.createdAt = createdAt
    self.lines = lines
  }
}

/// A card of the local board.
public struct CardRow: Sendable {
  public var id: Int64
  /// The idempotency key under which it was made.
  public var key: String
  /// The board's own id of the card, as scripts see it.
  public var cardID: String
  public var dealID: Int64
  public var list: String
  public var title: String
  public var text: String
  public var url: String
  public var createdAt: Instant

  public init(
    id: Int64 = 0, key: String, cardID: String, dealID: Int64, list: String, title: String, text: String, url: String,
    createdAt: Instant
  ) {
    self.id = id
    self.key = key
    self.cardID = cardID
    self.dealID = dealID
    self.list = list
    self.title = title
    self.text = text
    self.url = url
    self.createdAt = createdAt
  }
}

/// A private message of the local chat.
public struct MessageRow: Sendable {
  public var id: Int64
  /// The idempotency key under which it was sent.
  public var key: String
  public var recipientID: Int64
  public var dealID: Int64?
  public var text: String
  public var createdAt: Instant

  public init(id: Int64 = 0, key: String, recipientID: Int64, dealID: Int64?, text: String, createdAt: Instant) {
    self.id = id
    self.key = key
    self.recipientID = recipientID
    self.dealID = dealID
    self.text = text
    self.createdAt = createdAt
  }
}
