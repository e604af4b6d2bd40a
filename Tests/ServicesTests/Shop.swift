import CRM
import Foundation
import Services
import Store
import TestSupport

/// A workspace with one deal, for the tests of the local services.
enum Shop {
  static let now = Instant(milliseconds: 1_793_700_000_000)  // 2026-11-03
  static let author = Author(actor: "automation:test")
  static let deal = RecordRef(.deal, 1)

  static let declaration = WorkspaceDeclaration(
    pipelines: [PipelineDefinition(name: "Ventes", stages: ["Qualifié", "Créer documents"])],
    customFields: [
      .deal: [
        FieldDefinition(key: "opca_contact", label: "Prénom et nom OPCA", type: .text),
        FieldDefinition(key: "opca_name", label: "OPCA ou autre organisme à facturer", type: .text),
        FieldDefinition(key: "opca_address", label: "Adresse de facturation OPCA", type: .address),
        FieldDefinition(key: "opca_siret", label: "SIRET OPCA", type: .siret),
      ]
    ],
    services: ["board": .object([ValueField("lists", .list([.text("À faire"), .text("En cours")]))])],
    templates: [
      "devis": """
        <!DOCTYPE html><html lang="fr"><head><meta charset="utf-8"><title>Devis {{quote.number}}</title></head>
        <body>{{quote.customer_name}} {{#quote.lines}}{{description}} {{total}} {{/quote.lines}}{{quote.total}}</body></html>
        """,
      "convention": """
        <!DOCTYPE html><html lang="fr"><head><meta charset="utf-8"><title>Convention {{deal.title}}</title></head>
        <body>{{deal.organization.name}}</body></html>
        """,
    ])

  static func product(_ name: String, price: String, rate: Int64, without missing: String? = nil) throws -> [ValueField]
  {
    [
      ValueField("name", .text(name)), ValueField("description", .text("Parcours certifiant")),
      ValueField("price", .money(try Money(parsing: price, currency: .eur))),
      ValueField("vat_rate", .decimal(try ExactDecimal(rate))),
      ValueField("sales_category", .text("prestation de services")), ValueField("category", .text("Formation")),
      ValueField("class", .text("Formation")),
    ].filter { $0.name != missing }
  }

  static func line(
    _ product: Int64, _ quantity: String = "1", price: String? = nil, discount: String? = nil
  ) throws -> [ValueField] {
    [
      ValueField("product", .record(RecordRef(.product, product))),
      ValueField("quantity", .decimal(try ExactDecimal(parsing: quantity))),
      ValueField("price", try price.map { .money(try Money(parsing: $0, currency: .eur)) } ?? .null),
      ValueField("discount", discount.map(Value.text) ?? .null),
    ]
  }

  /// User 1 (Floriane), organization 1, person 1, products 1 (1800.00 at 20 %) and 2 (99.99 at 5.5 %), deal 1 with
  /// two lines.
  static func fill(_ transaction: any StoreTransaction) throws {
    try transaction.synchronize(pipelines: declaration.pipelines)
    let user = try transaction.insert(
      .user,
      [ValueField("name", .text("Floriane Baillon")), ValueField("email", .text("Floriane@altitude.example"))],
      author: author, at: now)
    let organization = try transaction.insert(
      .organization,
      [
        ValueField("name", .text("ACME")),
        ValueField("address", .address(Address(street: "1 rue X", postalCode: "75001", city: "Paris"))),
        ValueField("siret", .text("73282932000074")),
      ], author: author, at: now)
    let person = try transaction.insert(
      .person, [ValueField("first_name", .text("Jérémy")), ValueField("last_name", .text("Brunet"))], author: author,
      at: now)
    _ = try transaction.insert(.product, try product("EDLC", price: "1800.00", rate: 20), author: author, at: now)
    _ = try transaction.insert(
      .product,
      try product("Livret", price: "99.99", rate: 5).map {
        $0.name == "vat_rate" ? ValueField("vat_rate", .decimal(try ExactDecimal(parsing: "5.5"))) : $0
      }, author: author, at: now)
    guard let stage = try transaction.stages().first else { throw StoreError(.notFound, "no stage") }
    let deal = try transaction.insert(
      .deal,
      [
        ValueField("title", .text("EDLC pour ACME")),
        ValueField("pipeline", .record(RecordRef(.pipeline, stage.pipelineID))),
        ValueField("stage", .record(RecordRef(.stage, stage.id))), ValueField("status", .text("open")),
        ValueField("archived", .boolean(false)), ValueField("owner", .record(user)),
        ValueField("organization", .record(organization)), ValueField("person", .record(person)),
        ValueField("created_at", .instant(now)),
      ], author: author, at: now)
    try transaction.replaceLines(
      of: deal, [try line(1, "2", price: "1500.00", discount: "10%"), try line(2, "3")], author: author, at: now)
  }

  /// A quote of the deal, not the one that `fill`'s lines would give; the person's address; a person 2; the
  /// first one's folder 1, the document 1 in it, which is HTML, and 2, which is a PDF. `papers` are the files.
  static func fillDrive(_ transaction: any StoreTransaction, _ papers: [String: [UInt8]]) throws {
    func cents(_ cents: Int64) -> Money { Money(cents: cents, currency: .eur) }
    _ = try transaction.insert(
      QuoteRow(
        number: "D-2026-0009", dealID: 1, status: .draft, url: "coulisse://quotes/D-2026-0009", customerName: "ACME",
        customerAddress: nil, customerSiret: nil, totalWithoutTax: cents(1800_00), totalTax: cents(360_00),
        total: cents(2160_00), fingerprint: "other", createdAt: now,
        lines: [
          QuoteRow.Line(
            productID: 1, description: "EDLC", quantity: ExactDecimal(1), price: cents(1800_00), discount: nil,
            vatRate: ExactDecimal(20), total: cents(1800_00), tax: cents(360_00))
        ]))
    try transaction.set(
      RecordRef(.person, 1), "email", .text("j.brunet@acme.example"), author: author, at: now)
    _ = try transaction.insert(
      .person, [ValueField("first_name", .text("Noémie")), ValueField("last_name", .text("Arc"))], author: author,
      at: now)
    let folder = try transaction.insert(
      FolderRow(key: "folder", personID: 1, name: "Brunet Jérémy", path: "Clients/Brunet Jérémy", createdAt: now))
    for (path, type) in [(htmlPath, "text/html"), (pdfPath, "application/pdf")] {
      let bytes = papers[path] ?? []
      let name = path.split(separator: "/").last.map(String.init) ?? path
      _ = try transaction.insert(
        DocumentRow(
          key: path, dealID: 1, folderID: folder.id, title: "Convention", name: name, path: path, contentType: type,
          size: Int64(bytes.count), sha256: ContentHash.sha256(bytes), createdAt: now))
    }
  }

  private static let htmlPath = "Clients/Brunet Jérémy/Convention.html"
  private static let pdfPath = "Clients/Brunet Jérémy/Convention.pdf"

  /// The files of `fillDrive`'s documents, by their paths on the drive.
  static func papers() throws -> [String: [UInt8]] {
    let html = "<!DOCTYPE html><html lang=\"fr\"><head><title>Convention</title></head><body>ACME</body></html>"
    return [
      htmlPath: Array(html.utf8),
      pdfPath: try LocalServiceBench.printShop.pdf(html: html, name: "Convention").bytes,
    ]
  }

  static func open() throws -> Store {
    let store = try Store()
    try store.write(fill)
    return store
  }
}

/// One service on one store, asked as the engine asks it.
struct Desk {
  let store: Store
  let service: any Service
  var declaration = Shop.declaration

  init(
    _ make: (WorkspaceDeclaration) -> any Service, declaration: WorkspaceDeclaration = Shop.declaration,
    store: Store? = nil
  ) throws {
    self.store = try store ?? Shop.open()
    self.declaration = declaration
    service = make(declaration)
  }

  func resolve(_ operation: String, _ arguments: [Value]) throws -> ResolvedOperation {
    try store.write { transaction in try resolve(operation, arguments, transaction) }
  }

  private func resolve(
    _ operation: String, _ arguments: [Value], _ transaction: any StoreTransaction
  ) throws -> ResolvedOperation {
    try service.resolve(
      operation, arguments, dealID: 1,
      in: ServiceWorld(transaction: transaction, declaration: declaration, schema: try declaration.schema(),
        now: Shop.now))
  }

  private func call(
    _ operation: String, _ arguments: [Value], step: Int, now: Instant, _ transaction: any StoreTransaction
  ) throws -> OperationCall {
    let resolved = try resolve(operation, arguments, transaction)
    return OperationCall(
      service: service.declaration.name, operation: operation, arguments: resolved.arguments,
      key: resolved.purpose ?? "run:1/step:\(step)", dealID: 1, author: Shop.author, now: now)
  }

  @discardableResult
  func ask(_ operation: String, _ arguments: [Value] = [], step: Int = 1, now: Instant = Shop.now) throws -> Value {
    try store.write { transaction in
      try service.perform(try call(operation, arguments, step: step, now: now, transaction), in: transaction)
    }
  }

  func preview(_ operation: String, _ arguments: [Value] = [], step: Int = 1) throws -> Value {
    try store.rehearse { transaction in
      try service.preview(try call(operation, arguments, step: step, now: Shop.now, transaction), in: transaction)
    }
  }

  /// The failure that a call ends with; nil if it succeeds.
  func failure(_ operation: String, _ arguments: [Value] = []) throws -> ServiceFailure? {
    do {
      try ask(operation, arguments)
      return nil
    } catch let failure as ServiceFailure {
      return failure
    }
  }

  func set(_ ref: RecordRef, _ field: String, _ value: Value) throws {
    try store.write { try $0.set(ref, field, value, author: Shop.author, at: Shop.now) }
  }

  func setLines(_ lines: [[ValueField]]) throws {
    try store.write { try $0.replaceLines(of: Shop.deal, lines, author: Shop.author, at: Shop.now) }
  }
}
