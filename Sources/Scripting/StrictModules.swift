import CRM
import LuaKit

/// Modules whose misspelt members are errors, as those of records are: `accounting.creat_quote` says what was meant
/// instead of "attempt to call a nil value".
extension ScriptContext {
  /// Puts a face over each module that has been defined: reading goes to the members by a plain table look-up, and
  /// only what is not there reaches Swift. The faces are made once a state, before its image is taken.
  func makeModulesStrict(
    _ state: LuaState, services: [ServiceDeclaration], others: [String: [String]] = [:]
  ) throws {
    var members = others
    for module in APITable.modules { members[module.name] = module.functions.map(\.name) }
    members["seller"] = APITable.sellerFields.map(\.name)
    for service in services { members[service.name, default: []] += service.operations.map(\.name) }
    let names = members.keys.sorted().filter { !(members[$0] ?? []).isEmpty }
    for module in names {
      let known = (members[module] ?? []).sorted()
      // An `__index` function: the table and the key.
      try state.define(function: module, in: "__unknown") { call in
        let name = try call.value(2).text ?? "a \(call.typeName(2))"
        let hint =
          Suggestion.nearest(to: name, among: known).map { "; did you mean '\($0)'?" }
          ?? "; it has \(known.joined(separator: ", "))"
        throw LuaHostError("\(module) has no '\(name)'\(hint)")
      }
    }
    let main = try state.load(LuaSource(name: "modules", text: Self.strictness))
    _ = try state.call(main, names.map { .string($0) })
  }

  /// The host's functions are the handlers themselves, so that the error stands at the script's own line.
  private static let strictness = """
    local unknown = __unknown
    __unknown = nil

    local function seal(name, members)
      return setmetatable({}, {
        __index = members,
        __newindex = function () error(name .. " can't be changed by a script", 2) end,
        __pairs = function ()
          local key, value
          return function ()
            key, value = next(members, key)
            return key, value
          end
        end,
        __metatable = false,
      })
    end

    for _, name in ipairs { ... } do
      local members = {}
      for key, value in pairs(_G[name]) do members[key] = value end
      setmetatable(members, { __index = unknown[name] })
      _G[name] = seal(name, members)
    end
    if settings == nil then settings = seal("settings", {}) end
    """
}
