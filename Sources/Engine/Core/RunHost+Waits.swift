import CRM
import Scripting
import Store

/// `wait`, `wait_any`, `sleep`, `sleep_until`: answered at once when it has happened already, else the run is parked.
extension RunHost {
  func wait(_ call: HostCall, _ target: WaitTarget, _ timeout: WaitTime?) throws -> HostAnswer {
    var several: [WaitAlternative] = []
    if case .any(let alternatives) = target { several = alternatives }
    if several.isEmpty {
      if case .clock = target, timeout == nil { throw HostFailure(.misuse, "sleep needs a duration, such as \"3 days\"") }
      several = [WaitAlternative(which: .null, target: target, time: timeout)]
    }
    let parking = Parking(
      alternatives: try several.map { one in
        var isFixed = false
        if case .until = one.time { isFixed = true }
        return Parking.Alternative(
          which: one.which, topic: Waits.topic(of: one.target), until: try one.time.map(moment), isFixed: isFixed)
      })
    for one in several {
      if let reached = try core.waits.state(of: one.target, tx) {
        return answered(call, parking.answer(reached, topic: Waits.topic(of: one.target)))
      }
    }
    // The end of a wait is the end of its request too, which is the clock's matter: it finds the run parked.
    if Waits.request(topic: parking.wakeTopic) == nil, let until = parking.until, until <= now {
      return answered(call, parking.answer(Waits.expired, topic: nil))
    }
    if let tell = core.mode.tell { tell(Self.words(target, several)) }
    suspension = .wait(target, parking)
    return .suspended
  }

  private func moment(_ time: WaitTime) throws -> Instant {
    switch time {
    case .span(let span): try now.adding(span)
    case .workingDays(let count): try version.calendar.adding(workingDays: count, to: now)
    case .until(let moment): moment
    }
  }

  /// A run that was ended while it waited (by hand, or with its process) and is taken up again: what it waited for may
  /// have come meanwhile, or the time be over.
  func goOnWaiting(_ step: JournalRow.Step, _ target: WaitTarget) throws -> HostAnswer {
    let parking = Parking(step, topic: Waits.topic(of: target))
    var (answer, topic): (Value?, String?) = (nil, nil)
    for one in parking.alternatives where answer == nil {
      topic = one.topic
      answer = try one.topic.flatMap { try core.waits.state(topic: $0, tx) }
    }
    if answer == nil, let until = parking.until, until <= now { (answer, topic) = (Waits.expired, nil) }
    guard let answer else {
      suspension = .stillWaiting(parking)
      return .suspended
    }
    return .value(try core.noteAnswer(answer, topic: topic, ofWaitBefore: run, tx: tx, now: now))
  }

  /// What a dry run tells of a wait: the ways on.
  private static func words(_ target: WaitTarget, _ several: [WaitAlternative]) -> String {
    let name = JournalEntry.waitTag(target)
    if case .any = target {
      let ways = several.map { one in
        "\(one.which.summary) (\(one.time.map { "\($0)" } ?? String(JournalEntry.waitTag(one.target).dropFirst(5))))"
      }
      return "wait_any; then the script goes on with which = \(ways.joined(separator: " or "))"
    }
    let time = several[0].time
    let most = time.map { if case .until = $0 { " \($0)" } else { " for at most \($0.description.dropFirst(4))" } } ?? ""
    switch target {
    case .clock, .any: return "sleep\(time.map { " \($0)" } ?? ""); what the script does then is not told"
    case .request:
      return "\(name)\(most); then the script goes on with state \"signed\", \"declined\", \"cancelled\" or, after the "
        + "time, \"expired\""
    case .status, .stage:
      return "\(name)\(most); then the script goes on with state \"reached\" or, after the time, \"expired\""
    }
  }
}
