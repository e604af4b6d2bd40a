import CRM

/// A local service's own part of `services = { … }` in `workspace.lua`. What is wrong there is kept and said by the
/// first operation, so that the rest of the workspace still loads; `ServiceRegistry.faults` says it at once.
struct ServiceSettings {
  let service: String
  private let fields: [ValueField]
  private(set) var fault: ValueFault?

  init(_ service: String, _ declaration: WorkspaceDeclaration, allowed: [String]) {
    self.service = service
    switch declaration.services[service] {
    case nil, .null?: fields = []
    case .list(let values)? where values.isEmpty: fields = []
    case .object(let fields)?:
      self.fields = fields
      if let unknown = fields.first(where: { !allowed.contains($0.name) }) {
        let hint = Suggestion.nearest(to: unknown.name, among: allowed).map { "; did you mean '\($0)'?" }
        let known =
          allowed.isEmpty ? "; it has no settings" : "; its settings are \(allowed.joined(separator: ", "))"
        fault = ValueFault("services.\(service) has no setting '\(unknown.name)'\(hint ?? known)")
      }
    case let other?:
      fields = []
      fault = ValueFault("services.\(service): expected a table of settings, found \(other.summary)")
    }
  }

  /// `.null` when it is not set.
  subscript(name: String) -> Value { fields.first { $0.name == name }?.value ?? .null }

  /// Notes what is wrong with a setting; the first fault counts.
  mutating func refuse(_ name: String, expected: String) {
    guard fault == nil else { return }
    fault = ValueFault("services.\(service).\(name): expected \(expected), found \(self[name].summary)")
  }

  mutating func refuse(_ message: String) {
    if fault == nil { fault = ValueFault(message) }
  }
}

extension Optional where Wrapped == ValueFault {
  /// - Throws: the fault, as a permanent failure, if there is one.
  func check() throws(ServiceFailure) {
    if let self {
      throw ServiceFailure(.permanent, "workspace.lua: \(self.message)")
    }
  }
}
