import LuaKit
import Testing

@Suite("Library functions")
struct LibraryTests {
  @Test("pairs goes through every key once, in order, whatever the table was before")
  func every() throws {
    let seed = UInt64.random(in: 0...1_000_000)
    print("pairs: seed \(seed)")
    let state = try LuaState(limits: LuaLimits(seconds: 60))
    #expect(try state.results("""
      math.randomseed(\(seed))
      for round = 1, 500 do
        local t, keys = {}, {}
        for i = 1, math.random(0, 200) do
          local k = ({ math.random(60), math.random(60) / 4, 'k' .. math.random(200) })[math.random(3)]
          if math.random(4) == 1 then t[k] = nil else t[k] = i end
        end
        local count, last = 0, nil
        for k, v in pairs(t) do
          assert(t[k] == v and v ~= nil)
          if type(last) == type(k) then assert(last < k) end
          assert(not (type(last) == 'string' and type(k) == 'number'))
          last, count = k, count + 1
        end
        local k, v = next(t)
        while k ~= nil do assert(t[k] == v) count = count - 1 k, v = next(t, k) end
        assert(count == 0)
      end
      return 'done'
      """) == ["done"])
  }

  @Test("hostile comparisons end in an error or the limit, and never harm the table")
  func comparisons() throws {
    let state = try makeState(LuaLimits(seconds: 20))
    #expect(try state.results("""
      local t = { 5, 3, 1, 4, 2 }
      local function try(f) return select(2, pcall(table.sort, t, f)) end
      local constant = try(function() return true end)
      local failing = try(function() error('no', 0) end)
      local untouched = table.concat(t, ' ')
      local reentrant = {}
      for i = 1, 200 do reentrant[i] = i % 17 end
      table.sort(reentrant, function(a, b) reentrant[#reentrant + 1] = 1 table.remove(reentrant) return a < b end)
      local waiting = try(function() return host.wait() end)
      local n = 0
      table.sort(t, function(a, b) n = n + 1 return n % 3 == 0 and a ~= b end)
      table.sort(t)
      return constant, failing, untouched, table.concat(t, ' '), waiting:find("can't wait here") ~= nil
      """) == ["invalid order function for sorting", "no", "5 3 1 4 2", "1 2 3 4 5", true])
    #expect(state.failure("table.sort({ 1, 'x' })")?.message.contains("attempt to compare") == true)
    let short = try makeState(LuaLimits(seconds: 0.03))
    #expect(short.failure("table.sort(setmetatable({}, { __len = function() return 1 << 20 end, __index = function() "
      + "return 1 end, __newindex = function() while true do end end }))")?.kind == .timeLimit)
  }

  @Test("a result that can never fit is an ordinary error", arguments: [
    "string.rep, 'x', 1 << 30", "string.rep, 'x', 1 << 62", "string.rep, 'xy', 1 << 62, 'ab'",
    "string.rep, '', 1 << 60, 'ab'", "string.pack, 'c1000000000', ''",
  ])
  func tooLarge(_ arguments: String) throws {
    #expect(try makeState().results("local good, message = pcall(\(arguments)) return good, message")
      == [false, "resulting string too large"])
  }

  @Test("loops of the library end with the budget", arguments: [
    "table.concat(setmetatable({}, { __len = function() return 1 << 40 end, __index = function() return '' end }))",
    "table.insert(setmetatable({}, { __len = function() return 1 << 40 end }), 1, 1)",
    "table.remove(setmetatable({}, { __len = function() return 1 << 40 end }), 1)",
    "table.move({}, 1, 1 << 40, 2)",
    "local s = ('x'):rep(1 << 20) while true do pcall(string.find, s, 'y', 1, true) end",
    "local s = ('x'):rep(1 << 20) while true do pcall(string.upper, s) end",
    "local s = ('x'):rep(1 << 20) while true do pcall(utf8.len, s) end",
    "while true do pcall(string.format, '%99.99f', 1e300) end",
    "local t = {} for i = 1, 1000 do t[i * 3] = i end while true do for k in pairs(t) do end end",
    "while true do pcall(os.date, ('%c'):rep(30000)) end",
  ])
  func loops(_ text: String) throws {
    #expect(try makeState(LuaLimits(seconds: 0.05)).failure(text)?.kind == .timeLimit)
    #expect(try makeState(LuaLimits(seconds: nil, instructions: 100_000)).failure(text)?.kind == .instructionLimit)
  }

  @Test("the clock is the host's")
  func clock() throws {
    let state = try makeState()
    nonisolated(unsafe) var now = 1_700_000_000.75
    state.setClock { now }
    #expect(try state.results("return os.time(), os.date('!%Y-%m-%d %H:%M:%S'), os.date('!*t').year")
      == [1_700_000_000, "2023-11-14 22:13:20", 2023])
    #expect(try state.results("return os.date('!%H', 3600), math.type(os.time { year = 2020, month = 1, day = 1 })")
      == ["01", "integer"])
    now = .nan
    #expect(try state.results("return math.type(os.time())") == ["integer"])
  }

  @Test("strings have their methods and arithmetic, and their metatable is out of reach")
  func strings() throws {
    #expect(try makeState().results("return ('x'):rep(3), #'abc', '10' + 5, ('%d'):format(3), getmetatable('')")
      == ["xxx", 3, 15, "3", false])
  }

  @Test("utf8 works on code points")
  func codePoints() throws {
    #expect(try makeState().results("""
      local r = {}
      for p, c in utf8.codes('aé€') do r[#r + 1] = p .. ':' .. c end
      return table.concat(r, ' '), utf8.len('aé€'), utf8.char(233), utf8.offset('aé€', 3), utf8.codepoint('é'),
        pcall(utf8.len, '\\xff')
      """) == ["1:97 2:233 4:8364", 3, "é", 4, 233, true, .nil, 1])
  }
}
