import CRM

extension SQLiteTransaction {
  func synchronize(pipelines: [PipelineDefinition]) throws {
    var liveStages: Set<Int64> = []
    var livePipelines: Set<Int64> = []
    for (place, pipeline) in pipelines.enumerated() {
      let pipelineID = try store(
        "pipeline", [("folded", Label.folded(pipeline.name))], name: pipeline.name, position: place + 1)
      livePipelines.insert(pipelineID)
      for (place, stage) in pipeline.stages.enumerated() {
        liveStages.insert(
          try store(
            "stage",
            [("pipeline_id", pipelineID), ("folded", Label.folded(stage.name))],
            name: stage.name, position: place + 1))
      }
    }
    for (table, live) in [("stage", liveStages), ("pipeline", livePipelines)] {
      for id: Int64 in try numbers("SELECT id FROM \(table) WHERE retired = 0") where !live.contains(id) {
        try execute("UPDATE \(table) SET retired = 1 WHERE id = ?", [id])
      }
    }
    cache = cache.filter { $0.key.kind != .stage && $0.key.kind != .pipeline }
    known.lasting.stages = nil
  }

  /// Finds the row by its identity, or makes it; writes name and place only if they differ.
  private func store(
    _ table: String, _ identity: [(String, any Bindable)], name: String, position: Int
  ) throws -> Int64 {
    let condition = identity.map { "\($0.0) = ?" }.joined(separator: " AND ")
    let values: StatementArguments = identity.map(\.1)
    let found = try row("SELECT id, name, position, retired FROM \(table) WHERE \(condition)", values).map { row in
      (id: try row.at(0) as Int64, isSame: try row.at(1) == name && row.at(2) == position && row.at(3) == 0)
    }
    if let found {
      if !found.isSame {
        try execute("UPDATE \(table) SET name = ?, position = ?, retired = 0 WHERE id = ?", [name, position, found.id])
      }
      return found.id
    }
    let columns = identity.map(\.0).joined(separator: ", ")
    let places = identity.map { _ in "?" }.joined(separator: ", ")
    try execute(
      "INSERT INTO \(table) (\(columns), name, position) VALUES (\(places), ?, ?)",
      values + [name, position])
    return statements.lastInsertedRowID
  }

  func stages() throws -> [StageRow] {
    if let stages = known.lasting.stages { return stages }
    let stages = try rows(
      """
      SELECT stage.id, stage.pipeline_id, stage.name, stage.folded, stage.position, stage.retired
      FROM stage JOIN pipeline ON pipeline.id = stage.pipeline_id
      ORDER BY stage.retired, pipeline.position, stage.position
      """
    ).map { row in
      try StageRow(
        id: row.at(0), pipelineID: row.at(1), name: row.at(2), folded: row.at(3), position: row.at(4),
        isRetired: row.at(5) != 0)
    }
    known.lasting.stages = stages
    return stages
  }

  func move(_ deal: RecordRef, to stage: StageRow, author: Author, request: String?, at: Instant) throws {
    guard case .record(let from)? = try value(deal, "stage") else {
      throw StoreError(.notFound, "there is no deal \(deal.id)")
    }
    try set(deal, "stage", .record(RecordRef(.stage, stage.id)), author: author, at: at)
    try set(deal, "pipeline", .record(RecordRef(.pipeline, stage.pipelineID)), author: author, at: at)
    try note(deal, author: author, at: at) { pending in
      pending.stageFrom = from.id
      pending.stageTo = stage.id
      pending.request = request
    }
    try flush()
  }

  func close(
    _ deal: RecordRef, _ status: DealStatus, archived: Bool, author: Author, request: String?, at: Instant
  ) throws {
    try set(deal, "status", .text(status.rawValue), author: author, at: at)
    try set(deal, "archived", .boolean(archived), author: author, at: at)
    try set(deal, "closed_at", status == .open ? .null : .instant(at), author: author, at: at)
    try note(deal, author: author, at: at) { $0.request = request }
    try flush()
  }

  func handled(request: String, of deal: RecordRef) throws -> HandledRequest? {
    try row(
      """
      SELECT at, actor, run_id, stage_from, stage_to FROM history
      WHERE record_kind = 'deal' AND record_id = ? AND request = ?
      """, [deal.id, request]
    ).map { row in
      try HandledRequest(
        at: Instant(milliseconds: row.at(0)), author: Author(actor: row.at(1), runID: row.at(2)),
        stageFrom: row.at(3), stageTo: row.at(4))
    }
  }

  func note(request: String, of deal: RecordRef, author: Author, at: Instant) throws {
    try flush()
    try appendHistory(deal, [], author: author, at: at, request: request)
  }
}
