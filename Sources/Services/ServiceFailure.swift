import CRM
import Store

/// Why a service did not do what it was asked.
public struct ServiceFailure: Error, Sendable, CustomStringConvertible {
  public enum Kind: Hashable, Sendable {
    /// It may work later: network, time-out, 429, 5xx, a locked database. The call is repeated with the same key;
    /// `retryAfter` is the service's own wish.
    case transient(retryAfter: TimeSpan?)
    /// Asking again changes nothing: raised in the script at the call.
    case permanent
  }

  public var kind: Kind
  /// What was expected, what was found and what to do, for the person who wrote the script or the data.
  public var message: String
  /// The store's error behind this failure: whoever holds the transaction has to know whether it still exists.
  public var storeError: StoreError?

  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  init(_ error: StoreError) {
    switch error.kind {
    case .locked, .full, .transactionLost: kind = .transient(retryAfter: nil)
    case .notFound, .constraint, .readOnly, .corrupted, .newer, .other: kind = .permanent
    }
    message = error.message
    storeError = error
  }

  public var isTransient: Bool {
    if case .transient = kind { true } else { false }
  }

  public var description: String { message }
}

/// Executes `body`, which uses the store, and gives its errors as failures of the service.
func stored<T>(_ body: () throws -> T) throws(ServiceFailure) -> T {
  do {
    return try body()
  } catch let failure as ServiceFailure {
    throw failure
  } catch let error as StoreError {
    throw ServiceFailure(error)
  } catch {
    throw ServiceFailure(.permanent, "\(error)")
  }
}
