import Foundation
import Services
import TestSupport
import Testing

@Suite("HTML becomes a PDF")
struct PrintShopTests {
  let shop = PrintRoom.shared

  private static let twoPages = """
    <style>@page { size: A4; margin: 2cm } body { font-family: Inter } h2 { break-before: page }</style>
    <h1>Convention de formation</h1><p>L’œuvre coûte 1 234,50 €.</p><h2>Annexe</h2><p>Fin.</p>
    """

  @Test("the text is in it, and the pages are counted")
  func rendering() throws {
    let (bytes, pages) = try shop.pdf(html: Self.twoPages, name: "convention.html")
    #expect(pages == 2)
    #expect(bytes.starts(with: "%PDF-".utf8))
    let text = try poppler("pdftotext", [], bytes)
    #expect(text.contains("L’œuvre coûte 1 234,50 €."))
    #expect(text.contains("Annexe"))
  }

  @Test("the same HTML gives the same bytes, in another process too, and no date is in them")
  func determinism() throws {
    let first = try shop.pdf(html: Self.twoPages, name: "a").bytes
    let other = PrintShop(PrintRoom.location)
    defer { other.stop() }
    #expect(try other.pdf(html: Self.twoPages, name: "b").bytes == first)
    let parts = [(name: "a", bytes: first), (name: "b", bytes: first)]
    #expect(try shop.merge(parts).bytes == other.merge(parts).bytes)
    for pdf in [first, try shop.merge(parts).bytes] {
      #expect(try !poppler("pdfinfo", [], pdf).contains("Date"))
    }
  }

  @Test(
    "what is outside the document is refused by its name",
    arguments: [
      ("<img src='http://example.org/logo.png'>", "http://example.org/logo.png"),
      ("<img src='HTTPS://example.org/logo.png'>", "HTTPS://example.org/logo.png"),
      ("<img src='//example.org/logo.png'>", "https://example.org/logo.png"),
      ("<img src='file:///etc/passwd'>", "file:///etc/passwd"), ("<img src='/etc/passwd'>", "/etc/passwd"),
      ("<img src='logo.png'>", "logo.png"), ("<img src='../logo.png'>", "/logo.png"),
      ("<link rel=stylesheet href='style.css'>", "style.css"), ("<style>@import 'style.css';</style>", "style.css"),
      ("<style>p { background: url(bg.png) }</style><p>x", "bg.png"),
      ("<style>p::before { content: url(a.png) }</style><p>x", "a.png"),
      ("<style>@page { background: url(a.png) }</style><p>x", "a.png"),
      ("<style>@font-face { font-family: f; src: url(f.woff) } p { font-family: f }</style><p>x", "f.woff"),
      ("<svg width=9 height=9><image href='file:///etc/passwd' width=9 height=9 /></svg>", "file:///etc/passwd"),
      ("<object data='o.pdf'></object>", "o.pdf"), ("<base href='file:///etc/'><img src=passwd>", "file:///etc/"),
      ("<base href='javascript:x'><link rel=attachment href=/etc/passwd>", "javascript:x"),
      ("<link rel=attachment href='/etc/passwd'>", "/etc/passwd"),
      ("<a rel=attachment href='data:,x'>x</a>", "data:,x"),
      ("<a href='autre.html'>x</a>", "autre.html"),
    ])
  func outside(html: String, url: String) {
    let message = refusal { _ = try shop.pdf(html: html, name: "templates/convention.html") }
    #expect(message.hasPrefix("templates/convention.html: it "))
    #expect(message.contains("\"\(url)\""))
  }

  @Test("an image that can't be drawn is an error, not a gap")
  func damagedImage() {
    for image in [
      "data:image/png;base64,xxxx", "data:text/html,<p>",
      "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'><image href='/etc/passwd'/><broken",
    ] {
      #expect(refusal { _ = try shop.pdf(html: "<img src=\"\(image)\">", name: "a") }.contains("image can't be drawn"))
    }
  }

  @Test("images and links that are in the document are there; scripts are not executed, NUL bytes do no harm")
  func inside() throws {
    let dot =
      "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    let (bytes, pages) = try shop.pdf(
      html: "<img src='data:image/png;base64,\(dot)'><a href='https://example.org/'>a\0b</a>"
        + "<script>while (1) {}</script>", name: "a")
    #expect(pages == 1)
    #expect(try poppler("pdfimages", ["-list"], bytes).contains("image"))
    #expect(try !poppler("pdftotext", [], bytes).contains("while"))
  }

  @Test("empty HTML is an empty page")
  func empty() throws {
    #expect(try shop.pdf(html: "", name: "a").pages == 1)
  }

  @Test("too much HTML and endless nesting are refused, and the press goes on")
  func hostile() throws {
    let long = refusal { _ = try shop.pdf(html: String(repeating: "<p>x", count: 2_600_000), name: "long.html") }
    #expect(long.contains("long.html") && long.contains("10.4 MB"))
    for piece in ["<div>", "<table><tr><td>", "<ul><li>"] {
      let deep = refusal { _ = try shop.pdf(html: String(repeating: piece, count: 600), name: "deep.html") }
      #expect(deep.contains("deep.html: its elements are nested too deeply"))
    }
    let css = "<style>:root { --a: var(--b); --b: var(--a) } p { width: var(--a) }</style><p>x"
    #expect(try shop.pdf(html: css, name: "a").pages == 1)
  }

  @Test("several threads are served one after the other, each with its own PDF")
  func threads() throws {
    let shop = shop
    inParallel(4) { place in
      for turn in 0..<3 {
        let text = "thread\(place)turn\(turn)"
        let pdf = try? shop.pdf(html: "<p>\(text)</p>", name: text)
        #expect(pdf.flatMap { try? poppler("pdftotext", [], $0.bytes) }?.contains(text) == true)
      }
    }
  }
}

@Suite("Several PDFs become one")
struct MergeTests {
  let shop = PrintRoom.shared

  private func page(_ text: String) throws -> [UInt8] { try shop.pdf(html: "<p>\(text)</p>", name: text).bytes }

  @Test("in the order that they are given in, with all their pages")
  func order() throws {
    let two = try shop.pdf(html: "<p>devis</p><p style='break-before: page'>suite</p>", name: "a").bytes
    let merged = try shop.merge([("devis", two), ("convention", page("convention")), ("programme", page("programme"))])
    #expect(merged.pages == 4)
    let words = try poppler("pdftotext", [], merged.bytes).split(whereSeparator: \.isWhitespace)
    #expect(words == ["devis", "suite", "convention", "programme"])
    #expect(try shop.merge([("seul", page("seul"))]).pages == 1)
    #expect(refusal { _ = try shop.merge([]) } == "there is no PDF to merge")
  }

  @Test("a part that is empty, damaged or no PDF is named")
  func damaged() throws {
    let good = try shop.pdf(html: String(repeating: "<p>Bonjour</p>", count: 90), name: "a").bytes
    var torn = good
    for place in 3000..<3500 { torn[place] = 0xFF }
    for (part, words) in [
      ([], "is empty"), (Array("<html>".utf8), "no PDF"), (Array(good.dropLast(100)), "damaged"),
      (Array(good.prefix(3000)), "damaged"), (torn, "damaged"), ([UInt8](repeating: 0, count: 100_000), "no PDF"),
    ] {
      let message = refusal { _ = try shop.merge([("devis.pdf", good), ("D-2026-0001.pdf", part)]) }
      #expect(message.contains("\"D-2026-0001.pdf\""))
      #expect(message.contains(words))
    }
  }

  @Test("an encrypted part is named")
  func encrypted() throws {
    let folder = try TemporaryFolder()
    let good = try page("secret")
    try Data(good).write(to: URL(fileURLWithPath: folder.path("plain.pdf")))
    for user in ["", "u"] {
      let python = Process()
      python.executableURL = URL(fileURLWithPath: PrintRoom.location.python)
      python.arguments = [
        "-c",
        "import pikepdf, sys; pikepdf.open(sys.argv[1]).save(sys.argv[2], "
          + "encryption=pikepdf.Encryption(user=sys.argv[3], owner='o'))",
        folder.path("plain.pdf"), folder.path("secret.pdf"), user,
      ]
      try python.run()
      python.waitUntilExit()
      let secret = Array(try Data(contentsOf: URL(fileURLWithPath: folder.path("secret.pdf"))))
      let message = refusal { _ = try shop.merge([("a", good), ("secret.pdf", secret)]) }
      #expect(message.contains("\"secret.pdf\" is \(user.isEmpty ? "encrypted" : "protected by a password")"))
    }
  }
}
