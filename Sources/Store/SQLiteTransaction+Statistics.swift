import CRM

/// What the runs of an automation came to.
public struct AutomationStatistics: Sendable, Hashable {
  public var automation: String
  /// All that were queued in the time looked at.
  public var runs = 0
  public var succeeded = 0
  public var failed = 0
  public var cancelled = 0
  /// Not ended yet.
  public var open = 0
  /// From being queued to the end, waits included, of half of those that ended and of 99 in 100; nil when none has ended.
  public var median: TimeSpan?
  public var slowest: TimeSpan?

  init(automation: String) { self.automation = automation }
}

/// How often a service was asked for steps of their own, and how often that failed.
public struct ServiceStatistics: Sendable, Hashable {
  public var service: String
  public var attempts = 0
  /// Attempts without an answer: tried again later, or given up.
  public var failures = 0
  /// From the first attempt to the answer, of half of the steps that were answered and of 99 in 100.
  public var median: TimeSpan?
  public var slowest: TimeSpan?

  init(service: String) { self.service = service }
}

extension SQLiteTransaction {
  func openRunCounts() throws -> [RunStatus: Int] {
    var counts: [RunStatus: Int] = [:]
    try flushRuns()
    let found = try rows("SELECT status, COUNT(*) FROM run WHERE finished_at IS NULL GROUP BY status").map { row in
      (status: RunStatus(rawValue: try row.at(0)), count: try row.at(1) as Int)
    }
    for (status, count) in found { if let status { counts[status] = count } }
    return counts
  }

  func automationStatistics(since: Instant) throws -> [AutomationStatistics] {
    var found: [String: AutomationStatistics] = [:]
    var times: [String: [Int64]] = [:]
    try flushRuns()
    let runs = try rows(
      "SELECT automation, status, finished_at - created_at FROM run WHERE created_at >= ?", [since.milliseconds]
    ).map { row in (name: try row.at(0) as String, status: try row.at(1) as String, time: try row.at(2) as Int64?) }
    for (name, status, time) in runs {
      var entry = found[name] ?? AutomationStatistics(automation: name)
      entry.runs += 1
      switch RunStatus(rawValue: status) {
      case .succeeded: entry.succeeded += 1
      case .failed: entry.failed += 1
      case .cancelled: entry.cancelled += 1
      default: entry.open += 1
      }
      found[name] = entry
      if let time { times[name, default: []].append(time) }
    }
    return found.values.map { entry in
      var entry = entry
      (entry.median, entry.slowest) = Self.percentiles(times[entry.automation] ?? [])
      return entry
    }.sorted { $0.automation < $1.automation }
  }

  func serviceStatistics(since: Instant) throws -> [ServiceStatistics] {
    var found: [String: ServiceStatistics] = [:]
    var times: [String: [Int64]] = [:]
    let steps = try rows(
      """
      SELECT step_name, step_state, step_attempts, answered_at - begun_at FROM journal
      WHERE step_kind = 'operation' AND begun_at >= ?
      """, [since.milliseconds]
    ).map { row in
      (step: try row.at(0) as String, state: try row.at(1) as String, attempts: try row.at(2) as Int,
        time: try row.at(3) as Int64?)
    }
    for (step, state, attempts, time) in steps {
      let name = String(step.prefix { $0 != "." })
      var entry = found[name] ?? ServiceStatistics(service: name)
      // The attempt that was answered is counted with its answer.
      let answered = state == JournalRow.Step.State.answered.rawValue
      let all = max(attempts, answered ? 1 : 0)
      entry.attempts += all
      entry.failures += all - (answered ? 1 : 0)
      found[name] = entry
      if answered, let time { times[name, default: []].append(time) }
    }
    return found.values.map { entry in
      var entry = entry
      (entry.median, entry.slowest) = Self.percentiles(times[entry.service] ?? [])
      return entry
    }.sorted { $0.service < $1.service }
  }

  /// By the nearest rank.
  private static func percentiles(_ times: [Int64]) -> (median: TimeSpan?, slowest: TimeSpan?) {
    if times.isEmpty { return (nil, nil) }
    let sorted = times.sorted()
    func rank(_ percent: Int) -> TimeSpan {
      TimeSpan(milliseconds: max(0, sorted[(sorted.count * percent + 99) / 100 - 1]))
    }
    return (rank(50), rank(99))
  }
}
