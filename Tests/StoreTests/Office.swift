import CRM
import Foundation
import GRDB
import TestSupport
import Testing

@testable import Store

/// A database file with two pipelines, a user, an organization, a person, two products and a deal with two lines.
final class Office {
  static let now = Instant(milliseconds: 1_793_700_000_000)  // 2026-11-03
  static let author = Author(actor: "user:test")
  static let pipelines = [
    PipelineDefinition(name: "Ventes", stages: ["Qualifié", "Créer documents", "Confirmé"]),
    PipelineDefinition(name: "Suivi", stages: ["Qualifié", "Terminé"]),
  ]

  let folder: TemporaryFolder
  var path: String { folder.path("coulisse.db") }
  var store: Store
  let user = RecordRef(.user, 1)
  let organization = RecordRef(.organization, 1)
  let person = RecordRef(.person, 1)
  let product = RecordRef(.product, 1)
  let deal = RecordRef(.deal, 1)

  init() throws {
    folder = try TemporaryFolder()
    store = try Store(path: folder.path("coulisse.db"))
    try store.write { tx throws in
      try tx.synchronize(pipelines: Self.pipelines)
      _ = try add(
        .user, ["key": .text("floriane"), "name": .text("Floriane"), "email": .text("Floriane@Altitude.example")], tx)
      _ = try add(.organization, ["key": .text("acme"), "name": .text("ACME")], tx)
      _ = try add(
        .person, ["first_name": .text("Jérémy"), "last_name": .text("Brunet"), "organization": .record(organization)],
        tx)
      _ = try add(
        .product,
        [
          "key": .text("edlc"), "name": .text("EDLC"), "price": .money(.euros(1800)),
          "vat_rate": .decimal(ExactDecimal(20)),
        ], tx)
      _ = try add(
        .product,
        [
          "name": .text("Livret"), "price": .money(Money(cents: 9999, currency: .eur)),
          "vat_rate": .decimal(ExactDecimal(parsing: "5.5")),
        ], tx)
      _ = try addDeal("d1", tx)
      try tx.replaceLines(
        of: deal,
        [
          [
            ValueField("product", .record(product)), ValueField("quantity", .decimal(ExactDecimal(2))),
            ValueField("discount", .text("10%")),
          ],
          [ValueField("product", .record(RecordRef(.product, 2))), ValueField("quantity", .decimal(ExactDecimal(3)))],
        ], author: Self.author, at: Self.now)
    }
  }

  // MARK: What services keep

  func folder(_ name: String, person: Int64? = nil) -> FolderRow {
    FolderRow(key: "folder \(name)", personID: person, name: name, path: "Clients/\(name)", createdAt: Self.now)
  }

  func document(_ name: String, folder: Int64? = nil) -> DocumentRow {
    DocumentRow(
      key: "document \(name)", dealID: 1, folderID: folder, title: name, name: "\(name).pdf", path: "x/\(name).pdf",
      contentType: "application/pdf", size: 3, sha256: String(repeating: "0", count: 64), createdAt: Self.now)
  }

  func request(_ key: String, document: Int64 = 1) -> SignatureRequestRow {
    SignatureRequestRow(
      key: key, dealID: 1, documentID: document, title: "t", signerID: 1, signerName: "Jérémy Brunet",
      signerEmail: "j.brunet@acme.example", sentAt: Self.now)
  }

  // MARK: What people do

  @discardableResult
  func add(_ kind: RecordKind, _ fields: KeyValuePairs<String, Value>, _ tx: any StoreTransaction) throws -> RecordRef {
    try tx.insert(kind, fields.map { ValueField($0.key, $0.value) }, author: Self.author, at: Self.now)
  }

  @discardableResult
  func add(_ kind: RecordKind, _ fields: KeyValuePairs<String, Value>) throws -> RecordRef {
    try store.write { try add(kind, fields, $0) }
  }

  func addDeal(_ key: String, _ tx: any StoreTransaction) throws -> RecordRef {
    try add(
      .deal,
      [
        "key": .text(key), "title": .text(key), "pipeline": .record(RecordRef(.pipeline, 1)),
        "stage": .record(RecordRef(.stage, 1)), "created_at": .instant(Self.now),
      ], tx)
  }

  @discardableResult
  func addDeal(_ key: String) throws -> RecordRef { try store.write { try addDeal(key, $0) } }

  func set(_ field: String, _ value: Value, of ref: RecordRef? = nil, by author: Author = Office.author) throws {
    try store.write { try $0.set(ref ?? deal, field, value, author: author, at: Self.now) }
  }

  func event(_ tx: any StoreTransaction, deal: Int64? = 1, origin: Int64 = 0) throws -> EventRow {
    try tx.append(
      EventRow(
        name: "deal.moved", dealID: deal, data: .object([ValueField("to", .text("Confirmé"))]), author: Self.author,
        origin: origin, path: "a@deal:1", at: Self.now))
  }

  /// A run with an event of its own.
  @discardableResult
  func run(
    _ tx: any StoreTransaction, deal: Int64? = 1, _ status: RunStatus = .queued, topic: String? = nil,
    due: Int64? = nil,
    automation: String = "a"
  ) throws -> RunRow {
    let event = try event(tx, deal: deal)
    return try tx.insert(
      RunRow(
        dealID: deal, eventID: event.id, bundleID: try tx.bundle(hash: "h", files: "{}", at: Self.now),
        automation: automation, file: "scripts/a.lua", place: 0, origin: event.id, path: "a@deal:1", status: status,
        seed: 7, wakeTopic: topic, dueAt: due.map(Instant.init(milliseconds:)), createdAt: Self.now,
        finishedAt: status.isFinished ? Self.now : nil))
  }

  func quote(_ number: String, deal: Int64 = 1) throws -> QuoteRow {
    QuoteRow(
      number: number, dealID: deal, status: .draft, url: "coulisse://quotes/\(number)", customerName: "ACME",
      customerAddress: Address(street: "1 rue X", postalCode: "75001", city: "Paris"), customerSiret: "73282932000074",
      totalWithoutTax: .euros(30), totalTax: .euros(5), total: .euros(35), fingerprint: "f", createdAt: Self.now,
      lines: [
        .init(
          productID: 1, description: "EDLC", quantity: .one, price: .euros(20), discount: "10%",
          vatRate: try ExactDecimal(20), total: .euros(18), tax: Money(cents: 360, currency: .eur)),
        .init(
          productID: 2, description: "Livret", quantity: .one, price: .euros(10), discount: nil,
          vatRate: try ExactDecimal(parsing: "5.5"), total: .euros(10), tax: Money(cents: 55, currency: .eur)),
        .init(
          productID: 1, description: "EDLC", quantity: .one, price: .euros(2), discount: nil,
          vatRate: try ExactDecimal(20), total: .euros(2), tax: Money(cents: 40, currency: .eur)),
      ])
  }

  // MARK: What can be seen

  func value(_ field: String, of ref: RecordRef? = nil) throws -> Value? {
    try store.read { try $0.value(ref ?? deal, field) }
  }

  func history(of ref: RecordRef? = nil) throws -> [HistoryEntry] { try store.read { try $0.history(of: ref ?? deal) } }

  /// `field: old -> new` of every line of the history, a line each.
  func changes(of ref: RecordRef? = nil) throws -> [String] {
    try history(of: ref).map { entry in
      entry.changes.map { "\($0.field): \($0.old.summary) -> \($0.new.summary)" }.joined(separator: ", ")
    }
  }

  // MARK: What others do to the file

  /// Another program executes statements, without regard to foreign keys or checks.
  func tamper(_ sql: String) throws { try Self.tamper(path, sql) }

  static func tamper(_ path: String, _ sql: String) throws {
    var configuration = Configuration()
    configuration.foreignKeysEnabled = false
    let other = try DatabaseQueue(path: path, configuration: configuration)
    try other.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA ignore_check_constraints = ON; PRAGMA writable_schema = ON")
      try db.execute(sql: sql)
    }
    try other.close()
  }

  /// Another program takes what the tables' columns must hold out of the schema: any column may hold anything.
  func loosen() throws {
    try store.close()
    try tamper(
      """
      UPDATE sqlite_schema SET sql = replace(replace(replace(replace(sql,
        'INTEGER NOT NULL', 'INTEGER'), 'TEXT NOT NULL', 'TEXT'), ', STRICT', ''), ') STRICT', ')')
      WHERE type = 'table'
      """)
    store = try Store(path: path)
  }
}

extension Money {
  static func euros(_ units: Int64) -> Money { Money(cents: units * 100, currency: .eur) }
}

extension Store {
  /// A write transaction with all that is behind the protocol.
  func raw<T>(_ body: (SQLiteTransaction) throws -> T) throws -> T {
    try write { tx throws in try body(#require(tx as? SQLiteTransaction)) }
  }

  func count(_ table: String) throws -> Int64 { try raw { try $0.number("SELECT COUNT(*) FROM \(table)") ?? -1 } }
}

/// The error of the store that `body` throws; nil, and a failed test, if it throws none.
func fault(sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void) -> StoreError? {
  do {
    try body()
    Issue.record("nothing was thrown", sourceLocation: sourceLocation)
  } catch let error as StoreError {
    return error
  } catch {
    Issue.record("\(type(of: error)): \(error)", sourceLocation: sourceLocation)
  }
  return nil
}

struct Broken: Error {}
