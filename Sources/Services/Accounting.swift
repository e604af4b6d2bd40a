import CRM
import Store

/// Products and quotes. A connector implements the typed functions; what scripts see, how arguments are read and
/// what a dry run answers is the same for all of them.
public protocol Accounting: Service {
  /// Makes the deal's quote, or answers the one that is there (ALT-10): a live quote with the same content is the
  /// quote; a draft or sent one with other content is replaced; an accepted one with other content is a permanent
  /// failure.
  func createQuote(_ draft: QuoteDraft, _ context: OperationContext) throws(ServiceFailure) -> Quote
  /// What `createQuote` would answer. Writes nothing.
  func previewQuote(_ draft: QuoteDraft, _ context: OperationContext) throws(ServiceFailure) -> Quote
  /// The quote with this number; nil when there is none.
  func quote(number: String, _ context: OperationContext) throws(ServiceFailure) -> Quote?
  /// Notes that the client has accepted a quote: from then on nothing replaces it.
  func acceptQuote(number: String, _ context: OperationContext) throws(ServiceFailure) -> Quote
  /// What `quotePDF` needs beside the number, as plain values; nil for a service that prints its quotes itself.
  func paper(ofQuote number: String, in world: ServiceWorld) throws(ServiceFailure) -> Value?
  /// The quote as a PDF, as a document of the workspace.
  /// - Parameter paper: what `paper(ofQuote:in:)` gave.
  func quotePDF(number: String, paper: Value, _ context: OperationContext) throws(ServiceFailure) -> DocumentRow
  /// What `quotePDF` would answer, as a row of the rehearsal's transaction.
  func previewQuotePDF(
    number: String, _ call: OperationCall, _ transaction: any StoreTransaction
  ) throws(ServiceFailure) -> RecordRef
  /// The whole catalogue, in the order in which products were made.
  func products(_ context: OperationContext) throws(ServiceFailure) -> [CatalogueProduct]
  /// The product of this name (ALT-04 for how names compare); nil when there is none.
  func product(named name: String, _ context: OperationContext) throws(ServiceFailure) -> CatalogueProduct?
}

/// How every accounting service describes itself.
public enum AccountingOperations {
  static let createQuote = OperationDeclaration(
    name: "create_quote", kind: .effect, parameters: [ParameterDeclaration(name: "deal", type: "deal")],
    returns: "{ number, url, status, total, total_without_tax, totals = { { rate, base, tax }, … } }",
    doc: "Makes the deal's quote; the live one is answered if nothing changed, and replaced if something did.")
  static let quote = OperationDeclaration(
    name: "quote", kind: .read, parameters: [ParameterDeclaration(name: "number", type: "text")],
    returns: "{ number, url, status, total, total_without_tax, totals = { { rate, base, tax }, … } } or nil",
    doc: "The quote with this number as it is now.")
  static let quotePDF = OperationDeclaration(
    name: "quote_pdf", kind: .effect, parameters: [ParameterDeclaration(name: "number", type: "text")],
    returns: "document", doc: "The quote with this number as a PDF; put it into a folder with folder:store(…).")
  static let acceptQuote = OperationDeclaration(
    name: "accept_quote", kind: .effect, parameters: [ParameterDeclaration(name: "number", type: "text")],
    returns: "{ number, url, status, total, total_without_tax, totals = { { rate, base, tax }, … } }",
    doc: "Notes that the client has accepted the quote; from then on no other one replaces it.")
  static let products = OperationDeclaration(
    name: "products", kind: .read, parameters: [],
    returns: "list of { name, description, price, vat_rate, sales_category, category, class, missing }",
    doc: "The catalogue; `missing` lists the fields without which a product can't be quoted.")
  static let product = OperationDeclaration(
    name: "product", kind: .read, parameters: [ParameterDeclaration(name: "name", type: "text")],
    returns: "{ name, description, price, vat_rate, sales_category, category, class, missing } or nil",
    doc: "The product of this name in the catalogue.")

  public static let declaration = ServiceDeclaration(
    name: "accounting", doc: "Products and quotes.",
    operations: [createQuote, quote, quotePDF, acceptQuote, products, product])
}

extension Accounting {
  public var declaration: ServiceDeclaration { AccountingOperations.declaration }

  public func previewQuote(_ draft: QuoteDraft, _ context: OperationContext) throws(ServiceFailure) -> Quote {
    Quote(number: "????", url: "coulisse://quotes/????", totals: try draft.totals())
  }

  public func resolve(
    _ operation: String, _ arguments: [Value], dealID: Int64?, in world: ServiceWorld
  ) throws(ServiceFailure) -> ResolvedOperation {
    typealias Operations = AccountingOperations
    switch operation {
    case "create_quote":
      let arguments = try Arguments("accounting", Operations.createQuote, arguments)
      let draft = try QuoteDraft(deal: try arguments.record(.deal, 0), in: world)
      return ResolvedOperation(arguments: draft.value, purpose: draft.purpose)
    case "quote":
      let arguments = try Arguments("accounting", Operations.quote, arguments)
      let number = try arguments.text(0, "a quote's number", limit: 100)
      return ResolvedOperation(arguments: .object([ValueField("number", .text(number))]))
    case "accept_quote":
      let arguments = try Arguments("accounting", Operations.acceptQuote, arguments)
      let number = try arguments.text(0, "a quote's number", limit: 100)
      return ResolvedOperation(
        arguments: .object([ValueField("number", .text(number))]), purpose: "quote:\(number)/accepted")
    case "quote_pdf":
      let arguments = try Arguments("accounting", Operations.quotePDF, arguments)
      let number = try arguments.text(0, "a quote's number", limit: 100)
      var fields = [ValueField("number", .text(number))]
      if let paper = try paper(ofQuote: number, in: world) { fields.append(ValueField("paper", paper)) }
      return ResolvedOperation(arguments: .object(fields))
    case "products":
      _ = try Arguments("accounting", Operations.products, arguments)
      return ResolvedOperation(arguments: .object([]))
    case "product":
      let arguments = try Arguments("accounting", Operations.product, arguments)
      let name = try arguments.text(0, "a product's name", limit: QuoteDraft.textLimit)
      return ResolvedOperation(arguments: .object([ValueField("name", .text(name))]))
    default: throw unknownOperation(operation)
    }
  }

  public func perform(
    _ call: OperationCall, in transaction: (any StoreTransaction)?
  ) throws(ServiceFailure) -> Value {
    let context = OperationContext(call, transaction)
    if call.operation == "create_quote" {
      return try createQuote(try QuoteDraft(value: call.arguments), context).value
    }
    let fields = try Fields(call.name, call.arguments)
    switch call.operation {
    case "quote_pdf":
      let number = try fields.text("number", limit: 100)
      return .record(RecordRef(.document, try quotePDF(number: number, paper: fields["paper"], context).id))
    case "accept_quote":
      return try acceptQuote(number: try fields.text("number", limit: 100), context).value
    default: return try read(call, context)
    }
  }

  public func preview(
    _ call: OperationCall, in transaction: (any StoreTransaction)?
  ) throws(ServiceFailure) -> Value {
    let context = OperationContext(call, transaction)
    if call.operation == "create_quote" {
      return try previewQuote(try QuoteDraft(value: call.arguments), context).value
    }
    let fields = try Fields(call.name, call.arguments)
    switch call.operation {
    case "quote_pdf":
      return .record(
        try previewQuotePDF(number: try fields.text("number", limit: 100), call, try context.requireTransaction()))
    case "accept_quote":
      let number = try fields.text("number", limit: 100)
      guard var quote = try quote(number: number, context) else { throw Self.noQuote(number) }
      guard quote.status.isLive else { throw Self.cannotAccept(number, quote.status) }
      quote.status = .accepted
      return quote.value
    default: return try read(call, context)
    }
  }

  static func noQuote(_ number: String) -> ServiceFailure {
    ServiceFailure(.permanent, "accounting has no quote \(quoted(number)) any more; make it anew")
  }

  static func cannotAccept(_ number: String, _ status: QuoteStatus) -> ServiceFailure {
    ServiceFailure(
      .permanent, "quote \(quoted(number)) is \(status.rawValue) and can't be accepted any more; make a new one")
  }

  private func read(_ call: OperationCall, _ context: OperationContext) throws(ServiceFailure) -> Value {
    let fields = try Fields(call.name, call.arguments)
    switch call.operation {
    case "quote":
      return try quote(number: try fields.text("number", limit: 100), context)?.value ?? .null
    case "products":
      return .list(try products(context).map(\.value))
    case "product":
      let name = try fields.text("name", limit: QuoteDraft.textLimit)
      return try product(named: name, context)?.value ?? .null
    default: throw unknownOperation(call.operation)
    }
  }
}

extension QuoteDraft {
  /// What the quote comes to, VAT rounded line by line.
  public func totals() throws(ServiceFailure) -> QuoteTotals {
    try valid("accounting.create_quote") { () throws(ValueFault) in
      try QuoteTotals(lines: lines.map(\.priced))
    }
  }
}
