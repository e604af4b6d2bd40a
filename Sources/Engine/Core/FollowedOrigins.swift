import Store

/// What callers wait for: the runs that descend from the change which each of them made. A value, so that the shell can
/// put back what a rolled back transaction has made untrue.
struct FollowedOrigins {
  private struct Progress {
    /// All, in the order in which they were queued.
    var runs: [Int64] = []
    /// Those that are queued or executing.
    var open: Set<Int64> = []
  }

  private var origins: [Int64: Progress] = [:]

  /// Runs that are queued or executing, by origin, then in the order of their ids.
  var openRuns: [Int64] { origins.keys.sorted().flatMap { origins[$0]?.open.sorted() ?? [] } }

  mutating func add(_ transition: Transition) {
    var progress = origins[transition.origin] ?? Progress()
    for run in transition.runs where !progress.runs.contains(run.id) { progress.runs.append(run.id) }
    progress.open.formUnion(transition.runs.filter { $0.status == .queued || $0.status == .running }.map(\.id))
    origins[transition.origin] = progress
  }

  /// - Parameter isOpen: what the records say of a run.
  mutating func isSettled(_ origin: Int64, isOpen: (Int64) throws -> Bool) rethrows -> Bool {
    guard let open = origins[origin]?.open, !open.isEmpty else { return true }
    let still = try open.filter(isOpen)
    origins[origin]?.open = still
    return still.isEmpty
  }

  mutating func take(_ origin: Int64) -> [Int64] { origins.removeValue(forKey: origin)?.runs ?? [] }

  mutating func noteQueued(_ run: RunRow) {
    guard var progress = origins[run.origin] else { return }
    if !progress.runs.contains(run.id) { progress.runs.append(run.id) }
    progress.open.insert(run.id)
    origins[run.origin] = progress
  }

  mutating func noteSettled(_ run: RunRow) { origins[run.origin]?.open.remove(run.id) }

  /// Runs that a run caused or woke, wherever they began: whoever waits for the cause waits for them.
  mutating func add(_ runs: [RunRow], causedBy cause: RunRow) {
    for (origin, progress) in origins where origin == cause.origin || progress.runs.contains(cause.id) {
      var progress = progress
      for run in runs where !progress.runs.contains(run.id) { progress.runs.append(run.id) }
      progress.open.formUnion(runs.map(\.id))
      origins[origin] = progress
    }
  }
}
