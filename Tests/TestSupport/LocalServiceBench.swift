import CRM
import Foundation
import Services
import Store

/// A local service on a database file of its own.
public final class LocalServiceBench: ServiceBench {
  public let declaration: WorkspaceDeclaration
  public private(set) var store: Store
  private let folder: URL
  private let make: (WorkspaceDeclaration, LocalResources) -> any Service
  /// Whether the service behaves like one of another machine, see `FaultyService.remote`.
  private let isRemote: Bool
  private var faulty: FaultyService

  public var service: any Service { faulty }

  /// One process prints for all benches: to start it takes most of a second.
  public static let printShop = PrintShop(PrintShop.Location(root: SourceTree.root))

  /// A database file, and what is on the drive, that many benches begin with, so that it is made only once.
  public final class Template {
    fileprivate let folder: URL
    fileprivate var file: URL { folder.appendingPathComponent("workspace.db") }
    fileprivate var drive: URL { folder.appendingPathComponent("drive") }

    /// - Parameters:
    ///   - files: of the drive, by their paths on it.
    ///   - prepare: fills the database; what it leaves is the world of the examples.
    public init(files: [String: [UInt8]] = [:], prepare: (any StoreTransaction) throws -> Void) throws {
      folder = try LocalServiceBench.makeFolder()
      for (path, bytes) in files {
        let file = drive.appendingPathComponent(path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
      }
      let store = try Store(path: file.path)
      try store.write(prepare)
      try store.close()
    }

    deinit { try? FileManager.default.removeItem(at: folder) }
  }

  public init(
    _ declaration: WorkspaceDeclaration, template: Template, isRemote: Bool = false,
    make: @escaping (WorkspaceDeclaration, LocalResources) -> any Service
  ) throws {
    self.declaration = declaration
    self.make = make
    self.isRemote = isRemote
    folder = try Self.makeFolder()
    let file = folder.appendingPathComponent("workspace.db")
    try FileManager.default.copyItem(at: template.file, to: file)
    if FileManager.default.fileExists(atPath: template.drive.path) {
      try FileManager.default.copyItem(at: template.drive, to: folder.appendingPathComponent("drive"))
    }
    store = try Store(path: file.path)
    faulty = Self.wrap(make(declaration, Self.resources(folder, store)), isRemote, store)
  }

  private static func resources(_ folder: URL, _ store: Store) -> LocalResources {
    LocalResources(
      store: store, drive: DriveDisk(root: folder.appendingPathComponent("drive")),
      outbox: DriveDisk(root: folder.appendingPathComponent("outbox")), printShop: printShop)
  }

  private static func makeFolder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("services-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  private static func wrap(_ service: any Service, _ isRemote: Bool, _ store: Store) -> FaultyService {
    isRemote ? .remote(service, store: store) : FaultyService(service)
  }

  public func write<T>(_ body: (any StoreTransaction) throws -> T) throws -> T { try store.write(body) }

  public func rehearse<T>(_ body: (any StoreTransaction) throws -> T) throws -> T { try store.rehearse(body) }

  public func restart() throws {
    try store.close()
    store = try Store(path: folder.appendingPathComponent("workspace.db").path)
    faulty = Self.wrap(make(declaration, Self.resources(folder, store)), isRemote, store)
  }

  public func breakNextCall(_ moment: FaultyService.Moment) {
    faulty.fail(with: .timeout, times: 1, moment: moment)
  }

  /// Rows of all kinds that services keep, counters, the history of the deals, and the files on disk.
  public func contents() throws -> [String] {
    try store.rehearse { transaction in
      var lines: [String] = []
      for deal in try transaction.find(.deal, [], limit: nil) {
        for quote in try transaction.quotes(of: deal.id) { lines.append("\(quote)") }
        lines.append("deal \(deal.id): \(try transaction.history(of: deal).count) changes")
      }
      for card in try transaction.cards(of: nil) { lines.append("\(card)") }
      for message in try transaction.messages(of: nil) { lines.append("\(message)") }
      for document in try transaction.documents(of: nil) { lines.append("\(document)") }
      for folder in try transaction.find(.folder, [], limit: nil) {
        lines.append("\(String(describing: try transaction.folder(folder.id)))")
      }
      for request in try transaction.signatureRequests(of: nil) { lines.append("\(request)") }
      for email in try transaction.emails(of: nil) { lines.append("\(email)") }
      for counter in ["quote-2026", "quote-2027", "card"] {
        lines.append("\(counter): \(try transaction.next(counter: counter))")
      }
      return lines + files()
    }
  }

  /// Path and content of every file of drive and outbox.
  private func files() -> [String] {
    ["drive", "outbox"].flatMap { part -> [String] in
      let root = folder.appendingPathComponent(part)
      let paths = FileManager.default.enumerator(atPath: root.path)?.allObjects as? [String] ?? []
      return paths.sorted().map { path in
        let bytes = FileManager.default.contents(atPath: root.appendingPathComponent(path).path)
        return "\(part)/\(path): \(bytes.map { ContentHash.sha256(Array($0)) } ?? "folder")"
      }
    }
  }
}
