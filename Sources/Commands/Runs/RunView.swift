import CRM
import Engine
import Store

/// All that is known of a run.
struct RunView {
  var run: RunRow
  var deal: String?
  var event: EventRow?
  var journal: [JournalRow]

  private var fault: RunFault? { run.error.map { RunFault(text: $0) } }

  var json: JSON {
    guard case .object(var members) = RunWords.json(run, deal: deal) else { return .null }
    members += [
      JSONMember("file", .string(run.file)), JSONMember("path", .string(run.path)),
      JSONMember("event", event.map { .string($0.name) } ?? .null),
      JSONMember("caused_by", event.map { .string($0.author.actor) } ?? .null),
      JSONMember("fault", fault?.json ?? .null), JSONMember("steps", .array(journal.map(step))),
      JSONMember("printed", .array(run.printed.map { .string($0) })),
    ]
    return .object(members)
  }

  private func step(_ row: JournalRow) -> JSON {
    var members = [JSONMember("segment", .integer(Int64(row.segment)))]
    members.append(JSONMember("did", .array(((try? row.deeds()) ?? []).map { .string($0) })))
    members.append(JSONMember("undone", .bool(row.step == nil && (run.status == .failed || run.status == .cancelled))))
    members.append(JSONMember("operations", .array(operations(row).map(\.json))))
    members.append(JSONMember("entries", (try? JSON(parsing: row.entries)) ?? .string(row.entries)))
    guard let step = row.step else { return .object(members) }
    members += [
      JSONMember("kind", .string(step.kind.rawValue)), JSONMember("name", .string(step.name)),
      JSONMember("state", .string(step.state.rawValue)), JSONMember("attempts", .integer(Int64(step.attempts))),
      JSONMember("key", .string(step.key)), JSONMember("arguments", step.arguments.plainJSON),
      JSONMember("answer", step.answer.plainJSON), JSONMember("begun_at", .string(step.begunAt.description)),
      JSONMember("answered_at", step.answeredAt.map { .string($0.description) } ?? .null),
    ]
    return .object(members)
  }

  private var title: String { "run \(run.id): \(run.automation) (\(run.file)), \(run.status.rawValue)" }

  func timeline(now: Instant) -> [String] { [title] + RunTimeline(run, journal: journal, now: now).lines() }

  var lines: [String] {
    var lines = [title]
    if let deal { lines.append("  deal      \(Terminal.visible(deal))") }
    if let event { lines.append("  cause     \(event.name) by \(Terminal.visible(event.author.actor))") }
    lines.append("  path      \(Terminal.visible(run.path))")
    lines.append("  queued    \(run.createdAt)")
    if let end = run.finishedAt { lines.append("  ended     \(end)") }
    if let due = run.dueAt { lines.append("  due       \(due)") }
    if let service = run.heldBy, run.dueAt == nil { lines.append("  due       when \(service) answers again") }
    if run.cancelAsked { lines.append("  cancel    asked for; it ends when the step in hand is answered") }
    for row in journal { lines += words(of: row) }
    lines += run.printed.map { "  printed   \(Terminal.visible($0))" }
    for warning in run.warnings { lines.append("  warning   \(Terminal.visible(warning))") }
    guard let fault else { return lines }
    let blank = String(repeating: " ", count: max(1, 10 - fault.kind.count))
    lines.append("  \(fault.kind)\(blank)\(Terminal.visible(fault.message))")
    if let source = fault.sourceLine { lines.append("      \(Terminal.visible(source))") }
    lines += fault.traceback.map { "    \(Terminal.visible($0))" }
    if run.status == .failed, fault.kind != "diverged" {
      lines.append("  mend what it says, then: coulisse runs retry \(run.id)")
    }
    return lines
  }

  private func words(of row: JournalRow) -> [String] {
    // What the last segment of a failed run did was undone.
    let isUndone = row.step == nil && (run.status == .failed || run.status == .cancelled)
    var lines: [String] = []
    for deed in (try? row.history()) ?? [.change("something that this version can't read")] {
      switch deed {
      case .change(let words): lines.append("  \(isUndone ? "undone" : "did   ")    \(Terminal.visible(words))")
      case .operation(let step): lines += OperationView(step).lines(isUndone: isUndone)
      }
    }
    return lines + (row.step.map { OperationView($0).lines(isUndone: false, number: row.segment + 1) } ?? [])
  }

  private func operations(_ row: JournalRow) -> [OperationView] {
    var operations: [OperationView] = []
    for case .operation(let step) in (try? row.history()) ?? [] { operations.append(OperationView(step)) }
    return operations + (row.step.map { [OperationView($0)] } ?? [])
  }
}
