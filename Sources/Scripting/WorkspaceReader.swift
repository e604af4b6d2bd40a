import CRM
import Foundation
import LuaKit

/// Reads `workspace.lua`: a Lua file that returns a table. It sees the sandboxed library and nothing of the CRM.
public enum WorkspaceReader {
  /// - Throws: `ScriptProblem`: a syntax error, an unknown key (it names the place and the known ones), a value of the
  ///   wrong type.
  public static func read(text: String, name: String) throws(ScriptProblem) -> WorkspaceDeclaration {
    do {
      let state = try LuaState(limits: LuaLimits())
      let main = try state.load(LuaSource(name: name, text: text))
      guard case .returned(let values) = try state.start(main), case .table(let table)? = values.first else {
        throw ValueFault("the file has to return a table: return { seller = { … }, pipelines = { … } }")
      }
      return try declaration(Section(table: table, path: ""))
    } catch let error as LuaError {
      throw ScriptProblem(file: name, line: error.line, message: error.message)
    } catch {
      let message = "\(error)"
      let line = line(of: message, in: text)
      throw ScriptProblem(file: name, line: line, message: "\(name):\(line.map { "\($0):" } ?? "") \(message)")
    }
  }

  /// The line that a message is about. A table has forgotten where its text stood, so the keys of the path that the
  /// message begins with ("fields.deal[2].type: …") are looked for one after the other.
  private static func line(of message: String, in text: String) -> Int? {
    guard let colon = message.firstIndex(of: ":") else { return nil }
    let path = message[..<colon]
    guard path.allSatisfy({ $0.isLetter || $0.isNumber || "_.[]".contains($0) }) else { return nil }
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    var (place, found): (Int, Int?) = (0, nil)
    for key in path.split(separator: ".").map({ $0.prefix { $0 != "[" } }) {
      guard let next = lines[place...].firstIndex(where: { assigns(key, $0) }) else { break }
      (place, found) = (next, next + 1)
    }
    return found
  }

  /// Whether a line holds `key =` or `["key"] =`, and not as the end of a longer name.
  private static func assigns(_ key: Substring, _ line: Substring) -> Bool {
    var rest = line
    if let comment = rest.range(of: "--") { rest = rest[..<comment.lowerBound] }
    while let place = rest.range(of: key) {
      let before = place.lowerBound == line.startIndex ? nil : line[line.index(before: place.lowerBound)]
      rest = rest[place.upperBound...]
      if before.map({ $0.isLetter || $0.isNumber || $0 == "_" }) == true { continue }
      if rest.drop(while: { " \t\"']".contains($0) }).first == "=" { return true }
    }
    return false
  }

  private static func declaration(_ root: Section) throws -> WorkspaceDeclaration {
    try root.allow([
      "seller", "currency", "time_zone", "pipelines", "fields", "system_users", "limits", "settings", "services",
      "retention", "calendar",
    ])
    var declaration = WorkspaceDeclaration()
    if let seller = try root.section("seller") { declaration.seller = try readSeller(seller) }
    if let code = try root.text("currency") { declaration.currency = try root.at("currency") { try Currency(code: code) } }
    if let zone = try root.text("time_zone") {
      guard TimeZone(identifier: zone) != nil else {
        throw ValueFault("time_zone: there is no time zone \"\(zone)\"; write it like \"Europe/Paris\"")
      }
      declaration.timeZone = zone
    }
    declaration.pipelines = try root.list("pipelines").map(readPipeline)
    if declaration.pipelines.isEmpty {
      throw ValueFault("pipelines: declare at least one, like { name = \"Ventes\", stages = { \"Qualifié\" } }")
    }
    if let fields = try root.section("fields") {
      for name in fields.names {
        guard let kind = RecordKind(rawValue: name), [.deal, .organization, .person, .product].contains(kind) else {
          throw ValueFault("fields.\(name): fields can be added to deal, organization, person and product")
        }
        declaration.customFields[kind] = try fields.list(name).map(readField)
      }
    }
    if let users = try root.section("system_users") {
      declaration.systemUsers = try users.names.map { SystemUser(account: $0, userKey: try users.required($0)) }
    }
    if let limits = try root.section("limits") { declaration.limits = try readLimits(limits) }
    if let calendar = try root.section("calendar") { declaration.workingDays = try readCalendar(calendar) }
    if let settings = try root.section("settings") { declaration.settings = try settings.plain() }
    if let services = try root.section("services") {
      for name in services.names {
        guard let service = try services.section(name) else { continue }
        if let calls = try service.section("calls") {
          declaration.callPolicies[name] = try readCalls(calls, declaration.limits.calls)
        }
        declaration.services[name] = try service.plain(except: "calls")
      }
    }
    if let retention = try root.section("retention") { declaration.retention = try readRetention(retention) }
    try declaration.check()
    return declaration
  }

  private static func readSeller(_ section: Section) throws -> Seller {
    // Any other key is the office's own, for its templates; one that is nearly a known one is a slip.
    let known = ["name", "address", "siret", "vat_number", "training_declaration"]
    let others = section.names.filter { !known.contains($0) }
    try section.allow(known + others.filter { Suggestion.nearest(to: $0, among: known) == nil })
    var seller = Seller()
    seller.name = try section.text("name") ?? ""
    func number(_ name: String) throws -> String {
      guard let text = try section.text(name), let field = RecordSchema.builtIn.field(.organization, name) else { return "" }
      return try section.at(name) {
        guard case .text(let number) = try RecordSchema.builtIn.check(.text(text), for: field, of: .organization) else {
          return ""
        }
        return number
      }
    }
    seller.siret = try number("siret")
    seller.vatNumber = try number("vat_number")
    seller.trainingDeclaration = try section.text("training_declaration") ?? ""
    seller.others = try others.map { ValueField($0, .text(try section.required($0))) }
    if let address = try section.section("address") {
      guard case .object(let fields) = try address.plain() else { return seller }
      seller.address = try section.at("address") { try Address(fields: fields) }
    }
    return seller
  }

  private static func readPipeline(_ section: Section) throws -> PipelineDefinition {
    try section.allow(["key", "name", "stages"])
    return PipelineDefinition(
      key: try section.text("key"), name: try section.required("name"), stages: try section.texts("stages"))
  }

  private static func readField(_ section: Section) throws -> FieldDefinition {
    try section.allow(["key", "label", "type", "filled_by", "required", "aliases", "options"])
    let key = try section.required("key")
    let word = try section.text("type") ?? "text"
    let type: FieldType
    switch word {
    case "choice": type = .choice(try section.texts("options"))
    case "date": type = .day
    case "time": type = .instant
    default:
      if let kind = RecordKind(rawValue: word), !kind.isLine {
        type = .record(kind)
      } else {
        type = try section.at("type") { try FieldType(word: word) }
      }
    }
    var filler = FieldFiller.any
    if let who = try section.text("filled_by") {
      guard let known = FieldFiller(rawValue: who) else {
        throw ValueFault("\(section.path).filled_by: \"person\", \"automation\" or \"any\" expected, found \"\(who)\"")
      }
      filler = known
    }
    return FieldDefinition(
      key: key, label: try section.text("label") ?? key, type: type, filler: filler,
      isRequired: try section.flag("required") ?? false, aliases: try section.texts("aliases"))
  }

  private static func readCalendar(_ section: Section) throws -> WorkingDays {
    try section.allow(["days_off", "alsace_moselle"])
    let daysOff = try section.texts("days_off").enumerated().map { place, text in
      try section.at("days_off[\(place + 1)]") { try CalendarDay(parsing: text) }
    }
    return WorkingDays(daysOff: Set(daysOff), alsaceMoselle: try section.flag("alsace_moselle") ?? false)
  }

  private static func readLimits(_ section: Section) throws -> WorkspaceLimits {
    try section.allow([
      "run_time", "memory", "host_calls", "instructions", "path_depth", "same_automation_on_path",
      "runs_from_origin", "retries", "calls",
    ])
    var limits = WorkspaceLimits()
    if let span = try section.span("run_time") { limits.runTime = span }
    if let count = try section.integer("memory") { limits.memoryMegabytes = count }
    if let count = try section.integer("host_calls") { limits.hostCalls = count }
    if let count = try section.integer("instructions") { limits.instructions = count }
    if let count = try section.integer("path_depth") { limits.pathDepth = count }
    if let count = try section.integer("same_automation_on_path") { limits.sameAutomationOnPath = count }
    if let count = try section.integer("runs_from_origin") { limits.runsFromOrigin = count }
    // Where it stood first; runs that are parked still have such a workspace.lua.
    if let count = try section.integer("retries") { limits.calls.retries = count }
    if let calls = try section.section("calls") { limits.calls = try readCalls(calls, limits.calls) }
    return limits
  }

  /// - Parameter all: what is not said here is as it is for all services.
  private static func readCalls(_ section: Section, _ all: CallPolicy) throws -> CallPolicy {
    try section.allow(CallPolicy.settings)
    var policy = all
    if let count = try section.integer("retries") { policy.retries = count }
    if let span = try section.span("backoff") { policy.backoff = span }
    if let span = try section.span("longest_backoff") { policy.longestBackoff = span }
    if let span = try section.span("timeout") { policy.timeout = span }
    if let count = try section.integer("at_once") { policy.atOnce = count }
    if let count = try section.integer("per_minute") { policy.perMinute = count }
    if let count = try section.integer("down_after") { policy.downAfter = count }
    return policy
  }

  private static func readRetention(_ section: Section) throws -> Retention {
    try section.allow(["age", "runs"])
    var retention = Retention()
    if let span = try section.span("age") { retention.age = span }
    if let count = try section.integer("runs") { retention.runs = count }
    return retention
  }
}

/// A table of `workspace.lua` and its place, for messages.
private struct Section {
  var table: LuaTable
  var path: String

  var names: [String] { table.fields.compactMap(\.key.text) }

  private func place(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

  func at<T>(_ name: String, _ body: () throws -> T) throws -> T {
    do { return try body() } catch let fault as ValueFault { throw ValueFault("\(place(name)): \(fault.message)") }
  }

  func allow(_ known: [String]) throws {
    for field in table.fields {
      let name = field.key.text ?? "?"
      if known.contains(name) { continue }
      let hint = Suggestion.nearest(to: name, among: known).map { "; did you mean '\($0)'?" } ?? "."
      let owner = path.isEmpty ? "workspace.lua" : path
      throw ValueFault(
        "\(place(name)): \(owner) has no key '\(name)'\(hint) The keys are \(known.joined(separator: ", "))")
    }
    if !table.sequence.isEmpty { throw ValueFault("\(path.isEmpty ? "the table" : path): values need names, like name = …") }
  }

  /// A name in a list would be passed over in silence, and so would what stands after a gap.
  func requireList() throws {
    guard let stray = table.fields.first else { return }
    let found = stray.key.text.map { "the name '\($0)'" } ?? "a gap in it"
    throw ValueFault("\(path): expected a list like { …, … }, found \(found)")
  }

  private func wrong(_ name: String, _ expected: String) -> ValueFault {
    ValueFault("\(place(name)): expected \(expected), found a \(table[name].typeName)")
  }

  func text(_ name: String) throws -> String? {
    switch table[name] {
    case .nil: return nil
    case .string(let string):
      guard let text = string.text else { throw wrong(name, "text in UTF-8") }
      return text
    default: throw wrong(name, "text in quotes")
    }
  }

  func required(_ name: String) throws -> String {
    guard let text = try text(name) else { throw ValueFault("\(place(name)): it is missing") }
    return text
  }

  func flag(_ name: String) throws -> Bool? {
    switch table[name] {
    case .nil: return nil
    case .boolean(let flag): return flag
    default: throw wrong(name, "true or false")
    }
  }

  func integer(_ name: String) throws -> Int? {
    switch table[name] {
    case .nil: return nil
    case .integer(let number): return Int(number)
    default: throw wrong(name, "a whole number")
    }
  }

  func span(_ name: String) throws -> TimeSpan? {
    guard let text = try text(name) else { return nil }
    return try at(name) { try TimeSpan(parsing: text) }
  }

  func section(_ name: String) throws -> Section? {
    switch table[name] {
    case .nil: return nil
    case .table(let inner): return Section(table: inner, path: place(name))
    default: throw wrong(name, "a table")
    }
  }

  func list(_ name: String) throws -> [Section] {
    guard let section = try section(name) else { return [] }
    try section.requireList()
    return try section.table.sequence.enumerated().map { index, value in
      guard case .table(let inner) = value else {
        throw ValueFault("\(place(name))[\(index + 1)]: expected a table, found a \(value.typeName)")
      }
      return Section(table: inner, path: "\(place(name))[\(index + 1)]")
    }
  }

  func texts(_ name: String) throws -> [String] {
    guard let section = try section(name) else { return [] }
    try section.requireList()
    return try section.table.sequence.enumerated().map { index, value in
      guard let text = value.text else {
        throw ValueFault("\(place(name))[\(index + 1)]: expected text, found a \(value.typeName)")
      }
      return text
    }
  }

  /// The table as a value: what scripts read as `settings`.
  func plain(except left: String? = nil) throws -> Value {
    if table.isEmpty { return .object([]) }
    guard let left, case .object(let fields) = try Self.plain(.table(table), path) else {
      return try Self.plain(.table(table), path)
    }
    return .object(fields.filter { $0.name != left })
  }

  private static func plain(_ lua: LuaValue, _ path: String) throws -> Value {
    switch lua {
    case .nil: return .null
    case .boolean(let flag): return .boolean(flag)
    case .integer(let number): return .integer(number)
    case .number(let number): return .number(number)
    case .string(let string):
      guard let text = string.text else { throw ValueFault("\(path): expected text in UTF-8") }
      return .text(text)
    case .table(let table):
      if table.fields.isEmpty {
        return .list(try table.sequence.enumerated().map { try plain($1, "\(path)[\($0 + 1)]") })
      }
      guard table.sequence.isEmpty else { throw ValueFault("\(path): a list or a table with names expected, found both") }
      return .object(
        try table.fields.map { field in
          guard let name = field.key.text else { throw ValueFault("\(path): expected names as keys") }
          return ValueField(name, try plain(field.value, "\(path).\(name)"))
        })
    case .function, .object:
      throw ValueFault("\(path): expected a value, found a \(lua.typeName)")
    }
  }
}
