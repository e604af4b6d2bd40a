import CRM
import Foundation
import Testing

@testable import Store

/// What a store remembers from one transaction to the next, and what it does not write at once.
@Suite("What is remembered between transactions, and runs that are written once")
struct LastingTests {
  @Test("what another connection has committed is seen by the next transaction, whatever the one before knew")
  func others() throws {
    let office = try Office()
    let other = try Store(path: office.path)
    defer { try? other.close() }
    let product = try office.add(.product, ["name": .text("Before")])
    try office.store.write { tx throws in
      #expect(try tx.value(product, "name") == .text("Before"))
      #expect(try tx.stages().count == 5)
      #expect(try office.event(tx).id == 1)
      #expect(try tx.nextQueued() == nil)
      #expect(try tx.nextDue() == nil)
    }
    try other.write { tx throws in
      try tx.set(product, "name", .text("After"), author: Office.author, at: Office.now)
      try tx.synchronize(pipelines: [PipelineDefinition(name: "Ventes", stages: ["Qualifié"])])
      #expect(try office.event(tx).id == 2)
      try office.run(tx)
      try office.run(tx, .waiting, due: 5)
    }
    try office.store.write { tx throws in
      #expect(try tx.value(product, "name") == .text("After"))
      #expect(try tx.stages().filter { !$0.isRetired }.map(\.name) == ["Qualifié"])
      #expect(try office.event(tx).id == 5)
      #expect(try tx.nextQueued()?.id == 1)
      #expect(try tx.nextDue() == Instant(milliseconds: 5))
      #expect(try tx.dueRuns(now: Office.now, limit: 9).map(\.id) == [2])
    }
  }

  @Test("what a transaction that was rolled back knew is forgotten")
  func rolledBack() throws {
    let office = try Office()
    let product = try office.add(.product, ["name": .text("Before")])
    #expect(throws: Broken.self) {
      try office.store.write { tx throws in
        try tx.set(product, "name", .text("After"), author: Office.author, at: Office.now)
        try office.run(tx)
        _ = try tx.bundle(hash: "lost", files: "{}", at: Office.now)
        throw Broken()
      }
    }
    try office.store.write { tx throws in
      #expect(try tx.value(product, "name") == .text("Before"))
      #expect(try office.event(tx).id == 1)
      #expect(try tx.run(1) == nil)
      var asked = false
      func files() -> String {
        asked = true
        return "{}"
      }
      _ = try tx.bundle(hash: "lost", files: files(), at: Office.now)
      #expect(asked)
    }
  }

  @Test("a run that ends in the commit that queued it is written once, as what it has become")
  func once() throws {
    let office = try Office()
    try office.store.raw { tx throws in
      var run = try office.run(tx)
      #expect(try tx.headOfLane(1)?.id == run.id)
      let before = tx.db.totalChangesCount
      run.status = .succeeded
      run.finishedAt = Office.now
      run.warnings = ["w"]
      try tx.update(run)
      #expect(tx.db.totalChangesCount == before)
      #expect(try tx.headOfLane(1) == nil)
      try tx.write(JournalRow(runID: run.id, segment: 0, entries: "[]", step: nil))
      #expect(tx.db.totalChangesCount == before + 2)
    }
    let stored = try office.store.read { try $0.run(1) }
    #expect(stored?.status == .succeeded && stored?.warnings == ["w"] && stored?.finishedAt == Office.now)
  }

  @Test("the head of a lane is found among what is written and what is not")
  func heads() throws {
    let office = try Office()
    try office.store.raw { tx throws in
      let first = try office.run(tx)
      let second = try office.run(tx)
      #expect(try tx.headOfLane(1)?.id == first.id)
      try tx.flush()
      let third = try office.run(tx)
      #expect(try tx.headOfLane(1)?.id == first.id)
      for var run in [first, second] {
        run.status = .succeeded
        run.finishedAt = Office.now
        try tx.update(run)
      }
      #expect(try tx.headOfLane(1)?.id == third.id)
      #expect(try tx.headOfLane(2) == nil)
      #expect(try tx.openRuns([.queued], of: 1).map(\.id) == [third.id])
    }
  }

  @Test("a rollback to a savepoint keeps the runs from before it, written within it or not, and no id is given twice")
  func savepoints() throws {
    let office = try Office()
    try office.store.raw { tx throws in
      let kept = try office.run(tx)
      #expect(throws: Broken.self) {
        try tx.savepoint {
          var ended = kept
          ended.status = .failed
          ended.finishedAt = Office.now
          try tx.update(ended)
          let lost = try office.run(tx)
          #expect(lost.id == kept.id + 1)
          try tx.write(JournalRow(runID: lost.id, segment: 0, entries: "[]", step: nil))
          throw Broken()
        }
      }
      #expect(try tx.run(kept.id)?.status == .queued)
      #expect(try tx.run(kept.id + 1) == nil)
      #expect(try office.run(tx).id == kept.id + 1)
    }
    #expect(try office.store.read { try $0.runs(of: 1) }.map(\.status) == [.queued, .queued])
  }

  @Test("the lines of a deal are read at once, with what was assigned to one of them and is not written yet")
  func lines() throws {
    let office = try Office()
    try office.store.write { tx throws in
      guard case .list(let lines)? = try tx.value(office.deal, "lines"), case .record(let first)? = lines.first else {
        Issue.record("the deal has no lines")
        return
      }
      try tx.set(first, "quantity", .decimal(ExactDecimal(7)), author: Office.author, at: Office.now)
      _ = try tx.value(office.deal, "lines")
      #expect(try tx.value(first, "quantity") == .decimal(ExactDecimal(7)))
      try tx.replaceLines(of: office.deal, [], author: Office.author, at: Office.now)
      #expect(try tx.value(office.deal, "lines") == .list([]))
      #expect(try tx.value(first, "quantity") == nil)
    }
  }
}
