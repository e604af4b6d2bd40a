import CRM
import Engine
import Foundation
import Scripting
import Services
import Store

/// The workspace that a command works on.
struct OpenWorkspace {
  let folder: WorkspaceFolder
  let declaration: WorkspaceDeclaration
  let schema: RecordSchema

  /// - Throws: `EngineFault` or `ScriptProblem` when there is no workspace or its declaration can't be read.
  init(path: String) throws {
    folder = try WorkspaceFolder(URL(fileURLWithPath: path).standardizedFileURL)
    declaration = try WorkspaceReader.read(text: try folder.text(of: "workspace.lua"), name: "workspace.lua")
    schema = try declaration.schema()
  }

  static var now: Instant { Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }

  /// Reads a consistent state of the records.
  func read<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
    if !FileManager.default.fileExists(atPath: folder.database) { try write { _ in } }
    let store = try Store(path: folder.database, mode: .readOnly, currency: declaration.currency)
    if try store.read({ try !knowsStages($0) }) {
      // workspace.lua has been edited since the last change; where that can't be written, the old stages have to do.
      try? write { _ in }
    }
    return try store.read(body)
  }

  /// One durable change by hand.
  func write<T>(_ body: (any StoreTransaction) throws -> T) throws -> T {
    try Store(path: folder.database, currency: declaration.currency).write { tx in
      if try !knowsStages(tx) { try tx.synchronize(pipelines: declaration.pipelines) }
      return try body(tx)
    }
  }

  /// The records for a dry run, with the stages as they are declared now.
  func rehearsal() throws -> DryRun.Stage {
    let store = try Store(path: folder.database, currency: declaration.currency)
    if try store.read({ try !knowsStages($0) }) {
      try store.write { try $0.synchronize(pipelines: declaration.pipelines) }
    }
    let resources = folder.resources(store, Installation.printShop)
    return try DryRun.Stage(store: store, sources: folder.sources()) { ServiceRegistry.local($0, resources) }
  }

  private func knowsStages(_ tx: any StoreTransaction) throws -> Bool {
    let stored = try tx.stages().filter { !$0.isRetired }.map(\.name)
    return stored == declaration.pipelines.flatMap { $0.stages.map(\.name) }
  }

  /// Asks the engine of this workspace, or is it for as long as that takes.
  func perform(_ request: EngineRequest) throws -> EngineAnswer { try access.perform(request) }

  /// What the local services work with that keep files.
  func resources() throws -> LocalResources {
    folder.resources(try Store(path: folder.database, currency: declaration.currency), Installation.printShop)
  }

  var access: EngineAccess { EngineAccess(folder, printShop: Installation.printShop) }

  /// The workspace with its scripts.
  func version() throws -> WorkspaceVersion { try folder.version() }

  // MARK: Who acts

  /// `user:EMAIL`, or `account:NAME` for a system account of which workspace.lua does not say which user it is.
  /// - Throws: `CommandFault` when no user has the address.
  func actor(_ email: String?) throws -> String {
    if let email {
      return try read { tx in
        guard let ref = try tx.user(email: email) else {
          throw CommandFault("no user has the e-mail address \"\(email)\"; \(try knownUsers(tx))")
        }
        return "user:\(try tx.value(ref, "email")?.plainText ?? email)"
      }
    }
    let account = NSUserName()
    guard let key = declaration.systemUsers.first(where: { $0.account == account })?.userKey else {
      return "account:\(account)"
    }
    return try read { tx in
      guard let ref = try tx.find(.user, key: key), let email = try tx.value(ref, "email")?.plainText else {
        // The import that brings this user must be possible, so it is no fault.
        Terminal.warn("workspace.lua says that \(account) is the user \"\(key)\", who is not there yet; \(account) acts")
        return "account:\(account)"
      }
      return "user:\(email)"
    }
  }

  private func knownUsers(_ tx: any StoreTransaction) throws -> String {
    let known = try tx.find(.user, [], limit: 20).compactMap { try tx.value($0, "email")?.plainText }
    return known.isEmpty ? "the workspace has no users yet; import some" : "the users are \(known.joined(separator: ", "))"
  }

  func author(_ options: SharedOptions) throws -> Author { Author(actor: try actor(options.actor)) }

  // MARK: Records by name

  /// A record by key or id; a user also by e-mail address.
  func find(_ kind: RecordKind, _ name: String, _ tx: any StoreTransaction) throws -> RecordRef {
    if let ref = try tx.find(kind, key: name) {
      if let id = Int64(name), id != ref.id, try tx.record(RecordRef(kind, id)) != nil {
        Terminal.warn("\"\(name)\" is the key of \(kind.words) \(ref.id), and so that one is meant; the one with this id is #\(id)")
      }
      return ref
    }
    if kind == .user, let ref = try tx.user(email: name) { return ref }
    if let id = Int64(name.hasPrefix("#") ? String(name.dropFirst()) : name), try tx.record(RecordRef(kind, id)) != nil {
      return RecordRef(kind, id)
    }
    let hint: String
    switch kind {
    case .deal, .person, .organization, .product: hint = "; list them with: coulisse \(kind.words)s list"
    case .user: hint = "; " + (try knownUsers(tx))
    default: hint = ""
    }
    throw CommandFault("there is no \(kind.words) \"\(name)\"\(hint)")
  }

  /// - Throws: `CommandFault` when the field is a key that another record has.
  func checkKey(_ field: ValueField, of kind: RecordKind, _ tx: any StoreTransaction, except: RecordRef? = nil) throws {
    guard field.name == "key", case .text(let key) = field.value else { return }
    guard key.contains(where: { !$0.isWhitespace }) else { throw CommandFault("a key can't be blank; choose another key") }
    guard let other = try tx.find(kind, key: key), other != except else { return }
    throw CommandFault("\(kind.words) \(other.id) has the key \"\(key)\" already; choose another key")
  }

  /// A stage by name (ALT-04).
  /// - Parameter retired: also one that workspace.lua no longer declares, in which there may be deals.
  func stage(_ name: String, _ tx: any StoreTransaction, retired: Bool = false) throws -> StageRow {
    let all = try tx.stages()
    let stages = all.filter { !$0.isRetired }
    if let stage = (retired ? all : stages).first(where: { $0.folded == Label.folded(name) }) { return stage }
    let known = stages.map { "\"\($0.name)\"" }.joined(separator: ", ")
    throw CommandFault("there is no stage \"\(name)\"; the stages are \(known)")
  }

  /// `field=value` as it is typed: the field by key or French label, the value checked and in its type.
  func assignment(_ text: String, of kind: RecordKind, _ tx: any StoreTransaction) throws -> ValueField {
    guard let sign = text.firstIndex(of: "="), sign != text.startIndex else {
      throw CommandFault("expected field=value, found \"\(text)\"; for example: title=\"EDLC pour ACME\"")
    }
    let field = try schema.resolve(String(text[..<sign]), of: kind)
    try schema.checkWritable(field, of: kind)
    let typed = String(text[text.index(after: sign)...])
    var value = Value.text(typed)
    if typed.isEmpty {
      value = .null
    } else if case .record(let target) = field.type {
      value = .record(try find(target, typed, tx))
    } else if field.type == .address || (field.type == .texts && typed.hasPrefix("[")) {
      do {
        value = try Value(plainJSON: try JSON(parsing: typed))
      } catch {
        let example = field.type == .address ? #"{"street": "1 rue X", "postal_code": "75001", "city": "Paris"}"# : #"["a", "b"]"#
        throw CommandFault("\(field.displayName): expected JSON like \(example), found \"\(typed)\" (\(error))")
      }
    }
    return ValueField(field.key, try schema.check(value, for: field, of: kind))
  }
}
