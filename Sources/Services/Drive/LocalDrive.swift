import CRM
import Store

/// The embedded drive: a folder on disk, with a folder for each client in it (ALT-114).
public struct LocalDrive: Drive {
  private let clients: String
  private let subfolders: [String]
  private let resources: LocalResources?
  /// What is wrong with the service's settings.
  let fault: ValueFault?

  /// Settings: `services.drive.clients`, the folder of all clients' folders, by default `Clients`; and
  /// `services.drive.folders`, names of the folders that each of them has, by default none.
  public init(_ declaration: WorkspaceDeclaration, _ resources: LocalResources?) {
    var settings = ServiceSettings("drive", declaration, allowed: ["clients", "folders"])
    var clients = "Clients"
    switch settings["clients"] {
    case .null: break
    case .text(let name) where !isBlank(name): clients = name
    default: settings.refuse("clients", expected: "a folder's name like \"Clients\"")
    }
    var subfolders: [String] = []
    switch settings["folders"] {
    case .null: break
    case .list(let values):
      for case .text(let name) in values where !isBlank(name) { subfolders.append(name) }
      if subfolders.count != values.count { settings.refuse("folders", expected: "a list of names") }
    default: settings.refuse("folders", expected: "a list of names like { \"Documents générés\", \"Fin\" }")
    }
    self.clients = DriveName(clients, fallback: "Clients").text
    self.subfolders = subfolders.map { DriveName($0, fallback: "_").text }
    self.resources = resources
    fault = settings.fault
  }

  public func clientFolder(
    _ draft: ClientFolderDraft, _ context: OperationContext
  ) throws(ServiceFailure) -> FolderRow {
    try fault.check()
    let resources = try resources.required()
    return try resources.filing.withLock { _ throws(ServiceFailure) in
      try findOrMake(draft, context, resources)
    }
  }

  private func findOrMake(
    _ draft: ClientFolderDraft, _ context: OperationContext, _ resources: LocalResources
  ) throws(ServiceFailure) -> FolderRow {
    try resources.drive.makeRoot()
    while true {
      if let row = try resources.read({ try $0.folder(ofPerson: draft.personID) }) {
        try makeOnDisk(row, resources)
        return row
      }
      let name = try freeName(draft.name, resources)
      let row = FolderRow(
        key: context.key, personID: draft.personID, name: name, path: "\(clients)/\(name)", createdAt: context.now)
      try makeOnDisk(row, resources)
      let kept = try resources.write { tx -> FolderRow? in
        if let row = try tx.folder(ofPerson: draft.personID) { return row }
        // Meanwhile another client of this name was given the folder.
        if try tx.folder(path: row.path) != nil { return nil }
        return try tx.insert(row)
      }
      if let kept { return kept }
    }
  }

  /// With its subfolders, also when somebody removed them (ALT-117).
  private func makeOnDisk(_ folder: FolderRow, _ resources: LocalResources) throws(ServiceFailure) {
    let path = folder.path.split(separator: "/").map(String.init)
    try resources.drive.makeFolder(path)
    for name in subfolders { try resources.drive.makeFolder(path + [name]) }
  }

  /// A folder of this name that is there and nobody's is this client's (ALT-115); one that belongs to another client of
  /// the same name is not (ALT-116).
  private func freeName(_ name: String, _ resources: LocalResources) throws(ServiceFailure) -> String {
    let wanted = DriveName(name, fallback: "Client")
    let there = try resources.drive.entry([clients]) == nil ? [] : try resources.drive.list([clients]).map(\.name)
    var number = 1
    while true {
      let candidate = (number == 1 ? wanted : wanted.numbered(number)).text
      number += 1
      let same = there.filter { DriveName.areSame($0, candidate) }
      if try isFree(same + [candidate], resources) { return same.first ?? candidate }
    }
  }

  private func isFree(_ names: [String], _ resources: LocalResources) throws(ServiceFailure) -> Bool {
    try resources.read { tx in
      for name in names where try tx.folder(path: "\(clients)/\(name)") != nil { return false }
      return true
    }
  }

  public func child(
    _ name: String, of folder: Int64, _ context: OperationContext
  ) throws(ServiceFailure) -> FolderRow {
    try fault.check()
    let resources = try resources.required()
    let parent = try Self.folder(folder, resources)
    let name = DriveName(name, fallback: "_").text
    // "Documents generes" has the key of "Documents générés", and is that folder.
    let known = try resources.read { try $0.folder(key: context.key) }
    let row =
      known
      ?? FolderRow(
        key: context.key, parentID: parent.id, name: name, path: "\(parent.path)/\(name)", createdAt: context.now)
    try resources.drive.makeRoot()
    try resources.drive.makeFolder(row.path.split(separator: "/").map(String.init))
    return try resources.write { tx in try tx.folder(key: row.key) ?? tx.folder(path: row.path) ?? tx.insert(row) }
  }

  private static func folder(_ id: Int64, _ resources: LocalResources) throws(ServiceFailure) -> FolderRow {
    guard let row = try resources.read({ try $0.folder(id) }) else {
      throw ServiceFailure(.permanent, "there is no folder \(id)")
    }
    return row
  }

  public func store(
    _ document: Int64, in folder: Int64, name: String?, _ context: OperationContext
  ) throws(ServiceFailure) -> DocumentRow {
    try fault.check()
    let resources = try resources.required()
    let desk = FilingDesk(resources: resources)
    if let row = try desk.document(key: context.key) { return row }
    let folder = try Self.folder(folder, resources)
    let (row, bytes) = try desk.open(document)
    return try desk.keep(
      FilingDesk.Paper(
        title: name ?? row.title, contentType: row.contentType, bytes: bytes, dealID: row.dealID ?? context.dealID,
        folder: folder, template: row.template), key: context.key, at: context.now)
  }

  public func preview(_ call: OperationCall, _ tx: any StoreTransaction) throws(ServiceFailure) -> RecordRef {
    try fault.check()
    let fields = try Fields(call.name, call.arguments)
    return try stored {
      switch call.operation {
      case "client_folder":
        let person = try fields.integer("person")
        if let row = try tx.folder(ofPerson: person) { return RecordRef(.folder, row.id) }
        let name = DriveName(try fields.text("name", limit: 2 * Self.nameLimit), fallback: "Client").text
        // Not a place that a namesake could have too.
        let row = FolderRow(
          key: call.key, personID: person, name: name, path: "????/\(call.key)", createdAt: call.now)
        return RecordRef(.folder, try tx.insert(row).id)
      case "child":
        guard let parent = try tx.folder(try fields.integer("folder")) else {
          throw ServiceFailure(.permanent, "\(call.name): there is no such folder")
        }
        let name = DriveName(try fields.text("name", limit: Self.nameLimit), fallback: "_").text
        let path = "\(parent.path)/\(name)"
        if let row = try tx.folder(key: call.key) ?? tx.folder(path: path) { return RecordRef(.folder, row.id) }
        let row = FolderRow(key: call.key, parentID: parent.id, name: name, path: path, createdAt: call.now)
        return RecordRef(.folder, try tx.insert(row).id)
      default:
        guard var row = try tx.document(try fields.integer("document")) else {
          throw ServiceFailure(.permanent, "\(call.name): there is no such document")
        }
        if let name = try fields.optionalText("name", limit: Self.nameLimit) { row.title = name }
        row.folderID = try fields.integer("folder")
        return try tx.rehearsed(row, call)
      }
    }
  }
}

extension StoreTransaction {
  /// A document as a dry run shows it: its file is not there, and the row goes with the rehearsal.
  func rehearsed(_ document: DocumentRow, _ call: OperationCall) throws -> RecordRef {
    if let row = try self.document(key: call.key) { return RecordRef(.document, row.id) }
    var row = document
    row.key = call.key
    row.title = FilingDesk.title(row.title)
    row.path = "????/\(call.key)"
    row.createdAt = call.now
    return RecordRef(.document, try insert(row).id)
  }
}
