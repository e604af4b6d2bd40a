import CRM
import Store

/// Folders and files that people look into. A connector implements the typed functions; what scripts see and how
/// arguments are read is the same for all of them.
///
/// Folders and documents are records of the workspace whoever keeps the files, so scripts hold handles, never paths.
public protocol Drive: Service {
  /// The client's own folder, with its subfolders; made if it is not there. A person has one, and it is known by the
  /// person, not by the name: two clients of one name have two (ALT-115, ALT-116), and a client who is renamed keeps
  /// the folder and its links.
  func clientFolder(_ draft: ClientFolderDraft, _ context: OperationContext) throws(ServiceFailure) -> FolderRow
  /// The subfolder of this name; made if it is not there (ALT-117).
  func child(_ name: String, of folder: Int64, _ context: OperationContext) throws(ServiceFailure) -> FolderRow
  /// Puts a copy of a document into a folder, under its own name or the one given.
  func store(
    _ document: Int64, in folder: Int64, name: String?, _ context: OperationContext
  ) throws(ServiceFailure) -> DocumentRow
  /// What `clientFolder`, `child` and `store` would answer, as rows of the rehearsal's transaction.
  func preview(_ call: OperationCall, _ transaction: any StoreTransaction) throws(ServiceFailure) -> RecordRef
}

/// Whose folder is wanted, by the name that it gets if it is new.
public struct ClientFolderDraft: Hashable, Sendable {
  public var personID: Int64
  /// "Nom Prénom".
  public var name: String

  public init(personID: Int64, name: String) {
    self.personID = personID
    self.name = name
  }
}

/// How every drive describes itself.
public enum DriveOperations {
  static let clientFolder = OperationDeclaration(
    name: "client_folder", kind: .effect, parameters: [ParameterDeclaration(name: "person", type: "person")],
    returns: "folder", doc: "The client's own folder, with its subfolders; made if it is not there.")
  static let child = OperationDeclaration(
    name: "child", kind: .effect,
    parameters: [
      ParameterDeclaration(name: "folder", type: "folder"), ParameterDeclaration(name: "name", type: "text"),
    ], returns: "folder", doc: "The subfolder of this name; made if it is not there.", method: "child")
  static let store = OperationDeclaration(
    name: "store", kind: .effect,
    parameters: [
      ParameterDeclaration(name: "folder", type: "folder"), ParameterDeclaration(name: "document", type: "document"),
      ParameterDeclaration(name: "name", type: "text", isOptional: true),
    ], returns: "document",
    doc: "Puts a copy of a document into the folder, under its own name or the one given; what is there is kept.",
    method: "store")

  public static let declaration = ServiceDeclaration(
    name: "drive", doc: "Folders and files that people look into.", operations: [clientFolder, child, store])
}

extension Drive {
  public var declaration: ServiceDeclaration { DriveOperations.declaration }

  static var nameLimit: Int { 200 }

  public func resolve(
    _ operation: String, _ arguments: [Value], dealID: Int64?, in world: ServiceWorld
  ) throws(ServiceFailure) -> ResolvedOperation {
    switch operation {
    case "client_folder":
      let arguments = try Arguments("drive", DriveOperations.clientFolder, arguments)
      let person = try arguments.record(.person, 0)
      guard let record = try stored({ try world.transaction.record(person) }) else {
        throw ServiceFailure(.permanent, "\(arguments.name): there is no person \(person.id)")
      }
      // Last name first, as offices sort their clients: the one fixed rule that ALT-115 leaves open.
      let name = ["last_name", "first_name"].map { record[field: $0].plainText }.filter { !isBlank($0) }
        .joined(separator: " ")
      guard !name.isEmpty else {
        throw ServiceFailure(
          .permanent,
          "\(arguments.name): person \(person.id) has neither « Prénom » nor « Nom »; the folder is named after both")
      }
      return ResolvedOperation(
        arguments: .object([ValueField("person", .integer(person.id)), ValueField("name", .text(name))]),
        purpose: "person:\(person.id)/folder")
    case "child":
      let arguments = try Arguments("drive", DriveOperations.child, arguments)
      let folder = try arguments.existing(.folder, 0, in: world)
      let name = try arguments.text(1, "a folder's name", limit: Self.nameLimit)
      guard !isBlank(name) else { throw arguments.fault("a folder's name", 1) }
      return ResolvedOperation(
        arguments: .object([ValueField("folder", .integer(folder)), ValueField("name", .text(name))]),
        purpose: "folder:\(folder)/\(Label.folded(name))")
    case "store":
      let arguments = try Arguments("drive", DriveOperations.store, arguments)
      let folder = try arguments.existing(.folder, 0, in: world)
      let document = try arguments.existing(.document, 1, in: world)
      var fields = [ValueField("folder", .integer(folder)), ValueField("document", .integer(document))]
      if !arguments[2].isNull {
        let name = try arguments.text(2, "a document's name", limit: Self.nameLimit)
        guard !isBlank(name) else { throw arguments.fault("a document's name", 2) }
        fields.append(ValueField("name", .text(name)))
      }
      return ResolvedOperation(arguments: .object(fields))
    default: throw unknownOperation(operation)
    }
  }

  public func perform(
    _ call: OperationCall, in transaction: (any StoreTransaction)?
  ) throws(ServiceFailure) -> Value {
    let context = OperationContext(call, transaction)
    let fields = try Fields(call.name, call.arguments)
    switch call.operation {
    case "client_folder":
      let draft = ClientFolderDraft(
        personID: try fields.integer("person"), name: try fields.text("name", limit: 2 * Self.nameLimit))
      return .record(RecordRef(.folder, try clientFolder(draft, context).id))
    case "child":
      let name = try fields.text("name", limit: Self.nameLimit)
      return .record(RecordRef(.folder, try child(name, of: try fields.integer("folder"), context).id))
    case "store":
      let name = try fields.optionalText("name", limit: Self.nameLimit)
      let document = try store(
        try fields.integer("document"), in: try fields.integer("folder"), name: name, context)
      return .record(RecordRef(.document, document.id))
    default: throw unknownOperation(call.operation)
    }
  }

  public func preview(
    _ call: OperationCall, in transaction: (any StoreTransaction)?
  ) throws(ServiceFailure) -> Value {
    .record(try preview(call, try OperationContext(call, transaction).requireTransaction()))
  }
}
