import CRM
import Foundation
import Services
import Store
import TestSupport
import Testing

/// A message of the outbox, as Python's reader of mails sees it.
struct Letter: Decodable {
  struct Attachment: Decodable, Equatable {
    var name: String
    var type: String
    var sha256: String
  }

  var from: String
  var to: String
  var subject: String
  var text: String
  var attachments: [Attachment]

  init(_ office: Office, _ email: EmailRow) throws {
    let python = Process()
    python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    python.arguments = ["python3", "-c", Self.reader, office.outbox + "/" + email.path]
    let output = Pipe()
    python.standardOutput = output
    try python.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    python.waitUntilExit()
    self = try JSONDecoder().decode(Letter.self, from: data)
  }

  private static let reader = """
    import email, email.policy, hashlib, json, sys
    with open(sys.argv[1], "rb") as file:
        mail = email.message_from_binary_file(file, policy=email.policy.default)
    print(json.dumps({
        "from": mail["From"], "to": mail["To"], "subject": mail["Subject"],
        "text": mail.get_body().get_content(),
        "attachments": [{"name": part.get_filename(), "type": part.get_content_type(),
                         "sha256": hashlib.sha256(part.get_payload(decode=True)).hexdigest()}
                        for part in mail.iter_attachments()]}))
    """
}

@Suite("Mail goes to the outbox, for any mail program to send")
struct LocalMailTests {
  private let office: Office
  init() throws { office = try Office() }

  private func message(
    to: Value = Office.person, subject: String = "Votre devis", text: String = "Bonjour,\n\nle voici.",
    _ more: [ValueField] = []
  ) -> Value {
    .object(
      [ValueField("to", to), ValueField("subject", .text(subject)), ValueField("text", .text(text))] + more)
  }

  private func email(_ value: Value) throws -> EmailRow {
    guard case .record(let ref) = value else { throw ServiceFailure(.permanent, "\(value) is no record") }
    return try #require(try office.store.read { try $0.emails(of: nil) }.first { $0.id == ref.id })
  }

  @Test("A message is a file that a mail program reads, with its documents as they are now")
  func send() throws {
    let document = try office.generate("convention")
    try office.correct(document, "de ACME", "de la société ACME")
    let row = try office.document(document)
    let sent = try email(
      try office.ask(
        "mail.send",
        [
          message(
            to: .list([Office.person, .text("a@b.example")]), subject: "Été 🌻 ד״ר",
            [ValueField("attachments", document), ValueField("cc", .record(RecordRef(.user, 1)))])
        ]))
    #expect(sent.recipients == ["j.brunet@acme.example", "a@b.example", "Floriane@altitude.example"])
    #expect(sent.dealID == 1)
    let letter = try Letter(office, sent)
    #expect(letter.subject == "Été 🌻 ד״ר" && letter.text.contains("le voici."))
    #expect(letter.to == "j.brunet@acme.example, a@b.example" && letter.from.contains("Floriane@altitude.example"))
    let now = ContentHash.sha256(Array(try office.text(row.path).utf8))
    #expect(letter.attachments == [Letter.Attachment(name: row.name, type: "text/html", sha256: now)])
  }

  @Test("The same step sends one message, after a crash between file and row too")
  func once() throws {
    let call = try office.call("mail.send", [message()], key: "k")
    let first = try office.perform(call)
    #expect(try office.perform(call) == first)
    #expect(office.files().count == 1)
    let fresh = try Office()
    try FileManager.default.copyItem(atPath: office.outbox, toPath: fresh.outbox)
    _ = try fresh.ask("mail.send", [message()], key: "k")
    #expect(fresh.files() == office.files())
  }

  @Test("Where nobody is the sender nothing is sent; the setting or the deal's owner is one")
  func sender() throws {
    try office.set(Shop.deal, "owner", .null)
    #expect(try office.refused("mail.send", [message()]).contains("nobody is the sender; set services.mail.from"))
    let settled = try Office {
      $0.services["mail"] = .object([
        ValueField("from", .text("contact@altitude.example")), ValueField("name", .text("Altitude")),
      ])
    }
    try settled.set(Shop.deal, "owner", .null)
    _ = try settled.ask("mail.send", [message()])
    let sent = try #require(try settled.store.read { try $0.emails(of: nil) }.first)
    #expect(try Letter(settled, sent).from == "Altitude <contact@altitude.example>")
  }

  @Test("What can't be sent is refused at the call: addresses, subjects, attachments, deals")
  func refused() throws {
    let nobody = try office.person("Noémie", "Arc")
    let wrong: [(Value, String)] = [
      (message(to: nobody), "has no « E-mail »"), (message(to: .list([])), "at least one person, user or address"),
      (message(to: .text("nobody")), "addresses like"),
      (message(to: .text("a@b.example\r\nBcc: c@d.example")), "addresses like"),
      (message(subject: "a\nBcc: x@y.example"), "one line"), (message(subject: " "), "one line"),
      (message(subject: "a\u{0}b"), "NUL"), (message(text: String(repeating: "x", count: 100_001)), "at most 100000"),
      (message([ValueField("attachments", Office.person)]), "documents"),
      (message([ValueField("attachments", .record(RecordRef(.document, 99)))]), "documents"),
      (message([ValueField("deal", .integer(1))]), "deal: expected a deal"),
      (message([ValueField("deal", .record(RecordRef(.deal, 99)))]), "deal: expected a deal"),
      (message(to: .list(Array(repeating: .text("a@b.example"), count: 51))), "at most 50 recipients"),
    ]
    for (message, reason) in wrong {
      let said = try office.refused("mail.send", [message])
      #expect(said.contains(reason), "\(said)")
    }
  }

  @Test("An attachment whose file is gone: nothing is sent")
  func attachmentGone() throws {
    let document = try office.generate("convention")
    try FileManager.default.removeItem(at: office.url(try office.document(document).path))
    let said = try office.refused("mail.send", [message([ValueField("attachments", document)])])
    #expect(said.contains("there is nothing of this name"))
  }

  @Test("More attachments than a mail can carry are refused before they are read into memory")
  func attachmentsTooLarge() throws {
    let document = try office.generate("large", [ValueField("filler", .text(String(repeating: "x", count: 90_000)))])
    let many = Value.list(Array(repeating: document, count: 400))
    let said = try office.refused("mail.send", [message([ValueField("attachments", many)])])
    #expect(said.contains("attachments: expected at most 25 MB together"), "\(said)")
  }

  @Test("A date that no mail can have is told", arguments: [Int64.min, .max])
  func farOff(milliseconds: Int64) throws {
    let now = Instant(milliseconds: milliseconds)
    #expect(try office.refused("mail.send", [message()], now: now).contains("expected one from 1900 to 9999"))
  }
}
