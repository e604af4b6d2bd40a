import CRM

/// What a transaction knows that is still true in the next one, unless somebody else has written meanwhile: what hardly
/// ever changes and is asked for by every transition. Whoever deletes or changes rows of these by other ways than the
/// transaction's own functions empties it.
struct LastingKnowledge {
  var stages: [StageRow]?
  /// Hash of sources → id.
  var bundles: [String: Int64] = [:]
  /// The highest id of a table that only grows.
  var lastIDs: [String: Int64] = [:]
  /// Whether no run can be executed: none is queued, but behind a running one of its lane.
  var queueIsEmpty = false
  /// When the next parked run is due, if that is known; `.some(nil)`: none is.
  var nextDue: Instant??
  /// Which services hold runs, and how many each, if that is known.
  var holding: [(service: String, runs: Int)]?
  /// Stages, users and products.
  var records: [RecordRef: Record] = [:]

  /// A workspace with more users and products than this reads them again.
  private static let recordLimit = 1000

  /// A run was written that may be queued or due.
  mutating func forgetQueue() {
    queueIsEmpty = false
    nextDue = nil
    holding = nil
  }

  /// Takes over the records that are worth it.
  mutating func keep(_ cache: [RecordRef: Record]) {
    records = cache.filter { [.pipeline, .stage, .user, .product].contains($0.key.kind) }
    if records.count > Self.recordLimit { records.removeAll() }
  }
}
