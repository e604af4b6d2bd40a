import CRM
import Services
import Store
import Testing

@Suite("Local chat")
struct ChatTests {
  private func desk() throws -> Desk { try Desk({ LocalChat($0) }) }
  private func messages(_ desk: Desk) throws -> [MessageRow] { try desk.store.read { try $0.messages(of: nil) } }

  @Test("ALT-150: a user is found by e-mail address without regard to case; an unknown one is nothing")
  func find() throws {
    let desk = try desk()
    let user = try desk.ask("find_user", [.text("FLORIANE@Altitude.example")])
    #expect(user["name"] == .text("Floriane Baillon"))
    #expect(user["email"] == .text("Floriane@altitude.example"))
    #expect(try desk.ask("find_user", [.text("nelly@altitude.example")]) == .null)
  }

  @Test("ALT-151: a message reaches the user found, a user record, or an e-mail address, once a key")
  func send() throws {
    let desk = try desk()
    let found = try desk.ask("find_user", [.text("floriane@altitude.example")])
    let users: [Value] = [found, .record(RecordRef(.user, 1)), .text("floriane@ALTITUDE.example")]
    for (place, user) in users.enumerated() {
      let first = try desk.ask("send", [user, .text("Bonjour 👋")], step: place)
      #expect(try desk.ask("send", [user, .text("Bonjour 👋")], step: place) == first)
    }
    let kept = try messages(desk)
    #expect(kept.map(\.recipientID) == [1, 1, 1])
    #expect(kept.map(\.dealID) == [1, 1, 1])
    #expect(kept.map(\.text) == ["Bonjour 👋", "Bonjour 👋", "Bonjour 👋"])
  }

  @Test("ALT-150: an unknown recipient is a permanent failure, and nothing is sent to anyone else")
  func unknownUser() throws {
    let desk = try desk()
    let unknown: [Value] = [
      .text("nelly@altitude.example"), .record(RecordRef(.user, 9)), .object([ValueField("id", .text("U9"))]),
      .object([ValueField("id", .text("1"))]), .object([ValueField("email", .text("floriane@altitude.example"))]),
      .null, .text(" "), .integer(1), .record(RecordRef(.person, 1)),
    ]
    for user in unknown {
      let failure = try #require(try desk.failure("send", [user, .text("Bonjour")]), "\(user)")
      #expect(!failure.isTransient)
    }
    #expect(try messages(desk).isEmpty)
  }

  @Test("Bad input: an empty text, a text above 40,000 characters, a text with NUL")
  func text() throws {
    let desk = try desk()
    let user = Value.text("floriane@altitude.example")
    for text in ["", " \n", String(repeating: "é", count: 40_001), "a\u{0}"] {
      #expect(try desk.failure("send", [user, .text(text)])?.isTransient == false)
    }
    #expect(try messages(desk).isEmpty)
    try desk.ask("send", [user, .text(String(repeating: "é", count: 40_000))])
  }

  @Test("A dry run finds the recipient and sends nothing")
  func preview() throws {
    let desk = try desk()
    #expect(try desk.preview("send", [.text("floriane@altitude.example"), .text("x")])["id"] == .text("M????"))
    #expect(throws: ServiceFailure.self) { try desk.preview("send", [.text("x@y.example"), .text("x")]) }
    #expect(try messages(desk).isEmpty)
  }

  @Test("ALT-151: markup in names is escaped")
  func escape() throws {
    #expect(ChatMarkup.escape("Tom & <Jerry> &lt;") == "Tom &amp; &lt;Jerry&gt; &amp;lt;")
    #expect(ChatMarkup.escape("Élodie 👋 *gras*") == "Élodie 👋 *gras*")
    #expect(try desk().ask("escape", [.text("<!channel>")]) == .text("&lt;!channel&gt;"))
  }

  @Test(
    "ALT-151: neither part of a link can end it or begin another",
    arguments: [
      (
        "mailto:a@b.example?subject=Merci%20!&bcc=c@d.example", "Nelly",
        "<mailto:a@b.example?subject=Merci%20!&amp;bcc=c@d.example|Nelly>"
      ),
      (
        "https://x.example/a|b>c<d e\n", "A|B <!channel> & C",
        "<https://x.example/a%7Cb%3Ec%3Cd%20e%0A|A|B &lt;!channel&gt; &amp; C>"
      ),
      ("https://x.example", "two\nlines\u{2028}", "<https://x.example|two lines >"),
      ("https://x.example", "", "<https://x.example>"),
    ])
  func link(url: String, label: String, expected: String) throws {
    let link = ChatMarkup.link(url: url, label: label)
    #expect(link == expected)
    #expect(link.filter { $0 == "<" || $0 == ">" }.count == 2)
    #expect(try desk().ask("link", [.text(url), .text(label)]) == .text(expected))
  }

  @Test("Bad input: a link without an address")
  func emptyLink() throws {
    #expect(try desk().failure("link", [.text(""), .text("Nelly")])?.message.contains("address") == true)
  }
}
