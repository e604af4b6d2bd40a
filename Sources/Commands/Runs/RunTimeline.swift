import CRM
import Engine
import Store

/// A run as a picture: when it was queued, executed, asked services, waited and ended, a line each, along one axis.
struct RunTimeline {
  private struct Bar {
    var label: String
    var from: Instant
    var to: Instant
    var sign: Character
    var note: String
  }

  private let bars: [Bar]
  private let from: Instant
  private let to: Instant

  /// - Parameter now: where the bars of what is not over end.
  init(_ run: RunRow, journal: [JournalRow], now: Instant) {
    let end = run.finishedAt ?? max(now, run.createdAt)
    var bars: [Bar] = []
    for row in journal {
      guard let step = row.step else { continue }
      let over = step.answeredAt ?? end
      let isWait = step.kind == .wait
      let attempts = step.attempts > 1 ? "\(step.attempts) attempts" : ""
      let state = step.state == .begun ? (isWait ? "waits" : run.status == .retrying ? "is tried again" : "under way") : step.state == .failed ? "failed" : ""
      bars.append(
        Bar(
          label: "\(row.segment + 1) \(step.name)", from: step.begunAt, to: max(over, step.begunAt),
          sign: isWait ? "·" : step.state == .failed ? "✗" : "█",
          note: [RunTimeline.words(over.since(step.begunAt)), attempts, state].filter { !$0.isEmpty }.joined(separator: ", ")))
    }
    self.bars = bars
    from = run.createdAt
    to = max(end, bars.map(\.to).max() ?? end)
  }

  /// - Parameter width: columns of the axis itself.
  func lines(width: Int = 48) -> [String] {
    if bars.isEmpty { return ["  no steps: it was executed in one commit at \(from)"] }
    let labels = bars.map { Terminal.visible($0.label) }
    let longest = min(40, labels.map(\.count).max() ?? 0)
    let room = String(repeating: " ", count: longest)
    var lines = ["  \(room)  \(from) ├\(String(repeating: "─", count: max(1, width - 2)))┤ \(to), \(Self.words(to.since(from)))"]
    let indent = String(repeating: " ", count: 3 + from.description.count)
    for (bar, label) in zip(bars, labels) {
      let start = column(bar.from, width)
      let length = max(1, column(bar.to, width) - start)
      let name = String(label.prefix(longest)).padded(to: longest)
      let picture = (String(repeating: " ", count: start) + String(repeating: bar.sign, count: length)).padded(to: width)
      lines.append("  \(name)\(indent)\(picture)  \(bar.note)")
    }
    return lines
  }

  private func column(_ moment: Instant, _ width: Int) -> Int {
    let all = max(1, to.since(from).milliseconds)
    let place = min(max(0, moment.since(from).milliseconds), all)
    return min(width - 1, Int(Double(place) / Double(all) * Double(width)))
  }

  /// In the unit that a person would use.
  static func words(_ span: TimeSpan) -> String {
    let seconds = Double(span.milliseconds) / 1000
    func rounded(_ number: Double) -> String { String(Double(Int(number * 10 + 0.5)) / 10) }
    switch seconds {
    case ..<1: return "\(span.milliseconds) ms"
    case ..<120: return "\(rounded(seconds)) s"
    case ..<7200: return "\(Int(seconds / 60 + 0.5)) min"
    case ..<172_800: return "\(rounded(seconds / 3600)) h"
    default: return "\(rounded(seconds / 86_400)) days"
    }
  }
}

extension String {
  fileprivate func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
