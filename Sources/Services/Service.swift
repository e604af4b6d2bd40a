import CRM
import Store

/// Something that scripts may act on besides the CRM. A connector to a vendor's product implements one of the
/// protocols `Accounting`, `Board` and `Chat`, which say what the operations mean; this one is how the engine sees
/// any of them.
public protocol Service: Sendable {
  /// Name, operations (read, effect or pure), their parameters and their documentation.
  var declaration: ServiceDeclaration { get }

  /// Whether an operation is rows of the workspace's own database and nothing else. Then `perform` gets a transaction,
  /// and may be executed in the one of the segment. What touches files, other processes or other machines is not local
  /// in this sense: it is a step of its own, and never holds the write lock while it works.
  func isLocal(_ operation: String) -> Bool

  /// Turns a script's arguments into plain values and checks what can be checked before anything happens. Writes
  /// nothing; asked twice in one transaction it answers the same.
  /// - Throws: a permanent failure that names everything that is wrong.
  func resolve(
    _ operation: String, _ arguments: [Value], dealID: Int64?, in world: ServiceWorld
  ) throws(ServiceFailure) -> ResolvedOperation

  /// Carries out a call. An effect honours `call.key`: the same key twice has one effect and one answer, after a
  /// restart too. A read writes nothing.
  func perform(
    _ call: OperationCall, in transaction: (any StoreTransaction)?
  ) throws(ServiceFailure) -> Value

  /// What `perform` would answer, for a dry run: an object with the same fields, and what is not known yet as "????".
  /// Sends nothing and keeps nothing: records that the answer names may be written into the rehearsal's transaction,
  /// which is rolled back. Fails where `perform` would, as far as that can be seen.
  func preview(
    _ call: OperationCall, in transaction: (any StoreTransaction)?
  ) throws(ServiceFailure) -> Value
}

extension Service {
  public func isLocal(_ operation: String) -> Bool { false }

  /// The failure for an operation that is not declared; names the nearest one that is.
  func unknownOperation(_ name: String) -> ServiceFailure {
    let known = declaration.operations.map(\.name)
    let hint =
      Suggestion.nearest(to: name, among: known).map { "; did you mean '\($0)'?" }
      ?? "; its operations are \(known.joined(separator: ", "))"
    return ServiceFailure(.permanent, "\(declaration.name) has no operation '\(name)'\(hint)")
  }
}
