/// What a run may spend, and where loops stop. Every number is positive.
public struct WorkspaceLimits: Hashable, Sendable {
  /// Lua time of one run, in all its segments since its last start; time spent in a wait doesn't count.
  /// Default 5 seconds.
  public var runTime: TimeSpan = .seconds(5)
  /// Lua memory of one run, in MB of 1,048,576 bytes. Default 64.
  public var memoryMegabytes: Int = 64
  /// Calls from one run's script into the host: fields read and written, look-ups, operations. Default 10,000.
  public var hostCalls: Int = 10_000
  /// Lua instructions of one run; nil, the default, doesn't count them.
  public var instructions: Int?
  /// How deep an event's causal path may be. Default 16.
  public var pathDepth: Int = 16
  /// How often one automation may stand on one path for one record: at this count the run fails. Default 3.
  public var sameAutomationOnPath: Int = 3
  /// Runs that one origin may cause in all. Default 10,000.
  public var runsFromOrigin: Int = 10_000
  /// How services are called, unless one has a policy of its own.
  public var calls = CallPolicy()

  public init() {}

  /// Throws for the first limit that isn't positive, or is too large to mean anything.
  func check() throws(ValueFault) {
    guard runTime.milliseconds > 0 else {
      throw ValueFault("limits.run_time: expected a duration like \"5 seconds\", found \(runTime)")
    }
    let numbers: [(String, Int, ClosedRange<Int>)] = [
      ("memory", memoryMegabytes, 1...65_536),
      ("host_calls", hostCalls, 1...1_000_000_000),
      ("instructions", instructions ?? 1, 1...Int.max),
      ("path_depth", pathDepth, 1...1000),
      ("same_automation_on_path", sameAutomationOnPath, 1...1000),
      ("runs_from_origin", runsFromOrigin, 1...1_000_000_000),
    ]
    for (name, number, range) in numbers where !range.contains(number) {
      throw ValueFault(
        "limits.\(name): expected a whole number from \(range.lowerBound) to \(range.upperBound), found \(number)"
      )
    }
    try calls.check("limits.calls")
  }
}
