import CRM
import Testing

@Suite("JSON")
struct JSONTests {
  @Test("documents are read with order and exact numbers kept")
  func reading() throws {
    let json = try JSON(
      parsing:
        #" {"b": [1, -2, 1.50, 1e3, 12345678901234567890, -9223372036854775808], "a": {"x": null, "y": true, "z": "é\n\u00e9\ud83d\ude00\/"}} "#
    )
    guard case .object(let members) = json else {
      Issue.record("no object")
      return
    }
    #expect(members.map(\.name) == ["b", "a"])
    #expect(
      json["b"]
        == .array([
          .integer(1), .integer(-2), .number("1.50"), .number("1e3"),
          .number("12345678901234567890"), .integer(.min),
        ]))
    #expect(json["a"]?["z"]?.stringValue == "é\né😀/")
    #expect(json["a"]?["y"]?.boolValue == true)
    #expect(json["a"]?["x"] == .null)
    #expect(json["c"] == nil)
    #expect(try JSON(parsing: "9223372036854775807") == .integer(.max))
    #expect(try JSON(parsing: "9223372036854775808") == .number("9223372036854775808"))
    #expect(try JSON(parsing: "-0") == .number("-0"))
    #expect(try JSON(parsing: "[]") == .array([]) && JSON(parsing: "{ }") == .object([]))
  }

  @Test(
    "everything RFC 8259 doesn't allow is refused",
    arguments: [
      "", " ", "{", "[", "[1,]", "{\"a\":1,}", "{a:1}", "{\"a\" 1}", "{\"a\":}", "[1 2]", "tru",
      "truex", "nul", "True", "01", "-", "-a",
      "1.", ".5", "1e", "1e+", "+1", "0x10", "NaN", "Infinity", "\"", "\"a", "\"\\", "\"\\x\"",
      "\"\\u12\"", "\"\\u12G4\"",
      "\"\\ud800\"", "\"\\ud800\\n\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"a\nb\"", "\"\t\"",
      "1 2", "[1]]", "// c\n1", "'a'",
      "\u{FEFF}1", "[1}", "{\"a\":1]", "--1", "1.e5",
    ])
  func refusing(text: String) {
    #expect(throws: JSONFault.self) { try JSON(parsing: text) }
  }

  @Test(
    "invalid UTF-8 is refused",
    arguments: [
      [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
      [0x22, 0xE2, 0x82, 0x22], [0x22, 0xF5, 0x80, 0x80, 0x80, 0x22],
      [0xFF], [0x22, 0x5C, 0x6E, 0xFF, 0x22],
    ] as [[UInt8]])
  func invalidUTF8(bytes: [UInt8]) {
    #expect(throws: JSONFault.self) { try JSON(parsing: bytes) }
  }

  @Test("a fault says line, column and path")
  func faults() throws {
    func fault(_ text: String) -> JSONFault? {
      do {
        _ = try JSON(parsing: text)
        return nil
      } catch { return error }
    }
    let found = try #require(
      fault("{\n  \"deals\": [\n    {\"title\": \"é\"},\n    {\"title\": oops}\n  ]\n}"))
    #expect(found.line == 4 && found.column == 15 && found.path == "deals[1].title")
    #expect(found.description.hasPrefix("line 4, column 15 (in deals[1].title): "))
    #expect(fault("[\"é\", x]")?.column == 7)
    let twice = try #require(fault("{\"a\": 1, \"a\": 2}"))
    #expect(twice.message.contains("twice") && twice.column == 10)
    #expect(fault("{\"a\": 1, \"\\u0061\": 2}")?.message.contains("twice") == true)
    let many = (0..<40).map { "\"k\($0)\": 0" }.joined(separator: ", ")
    #expect(fault("{\(many)}") == nil)
    for key in ["k0", "k15", "k16", "k39"] {
      #expect(
        fault("{\(many), \"\(key)\": 0}")?.message.contains("\"\(key)\" occurs twice") == true)
    }
  }

  @Test("nesting is limited")
  func depth() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    #expect(throws: Never.self) { try JSON(parsing: nested(64)) }
    #expect(message { try JSON(parsing: nested(65)) }.contains("deeper than 64"))
    #expect(
      message { try JSON(parsing: String(repeating: "{\"a\":", count: 100_000)) }.contains(
        "deeper than 64"))
    // Siblings don't add up.
    #expect(throws: Never.self) {
      try JSON(parsing: "[" + Array(repeating: "[[],{}]", count: 200).joined(separator: ",") + "]")
    }
  }

  @Test("text is written compactly or in lines, with the escapes that are needed")
  func writing() {
    let json = JSON.object([
      JSONMember("a", .array([.integer(1), .integer(-10), .integer(.min), .number("1.50")])),
      JSONMember("é\"\\\n\u{1}\u{1F}", .string("/\u{7F}")),
      JSONMember("empty", .array([.array([]), .object([])])),
    ])
    #expect(
      json.text() == #"{"a":[1,-10,-9223372036854775808,1.50],"é\"\\\n\u0001\u001f":"/"# + "\u{7F}"
        + #"","empty":[[],{}]}"#)
    #expect(
      JSON.object([JSONMember("a", .array([.null, .bool(false)]))]).text(pretty: true)
        == "{\n  \"a\": [\n    null,\n    false\n  ]\n}")
    for bad in ["abc", "", "1,2", "1 ", " 1", "[1]", "1]", "NaN", "01"] {
      #expect(JSON.number(bad).text() == JSON.string(bad).text())
    }
  }

  @Test("what is written is read back, compact and pretty, from text and from bytes")
  func roundTrip() throws {
    var random = Seeded("JSON")
    func any(_ depth: Int) -> JSON {
      switch Int.random(in: 0...(depth == 0 ? 4 : 6), using: &random) {
      case 0: return .null
      case 1: return .bool(.random(using: &random))
      case 2: return .integer(random.magnitude())
      case 3:
        return .number(
          ["1.50", "-0", "1e400", "0.1E-7", "123456789012345678901234567890"].randomElement(
            using: &random) ?? "1.5")
      case 4: return .string(random.text())
      case 5: return .array((0..<Int.random(in: 0...4, using: &random)).map { _ in any(depth - 1) })
      default:
        return .object(
          (0..<Int.random(in: 0...20, using: &random)).map {
            JSONMember("\($0)" + random.text(), any(depth - 1))
          })
      }
    }
    for _ in 0..<2000 {
      let json = any(3)
      #expect(try JSON(parsing: json.text()) == json)
      #expect(try JSON(parsing: json.text(pretty: true)) == json)
      #expect(try JSON(parsing: json.bytes()) == json)
      #expect(try json.bytes().withUnsafeBytes { try JSON(parsing: $0) } == json)
    }
  }

  @Test("no text whatever breaks the parser: mutated documents are read or refused")
  func mutations() {
    var random = Seeded("JSON mutations")
    let source = Array(
      #"{"a":[1,-2.5e3,"x\u00e9\ud83d\ude00",{"b":null,"c":[true,false]}],"d":"é"}"#.utf8)
    var refused = 0
    for _ in 0..<20_000 {
      var bytes = source
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        guard !bytes.isEmpty else { break }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0...2, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: place)
        default: bytes = Array(bytes[..<max(1, place)])
        }
      }
      do {
        let json = try JSON(parsing: bytes)
        #expect((try? JSON(parsing: json.bytes())) == json)
      } catch {
        refused += 1
      }
    }
    #expect(refused > 1000)
  }
}
