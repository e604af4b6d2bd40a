import CRM
import Scripting
import Store

/// What every host of a script answers alike: reading records.
struct RecordAccess {
  var tx: any StoreTransaction

  func get(_ ref: RecordRef, _ field: String) throws -> Value {
    guard let value = try tx.value(ref, field) else {
      throw HostFailure(.notFound, "there is no \(ref.kind.words) \(ref.id) any more")
    }
    return value
  }

  /// A deal by the importer's key, else by id; `#42` is the id, whatever the keys are.
  /// - Throws: `EngineFault.notFound`.
  func deal(named name: String) throws -> RecordRef {
    if let ref = try tx.find(.deal, key: name) { return ref }
    if let id = Int64(name.hasPrefix("#") ? String(name.dropFirst()) : name), let record = try tx.record(RecordRef(.deal, id)) { return record.ref }
    throw EngineFault(.notFound, "there is no deal \"\(name)\"; list them with: coulisse deals list")
  }

  func find(_ kind: RecordKind, _ criteria: [ValueField]) throws -> Value {
    var criteria = criteria
    // A stage may be given by its name (ALT-04).
    for place in criteria.indices where criteria[place].name == "stage" && kind == .deal {
      if case .text(let name) = criteria[place].value {
        criteria[place].value = .record(RecordRef(.stage, try StageLookup(tx).stage(named: name).id))
      }
    }
    return .list(try tx.find(kind, criteria, limit: nil).map { .record($0) })
  }

  /// By id, by the importer's key, by a user's e-mail address or a quote's number; `.null` if there is none.
  func fetch(_ kind: RecordKind, _ name: Value) throws -> Value {
    switch name {
    case .integer(let id):
      return try tx.record(RecordRef(kind, id)).map { .record($0.ref) } ?? .null
    case .text(let text):
      if let ref = try tx.find(kind, key: text) { return .record(ref) }
      if kind == .user, let ref = try tx.user(email: text) { return .record(ref) }
      if kind == .quote { return try tx.quote(number: text).map { .record(RecordRef(.quote, $0.id)) } ?? .null }
      if let id = Int64(text) { return try fetch(kind, .integer(id)) }
      return .null
    case .record(let ref) where ref.kind == kind:
      return try tx.record(ref).map { .record($0.ref) } ?? .null
    default:
      throw HostFailure(.misuse, "expected \(kind.phrase)'s id or key, found \(name.summary)")
    }
  }
}

/// Stages by name: accents, case and the form of apostrophes do not count (ALT-04).
struct StageLookup {
  var stages: [StageRow]

  init(_ tx: any StoreTransaction) throws { stages = try tx.stages() }

  /// - Parameter pipeline: searched first, when two pipelines have a stage of this name.
  /// - Throws: `EngineFault.notFound`, which lists the known stages.
  func stage(named name: String, pipeline: Int64? = nil) throws -> StageRow {
    let folded = Label.folded(name)
    let matches = stages.filter { $0.folded == folded && !$0.isRetired }
    if let match = matches.first(where: { $0.pipelineID == pipeline }) ?? matches.first { return match }
    let known = stages.filter { !$0.isRetired }.map { "\"\($0.name)\"" }.joined(separator: ", ")
    throw EngineFault(.notFound, "there is no stage \"\(name)\"; the stages are \(known)")
  }
}
