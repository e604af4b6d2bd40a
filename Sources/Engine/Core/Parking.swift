import CRM
import Scripting
import Store

/// What a run is parked for: one thing, or several of which the first wakes it. The step that ended the run's segment
/// keeps it.
struct Parking {
  /// One of the things. A single wait has a topic and a time in one; of several, each has either.
  struct Alternative {
    /// The place or name by which the script knows it; null when it waits for one thing only.
    var which: Value = .null
    /// What wakes the run; nil when only the clock does.
    var topic: String?
    /// When its time is over.
    var until: Instant?
    /// Whether the time was named by the calendar, and is not so long after the wait's beginning.
    var isFixed = false
  }

  /// In the order in which they count when more than one has happened.
  var alternatives: [Alternative]

  /// When the run is woken at the latest.
  var until: Instant? { alternatives.compactMap(\.until).min() }

  private var isSingle: Bool { alternatives.count == 1 && alternatives[0].which.isNull }

  /// What `RunRow.wakeTopic` holds; nil when only the clock wakes the run, or when there are several topics.
  var wakeTopic: String? { isSingle ? alternatives[0].topic : nil }

  /// The topics that are noted beside the run.
  var topics: [String] { isSingle ? [] : alternatives.compactMap(\.topic) }

  /// The answer as the script gets it.
  /// - Parameters:
  ///   - answer: how that ended which has happened.
  ///   - topic: of what has happened; nil when the time is over.
  func answer(_ answer: Value, topic: String?) -> Value {
    let end = until
    let first = alternatives.first { topic == nil ? $0.until != nil && $0.until == end : $0.topic == topic }
    guard let which = first?.which, !which.isNull, case .object(let fields) = answer else { return answer }
    return .object([ValueField("which", which)] + fields)
  }

  /// The same, for a wait that begins at another moment than it did: as long as it was to be.
  func begun(at now: Instant, insteadOf before: Instant) throws -> Parking {
    var parking = self
    for (place, alternative) in alternatives.enumerated() where !alternative.isFixed {
      parking.alternatives[place].until = try alternative.until.map { try now.adding($0.since(before)) }
    }
    return parking
  }

  // MARK: In the journal

  init(alternatives: [Alternative]) { self.alternatives = alternatives }

  /// - Parameter topic: of a single wait; the journal has only its name.
  init(_ step: JournalRow.Step, topic: String? = nil) {
    func alternative(_ value: Value) -> Alternative {
      var found = Alternative(which: value["which"] ?? .null)
      if case .text(let topic)? = value["topic"] { found.topic = topic }
      if case .instant(let until)? = value["until"] { found.until = until }
      if case .boolean(let flag)? = value["fixed"] { found.isFixed = flag }
      return found
    }
    if case .list(let several)? = step.arguments["any"] {
      alternatives = several.map(alternative)
    } else {
      alternatives = [alternative(step.arguments)]
      alternatives[0].topic = topic
    }
  }

  /// As the arguments of its step.
  var arguments: Value {
    func fields(_ alternative: Alternative) -> [ValueField] {
      (alternative.until.map { [ValueField("until", .instant($0))] } ?? [])
        + (alternative.isFixed ? [ValueField("fixed", .boolean(true))] : [])
    }
    if isSingle {
      let single = fields(alternatives[0])
      return single.isEmpty ? .null : .object(single)
    }
    return .object([
      ValueField(
        "any",
        .list(
          alternatives.map { alternative in
            .object(
              [ValueField("which", alternative.which)]
                + (alternative.topic.map { [ValueField("topic", .text($0))] } ?? []) + fields(alternative))
          }))
    ])
  }
}
