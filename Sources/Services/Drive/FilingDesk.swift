import CRM
import Store

/// Puts papers on the drive, each with its row: first the file is there as a whole, then a row says so. A step that is
/// repeated finds what it put there, whichever of the two it had come to.
struct FilingDesk {
  let resources: LocalResources

  /// Where what lies in no folder of a client is kept: papers on their way to a signer, and signed ones as they come.
  static let papers = ".papers"

  /// What is to be kept.
  struct Paper {
    var title: String
    var contentType: String
    var bytes: [UInt8]
    var dealID: Int64?
    /// Nil: beside the folders.
    var folder: FolderRow?
    var template: String?

    var fileExtension: String {
      switch contentType {
      case "application/pdf": "pdf"
      case "text/html": "html"
      default: "bin"
      }
    }

    /// The title, which has no second ending if it ends like the file.
    var fileName: DriveName {
      let ending = ".\(fileExtension)"
      let stem = title.lowercased().hasSuffix(ending) ? String(title.dropLast(ending.count)) : title
      return DriveName(stem, extension: fileExtension, fallback: template ?? "document")
    }
  }

  /// A title of a length that a list, a subject and a person can bear.
  static func title(_ text: String) -> String {
    String(String.UnicodeScalarView(text.unicodeScalars.prefix(SignatureDraft.titleLimit)))
  }

  /// A document that is read again: at most this many bytes.
  static let readLimit = 50 << 20

  func document(key: String) throws(ServiceFailure) -> DocumentRow? {
    try resources.read { try $0.document(key: key) }
  }

  /// The document of this key, made if it is not there.
  func keep(_ paper: Paper, key: String, at now: Instant) throws(ServiceFailure) -> DocumentRow {
    // One at a time: of two attempts of one step the second finds the first one's row, before it writes a file.
    try resources.filing.withLock { _ throws(ServiceFailure) in try findOrMake(paper, key: key, at: now) }
  }

  private func findOrMake(_ paper: Paper, key: String, at now: Instant) throws(ServiceFailure) -> DocumentRow {
    if let row = try document(key: key) { return row }
    let sha256 = ContentHash.sha256(paper.bytes)
    while true {
      let place = try put(paper)
      let row = DocumentRow(
        key: key, dealID: paper.dealID, folderID: paper.folder?.id, title: Self.title(paper.title),
        template: paper.template,
        name: place.name, path: place.path.joined(separator: "/"), contentType: paper.contentType,
        size: Int64(paper.bytes.count), sha256: sha256, createdAt: now)
      let kept = try resources.write { tx -> DocumentRow? in
        if let row = try tx.document(key: key) { return row }
        // Another step took the same file for its own: this one needs another name.
        if try tx.document(path: row.path) != nil { return nil }
        return try tx.insert(row)
      }
      if let kept { return kept }
    }
  }

  /// Writes the file under the first name that is free.
  private func put(_ paper: Paper) throws(ServiceFailure) -> (name: String, path: [String]) {
    let disk = resources.drive
    let folder = paper.folder.map { $0.path.split(separator: "/").map(String.init) } ?? [Self.papers]
    try disk.makeRoot()
    try disk.makeFolder(folder)
    let name = try disk.place(paper.bytes, as: paper.fileName, in: folder, isTaken: hasRow)
    return (name, folder + [name])
  }

  /// Whether a path is a document's already, also of one whose file somebody removed.
  func hasRow(_ path: [String]) throws(ServiceFailure) -> Bool {
    try resources.read { try $0.document(path: path.joined(separator: "/")) } != nil
  }

  /// A document's row and its file as it is now.
  func open(_ id: Int64) throws(ServiceFailure) -> (row: DocumentRow, bytes: [UInt8]) {
    guard let row = try resources.read({ try $0.document(id) }) else {
      throw ServiceFailure(.permanent, "there is no document \(id)")
    }
    return (row, try resources.drive.read(row.path.split(separator: "/").map(String.init), limit: Self.readLimit).bytes)
  }
}
