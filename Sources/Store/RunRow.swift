import CRM

/// A run's place in its life. `docs`: queued → running → succeeded | failed; a run that waits for an event or the
/// clock is `waiting`, one whose step failed for the moment is `retrying`; both go back to queued.
public enum RunStatus: String, Sendable, CaseIterable {
  case queued, running, waiting, retrying, succeeded, failed, cancelled

  /// No more happens by itself.
  public var isFinished: Bool { self == .succeeded || self == .failed || self == .cancelled }
}

/// One reaction for one event.
public struct RunRow: Sendable {
  public var id: Int64
  /// The lane: runs of one deal execute one after the other.
  public var dealID: Int64?
  public var eventID: Int64
  public var bundleID: Int64
  public var automation: String
  public var file: String
  /// Which automation of the file, from 0.
  public var place: Int
  /// The event that a person, the clock or a signer caused and from which this run descends.
  public var origin: Int64
  /// `automation@deal:42` for each run from the origin to this one, this one included, joined by " > ".
  public var path: String
  public var status: RunStatus
  public var laneOrder: Int64
  /// The segment that executes next, from 0; earlier ones are in the journal.
  public var segment: Int
  /// Attempts of the step that ended the last segment, as far as they count against its retries.
  public var attempts: Int
  /// Seed of the run's random numbers.
  public var seed: Int64
  public var wakeTopic: String?
  public var dueAt: Instant?
  /// The service with which a step is tried again: when the run is due, or, without a due time, when it answers somebody.
  public var heldBy: String?
  /// Somebody wants the run cancelled as soon as the step in hand is answered.
  public var cancelAsked: Bool
  /// Why it failed or was cancelled, as a `RunFault` in JSON.
  public var error: String?
  public var warnings: [String]
  /// What the script printed, a line each.
  public var printed: [String]
  public var createdAt: Instant
  public var finishedAt: Instant?

  public init(
    id: Int64 = 0, dealID: Int64?, eventID: Int64, bundleID: Int64, automation: String, file: String, place: Int,
    origin: Int64, path: String, status: RunStatus = .queued, laneOrder: Int64 = 0, segment: Int = 0,
    attempts: Int = 0, seed: Int64, wakeTopic: String? = nil, dueAt: Instant? = nil, heldBy: String? = nil,
    cancelAsked: Bool = false, error: String? = nil, warnings: [String] = [], printed: [String] = [], createdAt: Instant,
    finishedAt: Instant? = nil
  ) {
    self.id = id
    self.dealID = dealID
    self.eventID = eventID
    self.bundleID = bundleID
    self.automation = automation
    self.file = file
    self.place = place
    self.origin = origin
    self.path = path
    self.status = status
    self.laneOrder = laneOrder
    self.segment = segment
    self.attempts = attempts
    self.seed = seed
    self.wakeTopic = wakeTopic
    self.dueAt = dueAt
    self.heldBy = heldBy
    self.cancelAsked = cancelAsked
    self.error = error
    self.warnings = warnings
    self.printed = printed
    self.createdAt = createdAt
    self.finishedAt = finishedAt
  }
}

extension RunRow {
  /// Takes over what `StoreTransaction.update` writes; the rest of a run never changes.
  mutating func takeChanges(of run: RunRow) {
    bundleID = run.bundleID
    path = run.path
    status = run.status
    laneOrder = run.laneOrder
    segment = run.segment
    attempts = run.attempts
    wakeTopic = run.wakeTopic
    dueAt = run.dueAt
    heldBy = run.heldBy
    cancelAsked = run.cancelAsked
    error = run.error
    warnings = run.warnings
    printed = run.printed
    finishedAt = run.finishedAt
  }
}

/// A fact about a record, appended in the same transaction as the change itself.
public struct EventRow: Sendable {
  public var id: Int64
  /// `deal.moved`, `deal.won`, `deal.lost`, `deal.reopened`, `run.failed`, `demand`.
  public var name: String
  public var dealID: Int64?
  public var data: Value
  public var author: Author
  /// Its own id when a person, the clock or a signer caused it.
  public var origin: Int64
  public var path: String
  public var at: Instant

  public init(
    id: Int64 = 0, name: String, dealID: Int64?, data: Value, author: Author, origin: Int64 = 0, path: String = "",
    at: Instant
  ) {
    self.id = id
    self.name = name
    self.dealID = dealID
    self.data = data
    self.author = author
    self.origin = origin
    self.path = path
    self.at = at
  }
}

/// One segment of a run in the journal, and the step that ended it.
public struct JournalRow: Sendable {
  /// How a segment was suspended.
  public struct Step: Sendable {
    public enum Kind: String, Sendable { case operation, wait }
    public enum State: String, Sendable { case begun, answered, failed }

    public var kind: Kind
    /// `accounting.create_quote`, or what is waited for.
    public var name: String
    /// The idempotency key, the same for every attempt.
    public var key: String
    /// Hash of the resolved arguments: a replay that asks something else has diverged.
    public var hash: String
    public var arguments: Value
    public var state: State
    /// The answer, or the failure that was raised in the script.
    public var answer: Value
    public var attempts: Int
    public var begunAt: Instant
    public var answeredAt: Instant?

    public init(
      kind: Kind, name: String, key: String, hash: String, arguments: Value, state: State = .begun,
      answer: Value = .null, attempts: Int = 0, begunAt: Instant, answeredAt: Instant? = nil
    ) {
      self.kind = kind
      self.name = name
      self.key = key
      self.hash = hash
      self.arguments = arguments
      self.state = state
      self.answer = answer
      self.attempts = attempts
      self.begunAt = begunAt
      self.answeredAt = answeredAt
    }
  }

  public var runID: Int64
  public var segment: Int
  /// What the segment asked of its host, in order, as JSON text.
  public var entries: String
  public var step: Step?

  public init(runID: Int64, segment: Int, entries: String, step: Step?) {
    self.runID = runID
    self.segment = segment
    self.entries = entries
    self.step = step
  }
}
