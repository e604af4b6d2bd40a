import CRM
import Testing

@testable import Store

@Suite("Pipelines and stages")
struct PipelineTests {
  private func synchronize(_ office: Office, _ pipelines: [(String, [String])]) throws {
    try office.store.write { try $0.synchronize(pipelines: pipelines.map { PipelineDefinition(name: $0, stages: $1) }) }
  }

  /// `pipeline/stage`, with `-` before what is retired.
  private func seen(_ office: Office) throws -> [String] {
    try office.store.read { tx in
      try tx.stages().map { stage in
        let pipeline = try tx.value(RecordRef(.pipeline, stage.pipelineID), "name")?.plainText ?? "?"
        return "\(stage.isRetired ? "-" : "")\(pipeline)/\(stage.name)"
      }
    }
  }

  @Test("stages are listed by pipeline and position; two pipelines may have a stage of one name, and each its own")
  func order() throws {
    let office = try Office()
    #expect(
      try seen(office) == [
        "Ventes/Qualifié", "Ventes/Créer documents", "Ventes/Confirmé", "Suivi/Qualifié", "Suivi/Terminé",
      ])
    let same = try office.store.read { try $0.stages().filter { $0.folded == Label.folded("Qualifié") } }
    #expect(same.count == 2 && same[0].id != same[1].id && same[0].pipelineID != same[1].pipelineID)
  }

  @Test("synchronizing again writes nothing")
  func idempotent() throws {
    let office = try Office()
    let before = try office.store.read { try $0.stages() }
    let changes = try office.store.raw { tx in
      let before = tx.db.totalChangesCount
      try tx.synchronize(pipelines: Office.pipelines)
      return tx.db.totalChangesCount - before
    }
    #expect(changes == 0)
    #expect(try office.store.read { try $0.stages() } == before)
  }

  @Test("ALT-04: another spelling of a name is the same stage, with the new spelling, seen at once")
  func renamed() throws {
    let office = try Office()
    try office.store.write { tx throws in
      #expect(try tx.value(RecordRef(.stage, 2), "name") == .text("Créer documents"))
      try tx.synchronize(pipelines: [
        PipelineDefinition(name: "VENTES", stages: ["qualifie", "CRÉER DOCUMENTS", "Confirmé"])
      ])
      #expect(try tx.value(RecordRef(.stage, 2), "name") == .text("CRÉER DOCUMENTS"))
      #expect(try tx.value(RecordRef(.pipeline, 1), "name") == .text("VENTES"))
    }
    let stages = try office.store.read { try $0.stages() }
    #expect(stages.prefix(3).map(\.id) == [1, 2, 3])
    #expect(stages.prefix(3).map(\.name) == ["qualifie", "CRÉER DOCUMENTS", "Confirmé"])
  }

  @Test("another order of pipelines and stages is followed, with the same ids")
  func reordered() throws {
    let office = try Office()
    try synchronize(
      office, [("Suivi", ["Terminé", "Qualifié"]), ("Ventes", ["Confirmé", "Qualifié", "Créer documents"])])
    #expect(
      try seen(office) == [
        "Suivi/Terminé", "Suivi/Qualifié", "Ventes/Confirmé", "Ventes/Qualifié", "Ventes/Créer documents",
      ])
    #expect(try office.store.read { try $0.stages().map(\.id) } == [5, 4, 3, 1, 2])
  }

  @Test("what is declared no longer is retired and last, deals keep it, and it comes back with its id")
  func retired() throws {
    let office = try Office()
    try synchronize(office, [("Ventes", ["Créer documents", "Nouveau"])])
    #expect(
      try seen(office) == [
        "Ventes/Créer documents", "Ventes/Nouveau", "-Ventes/Qualifié", "-Ventes/Confirmé", "-Suivi/Qualifié",
        "-Suivi/Terminé",
      ])
    #expect(try office.value("stage") == .record(RecordRef(.stage, 1)))
    #expect(
      try office.value("stages", of: RecordRef(.pipeline, 1))
        == .list([.record(RecordRef(.stage, 2)), .record(RecordRef(.stage, 6))]))
    try synchronize(office, Office.pipelines.map { ($0.name, $0.stages.map(\.name)) })
    #expect(try office.store.read { try $0.stages().filter { !$0.isRetired }.map(\.id) } == [1, 2, 3, 4, 5])
    #expect(try office.store.read { try $0.stages().last?.name } == "Nouveau")
    try synchronize(office, [])
    #expect(try office.store.read { try $0.stages().allSatisfy(\.isRetired) })
  }
}
