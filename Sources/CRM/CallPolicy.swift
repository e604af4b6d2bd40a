/// How a service of steps is called: how often after a failure that may pass, how long an answer is waited for, and how
/// many calls it can bear. `limits.calls` in `workspace.lua` says it for all services, `services.NAME.calls` for one.
public struct CallPolicy: Hashable, Sendable {
  /// Tries after the first of a step that fails for a transient reason. Default 8.
  public var retries: Int = 8
  /// The pause before the first retry; each further one is twice as long, and is cut by chance to between half and all
  /// of it, so that runs which failed together do not come back together. Default 1 second.
  public var backoff: TimeSpan = .seconds(1)
  /// No pause is longer. Default 1 hour.
  public var longestBackoff: TimeSpan = .hours(1)
  /// How long an answer is waited for; then the call counts as one that failed for the moment. Default 2 minutes.
  public var timeout: TimeSpan = .minutes(2)
  /// Calls that are under way at once; further ones wait their turn. Default 8.
  public var atOnce: Int = 8
  /// Calls that begin within a minute, evenly spread; nil, the default, for as many as come.
  public var perMinute: Int?
  /// After so many transient failures in a row, of at least two runs, the service counts as down: its runs wait without
  /// using up their retries, and one of them probes it now and then. Default 5.
  public var downAfter: Int = 5

  /// The defaults.
  public init() {}

  /// The names of the settings in `workspace.lua`.
  public static let settings = [
    "retries", "backoff", "longest_backoff", "timeout", "at_once", "per_minute", "down_after",
  ]

  /// Throws for the first setting that makes no sense; `place` is what the message begins with.
  public func check(_ place: String) throws(ValueFault) {
    for (name, span) in [("backoff", backoff), ("longest_backoff", longestBackoff), ("timeout", timeout)]
    where span.milliseconds < 1 || span > .days(7) {
      throw ValueFault("\(place).\(name): expected a duration from 1 ms to 7 days, found \(span)")
    }
    let numbers: [(String, Int, ClosedRange<Int>)] = [
      ("retries", retries, 0...1000), ("at_once", atOnce, 1...64), ("per_minute", perMinute ?? 1, 1...60_000),
      ("down_after", downAfter, 2...1000),
    ]
    for (name, number, range) in numbers where !range.contains(number) {
      throw ValueFault(
        "\(place).\(name): expected a whole number from \(range.lowerBound) to \(range.upperBound), found \(number)")
    }
    if longestBackoff < backoff {
      throw ValueFault("\(place).longest_backoff: expected at least the backoff of \(backoff), found \(longestBackoff)")
    }
  }
}

/// What of runs that have ended is kept, and for how long: `retention` in `workspace.lua`. Deals and their history,
/// documents and everything else that people made is kept for ever.
public struct Retention: Hashable, Sendable {
  /// Runs that ended longer ago go, with their journals, their events, and the sources that nobody else needs.
  /// Default 365 days.
  public var age: TimeSpan = .days(365)
  /// No more runs than this are kept, the newest. Default 1,000,000.
  public var runs: Int = 1_000_000

  /// The defaults.
  public init() {}

  /// Throws for the first setting that makes no sense.
  public func check() throws(ValueFault) {
    if age < .days(1) { throw ValueFault("retention.age: expected at least \"1 day\", found \(age)") }
    if runs < 100 { throw ValueFault("retention.runs: expected at least 100, found \(runs)") }
  }
}
