import CRM
import Mustache

/// What one rendering of a template has found out.
final class TemplateRendering {
  /// How many characters a document may have, and about how many steps it may take.
  static let limit = 32_000_000
  /// What a step costs beside its characters.
  static let step = 32

  let tags: [TemplateTag]
  let format: FrenchFormat
  /// What is wrong, by the tag's number: a tag in a list is told of once.
  private(set) var faults: [Int: String] = [:]
  private var spent = 0

  var isTooLarge: Bool { spent > Self.limit }

  init(tags: [TemplateTag], format: FrenchFormat) {
    self.tags = tags
    self.format = format
  }

  /// Counts work ahead of doing it. False when it is too much: then nothing more is rendered.
  func spend(_ count: Int, times: Int = 1) -> Bool {
    let (product, overflow) = count.multipliedReportingOverflow(by: times)
    let sum = spent.addingReportingOverflow(overflow ? Self.limit : product)
    spent = sum.overflow ? .max : sum.partialValue
    return !isTooLarge
  }

  func note(_ tag: Int, _ message: String) {
    if faults[tag] == nil { faults[tag] = "\(tags[tag].shown) \(message)" }
  }
}

/// What names mean at one place of a template: the fields of `value`, then those of the scopes around it.
///
/// It answers the library's look-ups itself and always with something, so that the library never searches its own
/// stack.
struct TemplateScope: MustacheParent {
  private let value: Value
  private let parent: [TemplateScope]
  private let rendering: TemplateRendering

  init(_ value: Value, parent: TemplateScope?, _ rendering: TemplateRendering) {
    self.value = value
    self.parent = parent.map { [$0] } ?? []
    self.rendering = rendering
  }

  /// What the library gets for the tag `t17`: the text of a value; true, false, a scope or several for a section.
  func child(named name: String) -> Any? {
    guard name.first == "t", let number = Int(name.dropFirst()), rendering.tags.indices.contains(number) else {
      return nil
    }
    let tag = rendering.tags[number]
    guard case .section(let inverted) = tag.kind else { return text(of: number, tag) }
    guard rendering.spend(TemplateRendering.step) else { return inverted }
    switch look(up: tag) {
    case .unknown(let reason):
      rendering.note(number, reason)
      // Left out either way: both the section and its opposite would be wrong.
      return inverted
    case .found(let value):
      let content = self.content(of: value, tag)
      if !content.isRendered(inverted) { check(number + 1..<tag.end, behind: value, inverted: inverted) }
      return content.answer
    }
  }

  // MARK: Values

  private func text(of number: Int, _ tag: TemplateTag) -> String {
    switch look(up: tag) {
    case .unknown(let reason):
      rendering.note(number, reason)
    case .found(.record), .found(.object):
      rendering.note(number, "is not a single value; name one of its fields")
    case .found(let value):
      let text = rendering.format.text(value) ?? ""
      if isBlank(text) {
        rendering.note(number, "has no value")
      } else if rendering.spend(text.utf8.count + TemplateRendering.step) {
        return escaped(text)
      }
    }
    return ""
  }

  // MARK: Sections

  private struct Content {
    var answer: Any
    var isThere: Bool

    func isRendered(_ inverted: Bool) -> Bool { isThere != inverted }
  }

  private func content(of value: Value, _ tag: TemplateTag) -> Content {
    switch value {
    case .null: return Content(answer: false, isThere: false)
    case .boolean(let flag): return Content(answer: flag, isThere: flag)
    case .list(let items):
      guard !items.isEmpty, rendering.spend(tag.length + TemplateRendering.step, times: items.count) else {
        return Content(answer: false, isThere: false)
      }
      return Content(answer: items.map { TemplateScope($0, parent: self, rendering) }, isThere: true)
    default:
      if let text = rendering.format.text(value), isBlank(text) { return Content(answer: false, isThere: false) }
      return Content(answer: TemplateScope(value, parent: self, rendering), isThere: true)
    }
  }

  /// Looks for unknown names in a section that is left out. Behind nothing or an empty list there might be fields that
  /// nobody knows now: there only names that lead into an object from here are judged.
  private func check(_ tags: Range<Int>, behind value: Value, inverted: Bool) {
    var mayHaveFields = false
    if !inverted, value.isNull || value == .list([]) { mayHaveFields = true }
    var number = tags.lowerBound
    while number < tags.upperBound {
      let tag = rendering.tags[number]
      guard rendering.spend(TemplateRendering.step) else { return }
      if !tag.path.isEmpty, !mayHaveFields || (tag.path.count > 1 && isKnown(tag.path[0])),
        case .unknown(let reason) = look(up: tag)
      {
        rendering.note(number, reason)
      }
      // What a section inside is about, only rendering shows.
      if case .section = tag.kind { number = max(number + 1, tag.end) } else { number += 1 }
    }
  }

  // MARK: Look-up

  private enum Found {
    case found(Value)
    case unknown(String)
  }

  private func look(up tag: TemplateTag) -> Found {
    guard let first = tag.path.first else { return .found(value) }
    var known: [String] = []
    var scope: TemplateScope? = self
    while let here = scope {
      if var value = here.value.part(first) {
        for part in tag.path.dropFirst() {
          // What nothing would have as fields, nobody can say; it has no value in any case.
          if value.isNull { return .found(.null) }
          guard let next = value.part(part) else { return .unknown(unknown(part, among: value.partNames)) }
          value = next
        }
        return .found(value)
      }
      known += here.value.partNames
      scope = here.parent.first
    }
    return .unknown(unknown(first, among: known))
  }

  private func isKnown(_ name: String) -> Bool {
    var scope: TemplateScope? = self
    while let here = scope {
      if here.value.part(name) != nil { return true }
      scope = here.parent.first
    }
    return false
  }

  private func unknown(_ name: String, among known: [String]) -> String {
    let hint = Suggestion.nearest(to: name, among: known).map { "; did you mean '\($0)'?" } ?? ""
    return "is unknown: there is no '\(name)'\(hint)"
  }
}

extension Value {
  /// The named field of an object or part of an address; nil for a name that there isn't.
  fileprivate func part(_ name: String) -> Value? {
    guard case .address(let address) = self else { return self[name] }
    switch name {
    case "street": return .text(address.street)
    case "postal_code": return .text(address.postalCode)
    case "city": return .text(address.city)
    case "country": return .text(address.country)
    case "lines": return .list(address.lines.map { .text($0) })
    default: return nil
    }
  }

  /// The names that `part` knows.
  fileprivate var partNames: [String] {
    switch self {
    case .object(let fields): fields.map(\.name)
    case .address: ["street", "postal_code", "city", "country", "lines"]
    default: []
    }
  }
}

/// Escapes what HTML gives a meaning to, in text and in quoted attributes.
private func escaped(_ text: String) -> String {
  var escaped: [UInt8] = []
  escaped.reserveCapacity(text.utf8.count + 16)
  for byte in text.utf8 {
    switch byte {
    case UInt8(ascii: "<"): escaped += Array("&lt;".utf8)
    case UInt8(ascii: ">"): escaped += Array("&gt;".utf8)
    case UInt8(ascii: "&"): escaped += Array("&amp;".utf8)
    case UInt8(ascii: "\""): escaped += Array("&quot;".utf8)
    case UInt8(ascii: "'"): escaped += Array("&#39;".utf8)
    default: escaped.append(byte)
    }
  }
  return String(decoding: escaped, as: UTF8.self)
}
