import CRM

/// A tag of a template that names a value.
struct TemplateTag: Sendable {
  enum Kind: Sendable {
    case value
    /// `{{#name}}`; `{{^name}}` when it is inverted.
    case section(inverted: Bool)
  }

  var kind: Kind
  /// "deal.start_date", or "." for the item of a list.
  var name: String
  /// The name's parts; none for ".".
  var path: [String]
  /// The template, or the part of it, in which the tag stands, and its line there.
  var file: String
  var line: Int
  /// For a section: the first tag behind its end.
  var end = 0
  /// For a section: how many characters are between its tags.
  var length = 0

  /// The tag as it stands in the template.
  var shown: String {
    switch kind {
    case .value: "{{\(name)}}"
    case .section(let inverted): "{{\(inverted ? "^" : "#")\(name)}}"
    }
  }
}

/// Finds a template's tags, puts the parts in place that it includes, and refuses tags that documents have no use for.
///
/// Each tag gets a name of its own, its number, in the text that the Mustache library gets. So a look-up says which
/// tag it is for, line and all, although the library knows only names. The library's parser recurses, and its renderer
/// stops the program at a tag of template inheritance: no nesting and no tag that could do so gets there.
struct TemplateScanner {
  /// How deep sections may be nested.
  static let depthLimit = 32
  /// How many characters a template may have with its parts; those of its images count.
  static let lengthLimit = 4_000_000
  /// How deep parts may include parts.
  static let partDepthLimit = 8

  private(set) var tags: [TemplateTag] = []
  /// The template with numbered tags, for the library.
  private(set) var numbered = ""

  /// As the library reads it: character by character, as people see them.
  private var text: [Character]
  private var file: String
  private var place = 0
  private var line = 1
  /// The open sections: their number among the tags, and how much had been passed where their content begins.
  private var open: [(tag: Int, start: Int)] = []
  /// How many of them were open where the present file begins: those are not its own to close.
  private var floor = 0
  /// Characters of other files that were passed before `place`.
  private var passed = 0
  private let parts: TemplateParts
  /// The names of the parts that are being read, from the outside in.
  private var reading: [String] = []

  init(name: String, text: String, parts: TemplateParts) throws(ServiceFailure) {
    file = name
    self.text = Array(text)
    self.parts = parts
    numbered.reserveCapacity(text.utf8.count)
    try scanText()
  }

  /// The present file, to its end.
  private mutating func scanText() throws(ServiceFailure) {
    guard passed + text.count <= Self.lengthLimit else {
      throw ServiceFailure(
        .permanent, "\(file): the template has \(passed + text.count) characters; at most \(Self.lengthLimit) are allowed")
    }
    while place < text.count {
      if text[place] == "{", place + 1 < text.count, text[place + 1] == "{" {
        place += 2
        try scanTag()
      } else {
        if Self.isLineBreak(text[place]) { line += 1 }
        numbered.append(text[place])
        place += 1
      }
    }
    if open.count > floor, let section = open.last.map({ tags[$0.tag] }) {
      throw fault("\(section.shown) is not closed; write {{/\(section.name)}} where it ends", line: section.line)
    }
  }

  /// `{{> style}}`: the part's text stands here, as if it had been written here.
  private mutating func include(_ name: String, from start: Int) throws(ServiceFailure) {
    guard let part = parts[name] else {
      throw fault("{{> \(name)}} includes \(TemplateParts.path(name)), which is not there\(parts.hint(for: name))", line: start)
    }
    guard !reading.contains(name), reading.count < Self.partDepthLimit else {
      throw fault("{{> \(name)}}: parts include each other in a circle, or too deep", line: start)
    }
    let outer = (text, file, place, line, floor, passed)
    reading.append(name)
    (text, file, place, line, floor, passed) = (Array(part), TemplateParts.path(name), 0, 1, open.count, passed + place)
    try scanText()
    let total = passed + place
    reading.removeLast()
    (text, file, place, line, floor, passed) = outer
    passed = total - place
  }

  /// The template's own text, between the tags, is not the concern of this type; a tag begins here.
  private mutating func scanTag() throws(ServiceFailure) {
    let start = line
    let sign = place < text.count ? text[place] : "}"
    switch sign {
    case "!":
      place += 1
      // The library skips it by itself; its text may hold anything but the end.
      numbered += "{{!"
      numbered += try content(from: start)
      numbered += "}}"
    case "#", "^":
      place += 1
      let name = try name(from: start)
      guard open.count < Self.depthLimit else {
        throw fault("sections are nested more than \(Self.depthLimit) deep", line: start)
      }
      open.append((tags.count, passed + place))
      numbered += "{{\(sign)t\(tags.count)}}"
      try append(.section(inverted: sign == "^"), name, line: start)
    case "/":
      place += 1
      let name = try name(from: start)
      guard open.count > floor, let section = open.popLast() else {
        throw fault("{{/\(name)}} closes a section that was not opened\(reading.isEmpty ? "" : " in this part")", line: start)
      }
      let opened = tags[section.tag]
      guard opened.name == name else {
        throw fault(
          "{{/\(name)}} stands where \(opened.shown) of line \(opened.line) has to be closed first, by "
            + "{{/\(opened.name)}}", line: start)
      }
      tags[section.tag].end = tags.count
      tags[section.tag].length = passed + place - section.start
      numbered += "{{/t\(section.tag)}}"
    case "{", "&":
      throw fault(
        "{{\(sign)…}} puts a value in without escaping it, which documents don't do; write {{…}} with two braces",
        line: start)
    case ">":
      place += 1
      try include(try name(from: start), from: start)
    case "<", "$":
      throw fault(
        "{{\(sign)…}}: templates don't inherit; write {{> name}} to include \(TemplateParts.path("name"))", line: start)
    case "=", "%":
      throw fault("{{\(sign)…}}: delimiters and the kind of content can't be changed", line: start)
    default:
      let name = try name(from: start)
      // Three braces, so that the library leaves escaping to us: it escapes by visible characters, and a quote with an
      // accent upon it is none for it, but is one for HTML.
      numbered += "{{{t\(tags.count)}}}"
      try append(.value, name, line: start)
    }
  }

  private mutating func append(_ kind: TemplateTag.Kind, _ name: String, line: Int) throws(ServiceFailure) {
    let path = name == "." ? [] : name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    tags.append(TemplateTag(kind: kind, name: name, path: path, file: file, line: line))
  }

  /// What is between here and "}}", which is passed over.
  private mutating func content(from start: Int) throws(ServiceFailure) -> String {
    var content = ""
    while place < text.count {
      if text[place] == "}", place + 1 < text.count, text[place + 1] == "}" {
        place += 2
        return content
      }
      if Self.isLineBreak(text[place]) { line += 1 }
      content.append(text[place])
      place += 1
    }
    throw fault("a tag begins with \"{{\" and has no \"}}\"", line: start)
  }

  private mutating func name(from start: Int) throws(ServiceFailure) -> String {
    let content = try content(from: start)
    let name = String(content.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    let isPath =
      name == "."
      || name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
        !part.isEmpty
          && part.utf8.allSatisfy {
            $0 >= 0x61 && $0 <= 0x7A || $0 >= 0x41 && $0 <= 0x5A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x5F || $0 == 0x2D
          }
      }
    guard isPath else {
      throw fault("expected a name like deal.title between {{ and }}, found \(quoted(name))", line: start)
    }
    return name
  }

  private func fault(_ message: String, line: Int) -> ServiceFailure {
    ServiceFailure(.permanent, "\(file):\(line): \(message)")
  }

  private static func isLineBreak(_ character: Character) -> Bool {
    character == "\n" || character == "\r\n" || character == "\r"
  }
}
