import CRM
import Foundation
import Services
import TestSupport
import Testing

@Suite("A mail as a file (RFC 5322)")
struct MailMessageTests {
  static let date = Instant(milliseconds: 1_793_697_300_000)  // 2026-11-03T09:15:00Z

  private func message(
    subject: String = "Devis", text: String = "Bonjour", attachments: [MailMessage.Attachment] = [],
    bcc: [Mailbox] = [], key: String = "run:1/step:2"
  ) throws -> MailMessage {
    try MailMessage(
      from: try Mailbox(name: "Floriane Baillon", address: "floriane@altitude.example"),
      to: [try Mailbox(name: "Jérémy Brunet", address: "jeremy@exemple.fr")], bcc: bcc, subject: subject, text: text,
      attachments: attachments, key: key, date: Self.date)
  }

  private func text(_ message: MailMessage) -> String { String(decoding: message.bytes, as: UTF8.self) }

  @Test("It reads as a mail reads, and the blind copy is in the file")
  func plain() throws {
    let message = try message(text: "Bonjour,\nà bientôt", bcc: [try Mailbox(address: "deal+42@crm.example")])
    #expect(
      text(message) == """
        Date: Tue, 03 Nov 2026 09:15:00 +0000\r
        From: Floriane Baillon <floriane@altitude.example>\r
        To: =?UTF-8?Q?J=C3=A9r=C3=A9my_Brunet?= <jeremy@exemple.fr>\r
        Bcc: deal+42@crm.example\r
        Subject: Devis\r
        Message-ID: \(message.messageID)\r
        MIME-Version: 1.0\r
        Content-Type: text/plain; charset=utf-8\r
        Content-Transfer-Encoding: quoted-printable\r
        \r
        Bonjour,\r
        =C3=A0 bient=C3=B4t\r

        """)
  }

  @Test("The Message-ID comes from the step's key: another attempt is the same mail")
  func messageID() throws {
    let first = try message()
    #expect(try message().bytes == first.bytes)
    #expect(try message(subject: "Other").messageID == first.messageID)
    #expect(try message(key: "run:1/step:3").messageID != first.messageID)
    #expect(first.messageID.hasPrefix("<") && first.messageID.hasSuffix("@altitude.example>"))
    #expect(try message(key: "\r\nBcc: x@y.z").messageID.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F })
  }

  @Test(
    "Bad input: what could begin another header is refused in names, subjects and file names",
    arguments: [
      "a\r\nBcc: x@y.example", "a\nb", "a\rb", "a\u{0}b", "a\u{85}b", "a\u{2028}b", "a\u{2029}b", "a\tb", "\u{7F}",
    ])
  func injection(text: String) throws {
    #expect(throws: ValueFault.self) { try Mailbox(name: text, address: "a@b.example") }
    #expect(throws: ValueFault.self) { try message(subject: text) }
    #expect(throws: ValueFault.self) { try MailMessage.Attachment(name: text, type: "text/plain", bytes: []) }
    #expect(throws: ValueFault.self) { try MailMessage.Attachment(name: "a", type: text, bytes: []) }
    #expect(throws: ValueFault.self) { try Mailbox(address: "a\(text)@b.example") }
    #expect(throws: ValueFault.self) { try Mailbox(address: "a@b.example\(text)") }
  }

  @Test(
    "Bad input: an address that mail programs could read otherwise is refused, with the reason",
    arguments: [
      "", "@", "a", "a@", "@b", "a@b@c", "a b@c.example", "a@b.example,c@d.example", "<a@b.example>", "a@b..example",
      ".a@b.example", "a.@b.example", "a..b@c.example", "\"a\"@b.example", "a(x)@b.example", "a@[127.0.0.1]",
      "é@b.example",
      "a@é.example", "a@-b.example", "a@b-.example", "a@b.example.", "a@b_c.example", "a;b@c.example", "a:b@c.example",
      String(repeating: "a", count: 65) + "@b.example", "a@" + String(repeating: "b", count: 64) + ".example",
      "a@" + [String](repeating: "bbbbbbbbb", count: 30).joined(separator: "."),
    ])
  func badAddresses(address: String) {
    let fault = #expect(throws: ValueFault.self) { try Mailbox(address: address) }
    #expect(fault?.message.contains("expected an e-mail address like nom@exemple.fr, found \"") == true)
  }

  @Test(
    "Good addresses are taken as they are",
    arguments: [
      "a@b.example", "jean.dupont+x@exemple.fr", "o'neill@x-y.example", "root@localhost", "a@xn--e1a.example",
      "A_b%c@D.Fr",
    ])
  func goodAddresses(address: String) throws {
    #expect(try Mailbox(address: address).address == address)
  }

  @Test("Bad input: no recipient, too many, NUL in the text, a date before mails")
  func badMessages() throws {
    let from = try Mailbox(address: "a@b.example")
    func message(_ to: [Mailbox], _ text: String = "", _ date: Instant = Self.date) throws -> MailMessage {
      try MailMessage(from: from, to: to, subject: "", text: text, key: "k", date: date)
    }
    #expect(throws: ValueFault.self) { try message([]) }
    #expect(throws: ValueFault.self) { try message([Mailbox](repeating: from, count: 101)) }
    #expect(throws: ValueFault.self) { try message([from], "a\u{0}") }
    for milliseconds in [Int64.min, .max, -2_208_988_800_001, 253_402_300_800_000] {
      #expect(throws: ValueFault.self) { try message([from], "", Instant(milliseconds: milliseconds)) }
    }
    for milliseconds in [Int64(-2_208_988_800_000), -1, 253_402_300_799_999] {
      #expect(throws: Never.self) { try message([from], "", Instant(milliseconds: milliseconds)) }
    }
    let fault = #expect(throws: ValueFault.self) { try message([from], "", Instant(milliseconds: .min)) }
    #expect(fault?.message.contains("1900") == true)
  }

  @Test("Bad input: an attachment without a plain name, or of a type that can't travel in base64")
  func badAttachments() {
    for name in ["", " ", ".", "..", "a/b", "..\\b", " a", "a\u{A0}"] {
      #expect(throws: ValueFault.self) { try MailMessage.Attachment(name: name, type: "text/plain", bytes: []) }
    }
    for type in ["", "pdf", "a/b/c", "/", "a/", "text/plain; x=y", "multipart/mixed", "Message/rfc822", "é/a", "a=/b"] {
      #expect(throws: ValueFault.self) { try MailMessage.Attachment(name: "a", type: type, bytes: []) }
    }
  }

  @Test("Lines of the text that transports would take for marks are hidden from them; none is longer than 76")
  func bodies() throws {
    let long = String(repeating: "x", count: 75) + "From here" + String(repeating: "y", count: 66) + ".end  "
    let text = text(try message(text: ".\nFrom me\n..\nblank \ntab\t\n\(long)\r\n=\rlast"))
    let body = text.components(separatedBy: "\r\n\r\n")[1].components(separatedBy: "\r\n")
    #expect(
      body == [
        "=2E", "=46rom me", "=2E.", "blank=20", "tab=09", String(repeating: "x", count: 75) + "=",
        "=46rom here" + String(repeating: "y", count: 64) + "=", "yy.end =20", "=3D", "last", "",
      ])
  }

  @Test("A text that is mostly not ASCII travels in base64")
  func base64() throws {
    let text = text(try message(text: String(repeating: "שלום ", count: 100)))
    #expect(text.contains("Content-Transfer-Encoding: base64\r\n"))
    #expect(text.components(separatedBy: "\r\n").allSatisfy { $0.utf8.count <= 78 })
  }
}
