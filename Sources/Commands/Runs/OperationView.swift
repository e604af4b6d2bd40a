import CRM
import Engine
import Foundation
import Store

/// A step of a run: what was asked of a service or waited for, and what came of it.
struct OperationView {
  private let name: String
  private let key: String
  private let arguments: Value
  private let answer: Value
  /// "answered", "failed", "begun".
  private let state: String
  private let failure: String?
  /// Nil for a step that was carried out in the commit of its segment: it has no attempts and no times of its own.
  private let own: JournalRow.Step?

  init(_ step: JournalRow.Step) {
    name = step.name
    key = step.key
    arguments = step.arguments
    // In the place of an answer there is the failure that the script got.
    failure = step.state == .failed ? step.answer["message"]?.plainText ?? step.answer.plainText : nil
    answer = step.state == .answered ? step.answer : .null
    state = step.state.rawValue
    own = step
  }

  init(_ step: FusedOperation) {
    name = step.name
    key = step.key
    arguments = step.arguments
    answer = step.answer
    failure = step.failure
    state = step.failure == nil ? JournalRow.Step.State.answered.rawValue : JournalRow.Step.State.failed.rawValue
    own = nil
  }

  var json: JSON {
    .object([
      JSONMember("name", .string(name)), JSONMember("key", .string(key)), JSONMember("state", .string(state)),
      JSONMember("arguments", arguments.plainJSON), JSONMember("answer", answer.plainJSON),
      JSONMember("failure", failure.map { .string($0) } ?? .null),
      JSONMember("attempts", own.map { .integer(Int64($0.attempts)) } ?? .null),
      JSONMember("begun_at", Exporter.time(own?.begunAt)), JSONMember("answered_at", Exporter.time(own?.answeredAt)),
    ])
  }

  /// - Parameter number: the step's, from 1, as `runs retry --from` takes it; only a step of its own has one.
  func lines(isUndone: Bool, number: Int? = nil) -> [String] {
    let how = isUndone ? "undone" : state
    let commit = own == nil ? ", in the run's own commit" : ""
    let attempts = own.map { $0.attempts > 1 ? ", \($0.attempts) attempts" : "" } ?? ""
    var rows: [(String, String)] = []
    if !arguments.isNull { rows.append(("arguments", Self.short(arguments))) }
    rows.append(("key", key))
    if !answer.isNull { rows.append(("answer", Self.short(answer))) }
    if let failure { rows.append(("failure", failure)) }
    if let own {
      rows.append(("begun", own.begunAt.description))
      if let end = own.answeredAt { rows.append(("answered", end.description)) }
    }
    let title = number.map { "step \($0)" } ?? "step"
    return ["  \(title.padding(toLength: 10, withPad: " ", startingAt: 0))\(Terminal.visible(name)): \(how)\(commit)\(attempts)"]
      + rows.map { label, text in
        "    \(label.padding(toLength: 10, withPad: " ", startingAt: 0))\(Terminal.visible(text))"
      }
  }

  /// On one line and not too long; all of it is in the JSON.
  private static func short(_ value: Value) -> String {
    let text: String
    switch value {
    case .object, .list: text = value.plainJSON.text(pretty: false)
    default: text = value.plainText.isEmpty ? value.summary : value.plainText
    }
    let line = text.split(whereSeparator: \.isNewline).joined(separator: " ⏎ ")
    return line.count > 160 ? line.prefix(159) + "…" : line
  }
}
