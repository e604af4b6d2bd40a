import CRM

/// What a quote is to say, read from a deal before anything is made: the plain arguments of `create_quote`.
public struct QuoteDraft: Hashable, Sendable {
  /// Who is billed: the deal's organization, or the OPCA that pays for it (ALT-33).
  public struct Customer: Hashable, Sendable {
    public var name: String
    /// Nil for a private client without one (ALT-43).
    public var address: Address?
    public var siret: String?

    public init(name: String, address: Address? = nil, siret: String? = nil) {
      self.name = name
      self.address = address
      self.siret = siret
    }
  }

  /// One line a line of the deal, with the same product, quantity, price and discount (ALT-32).
  public struct Line: Hashable, Sendable {
    public var productID: Int64
    /// The product's name.
    public var description: String
    public var quantity: ExactDecimal
    /// Without tax: the line's own price, else the product's.
    public var unitPrice: Money
    public var discount: Discount?
    /// In percent, from the product.
    public var vatRate: ExactDecimal

    public init(
      productID: Int64, description: String, quantity: ExactDecimal, unitPrice: Money, discount: Discount? = nil,
      vatRate: ExactDecimal
    ) {
      self.productID = productID
      self.description = description
      self.quantity = quantity
      self.unitPrice = unitPrice
      self.discount = discount
      self.vatRate = vatRate
    }

    public var priced: PricedLine {
      PricedLine(quantity: quantity, unitPrice: unitPrice, discount: discount, vatRate: vatRate)
    }
  }

  public var dealID: Int64
  public var customer: Customer
  public var lines: [Line]

  public init(dealID: Int64, customer: Customer, lines: [Line]) {
    self.dealID = dealID
    self.customer = customer
    self.lines = lines
  }

  /// The deal's one live quote (ALT-10): whatever run asks for it means the same one.
  public var purpose: String { "deal:\(dealID)/quote" }

  // MARK: As a value

  /// An object of plain values; `init(value:)` reads it back.
  public var value: Value {
    var customer = [ValueField("name", .text(customer.name))]
    if let address = self.customer.address { customer.append(ValueField("address", .address(address))) }
    if let siret = self.customer.siret { customer.append(ValueField("siret", .text(siret))) }
    return .object([
      ValueField("deal", .integer(dealID)), ValueField("customer", .object(customer)),
      ValueField("lines", .list(lines.map(Self.value))),
    ])
  }

  private static func value(_ line: Line) -> Value {
    var fields = [
      ValueField("product", .integer(line.productID)), ValueField("description", .text(line.description)),
      ValueField("quantity", .decimal(line.quantity)), ValueField("price", .money(line.unitPrice)),
      ValueField("vat_rate", .decimal(line.vatRate)),
    ]
    if let discount = line.discount { fields.append(ValueField("discount", .text(discount.description))) }
    return .object(fields)
  }

  /// Reads resolved arguments.
  /// - Throws: a permanent failure for anything that `value` doesn't write.
  public init(value: Value) throws(ServiceFailure) {
    let name = "accounting.create_quote"
    let fields = try Fields(name, value)
    let customer = try Fields(name, fields["customer"])
    var address: Address?
    switch customer["address"] {
    case .null: break
    case .address(let given): address = given
    default: throw customer.fault("an address", "address")
    }
    dealID = try fields.integer("deal")
    self.customer = Customer(
      name: try customer.text("name", limit: Self.textLimit), address: address,
      siret: try customer.optionalText("siret", limit: 20))
    lines = []
    for line in try fields.list("lines") { lines.append(try Self.line(try Fields(name, line))) }
    guard !lines.isEmpty, lines.count <= Self.lineLimit else {
      throw ServiceFailure(
        .permanent, "\(name): expected 1 to \(Self.lineLimit) lines, found \(lines.count)")
    }
  }

  private static func line(_ fields: Fields) throws(ServiceFailure) -> Line {
    let price = try fields.money("price")
    var discount: Discount?
    if let text = try fields.optionalText("discount", limit: 40) {
      discount = try valid(fields.name) { () throws(ValueFault) in
        try Discount(parsing: text, currency: price.currency)
      }
    }
    return Line(
      productID: try fields.integer("product"), description: try fields.text("description", limit: textLimit),
      quantity: try fields.decimal("quantity"), unitPrice: price, discount: discount,
      vatRate: try fields.decimal("vat_rate"))
  }

  /// Lines of one quote, at most.
  public static let lineLimit = 1000
  /// Characters of a name, at most.
  static let textLimit = 10_000

  // MARK: Content

  /// Hash of customer and lines: the same content twice is the same quote (ALT-10). Stable over versions, since it
  /// is kept with the quote; it guards against accidents, not against people who look for collisions.
  public var fingerprint: String {
    var hash = StableFingerprint()
    hash.add(customer.name)
    if let address = customer.address {
      hash.add(1)
      hash.add(address.street)
      hash.add(address.postalCode)
      hash.add(address.city)
      hash.add(address.country)
    } else {
      hash.add(0)
    }
    hash.add(customer.siret ?? "")
    hash.add(Int64(lines.count))
    for line in lines {
      hash.add(line.productID)
      hash.add(line.description)
      hash.add(line.quantity.millionths)
      hash.add(line.unitPrice.cents)
      hash.add(line.unitPrice.currency.packed)
      switch line.discount {
      case nil: hash.add(0)
      case .percent(let percent):
        hash.add(1)
        hash.add(percent.millionths)
      case .amount(let amount):
        hash.add(2)
        hash.add(amount.cents)
      }
      hash.add(line.vatRate.millionths)
    }
    return hash.text
  }
}

/// FNV-1a, 64 bits: cheap, and the same on every machine and in every version. Texts are preceded by their length,
/// so that no two sequences of values run into each other.
struct StableFingerprint {
  private var state: UInt64 = 0xCBF2_9CE4_8422_2325

  private mutating func add(byte: UInt8) {
    state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
  }

  mutating func add(_ number: Int64) {
    var rest = UInt64(bitPattern: number)
    for _ in 0..<8 {
      add(byte: UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }

  mutating func add(_ text: String) {
    add(Int64(text.utf8.count))
    for byte in text.utf8 { add(byte: byte) }
  }

  /// 16 hexadecimal digits.
  var text: String {
    let digits = String(state, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }
}
