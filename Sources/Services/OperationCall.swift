import CRM
import Store

/// What a script asked of a service, after its arguments were resolved to plain values: no record handles are left,
/// so that the call can be journalled and repeated word for word with the same key.
public struct OperationCall: Sendable {
  public var service: String
  public var operation: String
  /// An object: the resolved arguments by name.
  public var arguments: Value
  /// The idempotency key: the same for every attempt, so that an effect happens once.
  public var key: String
  /// The deal of the run, if it has one.
  public var dealID: Int64?
  public var author: Author
  public var now: Instant

  public init(
    service: String, operation: String, arguments: Value, key: String, dealID: Int64?, author: Author, now: Instant
  ) {
    self.service = service
    self.operation = operation
    self.arguments = arguments
    self.key = key
    self.dealID = dealID
    self.author = author
    self.now = now
  }

  /// `accounting.create_quote`, for messages.
  public var name: String { "\(service).\(operation)" }
}

/// A call's arguments as plain values, and what it is for.
public struct ResolvedOperation: Sendable {
  /// An object.
  public var arguments: Value
  /// A business key such as `deal:42/quote`, the same for every run that wants this (ALT-10, ALT-143). Nil: the key
  /// comes from the run and the step.
  public var purpose: String?

  public init(arguments: Value, purpose: String? = nil) {
    self.arguments = arguments
    self.purpose = purpose
  }
}

/// Where arguments are resolved: the segment's own transaction and the workspace as it is for the run.
public struct ServiceWorld {
  public var transaction: any StoreTransaction
  public var declaration: WorkspaceDeclaration
  public var schema: RecordSchema
  /// The moment of the segment.
  public var now: Instant

  public init(
    transaction: any StoreTransaction, declaration: WorkspaceDeclaration, schema: RecordSchema, now: Instant
  ) {
    self.transaction = transaction
    self.declaration = declaration
    self.schema = schema
    self.now = now
  }
}

/// What the typed functions of a service know of the call besides its arguments.
public struct OperationContext {
  /// The idempotency key, see `OperationCall.key`.
  public var key: String
  public var dealID: Int64?
  public var author: Author
  public var now: Instant
  /// The workspace's database, for local services; nil for those of another machine.
  public var transaction: (any StoreTransaction)?

  public init(
    key: String, dealID: Int64?, author: Author, now: Instant, transaction: (any StoreTransaction)? = nil
  ) {
    self.key = key
    self.dealID = dealID
    self.author = author
    self.now = now
    self.transaction = transaction
  }

  init(_ call: OperationCall, _ transaction: (any StoreTransaction)?) {
    self.init(key: call.key, dealID: call.dealID, author: call.author, now: call.now, transaction: transaction)
  }

  /// The transaction that a local service can't do without.
  func requireTransaction() throws(ServiceFailure) -> any StoreTransaction {
    guard let transaction else {
      throw ServiceFailure(.permanent, "a local service needs a transaction of the workspace's database")
    }
    return transaction
  }
}
