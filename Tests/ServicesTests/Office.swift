import CRM
import Foundation
import Services
import Store
import Synchronization
import TestSupport
import Testing

/// Shop's workspace on disk, with a drive and an outbox, and all local services asked as the engine asks them.
final class Office: Sendable {
  static let declaration: WorkspaceDeclaration = {
    var declaration = Shop.declaration
    let folders: Value = .list([.text("Documents générés"), .text("Fin")])
    declaration.services["drive"] = .object([ValueField("folders", folders)])
    func page(_ title: String, _ body: String) -> String {
      """
      <!DOCTYPE html>
      <html lang="fr"><head><meta charset="utf-8"><title>\(title)</title></head><body>
      \(body)
      </body></html>
      """
    }
    declaration.templates["convention"] = page(
      "Convention {{deal.title}}", "<p>Convention de {{deal.organization.name}}")
    declaration.templates["programme"] = page("Programme", "<p>Programme de {{deal.title}}")
    declaration.templates["large"] = page("Grand", "{{filler}}")
    declaration.templates["titled"] = page("{{heading}}", "<p>x")
    declaration.templates["faulty"] = page("Faux", "<p>{{deal.nonsense}}\n<p>{{deal.opca_name}}")
    declaration.templates["broken"] = page("Cassé", "{{#deal}}")
    declaration.templates["remote"] = page("Image", "<img src=\"https://images.example/logo.png\">")
    declaration.templates["endless"] = page(
      "Boîtes", String(repeating: "<div style='display: flex'>", count: 14) + "x")
    declaration.templates["open"] = "<!DOCTYPE html><html><head><title>Ouvert</title></head><body><p>x"
    return declaration
  }()

  let place: TemporaryFolder
  let store: Store
  let resources: LocalResources
  let services: ServiceRegistry
  let declaration: WorkspaceDeclaration
  private let steps = Mutex(0)

  var drive: String { place.path("drive") }
  var outbox: String { place.path("outbox") }

  init(
    printShop: PrintShop = LocalServiceBench.printShop,
    _ change: (inout WorkspaceDeclaration) -> Void = { _ in }
  ) throws {
    var declaration = Self.declaration
    change(&declaration)
    self.declaration = declaration
    place = try TemporaryFolder()
    store = try Store(path: place.path("workspace.db"))
    try store.write(Shop.fill)
    let drive = DriveDisk(root: place.url.appendingPathComponent("drive"))
    try drive.makeRoot()
    resources = LocalResources(
      store: store, drive: drive, outbox: DriveDisk(root: place.url.appendingPathComponent("outbox")),
      printShop: printShop)
    services = ServiceRegistry.local(declaration, resources)
    try set(RecordRef(.person, 1), "email", .text("j.brunet@acme.example"))
  }

  // MARK: Asking

  /// One step: `office.ask("drive.client_folder", [person])`. Without a key it is a step that never was before.
  @discardableResult
  func ask(_ name: String, _ arguments: [Value], key: String? = nil, now: Instant = Shop.now) throws -> Value {
    try perform(try call(name, arguments, key: key, now: now))
  }

  func call(_ name: String, _ arguments: [Value], key: String? = nil, now: Instant = Shop.now) throws -> OperationCall {
    let (service, operation) = try part(name)
    let step = steps.withLock { step in
      step += 1
      return step
    }
    let resolved = try store.write { tx in
      try service.resolve(
        operation, arguments, dealID: 1,
        in: ServiceWorld(
          transaction: tx, declaration: declaration, schema: try declaration.schema(), now: now))
    }
    return OperationCall(
      service: service.declaration.name, operation: operation, arguments: resolved.arguments,
      key: key ?? resolved.purpose ?? "run:1/step:\(step)", dealID: 1, author: Shop.author, now: now)
  }

  @discardableResult
  func perform(_ call: OperationCall) throws -> Value {
    let service = try part(call.name).service
    guard service.isLocal(call.operation) else { return try service.perform(call, in: nil) }
    return try store.write { try service.perform(call, in: $0) }
  }

  private func part(_ name: String) throws -> (service: any Service, operation: String) {
    let parts = name.split(separator: ".").map(String.init)
    guard parts.count == 2, let service = services[parts[0]] else { throw ServiceFailure(.permanent, "no \(name)") }
    return (service, parts[1])
  }

  /// The message of the failure that a step ends with, "transient: " before it where it is one; nothing that can be
  /// seen of the workspace may have changed.
  func refused(_ name: String, _ arguments: [Value], key: String? = nil, now: Instant = Shop.now) throws -> String {
    let before = try contents()
    let message = refusal { try ask(name, arguments, key: key, now: now) }
    let after = try contents()
    #expect(after == before, "\(name) failed and left something behind")
    return message
  }

  // MARK: Looking

  func set(_ ref: RecordRef, _ field: String, _ value: Value) throws {
    try store.write { try $0.set(ref, field, value, author: Shop.author, at: Shop.now) }
  }

  func person(_ first: String?, _ last: String?) throws -> Value {
    let fields = [("first_name", first), ("last_name", last)].compactMap { name, text in
      text.map { ValueField(name, .text($0)) }
    }
    return .record(try store.write { try $0.insert(.person, fields, author: Shop.author, at: Shop.now) })
  }

  func folder(_ value: Value) throws -> FolderRow {
    guard case .record(let ref) = value else { throw ServiceFailure(.permanent, "\(value) is no record") }
    return try #require(try store.read { try $0.folder(ref.id) })
  }

  func document(_ value: Value) throws -> DocumentRow {
    guard case .record(let ref) = value else { throw ServiceFailure(.permanent, "\(value) is no record") }
    return try #require(try store.read { try $0.document(ref.id) })
  }

  func request(_ value: Value) throws -> SignatureRequestRow {
    guard case .record(let ref) = value else { throw ServiceFailure(.permanent, "\(value) is no record") }
    return try #require(try store.read { try $0.signatureRequest(ref.id) })
  }

  /// Where a row's file is.
  func url(_ path: String) -> URL { place.url.appendingPathComponent("drive/\(path)") }

  func text(_ path: String) throws -> String { try String(contentsOf: url(path), encoding: .utf8) }

  /// Somebody opens the file, corrects it and saves it, as a program does that puts a new file in the old one's place.
  func correct(_ document: Value, _ old: String, _ new: String) throws {
    let path = try self.document(document).path
    let text = try text(path)
    #expect(text.contains(old))
    try Data(text.replacingOccurrences(of: old, with: new).utf8).write(to: url(path), options: .atomic)
  }

  /// What a PDF says.
  func words(_ document: Value) throws -> String {
    try poppler("pdftotext", ["-layout"], Array(try Data(contentsOf: url(try self.document(document).path))))
  }

  /// All paths under drive and outbox, hidden ones too.
  func paths() -> [String] {
    ["drive", "outbox"].flatMap { part in
      (FileManager.default.enumerator(atPath: place.path(part))?.allObjects as? [String] ?? []).map { "\(part)/\($0)" }
    }.sorted()
  }

  func files() -> [String] {
    paths().filter { path in
      (try? FileManager.default.attributesOfItem(atPath: place.path(path))[.type] as? FileAttributeType) == .typeRegular
    }
  }

  /// All rows and all files. A folder that was made for something that came to nothing does no harm and isn't counted.
  func contents() throws -> [String] {
    let rows = try store.read { tx -> [String] in
      try tx.documents(of: nil).map { "\($0)" } + tx.signatureRequests(of: nil).map { "\($0)" }
        + tx.emails(of: nil).map { "\($0)" }
        + tx.find(.folder, [], limit: nil).map { "\(String(describing: try tx.folder($0.id)))" }
        + tx.quotes(of: 1).map { "\($0)" }
    }
    return rows
      + files().map { path in
        let bytes = FileManager.default.contents(atPath: place.path(path)) ?? Data()
        return "\(path) \(ContentHash.sha256(Array(bytes)))"
      }
  }

  // MARK: The usual

  static let person = Value.record(RecordRef(.person, 1))
  static let deal = Value.record(Shop.deal)

  func clientFolder(_ person: Value = Office.person) throws -> Value { try ask("drive.client_folder", [person]) }

  func generate(
    _ template: String, _ values: [ValueField] = [], in folder: Value? = nil, key: String? = nil
  ) throws -> Value {
    let folder = try folder ?? clientFolder()
    return try ask(
      "documents.generate", [.text(template), Self.deal, folder] + (values.isEmpty ? [] : [.object(values)]), key: key)
  }

  func send(_ document: Value, key: String? = nil, now: Instant = Shop.now) throws -> Value {
    try ask("signature.send", [Self.letter(document)], key: key, now: now)
  }

  static func letter(_ document: Value, to signer: Value = Office.person) -> Value {
    .object([ValueField("document", document), ValueField("signer", signer)])
  }
}
