import CRM
import Foundation
import Services
import Store

/// A local service on a database file of its own.
public final class LocalServiceBench: ServiceBench {
  public let declaration: WorkspaceDeclaration
  public private(set) var store: Store
  private let folder: URL
  private let make: (WorkspaceDeclaration) -> any Service
  /// Whether the service behaves like one of another machine, see `FaultyService.remote`.
  private let isRemote: Bool
  private var faulty: FaultyService

  public var service: any Service { faulty }

  /// A database file that many benches begin with, so that it is made only once.
  public final class Template {
    fileprivate let folder: URL
    fileprivate var file: URL { folder.appendingPathComponent("workspace.db") }

    /// - Parameter prepare: fills the database; what it leaves is the world of the examples.
    public init(prepare: (any StoreTransaction) throws -> Void) throws {
      folder = try LocalServiceBench.makeFolder()
      let store = try Store(path: file.path)
      try store.write(prepare)
      try store.close()
    }

    deinit { try? FileManager.default.removeItem(at: folder) }
  }

  public init(
    _ declaration: WorkspaceDeclaration, template: Template, isRemote: Bool = false,
    make: @escaping (WorkspaceDeclaration) -> any Service
  ) throws {
    self.declaration = declaration
    self.make = make
    self.isRemote = isRemote
    folder = try Self.makeFolder()
    let file = folder.appendingPathComponent("workspace.db")
    try FileManager.default.copyItem(at: template.file, to: file)
    store = try Store(path: file.path)
    faulty = Self.wrap(make(declaration), isRemote, store)
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

  public func restart() throws {
    try store.close()
    store = try Store(path: folder.appendingPathComponent("workspace.db").path)
    faulty = Self.wrap(make(declaration), isRemote, store)
  }

  public func breakNextCall(_ moment: FaultyService.Moment) {
    faulty.fail(with: .timeout, times: 1, moment: moment)
  }

  /// Quotes, cards, messages, counters, and the history of the deals.
  public func contents() throws -> [String] {
    try store.rehearse { transaction in
      var lines: [String] = []
      for deal in try transaction.find(.deal, [], limit: nil) {
        for quote in try transaction.quotes(of: deal.id) { lines.append("\(quote)") }
        lines.append("deal \(deal.id): \(try transaction.history(of: deal).count) changes")
      }
      for card in try transaction.cards(of: nil) { lines.append("\(card)") }
      for message in try transaction.messages(of: nil) { lines.append("\(message)") }
      for counter in ["quote-2026", "quote-2027", "card"] {
        lines.append("\(counter): \(try transaction.next(counter: counter))")
      }
      return lines
    }
  }
}
