import CRM
import Foundation
import Services
import Store
import TestSupport
import Testing

@Suite("A drive that can't be written: nothing is lost or half written")
struct BadDriveTests {
  @Test(
    "A full disk is transient, and the same step succeeds when there is space",
    .enabled(if: PrivateMounts.areAllowed))
  func full() throws {
    let office = try Office()
    try PrivateMounts.with(office.drive, options: "size=512k") {
      let folder = try office.clientFolder()
      let filler = [UInt8](repeating: 1, count: 400_000)
      try Data(filler).write(to: office.url("filler"))
      let call = try office.call(
        "documents.generate",
        [
          .text("large"), Office.deal, folder,
          .object([ValueField("filler", .text(String(repeating: "x", count: 300_000)))]),
        ])
      let before = try office.contents()
      let message = refusal { try office.perform(call) }
      #expect(message.hasPrefix("transient: ") && message.contains("the disk is full; free some space"))
      #expect(try office.contents() == before)
      try FileManager.default.removeItem(at: office.url("filler"))
      let document = try office.document(try office.perform(call))
      #expect(document.name == "Grand.html" && document.size > 300_000)
      #expect(office.files() == ["drive/\(document.path)"])
    }
  }

  @Test("A full disk under the outbox is transient too: nothing is sent", .enabled(if: PrivateMounts.areAllowed))
  func fullOutbox() throws {
    let office = try Office()
    let paper = try office.ask("documents.merge", [try office.generate("convention")])
    try FileManager.default.createDirectory(atPath: office.outbox, withIntermediateDirectories: true)
    try PrivateMounts.with(office.outbox, options: "size=4k") {
      let message = try office.refused("signature.send", [Office.letter(paper)])
      #expect(message.hasPrefix("transient: ") && message.contains("the disk is full"))
    }
    #expect(try office.store.read { try $0.signatureRequests(of: nil) }.isEmpty)
    #expect(try office.request(try office.send(paper)).state == .sent)
  }

  @Test("A read-only drive is permanent and says what to do; what is there can be read and sent",
    .enabled(if: PrivateMounts.areAllowed))
  func readOnly() throws {
    let office = try Office()
    try PrivateMounts.with(office.drive, options: "size=1m") {
      let folder = try office.clientFolder()
      let convention = try office.generate("convention", in: folder)
      let paper = try office.ask("documents.pdf", [convention])
      #expect(PrivateMounts.remountReadOnly(office.drive))
      let other = try office.person("Noémie", "Arc")
      let calls: [(String, [Value])] = [
        ("drive.client_folder", [other]), ("drive.child", [folder, .text("Neu")]), ("drive.store", [folder, paper]),
        ("documents.generate", [.text("programme"), Office.deal, folder]), ("documents.pdf", [convention]),
        ("documents.merge", [convention, paper]),
      ]
      for (name, arguments) in calls {
        let message = try office.refused(name, arguments)
        #expect(message.contains("the drive is read-only; mount it for writing"), "\(name): \(message)")
        #expect(!message.hasPrefix("transient"))
      }
      // The client's folder is as it should be: there is nothing to write.
      #expect(try office.clientFolder() == folder)
      #expect(try office.request(try office.send(paper)).state == .sent)
    }
  }
}
