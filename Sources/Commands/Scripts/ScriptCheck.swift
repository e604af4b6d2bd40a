import CRM
import Scripting

/// Something that `check` found.
struct Finding: Sendable, Hashable {
  enum Weight: String, Sendable { case error, warning }

  var weight: Weight
  var file: String
  var line: Int?
  var message: String

  /// `scripts/x.lua:12: message`
  var words: String {
    let place = line.map { "\(file):\($0): " } ?? "\(file): "
    return message.hasPrefix("\(file):") ? message : place + message
  }

  var json: JSON {
    .object([
      JSONMember("weight", .string(weight.rawValue)), JSONMember("file", .string(file)),
      JSONMember("line", line.map { .integer(Int64($0)) } ?? .null), JSONMember("message", .string(message)),
    ])
  }
}

/// Reads scripts without running them: names that nothing defines, and stages that do not exist.
///
/// Scopes are not followed: a name that is local anywhere in a file counts as known in all of it. So what is
/// reported is certainly wrong, and a misspelt name that is a local elsewhere in the file is not found.
struct ScriptCheck {
  /// Lua's own names as far as scripts have them, and those of Coulisse.
  static let globals: Set<String> = [
    "assert", "collectgarbage", "error", "getmetatable", "ipairs", "load", "next", "pairs", "pcall", "print", "rawequal",
    "rawget", "rawlen", "rawset", "require", "select", "setmetatable", "tonumber", "tostring", "type", "xpcall", "_G",
    "_ENV", "_VERSION", "coroutine", "math", "os", "string", "table", "utf8",
    "on", "crm", "text", "settings", "seller", "reject", "warn", "wait", "wait_any", "sleep", "sleep_until", "money",
    "decimal", "date", "today", "now", "working_days",
  ]
  /// What test files have beside them.
  static let testGlobals: Set<String> = [
    "describe", "it", "before_each", "expect", "fixture", "move", "win", "lose", "reopen", "run", "retry", "clock",
    "sign", "decline", "view", "content", "engine", "sent",
  ]

  private static let keywords: Set<String> = [
    "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil", "not",
    "or", "repeat", "return", "then", "true", "until", "while",
  ]
  /// Functions whose first text is a stage's name.
  private static let stageFunctions: Set<String> = ["before_enter", "enter", "leave", "move_to", "reaches"]

  var knownGlobals: Set<String>
  /// As they are declared.
  var stages: [String]

  private let templates: [String]

  init(services: [ServiceDeclaration], stages: [String], templates: [String]) {
    knownGlobals = Self.globals.union(services.map(\.name))
    self.stages = stages
    self.templates = templates
  }

  func findings(in file: ScriptFile) -> [Finding] {
    let tokens = LuaScanner.tokens(of: file.text)
    let findings = unknownNames(tokens, file) + unknownStages(tokens, file) + unknownTemplates(tokens, file)
    return findings.sorted { ($0.line ?? 0) < ($1.line ?? 0) }
  }

  private typealias Tokens = [(token: LuaScanner.Token, line: Int)]

  private func unknownNames(_ tokens: Tokens, _ file: ScriptFile) -> [Finding] {
    let known = knownGlobals.union(locals(tokens))
    var seen: Set<String> = []
    var findings: [Finding] = []
    for (place, element) in tokens.enumerated() {
      guard case .name(let name) = element.token, !Self.keywords.contains(name), !known.contains(name) else { continue }
      let before = place > 0 ? tokens[place - 1].token : .sign("")
      let after = place + 1 < tokens.count ? tokens[place + 1].token : .sign("")
      // A field, a method, a label, an attribute of a local, or a key in a table.
      if [.sign("."), .sign(":"), .sign("::"), .name("goto")].contains(before) { continue }
      if after == .sign("="), [.sign("{"), .sign(","), .sign(";")].contains(before), isKey(place, tokens) { continue }
      guard seen.insert(name).inserted else { continue }
      let hint = Suggestion.nearest(to: name, among: known.sorted()).map { "; did you mean '\($0)'?" } ?? ""
      let assigned = after == .sign("=") || before == .name("function")
      let message = assigned
        ? "'\(name)' becomes a global here; write local before it"
        : "'\(name)' is neither a local nor known\(hint)"
      findings.append(Finding(weight: .error, file: file.path, line: element.line, message: message))
    }
    return findings
  }

  /// Whether the name at `place` is in the braces of a table, outside of any function in them.
  private func isKey(_ place: Int, _ tokens: Tokens) -> Bool {
    var depth = 0
    var place = place - 1
    while place >= 0 {
      switch tokens[place].token {
      case .sign(")"), .sign("]"), .sign("}"), .name("end"): depth += 1
      case .sign("("), .sign("["): if depth == 0 { return false } else { depth -= 1 }
      case .sign("{"): if depth == 0 { return true } else { depth -= 1 }
      case .name("function"), .name("if"), .name("do"): if depth == 0 { return false } else { depth -= 1 }
      default: break
      }
      place -= 1
    }
    return false
  }

  /// Names after `local` and `for`, and the parameters of functions, anywhere in the file.
  private func locals(_ tokens: Tokens) -> Set<String> {
    var names: Set<String> = []
    var place = 0
    while place < tokens.count {
      switch tokens[place].token {
      case .name("local"):
        if place + 1 < tokens.count, tokens[place + 1].token == .name("function") {
          place += 1
          if place + 1 < tokens.count, case .name(let name) = tokens[place + 1].token { names.insert(name) }
          continue
        }
        readNames(tokens, from: place + 1, into: &names)
      case .name("for"): readNames(tokens, from: place + 1, into: &names)
      case .name("function"):
        var open = place + 1
        while open < tokens.count, tokens[open].token != .sign("("), open < place + 12 { open += 1 }
        readNames(tokens, from: open + 1, into: &names)
        // A method's own receiver.
        if open - 2 > place, open < tokens.count, tokens[open - 2].token == .sign(":") { names.insert("self") }
      default: break
      }
      place += 1
    }
    return names
  }

  /// A list of names with commas; `<const>` may stand behind each.
  private func readNames(_ tokens: Tokens, from start: Int, into names: inout Set<String>) {
    var place = start
    while place < tokens.count, case .name(let name) = tokens[place].token, !Self.keywords.contains(name) {
      names.insert(name)
      place += 1
      if place + 2 < tokens.count, tokens[place].token == .sign("<") { place += 3 }
      guard place < tokens.count, tokens[place].token == .sign(",") else { return }
      place += 1
    }
  }

  private func unknownStages(_ tokens: Tokens, _ file: ScriptFile) -> [Finding] {
    let known = Set(stages.map(Label.folded))
    var findings: [Finding] = []
    for (place, element) in tokens.enumerated() {
      guard case .name(let function) = element.token else { continue }
      var next = place + 1
      if next < tokens.count, tokens[next].token == .sign("(") { next += 1 }
      let isCall = Self.stageFunctions.contains(function) && place > 0
        && [.sign("."), .sign(":")].contains(tokens[place - 1].token)
      // crm.deals { stage = "…" } and { from = "…" }.
      let isField = (function == "stage" || function == "from") && next < tokens.count && tokens[next].token == .sign("=")
      if isField { next += 1 }
      guard isCall || isField, next < tokens.count, case .string(let name) = tokens[next].token, !name.contains("\\"),
        !known.contains(Label.folded(name))
      else { continue }
      let hint = Suggestion.nearest(to: name, among: stages).map { "; did you mean \"\($0)\"?" } ?? ""
      findings.append(
        Finding(
          weight: .warning, file: file.path, line: tokens[next].line, message: "there is no stage \"\(name)\"\(hint)"))
    }
    return findings
  }

  /// `documents.generate("…"`, where the name is written out.
  private func unknownTemplates(_ tokens: Tokens, _ file: ScriptFile) -> [Finding] {
    let call: [LuaScanner.Token] = [.name("documents"), .sign("."), .name("generate"), .sign("(")]
    return tokens.indices.compactMap { place in
      guard place + call.count < tokens.count,
        call.indices.allSatisfy({ tokens[place + $0].token == call[$0] }),
        case .string(let name) = tokens[place + call.count].token, !name.contains("\\"), !templates.contains(name)
      else { return nil }
      let hint = Suggestion.nearest(to: name, among: templates).map { "; did you mean \"\($0)\"?" } ?? ""
      return Finding(
        weight: .warning, file: file.path, line: tokens[place + call.count].line,
        message: "there is no templates/\(name).html\(hint)")
    }
  }
}
