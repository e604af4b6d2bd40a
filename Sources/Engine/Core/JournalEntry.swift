import CRM
import Scripting
import Services
import Store

/// One question that a script asked of its host, with the answer that it got: what a replay answers from.
struct JournalEntry {
  /// What was asked, short: enough to notice that a replay asks something else.
  var tag: String
  var answer: Value
  var failure: HostFailure?
  /// Only for operations that were done inside the segment.
  var step: FusedStep?
  /// What guards warned of, when a move was asked for.
  var warnings: [String] = []

  /// An effect or read that was executed in the segment's own transaction.
  struct FusedStep {
    var key: String
    var hash: String
    var arguments: Value
    var isEffect: Bool
  }

  /// Whether it changed something, here or elsewhere, or was to.
  var isDeed: Bool {
    if let step { return step.isEffect }
    return ["set ", "create ", "move ", "close "].contains { tag.hasPrefix($0) }
  }

  /// The entry for a reader, not for a replay.
  var shortened: JournalEntry {
    var entry = self
    entry.answer = answer.shortened
    return entry
  }

  /// The deed in words, for the person who looks at the run.
  var words: String {
    if let failure { return "\(tag): refused, \(failure.message)" }
    if tag.hasPrefix("set ") { return "\(tag) = \(answer.isNull ? "(empty)" : answer.shown)" }
    if tag.hasPrefix("move ") || tag.hasPrefix("close ") { return answer == .boolean(false) ? "\(tag): not needed" : tag }
    if case .record(let ref) = answer { return "create \(ref.kind.words) \(ref.id)" }
    return "\(tag): \(answer.shown)"
  }

  /// `tag` without values: what a change of data must not turn into a divergence.
  static func tag(_ call: HostCall) -> String {
    switch call {
    case .get(let ref, let field): "get \(ref.kind.rawValue).\(field)"
    case .set(let ref, let field, _): "set \(ref.kind.rawValue).\(field)"
    case .find(let kind, _): "find \(kind.rawValue)"
    case .fetch(let kind, _): "fetch \(kind.rawValue)"
    case .create(let kind, _): "create \(kind.rawValue)"
    case .move(_, let stage, _): "move \(stage)"
    case .close(_, let status): "close \(status.rawValue)"
    case .reject: "reject"
    case .warn: "warn"
    case .operation(let service, let name, _, _): "\(service).\(name)"
    case .wait(let target, _): waitTag(target)
    case .now: "now"
    case .log: "log"
    }
  }

  static func waitTag(_ target: WaitTarget) -> String {
    switch target {
    case .status(let ref, let status): "wait \(ref) \(status.rawValue)"
    case .stage(let ref, let stage): "wait \(ref) \(stage)"
    case .request(let ref): "wait \(ref)"
    case .clock: "sleep"
    case .any(let alternatives):
      "wait_any " + alternatives.map { $0.target == .clock ? "time" : String(waitTag($0.target).dropFirst("wait ".count)) }
        .joined(separator: ", ")
    }
  }

  /// `[tag, answer, failure, step, warnings]`, without what is empty at its end.
  private func write(to text: inout JSONText) {
    text.beginArray()
    defer { text.endArray() }
    text.string(tag)
    text.value(answer)
    if failure == nil, step == nil, warnings.isEmpty { return }
    text.json(failure.map { FailureCodec.json($0) } ?? .null)
    if step == nil, warnings.isEmpty { return }
    if let step {
      text.beginObject()
      text.name("key")
      text.string(step.key)
      text.name("hash")
      text.string(step.hash)
      text.name("arguments")
      text.value(step.arguments)
      text.name("effect")
      text.bool(step.isEffect)
      text.endObject()
    } else {
      text.null()
    }
    if !warnings.isEmpty { text.json(.array(warnings.map { .string($0) })) }
  }

  static func encode(_ entries: [JournalEntry]) -> String {
    var text = JSONText()
    text.beginArray()
    for entry in entries { entry.write(to: &text) }
    text.endArray()
    return text.text
  }

  static func decode(_ text: String) throws -> [JournalEntry] {
    if text == "[]" { return [] }
    // As deep as values may be that scripts give, with what the notation puts around them.
    return try (JSON(parsing: text, depthLimit: 4 * JSON.depthLimit).arrayValue ?? []).map { json in
      let parts = json.arrayValue ?? []
      guard parts.count >= 2, let tag = parts[0].stringValue else {
        throw ValueFault("a journal entry reads \(json.text(pretty: false).prefix(60)), which this version does not know")
      }
      var entry = JournalEntry(tag: tag, answer: try Value(json: parts[1]))
      if parts.count > 2, parts[2] != .null { entry.failure = FailureCodec.failure(parts[2]) }
      if parts.count > 4 { entry.warnings = parts[4].arrayValue?.compactMap(\.stringValue) ?? [] }
      if parts.count > 3, parts[3] != .null {
        entry.step = FusedStep(
          key: parts[3]["key"]?.stringValue ?? "", hash: parts[3]["hash"]?.stringValue ?? "",
          arguments: try parts[3]["arguments"].map { try Value(json: $0) } ?? .null,
          isEffect: parts[3]["effect"]?.boolValue ?? true)
      }
      return entry
    }
  }
}

extension JournalRow {
  /// What the segment did, in order, in words: fields set, notes added, moves, effects on services.
  /// - Throws: when the journal can't be read.
  public func deeds() throws -> [String] { try JournalEntry.decode(entries).filter(\.isDeed).map(\.words) }

  /// The same, with the effects on services as what they are: steps like those that end a segment, but carried out in
  /// the segment's own commit.
  /// - Throws: when the journal can't be read.
  public func history() throws -> [JournalDeed] {
    try JournalEntry.decode(entries).filter(\.isDeed).map { entry in
      guard let step = entry.step else { return .change(entry.words) }
      return .operation(
        FusedOperation(
          name: entry.tag, key: step.key, arguments: step.arguments, answer: entry.answer,
          failure: entry.failure?.message))
    }
  }
}

/// Something that a segment did.
public enum JournalDeed: Sendable {
  /// Of a record, in words.
  case change(String)
  case operation(FusedOperation)
}

/// An effect that was carried out in the commit of its segment.
public struct FusedOperation: Sendable {
  /// `accounting.create_quote`
  public var name: String
  /// The idempotency key.
  public var key: String
  /// As they were resolved.
  public var arguments: Value
  /// `.null` while there is none.
  public var answer: Value
  /// Why the service refused.
  public var failure: String?
}

extension Value {
  /// As much of it as a reader of the journal needs.
  var shortened: Value {
    guard case .text(let text) = self, text.utf8.count > 400 else { return self }
    return .text(text.prefix(200) + "…")
  }

  /// On one line and not too long.
  fileprivate var shown: String {
    let text = plainText.isEmpty ? summary : plainText
    let line = text.split(whereSeparator: \.isNewline).joined(separator: " ⏎ ")
    return line.count > 120 ? line.prefix(119) + "…" : line
  }
}

/// Failures of host calls in the journal.
enum FailureCodec {
  static func json(_ failure: HostFailure) -> JSON {
    .object([
      JSONMember("kind", .string(failure.kind.rawValue)), JSONMember("message", .string(failure.message)),
      JSONMember("reasons", .array(failure.reasons.map { .string($0) })),
    ])
  }

  static func failure(_ json: JSON) -> HostFailure {
    HostFailure(
      json["kind"]?.stringValue.flatMap(HostFailure.Kind.init(rawValue:)) ?? .permanent,
      json["message"]?.stringValue ?? "", reasons: json["reasons"]?.arrayValue?.compactMap(\.stringValue) ?? [])
  }

  static func value(_ failure: HostFailure) -> Value {
    .object([
      ValueField("kind", .text(failure.kind.rawValue)), ValueField("message", .text(failure.message)),
      ValueField("reasons", .list(failure.reasons.map { .text($0) })),
    ])
  }

  static func failure(_ value: Value) -> HostFailure {
    var reasons: [String] = []
    if case .list(let list)? = value["reasons"] { reasons = list.map(\.plainText) }
    return HostFailure(
      value["kind"].flatMap { HostFailure.Kind(rawValue: $0.plainText) } ?? .permanent,
      value["message"]?.plainText ?? "", reasons: reasons)
  }
}

/// A 64-bit FNV-1a over a value's exact notation: equal arguments have equal hashes in every process and version.
enum StableHash {
  static func of(_ value: Value) -> String {
    var text = JSONText()
    text.value(value)
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in text.bytes {
      hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
    }
    return String(hash, radix: 16)
  }
}
