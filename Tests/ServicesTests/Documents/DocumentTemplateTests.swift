import CRM
import Services
import TestSupport
import Testing

@Suite("A template becomes a document")
struct DocumentTemplateTests {
  private static let deal = Value.object([
    ValueField("title", .text("L’œuvre <de> \"R&D\"")),
    ValueField("value", .money(Money(cents: 123_450, currency: .eur))),
    ValueField("start_date", CalendarDay(daysSinceEpoch: 20_760).map { .day($0) } ?? .null),
    ValueField("opca_name", .null), ValueField("place", .text("  \n")), ValueField("promo", .text("EDLC_001")),
    ValueField("hours", .decimal(ExactDecimal(millionths: 1_500_000))), ValueField("remote", .boolean(false)),
    ValueField("in_person", .boolean(true)), ValueField("person", .null),
    ValueField(
      "address", .address(Address(street: "12 rue des Cimes\nBât. B", postalCode: "38000", city: "Grenoble"))),
    ValueField(
      "lines",
      .list([
        .object([ValueField("label", .text("Formation")), ValueField("note", .text("a"))]),
        .object([ValueField("label", .text("Accueil")), ValueField("note", .null)]),
      ])),
    ValueField("trainees", .list([.text("Ada"), .text("Léa")])), ValueField("files", .list([])),
    ValueField("owner", .record(RecordRef(.user, 1))),
  ])
  private static let data = Value.object([
    ValueField("deal", deal), ValueField("seller", .object([ValueField("name", .text("Altitude"))])),
  ])

  private func render(_ text: String, _ data: Value = data) throws -> String {
    try DocumentTemplate(name: "t.html", text: text).render(data)
  }

  private func fault(_ text: String, _ data: Value = data) -> String { refusal { _ = try render(text, data) } }

  @Test(
    "placeholders show values as French does, escaped",
    arguments: [
      ("<p>{{deal.title}}</p>", "<p>L’œuvre &lt;de&gt; &quot;R&amp;D&quot;</p>"),
      ("{{ deal.value }}", "1\u{202F}234,50\u{A0}€"), ("{{deal.start_date}}", "3 novembre 2026"),
      ("{{deal.hours}} {{deal.remote}} {{deal.in_person}}", "1,5 non oui"), ("{{deal.trainees}}", "Ada, Léa"),
      ("{{deal.address}}", "12 rue des Cimes\nBât. B\n38000 Grenoble"), ("{{deal.address.city}}", "Grenoble"),
      ("{{! {{deal.nothing \n}}é{{deal.promo}}", "éEDLC_001"), ("a { b } }} {c", "a { b } }} {c"), ("", ""),
    ])
  func values(template: String, html: String) throws {
    #expect(try render(template) == html)
  }

  @Test(
    "sections are there when there is something, their opposites when there is nothing",
    arguments: [
      ("{{#deal.opca_name}}x{{deal.opca_name}}{{/deal.opca_name}}{{^deal.opca_name}}none{{/deal.opca_name}}", "none"),
      ("{{#deal.place}}x{{/deal.place}}{{^deal.place}}none{{/deal.place}}", "none"),
      ("{{#deal.files}}x{{/deal.files}}{{^deal.files}}none{{/deal.files}}", "none"),
      ("{{#deal.remote}}x{{/deal.remote}}{{^deal.remote}}none{{/deal.remote}}", "none"),
      ("{{#deal.person}}{{name}}{{#more}}{{x.y}}{{/more}}{{/deal.person}}.", "."),
      ("{{#deal.in_person}}{{deal.promo}}{{/deal.in_person}}{{^deal.in_person}}x{{/deal.in_person}}", "EDLC_001"),
      ("{{#deal.promo}}[{{.}}]{{/deal.promo}}{{^deal.promo}}{{deal.opca_name}}{{/deal.promo}}", "[EDLC_001]"),
      ("{{#deal.lines}}{{label}};{{/deal.lines}}", "Formation;Accueil;"),
      ("{{#deal.trainees}}<li>{{.}}{{/deal.trainees}}", "<li>Ada<li>Léa"),
      ("{{#deal}}{{promo}} {{seller.name}}{{/deal}}", "EDLC_001 Altitude"),
      ("{{#deal.lines}}{{label}} {{seller.name}} {{deal.promo}}\n{{/deal.lines}}",
        "Formation Altitude EDLC_001\nAccueil Altitude EDLC_001\n"),
      ("{{#deal.lines}}{{#note}}{{.}}{{/note}}{{^note}}-{{/note}}{{/deal.lines}}", "a-"),
      ("{{#deal.address.lines}}{{.}}<br>{{/deal.address.lines}}", "12 rue des Cimes<br>Bât. B<br>38000 Grenoble<br>"),
      ("<ul>\n  {{#deal.trainees}}\n  <li>{{.}}</li>\n  {{/deal.trainees}}\n</ul>",
        "<ul>\n  <li>Ada</li>\n  <li>Léa</li>\n</ul>"),
    ])
  func sections(template: String, html: String) throws {
    #expect(try render(template) == html)
  }

  @Test("all placeholders that are unknown or have no value are told at once, with their lines")
  func faults() throws {
    let message = fault(
      """
      <h1>{{deal.title}}</h1>
      <p>{{deal.opca_name}}
      {{deal.start_dat}} {{deal.place}}
      {{#deal.lines}}{{label}}: {{note}} {{lable}}{{/deal.lines}}
      {{#sellers}}x{{/sellers}}{{^dael}}x{{/dael}}
      {{deal.files}} {{deal.person.name}} {{deal}} {{deal.owner}} {{deal.promo.x}}
      {{deal.opca_name}}
      """)
    #expect(
      message.split(separator: "; ", omittingEmptySubsequences: false).filter { !$0.hasPrefix("did you mean") } == [
        "t.html:2: {{deal.opca_name}} has no value", "t.html:3: {{deal.start_dat}} is unknown: there is no 'start_dat'",
        "t.html:3: {{deal.place}} has no value", "t.html:4: {{note}} has no value",
        "t.html:4: {{lable}} is unknown: there is no 'lable'",
        "t.html:5: {{#sellers}} is unknown: there is no 'sellers'",
        "t.html:5: {{^dael}} is unknown: there is no 'dael'", "t.html:6: {{deal.files}} has no value",
        "t.html:6: {{deal.person.name}} has no value",
        "t.html:6: {{deal}} is not a single value", "name one of its fields",
        "t.html:6: {{deal.owner}} is not a single value", "name one of its fields",
        "t.html:6: {{deal.promo.x}} is unknown: there is no 'x'", "t.html:7: {{deal.opca_name}} has no value",
      ])
    #expect(message.contains("did you mean 'start_date'?"))
    #expect(message.contains("did you mean 'label'?"))
  }

  @Test("in a section that is left out a misspelt name is found all the same, a missing value is none")
  func leftOut() throws {
    #expect(try render("{{#deal.opca_name}}{{deal.place}} {{label}} {{opca.siret}}{{/deal.opca_name}}") == "")
    let misspelt = fault("{{#deal.opca_name}}\n{{deal.opca_sirte}}{{/deal.opca_name}}")
    #expect(misspelt.hasPrefix("t.html:2: {{deal.opca_sirte}}"))
    #expect(fault("{{#deal.remote}}{{nobody}}{{/deal.remote}}").contains("{{nobody}} is unknown"))
    #expect(fault("{{^deal.promo}}{{nobody}}{{/deal.promo}}").contains("{{nobody}} is unknown"))
    #expect(try render("{{^deal.promo}}{{#deal.lines}}{{label}}{{/deal.lines}}{{/deal.promo}}") == "")
  }

  @Test(
    "what is no template says where",
    arguments: [
      ("a\n{{#deal}}\nb", "t.html:2: {{#deal}} is not closed"), ("a\r\n\r\n{{/deal}}", "t.html:3: {{/deal}} closes"),
      ("{{#a}}\n{{#b}}{{/a}}{{/b}}", "t.html:2: {{/a}} stands where {{#b}} of line 2"),
      ("{{a", "t.html:1: a tag begins"),
      ("\n{{a b}}", "t.html:2: expected a name"), ("{{}}", "expected a name"), ("{{ # a}}", "expected a name"),
      ("{{a..b}}", "expected a name"), ("{{.a}}", "expected a name"), ("{{upper(a)}}", "expected a name"),
      ("{{é}}", "expected a name"), ("{{{a}}}", "two braces"), ("{{&a}}", "two braces"), ("{{>a}}", "include"),
      ("{{<a}}{{$b}}x{{/b}}{{/a}}", "include"), ("{{$b}}x{{/b}}", "include"), ("{{=<% %>=}}", "delimiters"),
      ("{{% CONTENT_TYPE: TEXT}}", "content"), ("{{!", "a tag begins"), ("{{", "a tag begins"), ("{{{", "two braces"),
      (String(repeating: "{{#a}}", count: 10_000), "more than 32 deep"),
    ])
  func syntax(template: String, words: String) {
    #expect(refusal { _ = try DocumentTemplate(name: "t.html", text: template) }.contains(words))
  }

  @Test("the names that a template needs are known before it is filled")
  func identifiers() throws {
    let template = try DocumentTemplate(
      name: "t",
      text: "{{deal.title}}{{! no.thing }}{{#deal.lines}}{{label}}{{.}}{{/deal.lines}}{{^seller}}{{/seller}}")
    #expect(template.identifiers == ["deal", "title", "lines", "label", "seller"])
  }

  @Test("no character of a value escapes escaping")
  func escaping() throws {
    let data = Value.object([ValueField("x", .text("\"\u{301} onclick='y' <\u{301}b>&\u{301}\0</script>{{y}}"))])
    #expect(
      try render("<a title=\"{{x}}\">", data)
        == "<a title=\"&quot;\u{301} onclick=&#39;y&#39; &lt;\u{301}b&gt;&amp;\u{301}\0&lt;/script&gt;{{y}}\">")
  }

  @Test("a document that would never end is refused")
  func tooLarge() {
    let items = Value.list((0..<200).map { .object([ValueField("n", .integer($0))]) })
    let data = Value.object([ValueField("a", items)])
    let deep = String(repeating: "{{#a}}", count: 30) + "x" + String(repeating: "{{/a}}", count: 30)
    #expect(fault(deep, data).contains("million characters"))
    let wide = "{{#a}}{{#a}}{{#a}}{{#a}}" + String(repeating: "x", count: 10_000) + "{{/a}}{{/a}}{{/a}}{{/a}}"
    #expect(fault(wide, data).contains("million characters"))
    let values = String(repeating: "{{x}}", count: 10_000)
    let long = Value.object([ValueField("x", .text(String(repeating: "y", count: 10_000)))])
    #expect(fault(values, long).contains("million characters"))
    #expect(fault(String(repeating: "é", count: 4_000_001)).contains("at most 4000000"))
  }

  @Test("random templates of braces, signs and names end in HTML or in a failure, never in a crash")
  func random() throws {
    var random = SeededText(seed: testSeed("DocumentTemplateTests.random"))
    let pieces = [
      "{{", "}}", "{", "}", "#", "^", "/", "!", ">", "<", "$", "=", "&", "%", "deal", ".", "title", "lines", "promo",
      " ", "\n", "\r\n", "\u{301}", "(", ")", "{{#deal.lines}}", "{{/deal.lines}}", "{{#deal}}", "{{/deal}}",
      "{{label}}", "\0", "é", "t0", "{{.}}",
    ]
    var rendered = 0
    for _ in 0..<20_000 {
      let text = (0..<Int.random(in: 0...14, using: &random)).map { _ in
        pieces.randomElement(using: &random) ?? ""
      }.joined()
      let message = fault(text)
      if message.isEmpty { rendered += 1 }
      // Our scanner judges before the library does: none of the library's own words is seen.
      #expect(message.isEmpty || message.hasPrefix("t.html:"), "\(text.debugDescription): \(message)")
    }
    #expect(rendered > 0)
  }

  // MARK: Parts

  private func render(_ text: String, parts: [String: String], _ data: Value) throws -> String {
    var texts: [String: String] = [:]
    for (name, part) in parts { texts["parts/\(name)"] = part }
    return try DocumentTemplate(name: "t.html", text: text, parts: TemplateParts(of: texts)).render(data)
  }

  @Test("what several templates have in common stands in a part, whose tags mean what they would mean in its place")
  func parts() throws {
    let data = Value.object([
      ValueField("x", .text("a & b")), ValueField("list", .list([.text("1"), .text("2")])),
    ])
    #expect(
      try render(
        "<p>{{> head}}</p>{{#list}}{{> item}}{{/list}}", parts: ["head": "{{x}}{{> inner}}", "inner": "!", "item": "[{{.}}]"],
        data) == "<p>a &amp; b!</p>[1][2]")
  }

  @Test("Bad input: what is wrong in a part names the part and its line; a part that is missing, open or in a circle is refused")
  func badParts() {
    let data = Value.object([ValueField("x", .null), ValueField("list", .list([.text("1")]))])
    for (text, parts, words) in [
      ("\n\n{{> head}}", ["head": "\n{{x}}"], "templates/parts/head.html:2: {{x}} has no value"),
      ("\n{{> haed}}", ["head": ""], "t.html:2: {{> haed}} includes templates/parts/haed.html, which is not there; did you mean \"head\"?"),
      ("{{> a}}", ["a": "{{> b}}", "b": "\n{{> a}}"], "templates/parts/b.html:2: {{> a}}: parts include each other in a circle"),
      ("{{> a}}{{/list}}", ["a": "{{#list}}"], "templates/parts/a.html:1: {{#list}} is not closed"),
      ("{{#list}}{{> a}}", ["a": "{{/list}}"], "templates/parts/a.html:1: {{/list}} closes a section that was not opened in this part"),
      ("{{> a}}", ["a": String(repeating: "x", count: 4_000_001)], "at most 4000000 are allowed"),
    ] {
      #expect(refusal { _ = try render(text, parts: parts, data) }.contains(words), "\(text)")
    }
    // Each part of eight includes the next one ten times: refused by its size, not by waiting.
    var many: [String: String] = [:]
    for depth in 0..<8 { many["p\(depth)"] = String(repeating: "{{> p\(depth + 1)}}", count: 10) }
    many["p8"] = String(repeating: "x", count: 100)
    #expect(!refusal { _ = try render("{{> p0}}", parts: many, data) }.isEmpty)
  }
}
