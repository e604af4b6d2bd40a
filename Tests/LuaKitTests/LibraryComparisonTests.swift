import CLua
import Foundation
import LuaKit
import Testing

/// A state of the installed library as it comes, to compare ours with.
final class PlainLua {
  private let state: OpaquePointer

  init() throws {
    state = try #require(luaL_newstate())
    luaL_openlibs(state)
  }

  deinit { lua_close(state) }

  /// The one string a script returns, or its error.
  func text(_ script: String) -> [UInt8] {
    defer { lua_settop(state, 0) }
    let bytes = Array(script.utf8)
    let loaded = bytes.withUnsafeBufferPointer { buffer in
      buffer.withMemoryRebound(to: CChar.self) {
        luaL_loadbufferx(state, $0.baseAddress, $0.count, "@scripts/test.lua", "t")
      }
    }
    if loaded == LUA_OK { _ = lua_pcallk(state, 0, 1, 0, 0, nil) }
    guard lua_type(state, -1) == LUA_TSTRING else { return Array("(no string)".utf8) }
    var count = 0
    guard let start = lua_tolstring(state, -1, &count) else { return [] }
    return start.withMemoryRebound(to: UInt8.self, capacity: count) {
      Array(UnsafeBufferPointer(start: $0, count: count))
    }
  }
}

/// What the cases below share: random numbers that are the same in both states, and a log in which a
/// case's results or its error become one entry.
private let prelude = """
  local seed = SEED
  local function R(a, b)
    seed = (seed * 6364136223846793005 + 1442695040888963407)
    if not b then a, b = 1, a end
    return a + (seed >> 33) % (b - a + 1)
  end
  local log = {}
  local function join(text, t)
    for i = 1, t.n do
      local v = t[i]
      if math.type(v) == 'float' and v ~= v then v = 'nan' end
      text = text .. '|' .. type(v) .. ':' .. (type(v) == 'table' and 'table' or tostring(v))
    end
    return text
  end
  local function case(name, call, ...)
    local results = table.pack(pcall(function(...) return join('', table.pack(call(...))) end, ...))
    log[#log + 1] = join(join(name, table.pack(...)) .. ' => ', results)
  end
  local function some(pieces, most)
    local r = {}
    for i = 1, R(0, most) do r[i] = pieces[R(#pieces)] end
    return table.concat(r)
  end

  """

/// Runs generated cases in both states and expects the same entries. The seed comes from COULISSE_SEED or
/// chance and is printed.
func compareWithPlainLua(_ name: String, batches: Int, _ cases: String) throws {
  let seed = ProcessInfo.processInfo.environment["COULISSE_SEED"].flatMap(UInt32.init) ?? .random(in: 0...(.max))
  print("\(name): COULISSE_SEED=\(seed)")
  for batch in 0..<batches {
    let script =
      prelude.replacingOccurrences(of: "SEED", with: "\(Int(seed) + batch * 7919)") + cases
      + "\nreturn table.concat(log, '\\1\\2')"
    let expected = try entries(PlainLua().text(script))
    let state = try LuaState(limits: LuaLimits(seconds: 120))
    guard case .returned(let values) = try state.start(state.load(LuaSource(name: "scripts/test.lua", text: script))),
      case .string(let string)? = values.first
    else {
      Issue.record("no entries")
      return
    }
    let found = entries(string.bytes)
    #expect(found.count == expected.count && found.count > 100)
    if let difference = zip(expected, found).first(where: { $0 != $1 }) {
      Issue.record("seed \(seed), batch \(batch)\nplain: \(difference.0)\nours:  \(difference.1)")
      return
    }
  }
}

private func entries(_ bytes: [UInt8]) -> [String] {
  String(decoding: bytes, as: UTF8.self).components(separatedBy: "\u{1}\u{2}")
}
