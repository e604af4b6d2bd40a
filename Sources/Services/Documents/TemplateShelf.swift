import CRM
import Synchronization

/// The templates of one version of a workspace. Each is read when it is first asked for.
public final class TemplateShelf: Sendable {
  private let texts: [String: String]
  private let parts: TemplateParts
  private let read = Mutex<[String: DocumentTemplate]>([:])

  /// - Parameter texts: of `templates/*.html`, by the file's name without its ending, and their parts.
  public init(_ texts: [String: String]) {
    self.texts = texts
    parts = TemplateParts(of: texts)
  }

  /// The templates, without their parts, in the order of the alphabet.
  public var names: [String] { TemplateParts.documents(among: texts) }

  /// - Throws: a permanent failure: there is none of this name, and the known ones are listed; or it can't be read, and
  ///   its line is named.
  public func template(named name: String) throws(ServiceFailure) -> DocumentTemplate {
    if let known = read.withLock({ $0[name] }) { return known }
    guard names.contains(name), let text = texts[name] else {
      let hint =
        Suggestion.nearest(to: name, among: names).map { "; did you mean \(quoted($0))?" }
        ?? (names.isEmpty
          ? "; the folder templates/ is empty" : "; the templates are \(names.map(quoted).joined(separator: ", "))")
      throw ServiceFailure(.permanent, "there is no \(quoted("templates/\(name).html"))\(hint)")
    }
    let template = try DocumentTemplate(name: "templates/\(name).html", text: text, parts: parts)
    read.withLock { $0[name] = template }
    return template
  }
}
