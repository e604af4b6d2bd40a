import CRM
import Store
import Synchronization

/// A service that fails when it is told to, for script tests (`board.fails_with("timeout", 2)`) and for tests of the
/// engine. Everything else is the wrapped service's work.
///
/// May be used from several threads.
public final class FaultyService: Service {
  /// How a call fails.
  public enum Fault: String, CaseIterable, Hashable, Sendable {
    case timeout
    case unavailable
    case rateLimited = "rate_limited"
    case refused
    case notFound = "not_found"

    /// Reads the word that a test gives. Throws an error that lists the known ones.
    public init(word: String) throws(ValueFault) {
      guard let fault = Fault(rawValue: word) else {
        let known = Fault.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        throw ValueFault("there is no fault \(quoted(word)); the faults are \(known)")
      }
      self = fault
    }

    func failure(of name: String) -> ServiceFailure {
      switch self {
      case .timeout: ServiceFailure(.transient(retryAfter: nil), "\(name): no answer in time")
      case .unavailable: ServiceFailure(.transient(retryAfter: nil), "\(name): the service is unavailable")
      case .rateLimited: ServiceFailure(.transient(retryAfter: .seconds(30)), "\(name): too many requests")
      case .refused: ServiceFailure(.permanent, "\(name): the service refused the request")
      case .notFound: ServiceFailure(.permanent, "\(name): the service knows no such thing")
      }
    }
  }

  /// When a call fails.
  public enum Moment: Hashable, Sendable {
    /// Nothing has happened yet.
    case before
    /// The effect has happened and the answer is lost. Inside a caller's transaction the effect is rolled back with
    /// the failure; a service made with `remote` keeps it, as a vendor's would.
    case after
  }

  private struct State {
    var fault: Fault = .timeout
    var moment: Moment = .before
    var operation: String?
    var remaining = 0
    var calls: [String: Int] = [:]
  }

  private let service: any Service
  private let store: Store?
  private let state = Mutex(State())

  public init(_ service: any Service) {
    self.service = service
    store = nil
  }

  private init(_ service: any Service, store: Store) {
    self.service = service
    self.store = store
  }

  /// A local service that behaves like one of another machine: not `isLocal`, and each call is a transaction of its
  /// own, so that an effect outlives a lost answer.
  public static func remote(_ service: any Service, store: Store) -> FaultyService {
    FaultyService(service, store: store)
  }

  // MARK: For the test

  /// Lets the next `times` calls fail (of one operation, or of any); what was asked for earlier is forgotten.
  public func fail(
    with fault: Fault, times: Int, moment: Moment = .before, operation: String? = nil
  ) {
    state.withLock { state in
      state.fault = fault
      state.moment = moment
      state.operation = operation
      state.remaining = max(0, times)
    }
  }

  /// How many calls are still to fail.
  public var pendingFailures: Int { state.withLock { $0.remaining } }

  /// How often `perform` was called, with or without success: of one operation, or of all.
  public func calls(of operation: String? = nil) -> Int {
    state.withLock { state in
      if let operation { return state.calls[operation] ?? 0 }
      return state.calls.values.reduce(0, +)
    }
  }

  // MARK: Service

  public var declaration: ServiceDeclaration { service.declaration }
  public func isLocal(_ operation: String) -> Bool { store == nil && service.isLocal(operation) }

  public func resolve(
    _ operation: String, _ arguments: [Value], dealID: Int64?, in world: ServiceWorld
  ) throws(ServiceFailure) -> ResolvedOperation {
    try service.resolve(operation, arguments, dealID: dealID, in: world)
  }

  public func perform(
    _ call: OperationCall, in transaction: (any StoreTransaction)?
  ) throws(ServiceFailure) -> Value {
    // What depends on its arguments alone asks nobody, so there is nobody who could fail.
    let isPure = declaration.operation(call.operation)?.kind == .pure
    let fault = isPure ? nil : nextFault(call.operation)
    if let fault, fault.moment == .before { throw fault.fault.failure(of: call.name) }
    let answer = try carryOut(call, transaction)
    if let fault { throw fault.fault.failure(of: call.name) }
    return answer
  }

  public func preview(
    _ call: OperationCall, in transaction: (any StoreTransaction)?
  ) throws(ServiceFailure) -> Value {
    if let store, transaction == nil {
      return try stored { try store.rehearse { try self.service.preview(call, in: $0) } }
    }
    return try service.preview(call, in: transaction)
  }

  private func nextFault(_ operation: String) -> (fault: Fault, moment: Moment)? {
    state.withLock { state in
      state.calls[operation, default: 0] += 1
      guard state.remaining > 0, state.operation == nil || state.operation == operation else { return nil }
      state.remaining -= 1
      return (state.fault, state.moment)
    }
  }

  private func carryOut(
    _ call: OperationCall, _ transaction: (any StoreTransaction)?
  ) throws(ServiceFailure) -> Value {
    guard let store, service.isLocal(call.operation) else { return try service.perform(call, in: transaction) }
    return try stored { try store.write { try self.service.perform(call, in: $0) } }
  }
}
