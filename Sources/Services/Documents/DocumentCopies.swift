import CRM
import Store

/// PDFs of documents for people who want to look at them or send them on, outside of any run: each is the document in
/// its present state (ALT-125), and no record is made of it.
public struct DocumentCopies {
  private let resources: LocalResources

  public init(_ resources: LocalResources) { self.resources = resources }

  /// On the drive, beside the papers; may be removed at any time.
  public static let views = "views"

  /// Where a document's PDF is on the drive: the document's own file if it is one, else a copy that is made when there
  /// is none of this content yet. Asked twice for the same content it is the same file.
  /// - Returns: the path's parts, relative to the drive.
  public func view(of id: Int64) throws(ServiceFailure) -> [String] {
    let (row, bytes) = try resources.open(id)
    if row.contentType == "application/pdf" { return row.path.split(separator: "/").map(String.init) }
    let disk = resources.drive
    let folder = [FilingDesk.papers, Self.views, ContentHash.sha256(bytes)]
    let path = folder + [Self.name(of: row).text]
    if try disk.entry(path)?.kind == .file { return path }
    let pdf = try LocalDocuments.print(row, bytes, resources.printShop)
    try disk.makeFolder(folder)
    // Somebody who asked at the same time may have been faster, with the same PDF.
    _ = try disk.writeNew(pdf, to: path)
    return path
  }

  /// Puts a document as a PDF into a folder, under its own name. A file that is there and says something else is left
  /// alone, and the PDF's name gets a number; one that says the same is this PDF.
  /// - Returns: the file's name.
  public func put(_ id: Int64, into folder: DriveDisk) throws(ServiceFailure) -> String {
    let (row, pdf) = try resources.pdf(of: id)
    return try folder.place(pdf, as: Self.name(of: row), in: [])
  }

  private static func name(of row: DocumentRow) -> DriveName {
    let stem = row.name.lastIndex(of: ".").map { row.name[..<$0] } ?? row.name[...]
    return DriveName(stem.isEmpty ? row.title : String(stem), extension: "pdf", fallback: "document")
  }
}
