import CRM
import Foundation
import TestSupport
import Testing

/// One group training from proposal to won, and every paper that came of it, read back from its PDF.
@Suite("The papers of a group training")
struct GroupTrainingTests {
  /// What pdftotext reads, blanks and line breaks as one blank each.
  private func text(_ pdf: URL) throws -> String {
    let outcome = try Running("/usr/bin/pdftotext", ["-enc", "UTF-8", pdf.path, "-"], in: pdf.deletingLastPathComponent())
      .wait()
    try #require(outcome.status == 0, "\(outcome)")
    return Self.plain(outcome.out)
  }

  private static func plain(_ text: String) -> String {
    text.split { $0.isWhitespace || $0 == "\u{202F}" || $0 == "\u{A0}" }.joined(separator: " ")
  }

  private static let days = ["3 novembre 2026", "1er décembre 2026", "12 janvier 2027", "9 mars 2027", "28 mai 2027"]
  /// As they stand in the names of files, which so are in their order.
  private static let dates = ["2026-11-03", "2026-12-01", "2027-01-12", "2027-03-09", "2027-05-28"]
  private static let participants = ["Jérémy Brunet", "Solène Picard", "Mehdi Aouad"]

  @Test(
    "ALT-34, ALT-102 to ALT-110, ALT-114 to ALT-120, ALT-146: the tree of folders, and every value in its paper, as pdftotext reads it"
  )
  func groupTraining() throws {
    let workspace = try Workspace(.altitude)
    try workspace.did("deals", "move", "groupe", "Créer documents")
    try workspace.did("deals", "move", "groupe", "Envoyer en signature")
    try workspace.did("signatures", "sign", "1")
    #expect(try workspace.deal("groupe").text("stage") == "Confirmé")
    try workspace.did("deals", "win", "groupe")

    let client = "drive/Clients/Brunet Jérémy"
    let sheets = Self.participants.flatMap { name in Self.dates.map { "Feuille de présence – EDLC – \(name) – \($0)" } }
    let certificates = Self.participants.flatMap {
      ["Attestation de fin de formation – EDLC – \($0)", "Certificat de réalisation – EDLC – \($0)"]
    }
    let generated = ["Convention de formation professionnelle – EDLC", "Programme de formation – EDLC"]
    let number = try #require(try workspace.deal("groupe").text("quote_number"))
    let found = try #require(FileManager.default.enumerator(atPath: workspace.root.appendingPathComponent(client).path))
      .allObjects.compactMap { $0 as? String }
    #expect(
      Set(found)
        == Set(
          ["Documents générés", "Fin", "Documents signés – EDLC pour ACME.pdf", "Documents générés/Devis \(number).pdf"]
            + generated.map { "Documents générés/\($0).html" }
            + (sheets + certificates + ["Fiche d’évaluation – EDLC"]).map { "Fin/\($0).html" }))

    try workspace.did("documents", "pdf", "--deal", "groupe", "--to", "papers")
    func paper(_ name: String) throws -> String {
      try text(workspace.root.appendingPathComponent("papers/\(name).pdf"))
    }
    func check(_ name: String, holds values: [String]) throws {
      let text = try paper(name)
      for value in values { #expect(text.contains(Self.plain(value)), "\(value) is not in \(name): \(text)") }
    }
    let quote = [
      number, "OPCA Horizon", "9 rue de la Bourse", "69002 Lyon", "006 402 184 00011", "Étienne Vial", "EDLC", "1 800,00 €",
      "10 %", "0 %", "4 860,00 €", "Altitude", "001 382 043 00014", "FR70001382043", "30 jours", "261-4-4° a", "40 €",
      "Bon pour accord",
    ]
    let convention =
      [
        "ACME", "1 rue des Tilleuls", "75011 Paris", "002 746 170 00014", "[EDLC_001]", "3 novembre 2026", "28 mai 2027",
        "Paris 11e", "49 h", "35 h", "7 h", "OPCA Horizon", "Étienne Vial", "Conduire une équipe", "82 38 00000 38", number,
        "4 860,00 €",
      ] + Self.participants + Self.days
    let programme = ["EDLC", "Conduire une équipe", "Réguler un conflit", "49 h", "35 h", "[EDLC_001]", "Responsables d’équipe"]
    try check("Devis \(number)", holds: quote)
    try check(generated[0], holds: convention)
    try check(generated[1], holds: programme)
    // ALT-125: quote, agreement, programme in this order, and the page of the signature behind them.
    let signed = try paper("Documents signés – EDLC pour ACME")
    let places = [number, "Convention de formation professionnelle", "Programme de formation", "Page de signature"].map {
      signed.range(of: $0)?.lowerBound
    }
    #expect(!places.contains(nil) && places.compactMap { $0 } == places.compactMap { $0 }.sorted())
    try check(
      "Documents signés – EDLC pour ACME", holds: quote + convention + programme + ["Jérémy Brunet", "j.brunet@acme.example"])
    for name in Self.participants {
      for (date, day) in zip(Self.dates, Self.days) {
        try check(
          "Feuille de présence – EDLC – \(name) – \(date)", holds: [name, day, "EDLC", "ACME", "Paris 11e", "[EDLC_001]", "49 h"])
      }
      let common = [name, "EDLC", "ACME", "3 novembre 2026", "28 mai 2027", "49", "Altitude", "Roxane Thévenaz"]
      try check("Attestation de fin de formation – EDLC – \(name)", holds: common + ["Conduire une équipe"])
      try check("Certificat de réalisation – EDLC – \(name)", holds: common + ["001 382 043 00014"])
    }
    try check("Fiche d’évaluation – EDLC", holds: ["EDLC", "[EDLC_001]", "3 novembre 2026"])
  }

  @Test("ALT-46, ALT-125: a document that was corrected by hand is what the client signs")
  func corrected() throws {
    let workspace = try Workspace(.altitude)
    try workspace.did("deals", "move", "groupe", "Créer documents")
    let path = "drive/Clients/Brunet Jérémy/Documents générés/Convention de formation professionnelle – EDLC.html"
    let html = try workspace.read(path)
    #expect(html.contains("Paris 11e"))
    try workspace.write(path, html.replacingOccurrences(of: "Paris 11e", with: "Paris 12e, salle Iéna"))
    try workspace.did("deals", "move", "groupe", "Envoyer en signature")
    try workspace.did("signatures", "sign", "1")
    let signed = workspace.root.appendingPathComponent(
      "drive/Clients/Brunet Jérémy/Documents signés – EDLC pour ACME.pdf")
    #expect(try text(signed).contains("Paris 12e, salle Iéna"))
  }
}
