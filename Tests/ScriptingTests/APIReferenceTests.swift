import CRM
import Testing

@testable import LuaKit
@testable import Scripting

@Suite("The reference and the editor definitions")
struct APIReferenceTests {
  @Test("They know this workspace's own fields and services")
  func custom() throws {
    let workshop = try Workshop(body: "")
    let definitions = APIReference.luaCATS(
      schema: workshop.schema, services: Workshop.services, settings: workshop.declaration.settings)
    for line in [
      "---@meta", "---@class deal", "---@field promo string? # Promo", "---@field start_date date? # Date de début de mission",
      "---@field signed_urls string[]? # Document(s) signé(s)", "---@field title string # Titre",
      "---@field lines deal_line[] # Produits (read only)", "function deal:move_to(stage, options) end",
      "function accounting.create_quote(deal) end", "function on.before_enter(stage, action, options) end",
      "---@field brief table", "---@operator add(money): money",
    ] {
      #expect(definitions.split(separator: "\n").contains { $0 == line }, "\(line)")
    }
    let page = APIReference.markdown(schema: workshop.schema, services: Workshop.services)
    for text in [
      "| `promo` | string | Promo |", "#### `crm.deal(id_or_key)` → deal", "#### `accounting.create_quote(deal)`",
      "#### `deal:move_to(stage, [options])` → boolean", "## Values",
    ] {
      #expect(page.contains(text), "\(text)")
    }
  }

  @Test("The definitions are Lua that loads")
  func definitionsAreLua() throws {
    let workshop = try Workshop(body: "")
    let text = APIReference.luaCATS(schema: workshop.schema, services: Workshop.services)
    var limits = LuaLimits()
    limits.sourceBytes = 1 << 20
    _ = try LuaState(limits: limits).load(LuaSource(name: "definitions", text: text))
  }

  @Test("They describe what a state really has, and nothing else")
  func completeness() throws {
    let plain = Set(try LuaState().globals())
    let workshop = try Workshop(body: "")
    let file = ScriptFile(path: "scripts/t.lua", text: "")
    let script = try PreparedScript(file, program: workshop.program, budget: RunBudget(limits: WorkspaceLimits()))
    let own = Set(try script.state.globals()).subtracting(plain)
    #expect(
      own
        == Set(APITable.functions.map(\.name) + APITable.modules.map(\.name) + Workshop.services.map(\.name) + ["seller", "settings"]))
    for module in APITable.modules {
      #expect(try script.state.members(of: module.name) == module.functions.map(\.name).sorted(), "\(module.name)")
    }
    #expect(try script.state.members(of: "seller") == APITable.sellerFields.map(\.name).sorted())
    for type in script.state.types {
      if let kind = RecordKind(rawValue: type.name) {
        #expect(type.methods.map(\.0).sorted() == APITable.methods(of: kind).map(\.name).sorted(), "\(kind)")
      } else {
        let documented = try #require(APITable.types.first { $0.name == type.name })
        #expect(type.methods.map(\.0).sorted() == documented.methods.map(\.name).sorted(), "\(type.name)")
        #expect(type.fields == documented.fields.map(\.name), "\(type.name)")
        let operators = Set(documented.operators.map { String($0.prefix { $0.isLetter }) })
        let plainly = Set(type.metamethods.keys.map(\.rawValue)).subtracting(["lt", "le", "eq", "tostring"])
        #expect(operators == plainly, "\(type.name)")
      }
    }
  }
}

extension LuaState {
  fileprivate func names(_ text: String) throws -> [String] {
    let lines = try call(load(LuaSource(name: "names", text: text)))
    guard case .table(let table)? = lines.first else { return [] }
    return table.sequence.compactMap(\.text).sorted()
  }

  fileprivate func globals() throws -> [String] {
    try names("local n = {} for k in pairs(_G) do n[#n + 1] = k end return n")
  }

  fileprivate func members(of module: String) throws -> [String] {
    try names("local n = {} for k in pairs(\(module)) do n[#n + 1] = k end return n")
  }
}
