import CRM

/// The reference of the API of scripts, for one workspace: its own fields and services beside what every workspace
/// has.
public enum APIReference {
  /// The reference page, in Markdown.
  public static func markdown(schema: RecordSchema, services: [ServiceDeclaration]) -> String {
    var page = Page()
    page.add("# What scripts can use", "")
    page.add("## Functions", "")
    for function in APITable.functions { page.add(function, called: function.name) }
    for module in APITable.modules {
      page.add("## `\(module.name)`", "", module.doc, "")
      for function in module.functions { page.add(function, called: "\(module.name).\(function.name)") }
    }
    page.add("## `seller` and `settings`", "")
    page.add("Whose workspace it is, and the free `settings` table of `workspace.lua`. Both can be read only.", "")
    page.addTable(APITable.sellerFields.map { ("seller.\($0.name)", $0.type, $0.doc) })
    for service in services {
      page.add("## `\(service.name)`", "")
      if !service.doc.isEmpty { page.add(service.doc, "") }
      for operation in service.operations {
        page.add(operation.documented, called: "\(service.name).\(operation.name)", note: operation.kind.note)
      }
    }
    page.add("## Records", "")
    page.add("A record is a handle: it shows the record as it is now. A field that can't be written says so.", "")
    for kind in RecordKind.allCases {
      page.add("### \(kind.rawValue)", "")
      page.addTable(schema.fields(of: kind).map { ($0.key, $0.type.luaType, $0.described) })
      for method in APITable.methods(of: kind) + services.methods(of: kind) {
        page.add(method, called: "\(kind.rawValue):\(method.name)")
      }
    }
    page.add("## Values", "")
    for type in APITable.types {
      page.add("### \(type.name)", "", type.doc, "")
      if !type.fields.isEmpty { page.addTable(type.fields.map { ($0.name, $0.type, $0.doc) }) }
      for method in type.methods { page.add(method, called: "\(type.name):\(method.name)") }
      if !type.operators.isEmpty {
        page.add("Operators: " + type.operators.map { "`\($0)`" }.joined(separator: ", ") + ".", "")
      }
    }
    return page.text
  }

  /// Definitions for the Lua language server (LuaCATS annotations): one file that editors read and nobody runs.
  public static func luaCATS(schema: RecordSchema, services: [ServiceDeclaration], settings: Value = .object([])) -> String {
    var page = Page()
    page.add("---@meta", "-- Written by `coulisse definitions`: what scripts of this workspace can use.", "")
    for type in APITable.types {
      page.addClass(type.name, doc: type.doc, fields: type.fields, operators: type.operators)
      for method in type.methods { page.addDefinition(method, called: "\(type.name):\(method.name)") }
    }
    for kind in RecordKind.allCases {
      let fields = schema.fields(of: kind).map { field in
        APIField(
          name: field.key, type: field.type.luaType + (field.isAlwaysThere ? "" : "?"), doc: field.described)
      }
      page.addClass(kind.rawValue, doc: "", fields: fields, operators: [])
      for method in APITable.methods(of: kind) + services.methods(of: kind) {
        page.addDefinition(method, called: "\(kind.rawValue):\(method.name)")
      }
    }
    for function in APITable.functions { page.addDefinition(function, called: function.name) }
    for module in APITable.modules {
      page.addModule(module.name, doc: module.doc, functions: module.functions)
    }
    for service in services {
      page.addModule(service.name, doc: service.doc, functions: service.operations.map(\.documented))
    }
    page.add("---@class seller")
    for field in APITable.sellerFields { page.add(field.annotation) }
    page.add("seller = {}", "", "---@class settings")
    if case .object(let fields) = settings {
      for field in fields where field.name.isLuaName { page.add("---@field \(field.name) \(field.value.luaType)") }
    }
    page.add("settings = {}")
    return page.text
  }
}

/// Lines of text that grow.
private struct Page {
  private var lines: [String] = []

  var text: String { lines.joined(separator: "\n") + "\n" }

  mutating func add(_ new: String...) { lines += new }

  // MARK: Markdown

  mutating func add(_ function: APIFunction, called name: String, note: String = "") {
    let parameters = function.parameters.map { $0.isOptional ? "[\($0.name)]" : $0.name }.joined(separator: ", ")
    let result = function.returns.map { " → \($0)" } ?? ""
    add("#### `\(name)(\(parameters))`\(result)", "")
    add([function.doc, note].filter { !$0.isEmpty }.joined(separator: " "), "")
    for parameter in function.parameters {
      add("- `\(parameter.name)`: \(parameter.type.inMarkdown)\(parameter.isOptional ? ", may be left out" : "")")
    }
    if !function.parameters.isEmpty { add("") }
  }

  mutating func addTable(_ rows: [(name: String, type: String, doc: String)]) {
    add("| name | type | |", "|---|---|---|")
    for row in rows { add("| `\(row.name)` | \(row.type.inMarkdown) | \(row.doc.inMarkdown) |") }
    add("")
  }

  // MARK: LuaCATS

  mutating func addClass(_ name: String, doc: String, fields: [APIField], operators: [String]) {
    if !doc.isEmpty { add("--- \(doc)") }
    add("---@class \(name)")
    for field in fields { add(field.annotation) }
    for line in operators { add("---@operator \(line)") }
    add("local \(name) = {}", "")
  }

  mutating func addModule(_ name: String, doc: String, functions: [APIFunction]) {
    if !doc.isEmpty { add("--- \(doc.onOneLine)") }
    add("---@class \(name)lib", "\(name) = {}", "")
    for function in functions { addDefinition(function, called: "\(name).\(function.name)") }
  }

  mutating func addDefinition(_ function: APIFunction, called name: String) {
    if !function.doc.isEmpty { add("--- \(function.doc.onOneLine)") }
    for parameter in function.parameters {
      add("---@param \(parameter.name)\(parameter.isOptional ? "?" : "") \(parameter.type)")
    }
    if let returns = function.returns { add("---@return \(returns)") }
    add("function \(name)(\(function.parameters.map(\.name).joined(separator: ", "))) end", "")
  }
}

extension APIField {
  fileprivate var annotation: String { "---@field \(name) \(type)" + (doc.isEmpty ? "" : " # \(doc.onOneLine)") }
}

extension OperationDeclaration {
  /// What it returns is said in words; only a single word can be a type for an editor.
  fileprivate var documented: APIFunction {
    let words = returns.split(separator: " ")
    let type = words.count == 1 && words[0].allSatisfy { $0.isLetter || "_[]?|".contains($0) } ? returns.asLuaType : "table"
    let isNothing = returns.isEmpty || returns == "nothing" || returns == "nil"
    return APIFunction(
      name: name,
      parameters: parameters.map {
        APIParameter(name: $0.isRepeated ? "..." : $0.name, type: $0.type.asLuaType, isOptional: $0.isOptional)
      },
      returns: isNothing ? nil : type,
      doc: [doc, isNothing || words.count == 1 ? "" : "Returns \(returns)."].filter { !$0.isEmpty }.joined(separator: " "))
  }
}

extension [ServiceDeclaration] {
  /// Operations that are methods of a kind of record too.
  fileprivate func methods(of kind: RecordKind) -> [APIFunction] {
    flatMap(\.operations).filter { $0.methodOf == kind }.map { operation in
      var method = operation.documented
      method.name = operation.method ?? operation.name
      method.parameters.removeFirst()
      return method
    }
  }
}

extension OperationDeclaration.Kind {
  fileprivate var note: String {
    switch self {
    case .read: "(Looks, changes nothing.)"
    case .effect: "(A step: done once, however often the run is replayed.)"
    case .pure: ""
    }
  }
}

extension FieldDefinition {
  /// Whether a script never finds nil in it.
  fileprivate var isAlwaysThere: Bool {
    if isRequired || key == "id" { return true }
    switch type {
    case .records, .objects: return true
    default: return false
    }
  }

  fileprivate var described: String {
    var words = "\(label)"
    if !isWritable { words += " (read only)" }
    if filler == .automation, isWritable { words += " (filled by an automation)" }
    return words
  }
}

extension FieldType {
  /// As the Lua language server writes it.
  var luaType: String {
    switch self {
    case .text, .longText, .email, .url, .discount, .siret, .vatNumber: "string"
    case .integer: "integer"
    case .decimal, .hours, .percent: "decimal"
    case .money: "money"
    case .day: "date"
    case .instant: "time"
    case .boolean: "boolean"
    case .address: "address"
    case .record(let kind): kind.rawValue
    case .records(let kind): "\(kind.rawValue)[]"
    case .texts: "string[]"
    case .choice(let options): options.map { "\"\($0.onOneLine)\"" }.joined(separator: "|")
    case .objects: "table[]"
    }
  }
}

extension Value {
  fileprivate var luaType: String {
    switch self {
    case .null: "nil"
    case .boolean: "boolean"
    case .integer: "integer"
    case .number: "number"
    case .text: "string"
    default: "table"
    }
  }
}

extension String {
  fileprivate var onOneLine: String { split(whereSeparator: \.isNewline).joined(separator: " ") }

  /// A cell or list item: a bar would end the cell.
  fileprivate var inMarkdown: String { onOneLine.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|") }

  fileprivate var isLuaName: Bool {
    guard let first = utf8.first, first == 0x5F || (first | 0x20 >= 0x61 && first | 0x20 <= 0x7A) else { return false }
    return utf8.allSatisfy { $0 == 0x5F || ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A) || ($0 >= 0x30 && $0 <= 0x39) }
  }

  /// Words that declarations of services use, as the language server knows them.
  fileprivate var asLuaType: String {
    split(separator: "|", omittingEmptySubsequences: false).map { part in
      switch part {
      case "text": "string"
      case "list": "table[]"
      case "instant": "time"
      case "day": "date"
      default: part.contains(" ") ? "any" : String(part)
      }
    }.joined(separator: "|")
  }
}
