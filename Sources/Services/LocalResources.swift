import CRM
import Store
import Synchronization

/// What local services work with outside of a transaction: the workspace's database, its drive, and the process that
/// prints.
///
/// May be used from several threads.
public final class LocalResources: Sendable {
  private struct Place {
    var store: Store
    var drive: DriveDisk
    var outbox: DriveDisk
  }

  private let place: Mutex<Place>
  public let printShop: PrintShop
  /// Held from looking for a row to keeping it, by whoever puts a file or folder there in between.
  let filing = Mutex<Void>(())

  /// - Parameters:
  ///   - drive: the folder on disk under which all folders and documents are kept.
  ///   - outbox: the folder on disk for outgoing mail.
  public init(store: Store, drive: DriveDisk, outbox: DriveDisk, printShop: PrintShop) {
    place = Mutex(Place(store: store, drive: drive, outbox: outbox))
    self.printShop = printShop
  }

  public var store: Store { place.withLock { $0.store } }
  public var drive: DriveDisk { place.withLock { $0.drive } }
  public var outbox: DriveDisk { place.withLock { $0.outbox } }

  /// Goes on with another database and drive: each script test has its own, and the services are made once.
  public func move(to store: Store, drive: DriveDisk, outbox: DriveDisk) {
    place.withLock { $0 = Place(store: store, drive: drive, outbox: outbox) }
  }
}

extension Optional where Wrapped == LocalResources {
  /// - Throws: a permanent failure where a service was made for looking at its settings only.
  func required() throws(ServiceFailure) -> LocalResources {
    guard let self else {
      throw ServiceFailure(.permanent, "a local service of files needs the workspace's database and drive")
    }
    return self
  }
}

extension LocalResources {
  /// A document's row, and its bytes as they are now.
  public func open(_ document: Int64) throws(ServiceFailure) -> (row: DocumentRow, bytes: [UInt8]) {
    try FilingDesk(resources: self).open(document)
  }

  /// A document as a PDF, as it is now. Keeps nothing.
  public func pdf(of document: Int64) throws(ServiceFailure) -> (row: DocumentRow, bytes: [UInt8]) {
    let (row, bytes) = try open(document)
    if row.contentType == "application/pdf" { return (row, bytes) }
    return (row, try LocalDocuments.print(row, bytes, printShop))
  }

  /// A short transaction of the service's own.
  func write<T>(_ body: (any StoreTransaction) throws -> T) throws(ServiceFailure) -> T {
    try stored { try store.write(body) }
  }

  func read<T>(_ body: (any StoreTransaction) throws -> T) throws(ServiceFailure) -> T {
    try stored { try store.read(body) }
  }
}
