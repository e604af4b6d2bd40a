import CRM
import Mustache

/// A document's template: HTML with placeholders in Mustache, such as `{{deal.title}}` and
/// `{{#deal.lines}}…{{/deal.lines}}`.
///
/// Values are shown as a French document shows them and are always escaped; the lines of a text stay lines, which CSS
/// (`white-space: pre-line`) shows. A section of nothing, of blank text, of false or of an empty list is left out, and
/// its `{{^…}}` counterpart is there. `{{> style}}` puts a part there that other templates have too; there are no
/// unescaped tags, inheritance, lambdas and other delimiters.
///
/// A document is whole or it isn't made: a placeholder whose name is unknown and one that has no value are errors.
public struct DocumentTemplate: Sendable {
  /// What messages call the template, such as its path.
  public let name: String
  /// Every part of every name in the template's tags: `deal` and `title` of `{{deal.title}}`. The data of `render` need
  /// no other fields.
  public let identifiers: Set<String>
  /// Of them, those that can name fields of records: not what stands behind `settings` and `seller`.
  let recordIdentifiers: Set<String>

  let tags: [TemplateTag]
  private let template: MustacheTemplate

  /// - Throws: a permanent failure that names the template and the line.
  public init(
    name: String, text: String, parts: TemplateParts = TemplateParts(of: [:])
  ) throws(ServiceFailure) {
    let scanner = try TemplateScanner(name: name, text: text, parts: parts)
    self.name = name
    tags = scanner.tags
    identifiers = Set(scanner.tags.flatMap(\.path))
    recordIdentifiers = Set(
      scanner.tags.filter { $0.path.first != "settings" && $0.path.first != "seller" }.flatMap(\.path))
    do {
      template = try MustacheTemplate(string: scanner.numbered)
    } catch let error as MustacheTemplate.ParserError {
      throw ServiceFailure(.permanent, "\(name):\(error.context.lineNumber): \(error.error)")
    } catch {
      throw ServiceFailure(.permanent, "\(name): \(error)")
    }
  }

  /// The HTML with the values of `data`, an object, in the placeholders' places.
  /// - Throws: a permanent failure that lists all placeholders that are unknown or have no value, each with its line.
  public func render(_ data: Value, format: FrenchFormat = FrenchFormat()) throws(ServiceFailure) -> String {
    let (html, faults) = try fill(data, format: format)
    guard faults.isEmpty else {
      let shown = faults.prefix(50).map(\.description)
      let rest = faults.count > shown.count ? "; and \(faults.count - shown.count) more" : ""
      throw ServiceFailure(.permanent, shown.joined(separator: "; ") + rest)
    }
    return html
  }

  /// The HTML with the values of `data` as far as they are there, and all placeholders that are unknown or have none.
  /// - Throws: a permanent failure when it is too large.
  func fill(
    _ data: Value, format: FrenchFormat = FrenchFormat()
  ) throws(ServiceFailure) -> (html: String, faults: [TemplateFault]) {
    let rendering = TemplateRendering(tags: tags, format: format)
    let html = template.render(TemplateScope(data, parent: nil, rendering))
    if rendering.isTooLarge {
      throw ServiceFailure(
        .permanent,
        "\(name): the document would have more than \(TemplateRendering.limit / 1_000_000) million characters; are "
          + "lists repeated inside lists?")
    }
    let faults = rendering.faults.sorted { $0.key < $1.key }
    return (html, faults.map { TemplateFault(tags[$0.key], $0.value) })
  }

  /// The names that stand in its tags, each once, in the order of the alphabet: `deal.lines`, `deal.title`.
  public var fields: [String] { Set(tags.map(\.name)).subtracting(["."]).sorted() }
}

/// Something that is wrong with one line of a template.
public struct TemplateFault: Hashable, Sendable, CustomStringConvertible {
  /// The template, or the part of it, in which it stands.
  public var file: String
  /// From 1.
  public var line: Int
  /// "{{deal.titel}} is unknown: …"
  public var message: String

  init(_ tag: TemplateTag, _ message: String) {
    file = tag.file
    line = tag.line
    self.message = message
  }

  /// "templates/convention.html:42: {{deal.titel}} is unknown: …"
  public var description: String { "\(file):\(line): \(message)" }
}
