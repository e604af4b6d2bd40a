import Foundation
import Services
import TestSupport
import Testing

@Suite("Names of folders and documents in the drive (ALT-115)")
struct DriveNameTests {
  private func name(_ text: String, _ ext: String = "") -> String {
    DriveName(text, extension: ext, fallback: "Client").text
  }

  @Test(
    "A client's name stays readable",
    arguments: [
      "Noémie d’Arc", "Jérémy Brunet", "O'Neill Séan", "Jean-Pierre", "Müller & Söhne", "李 小龙", "محمد علي", "דנה כהן",
      "Zoé 🌻", "👩‍👩‍👧‍👦", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "नमस्ते", "می‌خواهم", "Dr. Dupont", "A (2)", "Convention 3 % – été",
    ])
  func kept(text: String) {
    #expect(Array(name(text).utf8) == Array(text.precomposedStringWithCanonicalMapping.utf8))
  }

  @Test(
    "What no file system or synchronization takes is replaced",
    arguments: [
      ("Dupont/Martin", "Dupont-Martin"), ("a\\b", "a-b"), ("12:30", "12-30"), ("../../etc/passwd", "etc-passwd"),
      ("<Jean> \"Jo\" ?*|", "Jean Jo"), ("a\u{0}b", "ab"), ("ligne\nsuivante\tfin", "ligne suivante fin"),
      ("  Dupont . ", "Dupont"), (".cachée", "cachée"), ("Dupont.", "Dupont"), ("a \u{A0} \u{3000}b", "a b"),
      ("Noe\u{301}mie", "Noémie"), ("photo\u{202E}gpj.exe", "photogpj.exe"), ("\u{200F}דנה\u{200E}", "דנה"),
      ("Du\u{200B}po\u{AD}nt\u{FEFF}", "Dupont"), ("Dupont\u{200D}", "Dupont"), ("\u{85}x\u{2028}y", "x y"),
    ])
  func replaced(text: String, expected: String) {
    #expect(Array(name(text).utf8) == Array(expected.utf8))
  }

  @Test(
    "A name is never empty nor a way up: the caller's word stands in",
    arguments: [
      "", " ", ".", "..", "...", "/", "///", "<>?*", "\u{0}", "\n", "\u{202E}", "\u{200D}", "\u{FE0F}", "\u{3164}",
      "- -",
    ])
  func fallback(text: String) {
    #expect(name(text) == "Client")
    #expect(DriveName(text, fallback: text).text == "_")
  }

  @Test(
    "Names of Windows devices are put aside",
    arguments: [
      ("CON", "CON_"), ("nul", "nul_"), ("Com1", "Com1_"), ("LPT9.txt", "LPT9_.txt"), ("aux.tar.gz", "aux_.tar.gz"),
      ("COM²", "COM²_"), ("NUL .x", "NUL_ .x"), ("CONIN$", "CONIN$_"), ("Connie", "Connie"), ("COM", "COM"),
      ("COM10", "COM10"), ("Nulle", "Nulle"),
    ])
  func devices(text: String, expected: String) {
    #expect(name(text) == expected)
  }

  @Test("An extension is kept, with a name that a device could have, and when the name is too long")
  func extensions() {
    #expect(name("Convention", "pdf") == "Convention.pdf")
    #expect(name("Convention.", ".pdf") == "Convention.pdf")
    #expect(name("NUL", "pdf") == "NUL_.pdf")
    #expect(name("x", "p/d\u{0}f é") == "x.pdf")
    let long = name(String(repeating: "é", count: 500), "pdf")
    #expect(long.hasSuffix("é.pdf"))
    #expect(long.count <= DriveName.characterLimit && long.utf8.count <= DriveName.byteLimit)
  }

  @Test("A name too long is cut between two characters, whatever they are made of")
  func cutting() throws {
    let family = "👩‍👩‍👧‍👦"
    let families = name(String(repeating: family, count: 100))
    #expect(families.allSatisfy { $0 == Character(family) })
    #expect(families.utf8.count <= DriveName.byteLimit && families.count == 9)
    #expect(name(String(repeating: "x", count: 200)).count == 113)
    // Cut behind a word: no blank stays at the end.
    #expect(name(String(repeating: "a", count: 112) + " bcd") == String(repeating: "a", count: 112))
    let marked = name("Z" + String(repeating: "\u{335}", count: 1000))
    #expect(marked.hasPrefix("Z") == false && marked.unicodeScalars.first == "Z")
    #expect(marked.utf8.count <= DriveName.byteLimit)
  }

  @Test("Any text gives a good name, and a name made of a name is that name")
  func properties() {
    var random = SeededText(seed: testSeed("Drive names"))
    let forbidden: Set<UnicodeScalar> = ["/", "\\", "<", ">", ":", "\"", "|", "?", "*", "\u{0}"]
    for _ in 0..<4000 {
      let text = random.text([SeededText.letters, SeededText.signs, SeededText.controls, SeededText.words])
      let ext = ["", "pdf", "docx"].randomElement(using: &random) ?? ""
      let made = DriveName(text, extension: ext, fallback: "Client")
      for candidate in [made, made.numbered(2), made.numbered(1_000_000)] {
        let whole = candidate.text
        let scalars = Array(whole.unicodeScalars)
        #expect(!whole.isEmpty && whole.count <= 120 && whole.utf8.count <= 255, "\(text.debugDescription)")
        #expect(
          Array(whole.precomposedStringWithCanonicalMapping.utf8) == Array(whole.utf8), "\(text.debugDescription)")
        #expect(!scalars.contains { forbidden.contains($0) || $0.properties.isBidiControl })
        #expect(!scalars.contains { $0.properties.generalCategory == .control })
        #expect(![" ", "."].contains(scalars.first) && ![" ", "."].contains(scalars.last), "\(text.debugDescription)")
        let again = DriveName(candidate.stem, extension: ext, fallback: "Client")
        if candidate == made { #expect(again == made, "\(text.debugDescription)") }
      }
      let folder = DriveName(text, fallback: "Client")
      #expect(DriveName(folder.text, fallback: "Client") == folder, "\(text.debugDescription)")
      #expect(DriveName(text, fallback: "Client") == folder)
    }
  }

  @Test("Two names are the same folder where case, composition and invisible characters don't count")
  func sameness() {
    #expect(DriveName.areSame("Dupont Noémie", "DUPONT noe\u{301}mie"))
    #expect(DriveName.areSame("Straße", "STRASSE"))
    #expect(DriveName.areSame("ΣΟΦΟΣ", "σοφος") && DriveName.areSame("σοφος", "σοφοσ"))
    #expect(DriveName.areSame("Du\u{200B}pont", "Dupont"))
    #expect(!DriveName.areSame("René", "Rene"))
    #expect(!DriveName.areSame("d'Arc", "d’Arc"))
    #expect(!DriveName.areSame("Dupont", "Dupond"))
  }

  @Test("Same name (ALT-116): each number gives another name, and a long one makes room for it")
  func numbered() {
    #expect(DriveName("Dupont Jean", fallback: "Client").numbered(3).text == "Dupont Jean (3)")
    #expect(DriveName("Devis", extension: "pdf", fallback: "Document").numbered(2).text == "Devis (2).pdf")
    let long = DriveName(String(repeating: "é", count: 300), extension: "pdf", fallback: "Document")
    let taken = [long.text] + (2...30).map { long.numbered($0).text }
    #expect(Set(taken).count == 30)
    #expect(taken.allSatisfy { $0.count <= 120 && $0.utf8.count <= 255 })
  }
}
