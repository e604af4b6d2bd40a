import CRM
import Services

/// Calls of services that were begun and not answered yet, with the moment at which each is given up: by the clock that
/// nobody sets.
///
/// Not thread-safe: `EngineThread` uses it under its lock.
struct CallsUnderWay {
  private var calls: [Int: (call: StepCall, deadline: ContinuousClock.Instant)] = [:]
  private var next = 0

  /// - Returns: the number under which the call's end is told.
  mutating func begin(_ call: StepCall, policy: CallPolicy, now: ContinuousClock.Instant) -> Int {
    next += 1
    let timeout = call.options.timeout ?? policy.timeout
    calls[next] = (call, now + .milliseconds(timeout.milliseconds))
    return next
  }

  /// - Returns: whether the call's time was up already.
  mutating func end(_ number: Int) -> Bool { calls.removeValue(forKey: number) == nil }

  /// When the next call is given up.
  var nextDeadline: ContinuousClock.Instant? { calls.values.map(\.deadline).min() }

  /// The answers for calls whose time is up: failures that may pass. What they answer later is late.
  mutating func overdue(now: ContinuousClock.Instant, policy: (String) -> CallPolicy) -> [StepAnswer] {
    let over = calls.filter { $0.value.deadline <= now }.sorted { $0.key < $1.key }
    return over.map { number, entry in
      calls.removeValue(forKey: number)
      let call = entry.call.call
      let timeout = entry.call.options.timeout ?? policy(call.service).timeout
      return StepAnswer(
        call: entry.call,
        result: .failure(ServiceFailure(.transient(retryAfter: nil), "\(call.name): no answer within \(timeout)")))
    }
  }
}
