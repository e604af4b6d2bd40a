/// What must be true of the database after every commit, whatever happened: the promises of the engine, asked in SQL, so
/// that nothing of the code which is to keep them is trusted. Each query finds what breaks its sentence.
enum Invariants {
  struct Invariant {
    var promise: Int
    var sentence: String
    var query: String
  }

  static let all: [Invariant] = transitions + segments + crashes + waits + lanes + loops

  // MARK: 1. A transition is one commit

  private static var transitions: [Invariant] {
    var list = [
      Invariant(
        promise: 1, sentence: "a move's event has its line in the deal's history, and only one",
        query: """
          SELECT event.id FROM event WHERE name = 'deal.moved' AND 1 <> (
            SELECT COUNT(*) FROM history JOIN stage ON stage.id = stage_to
            WHERE record_kind = 'deal' AND record_id = event.deal_id AND history.at = event.at
              AND history.actor = event.actor AND history.run_id IS event.run_id
              AND stage.name = json_extract(data, '$."$object"[1][1]'))
          """),
      Invariant(
        promise: 1, sentence: "a line of the history that moves a deal has its event",
        query: """
          SELECT record_id, seq FROM history WHERE stage_to IS NOT NULL AND 1 <> (
            SELECT COUNT(*) FROM event WHERE name = 'deal.moved' AND deal_id = record_id AND event.at = history.at
              AND event.actor = history.actor)
          """),
      Invariant(
        promise: 1, sentence: "a change of status has its event",
        query: """
          SELECT record_id, seq FROM history
          WHERE record_kind = 'deal' AND json_extract(changes, '$.status') IS NOT NULL
            AND json_extract(changes, '$.status[0]') IS NOT NULL AND 1 <> (
              SELECT COUNT(*) FROM event WHERE deal_id = record_id AND event.at = history.at
                AND event.actor = history.actor AND name = CASE json_extract(changes, '$.status[1]')
                  WHEN 'open' THEN 'deal.reopened' ELSE 'deal.' || json_extract(changes, '$.status[1]') END)
          """),
      Invariant(
        promise: 1, sentence: "an event's runs are no others than those of its stage",
        query: """
          SELECT run.id FROM run JOIN event ON event.id = event_id WHERE run.automation NOT IN (
            SELECT value FROM json_each(CASE
              WHEN event.name = 'run.failed' THEN '["failed"]' WHEN event.name = 'demand' THEN '["hand"]'
              \(expected)
              ELSE '[]' END))
          """),
    ]
    for reaction in Stage.reactions {
      // One that is there only while no other one waits.
      let stage: String = reaction.stage.map { "AND \(movedTo) = '\($0)'" } ?? ""
      for automation in reaction.automations {
        let most = automation == "quiet" ? "1 <" : "1 <>"
        list.append(
          Invariant(
            promise: 1, sentence: "the event queued \(automation) once",
            query: """
              SELECT event.id FROM event WHERE name = '\(reaction.event)' \(stage)
                AND \(most) (SELECT COUNT(*) FROM run WHERE event_id = event.id AND automation = '\(automation)')
              """))
      }
    }
    return list
  }

  /// Which automations an event queues, as cases in SQL.
  private static var expected: String {
    var cases: [String] = []
    for reaction in Stage.reactions {
      let stage: String = reaction.stage.map { " AND \(movedTo) = '\($0)'" } ?? ""
      cases.append("WHEN event.name = '\(reaction.event)'\(stage) THEN '\(reaction.automations)'")
    }
    return cases.joined(separator: " ")
  }

  private static let movedTo = "json_extract(event.data, '$.\"$object\"[1][1]')"

  // MARK: 2. A segment is one commit

  private static let segments = [
    Invariant(
      promise: 2, sentence: "what a segment writes is there as a whole or not at all",
      query: "SELECT id FROM deal WHERE json_extract(custom, '$.left') IS NOT json_extract(custom, '$.right')"),
    Invariant(
      promise: 2, sentence: "a failed segment leaves no record", query: "SELECT id FROM note WHERE text = 'never'"),
    Invariant(
      promise: 2, sentence: "a run that has come to a step has it in its journal, without an answer",
      query: """
        SELECT id FROM run WHERE status IN ('running', 'retrying') AND NOT EXISTS (
          SELECT 1 FROM journal WHERE run_id = run.id AND segment = run.segment - 1 AND step_kind = 'operation'
            AND step_state = 'begun')
        """),
    Invariant(
      promise: 2, sentence: "a run's segments are all in its journal",
      query: """
        SELECT id FROM run WHERE status <> 'failed' AND segment > (
          SELECT COUNT(*) FROM journal WHERE run_id = run.id AND journal.segment < run.segment)
        """),
  ]

  // MARK: 3. A run survives a crash

  private static let crashes =
    [("tally", "count"), ("offers", "offer"), ("sent", "send"), ("quiets", "quiet"), ("slept", "sleep"), ("handed", "hand"),
      ("failures", "failed")]
    .map { field, automation in
      Invariant(
        promise: 3, sentence: "a change of a record happens exactly once for each \(automation)",
        query: """
          SELECT deal.id FROM deal WHERE CAST(COALESCE(json_extract(custom, '$.\(field)'), '0') AS INTEGER) <> (
            SELECT COUNT(*) FROM run WHERE deal_id = deal.id AND automation = '\(automation)' AND status = 'succeeded')
          """)
    } + [
      Invariant(
        promise: 3, sentence: "a local effect happens once for each run that ended well",
        query: """
          SELECT id FROM run WHERE automation IN ('offer', 'sleep') AND status = 'succeeded' AND 1 <> (
            SELECT COUNT(*) FROM message WHERE effect_key LIKE 'run:' || run.id || '/%')
          """),
      Invariant(
        promise: 3, sentence: "and never twice for any run",
        query: """
          SELECT MIN(effect_key) FROM message
          GROUP BY substr(effect_key, 1, instr(effect_key, '/')) HAVING COUNT(*) > 1
          """),
      Invariant(
        promise: 3, sentence: "each step of a run has a key of its own",
        query: "SELECT MIN(run_id) FROM journal WHERE step_key <> '' GROUP BY step_key HAVING COUNT(*) > 1"),
      Invariant(
        promise: 3, sentence: "no journal was left by its script",
        query: "SELECT id FROM run WHERE status = 'failed' AND json_extract(error, '$.kind') = 'diverged'"),
    ]

  // MARK: 4. A script may wait

  private static let waits = [
    Invariant(
      promise: 4, sentence: "a run that waits has its wait in its journal, and something that wakes it",
      query: """
        SELECT id FROM run WHERE status = 'waiting' AND (wake_topic IS NULL AND due_at IS NULL OR NOT EXISTS (
          SELECT 1 FROM journal WHERE run_id = run.id AND segment = run.segment - 1 AND step_kind = 'wait'
            AND step_state = 'begun'))
        """),
    Invariant(
      promise: 4, sentence: "nobody waits for what is so",
      query: """
        SELECT run.id FROM run JOIN deal ON deal.id = run.deal_id JOIN stage ON stage.id = deal.stage_id
        WHERE run.status = 'waiting'
          AND wake_topic IN ('deal:' || deal.id || '/status/' || deal.status, 'deal:' || deal.id || '/stage/' || stage.folded)
        """),
    Invariant(
      promise: 4, sentence: "a run has the scripts that it was queued with, from its beginning to its end",
      query: """
        SELECT run.id FROM run JOIN bundle ON bundle.id = bundle_id, json_each(run.printed)
        WHERE run.status = 'succeeded' AND instr(bundle.files, json_each.value) = 0
        """),
    Invariant(
      promise: 4, sentence: "of an automation that replaces, one run waits",
      query: """
        SELECT MIN(id) FROM run WHERE status = 'waiting' AND automation IN ('send', 'quiet')
        GROUP BY deal_id, automation HAVING COUNT(*) > 1
        """),
  ]

  // MARK: 5. A deal's runs go in order

  private static let lanes = [
    Invariant(
      promise: 5, sentence: "one run of a deal is in hand",
      query: "SELECT deal_id FROM run WHERE status = 'running' GROUP BY deal_id HAVING COUNT(*) > 1"),
    Invariant(
      promise: 5, sentence: "no two runs of a deal have one place",
      query: """
        SELECT MIN(id) FROM run WHERE finished_at IS NULL AND status IN ('queued', 'running')
        GROUP BY deal_id, lane_order HAVING COUNT(*) > 1
        """),
  ]

  // MARK: 6. Loops stop

  private static let loops = [
    Invariant(
      promise: 6, sentence: "no path is too deep",
      query: """
        SELECT id FROM run
        WHERE (length(path) - length(replace(path, ' > ', ''))) / 3 + 1 > \(Stage.limits.pathDepth)
        """),
    Invariant(
      promise: 6, sentence: "no origin causes too many runs",
      query: "SELECT origin FROM run GROUP BY origin HAVING COUNT(*) > \(Stage.limits.runsFromOrigin) + 2"),
  ]

  /// Once nothing more happens by itself.
  static func atRest(_ now: Int64) -> [Invariant] {
    [
      Invariant(
        promise: 3, sentence: "nothing is left over", query: "SELECT id FROM run WHERE status IN ('queued', 'running')"),
      Invariant(
        promise: 4, sentence: "nothing that is due sleeps on",
        query: "SELECT id FROM run WHERE status IN ('waiting', 'retrying') AND due_at <= \(now)"),
    ]
  }

  /// - Throws: `SimulationFault` with the first that does not hold.
  static func check(_ invariants: [Invariant], _ onlooker: Onlooker) throws {
    for invariant in invariants {
      let found: [[Substring]] = try onlooker.rows(invariant.query)
      if found.isEmpty { continue }
      throw SimulationFault(
        "promise \(invariant.promise): \(invariant.sentence): broken by \(found.prefix(5))")
    }
  }
}
