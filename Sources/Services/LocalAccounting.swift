import CRM
import Store

/// The embedded accounting service: quotes are rows of the workspace's database, the catalogue is the CRM's own, so
/// the two can't fall out of step (ALT-12).
public struct LocalAccounting: Accounting {
  private let prefix: String
  private let years: LocalYears
  private let template: String
  private let templates: TemplateShelf
  private let resources: LocalResources?
  /// What is wrong with the service's settings.
  let fault: ValueFault?

  public func isLocal(_ operation: String) -> Bool { operation != AccountingOperations.quotePDF.name }

  /// Settings: `services.accounting.quote_prefix`, by default `D`; `services.accounting.quote_template`, the template of
  /// a quote's PDF, by default `devis`.
  public init(
    _ declaration: WorkspaceDeclaration, _ templates: TemplateShelf? = nil, _ resources: LocalResources? = nil
  ) {
    var settings = ServiceSettings("accounting", declaration, allowed: ["quote_prefix", "quote_template"])
    var template = "devis"
    switch settings["quote_template"] {
    case .null: break
    case .text(let name) where !isBlank(name): template = name
    default: settings.refuse("quote_template", expected: "the name of a file of templates/, without .html")
    }
    self.template = template
    self.templates = templates ?? TemplateShelf(declaration.templates)
    self.resources = resources
    var prefix = "D"
    switch settings["quote_prefix"] {
    case .null: break
    case .text(let text) where Self.isPrefix(text): prefix = text
    default: settings.refuse("quote_prefix", expected: "1 to 10 letters or digits like \"D\"")
    }
    let years = LocalYears(timeZone: declaration.timeZone)
    if !years.isKnown {
      settings.refuse(
        "time_zone: expected a name like \"Europe/Paris\", found \(quoted(declaration.timeZone))")
    }
    self.prefix = prefix
    self.years = years
    fault = settings.fault
  }

  private static func isPrefix(_ text: String) -> Bool {
    (1...10).contains(text.utf8.count)
      && text.utf8.allSatisfy {
        ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x41 && $0 <= 0x5A) || ($0 >= 0x61 && $0 <= 0x7A)
      }
  }

  // MARK: Quotes

  public func createQuote(_ draft: QuoteDraft, _ context: OperationContext) throws(ServiceFailure) -> Quote {
    try fault.check()
    let transaction = try context.requireTransaction()
    let fingerprint = draft.fingerprint
    let live = try liveQuote(of: draft, fingerprint, transaction)
    if let live, live.fingerprint == fingerprint { return try Quote(live) }
    let totals = try draft.totals()
    let lines = try draft.lines.map { line throws(ServiceFailure) in try Self.row(line) }
    let year = try year(of: context.now)
    return try stored {
      // The old one first: a deal has room for one live quote.
      if let live { try transaction.setStatus(.replaced, ofQuote: live.id) }
      let number = Self.number(prefix, year, try transaction.next(counter: "quote-\(year)"))
      let row = try transaction.insert(
        QuoteRow(
          number: number, dealID: draft.dealID, status: .draft, url: Self.url(number),
          customerName: draft.customer.name, customerAddress: draft.customer.address,
          customerSiret: draft.customer.siret, totalWithoutTax: totals.totalWithoutTax, totalTax: totals.totalTax,
          total: totals.total, fingerprint: fingerprint, createdAt: context.now, lines: lines))
      return Quote(number: row.number, url: row.url, totals: totals)
    }
  }

  public func previewQuote(_ draft: QuoteDraft, _ context: OperationContext) throws(ServiceFailure) -> Quote {
    try fault.check()
    let transaction = try context.requireTransaction()
    let fingerprint = draft.fingerprint
    if let live = try liveQuote(of: draft, fingerprint, transaction), live.fingerprint == fingerprint {
      return try Quote(live)
    }
    let number = "\(prefix)-\(try year(of: context.now))-????"
    let lines = try draft.lines.map { line throws(ServiceFailure) in try Self.row(line) }
    let totals = try draft.totals()
    // What a template says of the deal's quote is to be seen too; the rows go with the rehearsal.
    try stored {
      if let live = try transaction.liveQuote(of: draft.dealID) { try transaction.setStatus(.replaced, ofQuote: live.id) }
      if try transaction.quote(number: number) == nil {
        _ = try transaction.insert(
          QuoteRow(
            number: number, dealID: draft.dealID, status: .draft, url: Self.url(number),
            customerName: draft.customer.name, customerAddress: draft.customer.address,
            customerSiret: draft.customer.siret, totalWithoutTax: totals.totalWithoutTax, totalTax: totals.totalTax,
            total: totals.total, fingerprint: fingerprint, createdAt: context.now, lines: lines))
      }
    }
    return Quote(number: number, url: Self.url(number), totals: totals)
  }

  /// The deal's live quote, unless the client has accepted something else than what the deal says now: what was
  /// agreed is never replaced behind anybody's back.
  private func liveQuote(
    of draft: QuoteDraft, _ fingerprint: String, _ transaction: any StoreTransaction
  ) throws(ServiceFailure) -> QuoteRow? {
    guard let live = try stored({ try transaction.liveQuote(of: draft.dealID) }) else { return nil }
    if live.status == .accepted, live.fingerprint != fingerprint {
      throw ServiceFailure(
        .permanent,
        """
        quote \(live.number) of deal \(draft.dealID) is accepted, and the deal's products or customer are not what it \
        says; put them back as they are in the quote, or cancel the quote first
        """)
    }
    return live
  }

  private static func row(_ line: QuoteDraft.Line) throws(ServiceFailure) -> QuoteRow.Line {
    try valid("accounting.create_quote") { () throws(ValueFault) in
      let total = try line.priced.total()
      return QuoteRow.Line(
        productID: line.productID, description: line.description, quantity: line.quantity, price: line.unitPrice,
        discount: line.discount?.description, vatRate: line.vatRate, total: total, tax: try total.percent(line.vatRate))
    }
  }

  private func year(of now: Instant) throws(ServiceFailure) -> Int {
    guard let year = years.year(of: now) else {
      throw ServiceFailure(.permanent, "accounting.create_quote: no calendar reaches \(now)")
    }
    return year
  }

  /// `D-2026-0001`; from the ten thousandth quote of a year on with more digits.
  static func number(_ prefix: String, _ year: Int, _ place: Int64) -> String {
    let digits = String(place)
    return "\(prefix)-\(year)-\(String(repeating: "0", count: max(0, 4 - digits.utf8.count)))\(digits)"
  }

  /// The quote's address inside the workspace: it holds without any server.
  static func url(_ number: String) -> String { "coulisse://quotes/\(number)" }

  public func acceptQuote(number: String, _ context: OperationContext) throws(ServiceFailure) -> Quote {
    try fault.check()
    let transaction = try context.requireTransaction()
    guard let row = try stored({ try transaction.quote(number: number) }) else { throw Self.noQuote(number) }
    guard row.status.isLive else { throw Self.cannotAccept(number, row.status) }
    try stored { try transaction.setStatus(.accepted, ofQuote: row.id) }
    var quote = try Quote(row)
    quote.status = .accepted
    return quote
  }

  // MARK: A quote's PDF

  public func paper(ofQuote number: String, in world: ServiceWorld) throws(ServiceFailure) -> Value? {
    try fault.check()
    guard let row = try stored({ try world.transaction.quote(number: number) }) else { throw Self.noQuote(number) }
    let template = try templates.template(named: template)
    let data = try TemplateData(world).tree(
      deal: RecordRef(.deal, row.dealID), for: template, quote: RecordRef(.quote, row.id))
    _ = try template.render(data)
    return .object([ValueField("deal", .integer(row.dealID)), ValueField("data", data)])
  }

  public func quotePDF(
    number: String, paper: Value, _ context: OperationContext
  ) throws(ServiceFailure) -> DocumentRow {
    try fault.check()
    let resources = try resources.required()
    let desk = FilingDesk(resources: resources)
    if let row = try desk.document(key: context.key) { return row }
    let fields = try Fields("accounting.quote_pdf", paper)
    let html = try templates.template(named: template).render(fields["data"])
    let pdf = try resources.printShop.pdf(html: html, name: number).bytes
    return try desk.keep(
      FilingDesk.Paper(
        title: HTMLTitle.of(html) ?? number, contentType: "application/pdf", bytes: pdf,
        dealID: try fields.integer("deal"), template: template), key: context.key, at: context.now)
  }

  public func previewQuotePDF(
    number: String, _ call: OperationCall, _ tx: any StoreTransaction
  ) throws(ServiceFailure) -> RecordRef {
    try fault.check()
    return try stored {
      guard let row = try tx.quote(number: number) else { throw Self.noQuote(number) }
      return try tx.rehearsed(
        DocumentRow(
          key: call.key, dealID: row.dealID, folderID: nil, title: number, template: template, name: "\(number).pdf",
          path: "", contentType: "application/pdf", size: 0, sha256: ContentHash.sha256([]), createdAt: call.now), call)
    }
  }

  public func quote(number: String, _ context: OperationContext) throws(ServiceFailure) -> Quote? {
    let transaction = try context.requireTransaction()
    guard let row = try stored({ try transaction.quote(number: number) }) else { return nil }
    return try Quote(row)
  }

  // MARK: Catalogue

  /// Products that one call answers, at most.
  static let catalogueLimit = 10_000

  public func products(_ context: OperationContext) throws(ServiceFailure) -> [CatalogueProduct] {
    let transaction = try context.requireTransaction()
    return try stored {
      let refs = try transaction.find(.product, [], limit: Self.catalogueLimit + 1)
      guard refs.count <= Self.catalogueLimit else {
        throw ServiceFailure(
          .permanent,
          "the catalogue has more than \(Self.catalogueLimit) products; ask for one with accounting.product(name)")
      }
      return try refs.compactMap { try transaction.record($0).map(Self.product) }
    }
  }

  public func product(
    named name: String, _ context: OperationContext
  ) throws(ServiceFailure) -> CatalogueProduct? {
    let transaction = try context.requireTransaction()
    return try stored {
      var found = try transaction.find(.product, [ValueField("name", .text(name))], limit: 2)
      if found.isEmpty {
        let folded = Label.folded(name)
        found = try transaction.find(.product, [], limit: Self.catalogueLimit).filter {
          try transaction.record($0).map { Label.folded($0[field: "name"].plainText) } == folded
        }
      }
      guard found.count <= 1 else {
        let ids = found.map { "product \($0.id)" }.joined(separator: ", ")
        throw ServiceFailure(
          .permanent, "several products are named \(quoted(name)): \(ids); give each a name of its own")
      }
      return try found.first.flatMap { try transaction.record($0) }.map(Self.product)
    }
  }

  private static func product(_ record: Record) -> CatalogueProduct {
    func text(_ field: String) -> String? {
      if case .text(let text) = record[field: field] { text } else { nil }
    }
    var product = CatalogueProduct(
      name: text("name") ?? "", description: text("description"), salesCategory: text("sales_category"),
      category: text("category"), productClass: text("class"))
    if case .money(let price) = record[field: "price"] { product.price = price }
    if case .decimal(let rate) = record[field: "vat_rate"] { product.vatRate = rate }
    return product
  }
}
