import CRM

/// What several templates have in common: the texts of `templates/parts/*.html`, which a template includes by
/// `{{> style}}`.
public struct TemplateParts: Sendable {
  private let texts: [String: String]

  /// How parts are told from templates among a workspace's texts: `parts/style`.
  static let prefix = "parts/"

  /// - Parameter templates: a workspace's texts by name, the parts among them.
  public init(of templates: [String: String]) {
    var texts: [String: String] = [:]
    for (name, text) in templates where name.hasPrefix(Self.prefix) {
      texts[String(name.dropFirst(Self.prefix.count))] = text
    }
    self.texts = texts
  }

  subscript(name: String) -> String? { texts[name] }

  /// The file of a part, for messages.
  static func path(_ name: String) -> String { "templates/\(prefix)\(name).html" }

  /// What to say behind a name that is none.
  func hint(for name: String) -> String {
    let names = texts.keys.sorted()
    return Suggestion.nearest(to: name, among: names).map { "; did you mean \(quoted($0))?" }
      ?? (names.isEmpty ? "" : "; the parts are \(names.map(quoted).joined(separator: ", "))")
  }

  /// The names of the templates that are documents of their own, in the order of the alphabet.
  public static func documents(among templates: [String: String]) -> [String] {
    templates.keys.filter { !$0.hasPrefix(prefix) }.sorted()
  }
}
