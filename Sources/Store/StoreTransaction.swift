import CRM

/// What the rest of the house may ask of the store, inside one transaction. All SQL is behind this protocol, so
/// that another backend is another implementation and nothing else.
///
/// A transaction belongs to the closure that it was handed to and to its thread.
public protocol StoreTransaction: AnyObject {
  /// Executes `body` and keeps what it wrote only if it returns.
  /// - Throws: what `body` throws, after rolling back to here; `StoreError.transactionLost` when SQLite rolled back
  ///   everything, not just this part.
  func savepoint<T>(_ body: () throws -> T) throws -> T

  // Records

  /// The record, or nil if there is none.
  func record(_ ref: RecordRef) throws -> Record?
  /// A field's value: stored, computed (`person.name`, `deal.total`) or a link (`deal.lines`: a list of records).
  /// Nil when the record does not exist; `.null` when the field is empty.
  func value(_ ref: RecordRef, _ field: String) throws -> Value?
  /// Sets a stored field and notes the change in the history; that of a line in its deal's, as `lines.2.quantity`.
  /// Equal values change nothing.
  /// - Throws: `.notFound`, or `.constraint` at the latest when the transaction is flushed. What a flush refuses stays
  ///   pending: until it is set to something better, every later flush and the commit fail, too.
  func set(_ ref: RecordRef, _ field: String, _ value: Value, author: Author, at: Instant) throws
  /// Inserts a record; fields that are not given are empty. Notes the insertion in the history.
  func insert(_ kind: RecordKind, _ fields: [ValueField], author: Author, at: Instant) throws -> RecordRef
  /// Replaces a deal's product lines, participants, or nothing else: whole lists, as an import gives them.
  func replaceLines(of deal: RecordRef, _ lines: [[ValueField]], author: Author, at: Instant) throws
  func replaceParticipants(of deal: RecordRef, _ persons: [RecordRef], author: Author, at: Instant) throws
  /// Records whose fields all equal the given values, by ascending id. `archived` deals only if asked for by name.
  func find(_ kind: RecordKind, _ criteria: [ValueField], limit: Int?) throws -> [RecordRef]
  /// The record with this importer's key.
  func find(_ kind: RecordKind, key: String) throws -> RecordRef?
  /// A user by e-mail address, without regard to case.
  func user(email: String) throws -> RecordRef?
  func history(of ref: RecordRef) throws -> [HistoryEntry]
  /// Writes what is pending. Called before each commit, and by whoever reads by other means.
  func flush() throws

  // Pipelines

  /// Makes pipelines and stages as declared; what is declared no longer is kept as retired.
  func synchronize(pipelines: [PipelineDefinition]) throws
  /// All stages by pipeline and position, retired ones last.
  func stages() throws -> [StageRow]
  /// Puts a deal into another stage, with its line in the history.
  func move(_ deal: RecordRef, to stage: StageRow, author: Author, request: String?, at: Instant) throws
  /// Sets a deal's status and whether it is archived, with its line in the history.
  func close(
    _ deal: RecordRef, _ status: DealStatus, archived: Bool, author: Author, request: String?, at: Instant) throws
  /// What a command with this id did to the deal before: its caller lost the answer and asks again.
  func handled(request: String, of deal: RecordRef) throws -> HandledRequest?
  /// Notes a command that changes no field of the deal itself, so that `handled` finds it.
  func note(request: String, of deal: RecordRef, author: Author, at: Instant) throws

  // Events, runs, journal

  /// Appends an event; an `origin` of 0 makes it its own origin. Returns it with its id.
  func append(_ event: EventRow) throws -> EventRow
  func event(_ id: Int64) throws -> EventRow?
  /// The id under which these sources are kept; they are stored once for each hash.
  func bundle(hash: String, files: @autoclosure () throws -> String, at: Instant) throws -> Int64
  func bundleHash(_ id: Int64) throws -> String?
  func bundleFiles(_ id: Int64) throws -> (hash: String, files: String)?
  /// Inserts a run, behind all others of its lane. Returns it with id and place.
  func insert(_ run: RunRow) throws -> RunRow
  func run(_ id: Int64) throws -> RunRow?
  /// Writes status, segment, attempts, wake-up, error, warnings and end of a run.
  func update(_ run: RunRow) throws
  /// Gives the run a place behind everything that is queued in its lane, and writes it.
  func requeue(_ run: RunRow) throws -> RunRow
  /// Counts one more run from this origin; returns how many there are now.
  func countRun(origin: Int64) throws -> Int
  /// Unfinished runs with one of these statuses, by lane order.
  func openRuns(_ statuses: [RunStatus], limit: Int?) throws -> [RunRow]
  /// The same, of one deal.
  func openRuns(_ statuses: [RunStatus], of dealID: Int64) throws -> [RunRow]
  /// The queued run whose turn it is: of all lanes in which nothing is running, the first in order.
  func nextQueued() throws -> RunRow?
  /// The first queued or running run of a lane.
  func headOfLane(_ dealID: Int64?) throws -> RunRow?
  /// Runs of a deal, oldest first.
  func runs(of dealID: Int64) throws -> [RunRow]
  /// The latest runs first.
  func runs(matching filter: RunFilter) throws -> [RunRow]
  /// Runs that wait until this service answers again, by lane order.
  func heldRuns(by service: String, limit: Int?) throws -> [RunRow]
  /// Runs that are tried again with this service when their pause is over, by lane order.
  func backingOffRuns(of service: String, limit: Int) throws -> [RunRow]
  /// The services that hold runs, by name, and how many each.
  func holdingServices() throws -> [(service: String, runs: Int)]
  /// Runs that are parked until this happens, whether or not they wait for other things too.
  func waitingRuns(topic: String) throws -> [RunRow]
  /// Notes what a waiting run is woken by, when that is more than its `wakeTopic`; forgotten when it is woken.
  func note(topics: [String], of runID: Int64) throws
  /// What was noted so.
  func topics(of runID: Int64) throws -> [String]
  /// Waiting or retrying runs that are due at `now`, by due time.
  func dueRuns(now: Instant, limit: Int) throws -> [RunRow]
  /// When the next waiting or retrying run is due.
  func nextDue() throws -> Instant?
  /// All of a run's journal, by segment: for a replay.
  func journal(of runID: Int64) throws -> [JournalRow]
  /// One segment's row: what a step's answer is noted in, however long the journal is.
  func journal(of runID: Int64, segment: Int) throws -> JournalRow?
  func write(_ row: JournalRow) throws
  func deleteJournal(of runID: Int64, from segment: Int) throws

  /// How many runs have not ended, by status.
  func openRunCounts() throws -> [RunStatus: Int]
  /// What became of the runs that were queued since then, by automation.
  func automationStatistics(since: Instant) throws -> [AutomationStatistics]
  /// What became of the steps that were begun since then, by service.
  func serviceStatistics(since: Instant) throws -> [ServiceStatistics]

  // Time

  /// What is known of every automation with a schedule, by due time.
  func schedules() throws -> [ScheduleRow]
  /// Writes a schedule over the one that its automation has.
  func write(_ schedule: ScheduleRow) throws
  func deleteSchedule(of automation: String) throws
  /// Parked runs whose last step began later than a moment, by due time: after now, they began under a wrong clock.
  func runsParked(after moment: Instant) throws -> [Int64]

  // What the local services keep

  /// The next value of a counter, from 1. Rolled back with the transaction, so no value is ever skipped.
  func next(counter: String) throws -> Int64
  func liveQuote(of deal: Int64) throws -> QuoteRow?
  func quote(number: String) throws -> QuoteRow?
  func quotes(of deal: Int64) throws -> [QuoteRow]
  func insert(_ quote: QuoteRow) throws -> QuoteRow
  /// Sets a quote's status; an end state makes room for another live quote of the deal.
  /// - Throws: `.notFound`, or `.constraint` if another quote of the deal is live.
  func setStatus(_ status: QuoteStatus, ofQuote id: Int64) throws
  func card(key: String) throws -> CardRow?
  func card(cardID: String) throws -> CardRow?
  func cards(of deal: Int64?) throws -> [CardRow]
  func insert(_ card: CardRow) throws -> CardRow
  func message(key: String) throws -> MessageRow?
  func messages(of deal: Int64?) throws -> [MessageRow]
  func insert(_ message: MessageRow) throws -> MessageRow

  // Folders, documents, signatures, mail

  func folder(key: String) throws -> FolderRow?
  /// The client's own folder (ALT-116).
  func folder(ofPerson id: Int64) throws -> FolderRow?
  func folder(path: String) throws -> FolderRow?
  func folder(_ id: Int64) throws -> FolderRow?
  func insert(_ folder: FolderRow) throws -> FolderRow
  func document(key: String) throws -> DocumentRow?
  func document(path: String) throws -> DocumentRow?
  func document(_ id: Int64) throws -> DocumentRow?
  /// A deal's documents, oldest first; all of them without a deal.
  func documents(of deal: Int64?) throws -> [DocumentRow]
  func insert(_ document: DocumentRow) throws -> DocumentRow
  func signatureRequest(key: String) throws -> SignatureRequestRow?
  func signatureRequest(_ id: Int64) throws -> SignatureRequestRow?
  /// The request that can still be signed.
  func openSignatureRequest(of deal: Int64) throws -> SignatureRequestRow?
  /// A deal's requests, oldest first; all of them without a deal.
  func signatureRequests(of deal: Int64?) throws -> [SignatureRequestRow]
  /// - Throws: `.constraint` if the deal has an open request.
  func insert(_ request: SignatureRequestRow) throws -> SignatureRequestRow
  /// Writes state, times, reason and signed document.
  func update(_ request: SignatureRequestRow) throws
  func email(key: String) throws -> EmailRow?
  func emails(of deal: Int64?) throws -> [EmailRow]
  func insert(_ email: EmailRow) throws -> EmailRow
}

/// A command that was carried out before.
public struct HandledRequest: Sendable, Hashable {
  public var at: Instant
  public var author: Author
  /// Ids of the stages, when the deal was moved.
  public var stageFrom: Int64?
  public var stageTo: Int64?
}

/// Which runs to list.
public struct RunFilter: Sendable {
  public var statuses: [RunStatus] = []
  public var automation: String?
  public var dealID: Int64?
  /// Only runs that were queued at this moment or later.
  public var since: Instant?
  /// Only runs whose error says this; accents and case do not count.
  public var errorText: String?
  public var limit: Int = 100

  public init() {}
}
