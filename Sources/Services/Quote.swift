import CRM
import Store

/// A quote as the accounting service answers it to scripts.
public struct Quote: Hashable, Sendable {
  public var number: String
  public var url: String
  public var status: CRM.QuoteStatus
  /// One entry a VAT rate, ascending.
  public var totals: [QuoteTotals.RateTotal]
  public var totalWithoutTax: Money
  /// With tax.
  public var total: Money

  public init(
    number: String, url: String, status: CRM.QuoteStatus, totals: [QuoteTotals.RateTotal], totalWithoutTax: Money,
    total: Money
  ) {
    self.number = number
    self.url = url
    self.status = status
    self.totals = totals
    self.totalWithoutTax = totalWithoutTax
    self.total = total
  }

  /// A draft quote with these totals.
  public init(number: String, url: String, totals: QuoteTotals) {
    self.init(
      number: number, url: url, status: .draft, totals: totals.perRate, totalWithoutTax: totals.totalWithoutTax,
      total: totals.total)
  }

  /// A kept quote; its amounts are those that were kept, whatever the products cost by now.
  init(_ row: QuoteRow) throws(ServiceFailure) {
    guard let status = CRM.QuoteStatus(rawValue: row.status.rawValue) else {
      throw ServiceFailure(.permanent, "quote \(row.number) has the unknown status \(row.status.rawValue)")
    }
    var totals: [QuoteTotals.RateTotal] = []
    for line in row.lines {
      if let place = totals.firstIndex(where: { $0.rate == line.vatRate }) {
        let total = totals[place]
        totals[place] = try valid("quote \(row.number)") { () throws(ValueFault) in
          .init(rate: total.rate, base: try total.base.adding(line.total), tax: try total.tax.adding(line.tax))
        }
      } else {
        totals.append(.init(rate: line.vatRate, base: line.total, tax: line.tax))
      }
    }
    self.init(
      number: row.number, url: row.url, status: status, totals: totals.sorted { $0.rate < $1.rate },
      totalWithoutTax: row.totalWithoutTax, total: row.total)
  }

  /// What scripts get: `{ number, url, status, total, total_without_tax, totals = { { rate, base, tax }, … } }`.
  public var value: Value {
    .object([
      ValueField("number", .text(number)), ValueField("url", .text(url)),
      ValueField("status", .text(status.rawValue)), ValueField("total", .money(total)),
      ValueField("total_without_tax", .money(totalWithoutTax)),
      ValueField(
        "totals",
        .list(
          totals.map {
            .object([
              ValueField("rate", .decimal($0.rate)), ValueField("base", .money($0.base)),
              ValueField("tax", .money($0.tax)),
            ])
          })),
    ])
  }
}

/// A product of the accounting service's catalogue (ALT-14).
public struct CatalogueProduct: Hashable, Sendable {
  public var name: String
  public var description: String?
  /// Without tax.
  public var price: Money?
  /// In percent.
  public var vatRate: ExactDecimal?
  /// "prestation de services" for what the company sells.
  public var salesCategory: String?
  public var category: String?
  public var productClass: String?

  public init(
    name: String, description: String? = nil, price: Money? = nil, vatRate: ExactDecimal? = nil,
    salesCategory: String? = nil, category: String? = nil, productClass: String? = nil
  ) {
    self.name = name
    self.description = description
    self.price = price
    self.vatRate = vatRate
    self.salesCategory = salesCategory
    self.category = category
    self.productClass = productClass
  }

  /// Keys of the fields that are empty; a product is ready for quoting when there are none (ALT-14).
  public var missing: [String] {
    let texts = [
      ("description", description), ("sales_category", salesCategory), ("category", category), ("class", productClass),
    ]
    var empty = Set(texts.filter { isBlank($0.1 ?? "") }.map(\.0))
    if price == nil { empty.insert("price") }
    if vatRate == nil { empty.insert("vat_rate") }
    return QuoteDraft.requiredProductFields.filter(empty.contains)
  }

  /// What scripts get: `{ name, description, price, vat_rate, sales_category, category, class, missing }`; empty
  /// fields are nil.
  public var value: Value {
    func text(_ text: String?) -> Value { text.map(Value.text) ?? .null }
    return .object([
      ValueField("name", .text(name)), ValueField("description", text(description)),
      ValueField("price", price.map(Value.money) ?? .null),
      ValueField("vat_rate", vatRate.map(Value.decimal) ?? .null),
      ValueField("sales_category", text(salesCategory)), ValueField("category", text(category)),
      ValueField("class", text(productClass)), ValueField("missing", .list(missing.map(Value.text))),
    ])
  }
}
