import CRM
import TestSupport
import Testing

@testable import Store

@Suite("Folders, documents, requests for signatures and outgoing mail")
struct DocumentRowTests {
  @Test("what is written comes back, by each of its names")
  func roundTrip() throws {
    let office = try Office()
    let (folder, document, request, email) = try office.store.write { tx in
      let folder = try tx.insert(office.folder("Brunet Jérémy", person: 1))
      let document = try tx.insert(office.document("Convention", folder: folder.id))
      let request = try tx.insert(office.request("k1", document: document.id))
      let email = try tx.insert(
        EmailRow(
          key: "k2", dealID: 1, recipients: ["a@b.c", "d@e.f"], subject: "Objet", text: "Bonjour", path: "1.eml",
          createdAt: Office.now))
      return (folder, document, request, email)
    }
    try office.store.read { tx in
      for found in [
        try tx.folder(folder.id), try tx.folder(key: folder.key), try tx.folder(ofPerson: 1),
        try tx.folder(path: "Clients/Brunet Jérémy"),
      ] { #expect(found == folder) }
      for found in [
        try tx.document(document.id), try tx.document(key: document.key), try tx.document(path: document.path),
        try tx.documents(of: 1).first, try tx.documents(of: nil).first,
      ] { #expect(found == document) }
      for found in [
        try tx.signatureRequest(request.id), try tx.signatureRequest(key: "k1"), try tx.openSignatureRequest(of: 1),
        try tx.signatureRequests(of: 1).first, try tx.signatureRequests(of: nil).first,
      ] { #expect(found == request) }
      #expect(try tx.email(key: "k2") == email)
      #expect(try tx.emails(of: 1) == [email])
      #expect(try tx.value(office.deal, "documents") == .list([.record(RecordRef(.document, document.id))]))
      #expect(try tx.value(office.deal, "signatures") == .list([.record(request.ref)]))
      #expect(try tx.value(RecordRef(.document, document.id), "url") == .text("coulisse://documents/\(document.id)"))
    }
  }

  @Test("ALT-116: a client has one folder, and a folder is one client's; the schema says so")
  func oneFolder() throws {
    let office = try Office()
    try office.store.write { _ = try $0.insert(office.folder("a", person: 1)) }
    var other = office.folder("b", person: 1)
    #expect(throws: StoreError.self) { try office.store.write { _ = try $0.insert(other) } }
    other = office.folder("a")
    other.key = "another key"
    #expect(throws: StoreError.self) { try office.store.write { _ = try $0.insert(other) } }
  }

  @Test("ALT-129: a deal has one open request for a signature; a closed one makes room, and no key is used twice")
  func oneOpenRequest() throws {
    let office = try Office()
    var first = try office.store.write { tx in
      _ = try tx.insert(office.document("a"))
      return try tx.insert(office.request("k1"))
    }
    #expect(throws: StoreError.self) { try office.store.write { _ = try $0.insert(office.request("k2")) } }
    first.state = .declined
    first.reason = "trop cher"
    first.closedAt = Office.now
    let closed = first
    try office.store.write { tx in
      try tx.update(closed)
      _ = try tx.insert(office.request("k2"))
    }
    #expect(try office.store.read { try $0.signatureRequest(closed.id) } == closed)
    #expect(throws: StoreError.self) { try office.store.write { _ = try $0.insert(office.request("k1")) } }
  }

  @Test("a signed request has its signed document, a closed one its time; the schema refuses anything else")
  func states() throws {
    let office = try Office()
    let request = try office.store.write { tx in
      _ = try tx.insert(office.document("a"))
      return try tx.insert(office.request("k1"))
    }
    var wrong = request
    wrong.state = .signed
    wrong.closedAt = Office.now
    #expect(throws: StoreError.self) { try office.store.write { try $0.update(wrong) } }
    wrong.state = .declined
    wrong.closedAt = nil
    #expect(throws: StoreError.self) { try office.store.write { try $0.update(wrong) } }
    wrong.id = 99
    #expect(throws: StoreError.self) { try office.store.write { try $0.update(wrong) } }
  }

  @Test("an address of the workspace is read only in the form that it is written in")
  func addresses() {
    #expect(WorkspaceAddress.record("coulisse://documents/12") == RecordRef(.document, 12))
    #expect(WorkspaceAddress.of(RecordRef(.folder, 3)) == "coulisse://folders/3")
    #expect(WorkspaceAddress.of(RecordRef(.deal, 3)) == nil)
    for text in [
      "", "coulisse://documents/", "coulisse://documents/0", "coulisse://documents/012", "coulisse://documents/1/2",
      "coulisse://documents/-1", "coulisse://quotes/1", "https://documents/1", "coulisse://documents/9999999999999999999",
    ] { #expect(WorkspaceAddress.record(text) == nil, "\(text)") }
  }
}
