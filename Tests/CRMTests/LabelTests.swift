import CRM
import Testing

@Suite("Labels (ALT-04)")
struct LabelTests {
  @Test(
    "spellings of one label are equal",
    arguments: [
      ("Documents prêts", "documents prets"), ("Documents prêts", "DOCUMENTS PRÊTS"),
      ("Créer documents", "Cre\u{301}er documents"),
      ("l'accord", "l’accord"), ("l'accord", "L‘accord"), ("a-b", "a–b"), ("a-b", "a—b"),
      ("a-b", "a\u{2011}b"), ("a-b", "a−b"),
      ("cœur", "coeur"), ("ŒUVRE", "oeuvre"), ("Lætitia", "laetitia"), ("Groß", "GROSS"),
      ("  à   signer ", "a signer"),
      ("à\u{A0}signer", "a signer"), ("à\u{202F}signer", "a\tsigner"), ("ça", "CA"),
      ("Łódź", "lodz"), ("Ørsted", "orsted"),
      ("ế", "e\u{302}\u{301}"), ("ế", "e"), ("Île", "ile"), ("soft\u{AD}hyphen", "softhyphen"),
      ("İ", "i"), ("", " \u{A0}"),
    ])
  func equal(a: String, b: String) {
    #expect(Array(Label.folded(a).utf8) == Array(Label.folded(b).utf8))
  }

  @Test(
    "different labels stay different",
    arguments: [
      ("Confirmé", "Conforme"), ("a b", "ab"), ("l'accord", "laccord"), ("a-b", "a b"),
      ("Promo 1", "Promo 2"), ("Дело", "Тело"),
    ])
  func different(a: String, b: String) {
    #expect(Label.folded(a) != Label.folded(b))
  }

  @Test("folding twice changes nothing")
  func idempotent() {
    var random = Seeded("Label")
    for _ in 0..<2000 {
      let text = random.text()
      #expect(Label.folded(Label.folded(text)) == Label.folded(text))
    }
    // Every letter of the Latin blocks, alone and before another.
    for value in 0xA0...0x24F as ClosedRange<UInt32> {
      guard let scalar = UnicodeScalar(value) else { continue }
      let folded = Label.folded("x\(scalar)x")
      #expect(Label.folded(folded) == folded)
    }
  }

  @Test("the nearest name is suggested, a far one isn't")
  func suggestions() {
    let names = ["title", "stage", "status", "owner", "organization"]
    #expect(Suggestion.nearest(to: "titel", among: names) == "title")
    #expect(Suggestion.nearest(to: "Organisation", among: names) == "organization")
    #expect(Suggestion.nearest(to: "statsu", among: names) == "status")
    #expect(Suggestion.nearest(to: "promo", among: names) == nil)
    #expect(Suggestion.nearest(to: "", among: names) == nil)
    #expect(Suggestion.nearest(to: "x", among: []) == nil)
    #expect(Suggestion.nearest(to: String(repeating: "x", count: 100_000), among: names) == nil)
  }

  @Test(
    "all the words of the office mean one status (ALT-03)",
    arguments: [
      ("Conclue", DealStatus.won), ("conclue", .won), ("conclu", .won), ("won", .won),
      ("gagné", .won), ("GAGNÉE", .won),
      ("perdu", .lost), ("Perdue", .lost), ("lost", .lost), ("open", .open), ("Ouverte", .open),
    ])
  func statuses(word: String, status: DealStatus) throws {
    #expect(try DealStatus(word: word) == status)
  }

  @Test("an unknown status word is an error that lists the statuses (ALT-03)")
  func unknownStatus() {
    let text = message { try DealStatus(word: "abandonné") }
    #expect(
      text.contains("abandonné") && text.contains("won") && text.contains("lost")
        && text.contains("open"))
  }
}
