import CRM

/// Looks into a template without data, for what no data can make right: names that neither the schema nor workspace.lua
/// knows, and records where a single value is wanted.
///
/// What scripts give a template beside the deal can't be seen from here, nor what is in it. So a name that is unknown
/// at the root is judged by whether any script could give it, and below such a name nothing is judged.
public struct TemplateCheck {
  /// What a name stands for, as far as that is known.
  private indirect enum Shape {
    case record(RecordKind)
    case object([(name: String, shape: Shape)])
    case list(Shape)
    case single
    case unknown
  }

  private let schema: RecordSchema
  private let root: [(name: String, shape: Shape)]
  private let given: Set<String>

  /// - Parameter given: the names that scripts may give a value, in whatever way.
  public init(_ declaration: WorkspaceDeclaration, _ schema: RecordSchema, given: Set<String>) {
    self.schema = schema
    self.given = given
    root = [
      ("seller", Self.shape(of: declaration.seller.plain)), ("settings", Self.shape(of: declaration.settings)),
      ("deal", .record(.deal)), ("quote", .record(.quote)), ("all_taxed", .single), ("today", .single),
    ]
  }

  /// In the order of the lines. `isCertain` is false for what might be right with a script that can't be read from
  /// here.
  public func faults(in template: DocumentTemplate) -> [(fault: TemplateFault, isCertain: Bool)] {
    var root = root
    if template.name == "templates/\(SigningRoom.template).html" {
      root.append(("signature", .object(SigningRoom.valueNames.map { ($0, .single) })))
    }
    var faults: [(fault: TemplateFault, isCertain: Bool)] = []
    visit(0..<template.tags.count, template.tags, [.object(root)], &faults)
    return faults
  }

  private func visit(
    _ range: Range<Int>, _ tags: [TemplateTag], _ scopes: [Shape],
    _ faults: inout [(fault: TemplateFault, isCertain: Bool)]
  ) {
    var number = range.lowerBound
    while number < range.upperBound {
      let tag = tags[number]
      var shape = Shape.unknown
      switch look(up: tag.path, scopes) {
      case .shape(let found): shape = found
      case .fault(let message, let isCertain):
        faults.append((TemplateFault(tag, "\(tag.shown) \(message)"), isCertain))
      }
      guard case .section(let inverted) = tag.kind else {
        switch shape {
        case .record, .object:
          let message = "\(tag.shown) is not a single value; name one of its fields"
          faults.append((TemplateFault(tag, message), true))
        default: break
        }
        number += 1
        continue
      }
      let inner = number + 1..<max(number + 1, tag.end)
      if inverted {
        visit(inner, tags, scopes, &faults)
      } else if case .list(let element) = shape {
        visit(inner, tags, scopes + [element], &faults)
      } else {
        visit(inner, tags, scopes + [shape], &faults)
      }
      number = inner.upperBound
    }
  }

  private enum Found {
    case shape(Shape)
    case fault(String, isCertain: Bool)
  }

  private func look(up path: [String], _ scopes: [Shape]) -> Found {
    guard let first = path.first else { return .shape(scopes.last ?? .unknown) }
    var known: [String] = []
    for scope in scopes.reversed() {
      if case .unknown = scope { return .shape(.unknown) }
      guard var shape = part(first, of: scope) else {
        known += names(of: scope)
        continue
      }
      for name in path.dropFirst() {
        if case .unknown = shape { return .shape(.unknown) }
        guard let next = part(name, of: shape) else {
          return .fault(unknown(name, among: names(of: shape)), isCertain: true)
        }
        shape = next
      }
      return .shape(shape)
    }
    if given.contains(first) { return .shape(.unknown) }
    return .fault(unknown(first, among: known + given.sorted()) + ", and no script gives it", isCertain: false)
  }

  private func unknown(_ name: String, among known: [String]) -> String {
    let hint = Suggestion.nearest(to: name, among: known).map { " (did you mean '\($0)'?)" } ?? ""
    return "is unknown: there is no '\(name)'\(hint)"
  }

  private func part(_ name: String, of shape: Shape) -> Shape? {
    switch shape {
    case .record(let kind):
      // By their keys only, as the data are.
      schema.fields(of: kind).first { $0.key == name }.map { Self.shape(of: $0.type) }
    case .object(let parts): parts.first { $0.name == name }?.shape
    case .list, .single: nil
    case .unknown: .unknown
    }
  }

  private func names(of shape: Shape) -> [String] {
    switch shape {
    case .record(let kind): schema.fields(of: kind).map(\.key)
    case .object(let parts): parts.map(\.name)
    case .list, .single, .unknown: []
    }
  }

  private static func shape(of type: FieldType) -> Shape {
    switch type {
    case .record(let kind): .record(kind)
    case .records(let kind): .list(.record(kind))
    case .address: .object(TemplateData.addressNames.map { ($0, .single) })
    case .texts: .list(.single)
    case .objects: .list(.unknown)
    default: .single
    }
  }

  private static func shape(of value: Value) -> Shape {
    switch value {
    case .object(let fields): .object(fields.map { ($0.name, shape(of: $0.value)) })
    case .list: .list(.unknown)
    case .record(let ref): .record(ref.kind)
    // Nobody knows what it would be.
    case .null: .unknown
    default: .single
    }
  }
}
