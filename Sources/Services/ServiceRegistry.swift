import CRM

/// The services of a workspace, by name.
public struct ServiceRegistry: Sendable {
  /// In the order given, which is that of the reference page.
  public let services: [any Service]
  private let places: [String: Int]
  /// What scripts see of the services.
  public let declarations: [ServiceDeclaration]

  /// Of two services of one name the latter counts: a connector given after the local services takes the place of
  /// its local one.
  public init(services: [any Service]) {
    var kept: [any Service] = []
    var places: [String: Int] = [:]
    for service in services {
      let name = service.declaration.name
      if let place = places[name] {
        kept[place] = service
      } else {
        places[name] = kept.count
        kept.append(service)
      }
    }
    self.services = kept
    self.places = places
    declarations = kept.map(\.declaration)
  }

  /// The embedded services, with the settings of `services = { … }` in `workspace.lua`. What is wrong with a setting
  /// is said by the operations that need it, and by `faults(in:)`.
  /// - Parameter resources: what those of them work with that keep files; without it they can be looked at only.
  public static func local(
    _ declaration: WorkspaceDeclaration, _ resources: LocalResources? = nil
  ) -> ServiceRegistry {
    let templates = TemplateShelf(declaration.templates)
    return ServiceRegistry(services: [
      LocalAccounting(declaration, templates, resources), LocalDocuments(declaration, templates, resources),
      LocalDrive(declaration, resources), LocalSignature(declaration, resources), LocalBoard(declaration),
      LocalChat(declaration), LocalMail(declaration, resources),
    ])
  }

  public subscript(name: String) -> (any Service)? { places[name].map { services[$0] } }

  /// What is wrong with the settings of the local services, one message a service; empty when all is well.
  public static func faults(in declaration: WorkspaceDeclaration) -> [ValueFault] {
    let known = local(declaration).declarations.map(\.name)
    var faults = [
      LocalAccounting(declaration).fault, LocalDocuments(declaration, TemplateShelf([:]), nil).fault,
      LocalDrive(declaration, nil).fault, LocalSignature(declaration, nil).fault, LocalBoard(declaration).fault,
      LocalChat(declaration).fault, LocalMail(declaration, nil).fault,
    ].compactMap { $0 }
    for name in declaration.services.keys.sorted() where !known.contains(name) {
      let hint =
        Suggestion.nearest(to: name, among: known).map { "; did you mean '\($0)'?" }
        ?? "; the services are \(known.joined(separator: ", "))"
      faults.append(ValueFault("services: there is no service '\(name)'\(hint)"))
    }
    return faults
  }
}
