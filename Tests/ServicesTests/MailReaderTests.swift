import CRM
import Foundation
import Services
import TestSupport
import Testing

@Suite("Mails are read by a reader that is not ours: Python's", .enabled(if: MailReader.isThere))
struct MailReaderTests {
  private func person(_ name: String, _ address: String) throws -> Mailbox { try Mailbox(name: name, address: address) }

  @Test("What goes in comes out (ALT-157's names among them)")
  func roundTrip() throws {
    let names = [
      "", "Jérémy Brunet", "Floriane Baillon", "Dupont, Jean", "\"Bob\" \\ (chef)", "O'Neill", "a@b", "=?UTF-8?Q?x?=",
      " avant", "après ", "deux  blancs", "?", "_", "=", "👩‍👩‍👧‍👦", "דנה כהן", "Ltd.", "J. R.", "x=?y",
      String(repeating: "\"", count: 50),
      String(repeating: "Noémie ", count: 25) + "x", String(repeating: "long ", count: 20) + "x",
    ]
    var messages: [MailMessage] = []
    // As names of files the reader strips quotes and blanks at the ends of some.
    for (place, name) in names.enumerated() {
      messages.append(
        try MailMessage(
          from: try person(name, "from\(place)@x.example"),
          to: try names.map { try person($0, "to@y.example") }, cc: [try person(name, "cc@y.example")],
          bcc: [try person("", "deal+\(place)@crm.example"), try person(name, "b@c.example")], subject: name,
          text: name,
          attachments: name.isEmpty || name.contains("\\") || name.first == "\"" || name.first == " "
            || name.last == " "
            ? [] : [try .init(name: name, type: "application/pdf", bytes: Array(name.utf8))],
          key: "\(place)", date: MailMessageTests.date))
    }
    try MailReader.check(messages)
  }

  @Test("Any Unicode comes out as it went in, in names, subjects, texts and file names")
  func random() throws {
    var random = SeededText(seed: testSeed("Mails"))
    func line(_ most: Int, limit: Int) -> String {
      let text = random.text([SeededText.letters, SeededText.signs, SeededText.controls, SeededText.words], most: most)
      let scalars = text.unicodeScalars.filter {
        $0.properties.generalCategory != .control && $0 != "\u{2028}" && $0 != "\u{2029}"
      }
      return String(String.UnicodeScalarView(scalars.prefix(limit)))
    }
    func people(_ range: ClosedRange<Int>) throws -> [Mailbox] {
      try (0..<Int.random(in: range, using: &random)).map { try person(line(12, limit: 200), "p\($0)@exemple.fr") }
    }
    var messages: [MailMessage] = []
    for place in 0..<400 {
      var attachments: [MailMessage.Attachment] = []
      for _ in 0..<[0, 0, 1, 3][Int.random(in: 0..<4, using: &random)] {
        let name = ("n" + line(30, limit: 240)).unicodeScalars.filter { $0 != "/" && $0 != "\\" }
        let count = Int.random(in: 0...300, using: &random)
        let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
        attachments.append(
          try .init(name: "\(String.UnicodeScalarView(name))x.pdf", type: "application/octet-stream", bytes: bytes))
      }
      var text = random.text(
        [SeededText.letters, SeededText.signs, SeededText.controls, SeededText.words, [" ", "\n", "\t", "a", "e"]],
        most: 200)
      text.unicodeScalars.removeAll { $0 == "\u{0}" }
      messages.append(
        try MailMessage(
          from: try person(line(12, limit: 200), "from@x.example"), to: try people(1...4), cc: try people(0...3),
          bcc: try people(0...2), subject: line(60, limit: 1000), text: text, attachments: attachments,
          key: "key \(place)", date: Instant(milliseconds: Int64.random(in: 0...4_000_000_000_000, using: &random))))
    }
    try MailReader.check(messages)
  }
}

/// Python's `email` package, in a process of its own.
enum MailReader {
  static let isThere = (try? run(["-c", "pass"])) == 0

  /// What the reader found in one file.
  private struct Found: Decodable {
    struct Part: Decodable {
      var name: String?
      var type: String
      var base64: String
    }
    var from: [[String]]
    var to: [[String]]
    var cc: [[String]]
    var bcc: [[String]]
    var subject: String
    var id: String
    var milliseconds: Int64
    var headers: [String]
    var text: String
    var attachments: [Part]
    var defects: [String]
  }

  /// Writes the messages, has them read, and compares; the bytes themselves are looked at too.
  static func check(_ messages: [MailMessage]) throws {
    let folder = try TemporaryFolder()
    for (place, message) in messages.enumerated() {
      checkLines(message)
      try Data(message.bytes).write(to: folder.url.appendingPathComponent("\(place).eml"))
    }
    try folder.write("read.py", script)
    #expect(try run([folder.path("read.py"), folder.url.path, "\(messages.count)"]) == 0)
    let answer = try Data(contentsOf: folder.url.appendingPathComponent("found.json"))
    let found = try JSONDecoder().decode([Found].self, from: answer)
    #expect(found.count == messages.count)
    for (message, found) in zip(messages, found) { compare(message, found) }
  }

  private static func compare(_ message: MailMessage, _ found: Found) {
    func same(_ found: [[String]], _ people: [Mailbox], _ what: String) {
      #expect(found.map { $0.map(scalars) } == people.map { [scalars($0.name), scalars($0.address)] }, "\(what)")
    }
    same(found.from, [message.from], "From")
    same(found.to, message.to, "To")
    same(found.cc, message.cc, "Cc")
    same(found.bcc, message.bcc, "Bcc")
    #expect(scalars(found.subject) == scalars(message.subject))
    #expect(found.id == message.messageID)
    #expect(found.milliseconds == message.date.milliseconds / 1000 * 1000)
    #expect(found.defects == [])
    var expected = ["Date", "From"]
    if !message.to.isEmpty { expected.append("To") }
    if !message.cc.isEmpty { expected.append("Cc") }
    if !message.bcc.isEmpty { expected.append("Bcc") }
    expected += ["Subject", "Message-ID", "MIME-Version", "Content-Type"]
    if message.attachments.isEmpty { expected.append("Content-Transfer-Encoding") }
    #expect(found.headers == expected)
    // By scalars: for Swift, a line break and what follows may be one character.
    var lines: [UInt32] = []
    var previous: UInt32 = 0
    for scalar in scalars(message.text) {
      if scalar != 0x0A || previous != 0x0D { lines.append(scalar == 0x0D ? 0x0A : scalar) }
      previous = scalar
    }
    if let last = lines.last, last != 0x0A { lines.append(0x0A) }
    let read = scalars(found.text)
    let place = zip(read, lines).enumerated().first { $1.0 != $1.1 }?.offset
    #expect(
      read.count == lines.count && place == nil, "text of \(message.messageID), from \(String(describing: place))")
    #expect(found.attachments.count == message.attachments.count)
    for (attachment, found) in zip(message.attachments, found.attachments) {
      #expect(scalars(found.name ?? "none") == scalars(attachment.name))
      #expect(found.type == attachment.type)
      #expect(Data(base64Encoded: found.base64) == Data(attachment.bytes))
    }
  }

  /// Strings that are equal may still differ in their composition.
  private static func scalars(_ text: String) -> [UInt32] { text.unicodeScalars.map(\.value) }

  /// ASCII, CRLF only, no line longer than 78, no encoded word longer than 75 or with half a character.
  private static func checkLines(_ message: MailMessage) {
    let bytes = message.bytes
    #expect(bytes.allSatisfy { $0 >= 0x20 && $0 < 0x7F || $0 == 0x09 || $0 == 0x0D || $0 == 0x0A })
    let text = String(decoding: bytes, as: UTF8.self)
    let lines = text.components(separatedBy: "\r\n")
    #expect(lines.allSatisfy { line in !line.unicodeScalars.contains { $0 == "\r" || $0 == "\n" } })
    #expect(lines.allSatisfy { $0.utf8.count <= 78 }, "\(lines.filter { $0.utf8.count > 78 })")
    let head = text.components(separatedBy: "\r\n\r\n")[0]
    for word in head.components(separatedBy: CharacterSet.whitespacesAndNewlines)
    where word.hasPrefix("=?UTF-8?") && word.hasSuffix("?=") {
      #expect(word.utf8.count <= 75, "\(word)")
      let content = word.dropFirst("=?UTF-8?Q?".count).dropLast(2)
      let decoded: Data?
      if word.hasPrefix("=?UTF-8?B?") {
        decoded = Data(base64Encoded: String(content))
      } else {
        let percent = content.replacingOccurrences(of: "_", with: " ").replacingOccurrences(of: "=", with: "%")
        decoded = percent.removingPercentEncoding.map { Data($0.utf8) }
      }
      #expect(decoded.flatMap { String(data: $0, encoding: .utf8) } != nil, "\(word)")
    }
  }

  private static func run(_ arguments: [String]) throws -> Int32 {
    let python = Process()
    python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    python.arguments = ["python3"] + arguments
    try python.run()
    python.waitUntilExit()
    return python.terminationStatus
  }

  private static let script = """
    import base64, json, sys
    from email import policy, message_from_bytes
    from email.header import decode_header, make_header
    from email.utils import getaddresses

    # Some Pythons' new reader adds and drops blanks between the encoded words of one name; the old one does not.
    def people(message, older, name):
        if name not in message: return []
        new = message[name].addresses
        old = [(str(make_header(decode_header(n))), a) for n, a in getaddresses([older[name]])]
        assert [a.addr_spec for a in new] == [a for _, a in old], message[name]
        squeezed = lambda name: "".join(name.split())
        assert [squeezed(a.display_name) for a in new] == [squeezed(n) for n, _ in old], (new, old)
        return old

    def defects(message):
        found = list(message.defects)
        for part in message.walk():
            found += part.defects
            for value in part.values():
                found += getattr(value, "defects", ())
        return [repr(defect) for defect in found]

    found = []
    for place in range(int(sys.argv[2])):
        with open(f"{sys.argv[1]}/{place}.eml", "rb") as file:
            content = file.read()
        message = message_from_bytes(content, policy=policy.default)
        older = message_from_bytes(content)
        body = message.get_body()
        found.append({
            "from": people(message, older, "From"), "to": people(message, older, "To"),
            "cc": people(message, older, "Cc"), "bcc": people(message, older, "Bcc"),
            "subject": message["Subject"], "id": message["Message-ID"],
            "milliseconds": int(message["Date"].datetime.timestamp()) * 1000, "headers": message.keys(),
            "text": body.get_payload(decode=True).decode(body.get_content_charset()).replace("\\r\\n", "\\n"),
            "attachments": [
                {"name": part.get_filename(), "type": part.get_content_type(),
                 "base64": base64.b64encode(part.get_payload(decode=True)).decode()}
                for part in message.iter_attachments()],
            "defects": defects(message)})
    with open(f"{sys.argv[1]}/found.json", "w") as file:
        json.dump(found, file)
    """
}
