import Testing

@testable import LuaKit

@Suite("Library functions under hostile use")
struct LibraryHostileTests {
  @Test(
    "a result that can never fit is an error that a script can catch",
    arguments: [
      "('x'):rep(1 << 40)", "('x'):rep(math.maxinteger, 'y')", "('x'):rep(1 << 26)", "string.pack('c2000000000', '')",
    ])
  func tooLarge(call: String) throws {
    let state = try makeState(LuaLimits(memoryBytes: 16 << 20))
    let results = try state.results("local done, text = pcall(function() return #(\(call)) end) return done, text")
    #expect(results.first == false)
    #expect(results.last?.text?.hasSuffix("resulting string too large") == true)
  }

  @Test("repeating nothing is nothing, however often")
  func empty() throws {
    #expect(try makeState().results("return (''):rep(math.maxinteger), ('x'):rep(-1), (''):rep(1e9, '')") == ["", "", ""])
  }

  @Test(
    "results that grow without end are stopped by a limit, and pcall does not help",
    arguments: [
      "(('x'):rep(100000)):gsub('.', ('y'):rep(100000))",
      "local s = 'x' while true do s = s .. s end",
      "table.concat(setmetatable({}, {__len = function() return 1 << 40 end, __index = function() return 'abcdefgh' end}))",
    ])
  func growth(script: String) throws {
    let failure = try makeState(LuaLimits(seconds: 3, memoryBytes: 16 << 20)).failure(
      "while true do pcall(function() \(script) end) end")
    #expect(failure?.kind == .memoryLimit || failure?.kind == .timeLimit)
  }

  @Test(
    "loops as long as a hostile __len says end at the time limit",
    arguments: [
      "table.insert(t, 1, 0)", "table.remove(t, 1)", "table.move(t, 1, 1 << 50, 2)",
      "table.concat(setmetatable({}, {__len = mt.__len, __index = function() return '' end}))",
    ])
  func lengths(call: String) throws {
    let script = """
      local mt = {__len = function() return 1 << 50 end}
      local t = setmetatable({}, mt)
      while true do pcall(function() \(call) end) end
      """
    #expect(try makeState(LuaLimits(seconds: 0.2)).failure(script)?.kind == .timeLimit)
  }

  @Test("sorting ends with any comparator, and a table whose sorting failed is as it was")
  func comparators() throws {
    let script = """
      local function list() local t = {} for i = 1, 300 do t[i] = i * 7919 % 301 end return t end
      local x = 1
      for _, liar in ipairs{
        function() x = x * 69069 + 1 return x >> 16 & 1 == 0 end, function() return true end, function() return false end,
        function(a, b) return a <= b end,
      } do
        pcall(table.sort, list(), liar)
      end
      local t, n = list(), 0
      assert(not pcall(table.sort, t, function(a, b) n = n + 1 if n == 500 then error('no') end return a < b end))
      for i, v in ipairs(list()) do assert(t[i] == v) end
      assert(not pcall(table.sort, {1, 'x', 2}))
      local shrinking = list()
      pcall(table.sort, shrinking, function(a, b) shrinking[#shrinking] = nil return a < b end)
      local done, text = pcall(table.sort, {5, 5, 5, 5, 5}, function(a, b) return a <= b end)
      return done, text
      """
    #expect(try makeState().results(script) == [false, "invalid order function for sorting"])
  }

  @Test("sorting keeps the order of equal elements")
  func stable() throws {
    let script = """
      local t = {}
      for i = 1, 500 do t[i] = {key = i % 7, place = i} end
      table.sort(t, function(a, b) return a.key < b.key end)
      for i = 2, 500 do
        assert(t[i - 1].key < t[i].key or t[i - 1].key == t[i].key and t[i - 1].place < t[i].place)
      end
      return 'done'
      """
    #expect(try makeState().results(script) == ["done"])
  }

  @Test("too many results of unpack are an ordinary error")
  func unpack() throws {
    let script = "return pcall(table.unpack, {}, 1, 1e8)"
    #expect(try makeState().results(script) == [false, "too many results to unpack"])
    #expect(try makeState().results("return pcall(table.unpack, {}, math.mininteger, math.maxinteger)").first == false)
  }

  @Test("replacing within a replacement, and callbacks that fail, leave the function usable")
  func callbacks() throws {
    let script = """
      local function depth(n) return n == 0 and 'x' or ('abc'):gsub('b', function() return depth(n - 1) end) end
      assert(not pcall(string.gsub, 'abc', '.', error))
      return depth(50)
      """
    #expect(try makeState().results(script).first == .string(String(repeating: "a", count: 50) + "x" + String(repeating: "c", count: 50)))
  }

  @Test("addresses are not shown, and different objects have different texts")
  func addresses() throws {
    let script = """
      local a, b = {}, {}
      assert(tostring(a) == tostring(a) and tostring(a) ~= tostring(b))
      assert(tostring(print):find('^function: 0x%x+$') and not tostring(print):find('builtin'))
      return pcall(string.format, '%p', a)
      """
    #expect(try makeState().results(script).first == false)
  }

  @Test("the libraries hold what they should and no more")
  func contents() throws {
    let script = """
      local absent = {}
      for _, name in ipairs{'io', 'debug', 'package', 'dofile', 'loadfile', 'warn'} do
        if _G[name] ~= nil then absent[#absent + 1] = name end
      end
      for _, name in ipairs{'execute', 'exit', 'getenv', 'remove', 'rename', 'setlocale', 'tmpname'} do
        if os[name] ~= nil then absent[#absent + 1] = 'os.' .. name end
      end
      if string.dump then absent[#absent + 1] = 'string.dump' end
      for _, name in ipairs{'byte', 'char', 'find', 'format', 'gmatch', 'gsub', 'len', 'lower', 'match', 'pack', 'packsize',
        'rep', 'reverse', 'sub', 'unpack', 'upper'} do assert(string[name], name) end
      for _, name in ipairs{'concat', 'insert', 'move', 'pack', 'remove', 'sort', 'unpack'} do assert(table[name], name) end
      for _, name in ipairs{'char', 'charpattern', 'codepoint', 'codes', 'len', 'offset'} do assert(utf8[name], name) end
      assert(not pcall(math.randomseed) and type(getmetatable('')) ~= 'table')
      assert('10' + 1 == 11 and ('x'):upper() == 'X')
      return table.concat(absent, ' ')
      """
    #expect(try makeState().results(script) == [""])
  }

  @Test("time, date and clock go by the host's clock")
  func clock() throws {
    let state = try makeState()
    nonisolated(unsafe) var now = 1_700_000_000.5
    state.setClock {
      now += 1
      return now
    }
    let script = """
      local time = os.time()
      assert(os.date('!%Y-%m-%d') == '2023-11-14')
      assert(os.clock() == 0 and os.clock() == 1)
      assert(not pcall(os.date, ('%c'):rep(40000)))
      return time, os.time{year = 2000, month = 1, day = 1, hour = 12} - os.time{year = 1999, month = 12, day = 31, hour = 12}
      """
    #expect(try state.results(script) == [1_700_000_001, 86400])
  }

  @Test("print writes one line a call, its values between tabs")
  func printing() throws {
    let state = try makeState()
    nonisolated(unsafe) var lines: [String] = []
    state.setPrint { lines.append(String(decoding: $0, as: UTF8.self)) }
    _ = try state.results("print() print(1, 2.5, nil, 'x', setmetatable({}, {__tostring = function() return 'T' end}))")
    #expect(lines == ["\n", "1\t2.5\tnil\tx\tT\n"])
  }

  @Test("the same seed gives the same random numbers, and so does none")
  func random() throws {
    let script = "return math.random(1 << 40), math.random(1 << 40)"
    let unseeded = try (0..<2).map { _ in try makeState().results(script) }
    #expect(unseeded[0] == unseeded[1])
    let seeded = try (0..<2).map { _ in
      let state = try makeState()
      state.setRandomSeed(7, 8)
      return try state.results(script)
    }
    #expect(seeded[0] == seeded[1] && seeded[0] != unseeded[0])
  }
}
