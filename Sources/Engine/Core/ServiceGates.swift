import CRM
import Store

/// What stands between the runs and their services: at most so many calls at once and a minute, none while a service
/// asks to be left alone, and while one is down a single run that probes it now and then.
///
/// A value, like `FollowedOrigins`: the shell puts back what a rolled back transaction has made untrue. Which runs a
/// service holds is in the records; the rest is lost with the process, and costs one probe.
struct ServiceGates {
  /// What is to become of a call.
  enum Admission: Hashable {
    case now
    /// Its turn comes soon, and the run keeps its lane until then.
    case queued
    /// The run is parked until then, and its lane is free.
    case later(Instant)
    /// The service is down.
    case held
  }

  struct Gate {
    /// Calls under way, and of which runs.
    var underWay: Set<Int64> = []
    /// In the order in which they came, with the moment from which each may go.
    var queue: [(call: StepCall, from: Instant)] = []
    /// When the next call may begin, by the calls a minute.
    var nextSlot: Instant?
    /// The moments that parked runs were promised.
    var promised: Set<Int64> = []
    /// Until when the service wants to be left alone (Retry-After).
    var closedUntil: Instant?
    /// Transient failures since the last answer.
    var failures = 0
    var failedRuns: Set<Int64> = []
    var outage: Outage?
  }

  /// A service that is down.
  struct Outage {
    var since: Instant
    var probes = 0
    var nextProbe: Instant
    /// The run that asks for all.
    var probing: Int64?
  }

  /// A call that has to wait longer than this gives its lane back.
  private static let patience = TimeSpan.seconds(2)
  /// Scripts of so many queued calls stay in memory; further ones are taken up from their journals.
  static let keptAlive = 64

  private var gates: [String: Gate] = [:]

  /// Names of the services that were asked so far, in order.
  var names: [String] { gates.keys.sorted() }

  subscript(service: String) -> Gate {
    get { gates[service] ?? Gate() }
    set { gates[service] = newValue }
  }

  // MARK: Asking

  mutating func admit(_ call: StepCall, _ policy: CallPolicy, now: Instant) throws(ValueFault) -> Admission {
    let service = call.call.service
    var gate = self[service]
    defer { self[service] = gate }
    if let outage = gate.outage {
      // A script that wants no retries wants to know at once.
      guard outage.probing == call.runID || call.options.retries == 0 else { return .held }
      gate.underWay.insert(call.runID)
      return .now
    }
    var from = now
    if let until = gate.closedUntil, until > now { from = until }
    if gate.promised.remove(call.runID) == nil, let perMinute = policy.perMinute {
      from = max(from, gate.nextSlot ?? now)
      gate.nextSlot = try from.adding(TimeSpan(milliseconds: Int64(60_000 / max(1, perMinute))))
    }
    if from > now, from.since(now) > Self.patience {
      gate.promised.insert(call.runID)
      return .later(from)
    }
    if from <= now, gate.queue.isEmpty, gate.underWay.count < policy.atOnce {
      gate.underWay.insert(call.runID)
      return .now
    }
    gate.queue.append((call, from))
    return .queued
  }

  /// The next queued call that may go now.
  mutating func next(of service: String, _ policy: CallPolicy, now: Instant) -> StepCall? {
    guard let first = self[service].queue.first, max(first.from, self[service].closedUntil ?? now) <= now,
      self[service].underWay.count < policy.atOnce
    else { return nil }
    self[service].queue.removeFirst()
    self[service].underWay.insert(first.call.runID)
    return first.call
  }

  /// When the clock alone lets a queued call go, or a probe.
  func nextTime(underWayLimit: (String) -> Int, isHolding: (String) -> Bool) -> Instant? {
    var next: Instant?
    for name in names {
      let gate = self[name]
      if let first = gate.queue.first, gate.underWay.count < underWayLimit(name) {
        let from = max(first.from, gate.closedUntil ?? first.from)
        next = min(next ?? from, from)
      }
      if let outage = gate.outage, outage.probing == nil, isHolding(name) {
        next = min(next ?? outage.nextProbe, outage.nextProbe)
      }
    }
    return next
  }

  // MARK: Answers

  /// The call of a run is over: answered, refused, or given up.
  mutating func end(_ service: String, run: Int64) { self[service].underWay.remove(run) }

  /// The run asks no more: if it was to probe, another one will.
  mutating func forget(_ run: Int64) {
    for name in names where self[name].outage?.probing == run { self[name].outage?.probing = nil }
  }

  /// Takes a call that waits for its turn off the queue.
  mutating func withdraw(_ run: Int64) -> StepCall? {
    for name in names {
      guard let place = self[name].queue.firstIndex(where: { $0.call.runID == run }) else { continue }
      return self[name].queue.remove(at: place).call
    }
    return nil
  }

  /// The service has answered, if only to refuse: it is not down.
  /// - Returns: whether it was.
  @discardableResult
  mutating func noteAnswer(_ service: String) -> Bool {
    var gate = self[service]
    gate.failures = 0
    gate.failedRuns.removeAll()
    let wasDown = gate.outage != nil
    gate.outage = nil
    self[service] = gate
    return wasDown
  }

  /// A call failed for the moment.
  /// - Returns: calls that were queued and are not to be made now, because with this failure the service counts as down.
  mutating func noteFailure(
    _ service: String, run: Int64, retryAfter: TimeSpan?, _ policy: CallPolicy, now: Instant
  ) throws(ValueFault) -> [StepCall] {
    var gate = self[service]
    defer { self[service] = gate }
    if let retryAfter, retryAfter > .seconds(0) {
      gate.closedUntil = max(gate.closedUntil ?? now, try now.adding(min(retryAfter, policy.longestBackoff)))
    }
    if var outage = gate.outage {
      // One that asked for itself, because it wants no retries, is not the probe.
      if let probing = outage.probing, probing != run { return [] }
      outage.probing = nil
      outage.probes += 1
      outage.nextProbe = max(try now.adding(Self.pause(outage.probes + 1, policy)), gate.closedUntil ?? now)
      gate.outage = outage
      return []
    }
    gate.failures += 1
    gate.failedRuns.insert(run)
    // One run's own bad luck is no outage: its service may choke on what that run asks.
    guard gate.failures >= policy.downAfter, gate.failedRuns.count > 1 else { return [] }
    gate.outage = Outage(since: now, nextProbe: max(try now.adding(Self.pause(1, policy)), gate.closedUntil ?? now))
    defer { gate.queue.removeAll() }
    return gate.queue.map(\.call)
  }

  /// The clock was set back: what was to be later than now is now.
  mutating func mindClock(now: Instant) {
    for name in names {
      var gate = self[name]
      gate.closedUntil = gate.closedUntil.map { min($0, now) }
      gate.nextSlot = gate.nextSlot.map { min($0, now) }
      for place in gate.queue.indices { gate.queue[place].from = min(gate.queue[place].from, now) }
      if let probe = gate.outage?.nextProbe { gate.outage?.nextProbe = min(probe, now) }
      self[name] = gate
    }
  }

  /// Runs that a process before this one held: whether the service is still down, the first of them finds out at once.
  mutating func takeOver(_ service: String, now: Instant) {
    if self[service].outage == nil { self[service].outage = Outage(since: now, nextProbe: now) }
  }

  /// The pause before a try, without chance: 1, 2, 4 … times the backoff.
  static func pause(_ attempt: Int, _ policy: CallPolicy) -> TimeSpan {
    let (full, overflow) = policy.backoff.milliseconds.multipliedReportingOverflow(by: Int64(1) << min(max(0, attempt - 1), 40))
    return overflow ? policy.longestBackoff : min(policy.longestBackoff, TimeSpan(milliseconds: full))
  }
}
