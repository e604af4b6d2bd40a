import CRM
import Store

extension ImportJob {
  /// Writes what was checked.
  func write(_ drafts: [Draft], progress: ((Int, Int) -> Void)?) throws -> ImportSummary {
    var summary = ImportSummary()
    // Links to records that come later in the document are set when those are there.
    var late: [(ref: RecordRef, field: String, target: Link)] = []
    for (place, draft) in drafts.enumerated() {
      if place % 500 == 0 { progress?(place, drafts.count) }
      var fields = draft.fields
      var missing: [(field: String, target: Link)] = []
      for link in draft.links {
        if let ref = resolved(link.target) {
          fields.append(ValueField(link.field, .record(ref)))
        } else {
          missing.append(link)
        }
      }
      var count = summary[draft.kind]
      let ref: RecordRef
      do {
        if let existing = draft.existing {
          ref = existing
          if try update(existing, draft, fields) { count.updated += 1 } else { count.unchanged += 1 }
        } else {
          ref = try create(draft, fields)
          count.created += 1
        }
      } catch let error as StoreError where error.kind == .constraint {
        throw ImportFault(faults: [(draft.path, error.message)])
      }
      summary.counts[draft.kind] = count
      if let key = draft.key { written[Name(kind: draft.kind, key: key)] = ref }
      late += missing.map { (ref, $0.field, $0.target) }
    }
    for link in late {
      guard let target = resolved(link.target) else { continue }
      try tx.set(link.ref, link.field, .record(target), author: author, at: at)
    }
    try tx.flush()
    progress?(drafts.count, drafts.count)
    return summary
  }

  private func resolved(_ link: Link) -> RecordRef? {
    switch link {
    case .stored(let ref): ref
    case .draft(let kind, let key): written[Name(kind: kind, key: key)]
    }
  }

  private func create(_ draft: Draft, _ fields: [ValueField]) throws -> RecordRef {
    var fields = fields
    if draft.kind == .deal, let stage = draft.stage {
      let status = draft.status ?? .open
      fields += [
        ValueField("pipeline", .record(RecordRef(.pipeline, stage.pipelineID))),
        ValueField("stage", .record(RecordRef(.stage, stage.id))),
        ValueField("status", .text(status.rawValue)),
        // A won deal has left the pipe (ALT-139).
        ValueField("archived", .boolean(draft.archived ?? (status == .won))),
        ValueField("created_at", .instant(at)),
      ]
      if status != .open { fields.append(ValueField("closed_at", .instant(at))) }
    }
    let ref = try tx.insert(draft.kind, fields, author: author, at: at)
    _ = try writeParts(of: ref, draft, isNew: true)
    return ref
  }

  /// - Returns: whether anything was different.
  private func update(_ ref: RecordRef, _ draft: Draft, _ fields: [ValueField]) throws -> Bool {
    var changed = false
    guard let record = try tx.record(ref) else { return false }
    for field in fields where record[field: field.name] != field.value {
      try tx.set(ref, field.name, field.value, author: author, at: at)
      changed = true
    }
    if let stage = draft.stage, record[field: "stage"] != .record(RecordRef(.stage, stage.id)) {
      try tx.move(ref, to: stage, author: author, request: nil, at: at)
      changed = true
    }
    if draft.status != nil || draft.archived != nil {
      let present = DealStatus(rawValue: record[field: "status"].plainText) ?? .open
      let isArchived = record[field: "archived"] == .boolean(true)
      let status = draft.status ?? present
      let archived = draft.archived ?? (status == present ? isArchived : status == .won)
      if status != present || archived != isArchived {
        try tx.close(ref, status, archived: archived, author: author, request: nil, at: at)
        changed = true
      }
    }
    return try writeParts(of: ref, draft, isNew: false) || changed
  }

  /// Participants, lines and notes. The first two are whole lists; a note that is there already is not made again.
  private func writeParts(of deal: RecordRef, _ draft: Draft, isNew: Bool) throws -> Bool {
    var changed = false
    if let participants = draft.participants, !(isNew && participants.isEmpty) {
      let refs = participants.compactMap(resolved)
      if try isNew || tx.value(deal, "participants") != .list(refs.map { .record($0) }) {
        try tx.replaceParticipants(of: deal, refs, author: author, at: at)
        changed = true
      }
    }
    if let lines = draft.lines, !(isNew && lines.isEmpty) {
      let wanted = lines.map { line in
        (line.product.flatMap(resolved).map { [ValueField("product", .record($0))] } ?? []) + line.fields
      }
      if try isNew || !hasLines(deal, wanted) {
        try tx.replaceLines(of: deal, wanted, author: author, at: at)
        changed = true
      }
    }
    if let notes = draft.notes {
      if try writeNotes(of: deal, notes, isNew: isNew) { changed = true }
    }
    return changed
  }

  private func hasLines(_ deal: RecordRef, _ wanted: [[ValueField]]) throws -> Bool {
    guard case .list(let present)? = try tx.value(deal, "lines"), present.count == wanted.count else { return false }
    for (line, wanted) in zip(present, wanted) {
      guard case .record(let ref) = line, let record = try tx.record(ref) else { return false }
      for name in ["product", "quantity", "price", "discount"]
      where record[field: name] != wanted.first(where: { $0.name == name })?.value ?? .null { return false }
    }
    return true
  }

  private func writeNotes(of deal: RecordRef, _ notes: [(text: String, pinned: Bool)], isNew: Bool) throws -> Bool {
    var changed = false
    var present: [(ref: RecordRef, text: String)] = []
    if !isNew, case .list(let refs)? = try tx.value(deal, "notes") {
      for case .record(let ref) in refs {
        if let note = try tx.record(ref) { present.append((ref, note[field: "text"].plainText)) }
      }
    }
    for note in notes {
      if let place = present.firstIndex(where: { $0.text == note.text }) {
        let ref = present.remove(at: place).ref
        if try tx.value(ref, "pinned") != .boolean(note.pinned) {
          try tx.set(ref, "pinned", .boolean(note.pinned), author: author, at: at)
          changed = true
        }
        continue
      }
      _ = try tx.insert(
        .note,
        [
          ValueField("deal", .record(deal)), ValueField("text", .text(note.text)),
          ValueField("pinned", .boolean(note.pinned)), ValueField("created_at", .instant(at)),
          ValueField("author", .text(author.actor)),
        ], author: author, at: at)
      changed = true
    }
    return changed
  }
}
