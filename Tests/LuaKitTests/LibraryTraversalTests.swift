import Testing

@testable import LuaKit

@Suite("pairs and next")
struct LibraryTraversalTests {
  private func text(_ script: String) throws -> String? {
    try makeState().results(script).first?.text
  }

  @Test("keys come as numbers by value, then strings by their bytes, then booleans")
  func order() throws {
    let script = """
      local t = {[true] = 1, [false] = 1, b = 1, a = 1, B = 1, [""] = 1, ab = 1, [2.5] = 1, [-1] = 1, [10] = 1, [2] = 1,
        [math.huge] = 1, [-math.huge] = 1, [2^53 + 2] = 1, [math.maxinteger] = 1, [2^63] = 1, ["é"] = 1}
      local list = {}
      """
    let expected =
      "-inf -1 2 2.5 10 9007199254740994 9223372036854775807 9.2233720368548e+18 inf  B a ab b é false true"
    #expect(
      try text(script + "for k in pairs(t) do list[#list + 1] = tostring(k) end return table.concat(list, ' ')")
        == expected)
    #expect(
      try text(
        script + "local k = next(t) while k ~= nil do list[#list + 1] = tostring(k) k = next(t, k) end return table.concat(list, ' ')"
      ) == expected)
  }

  @Test("the order is the same whatever the order of insertion and in any state")
  func stable() throws {
    let scripts = ["1, 300", "300, 1, -1"].map {
      "local t = {} for i = \($0) do t['k' .. i * 7919 % 301] = i end local s = '' for k in pairs(t) do s = s .. k end return s"
    }
    let results = try scripts.map(text)
    #expect(results[0] != nil && results[0] == results[1])
  }

  @Test("fields may be assigned and removed meanwhile; none is met twice and none that is left is missed", arguments: [3, 40, 1000])
  func changes(count: Int) throws {
    let script = """
      local function fill(t) for i = 1, \(count) do t['k' .. i] = i; t[i] = i end return t end
      local t, n = fill{}, 0
      for k in pairs(t) do t[k] = nil n = n + 1 end
      assert(n == 2 * \(count) and next(t) == nil)
      fill(t)
      n = 0
      local k = next(t)
      while k ~= nil do t[k] = nil n = n + 1 k = next(t, k) end
      assert(n == 2 * \(count) and next(t) == nil)
      fill(t)
      local seen = {}
      for k, v in pairs(t) do
        assert(not seen[k] and t[k] == v)
        seen[k] = true
        t[k] = v + 1
        if k == 1 then t[2] = nil t['k' .. \(count)] = nil end
      end
      for i = 1, \(count) do assert(seen[i] or i == 2) assert(seen['k' .. i] or i == \(count)) end
      assert(not seen[2] and not seen['k' .. \(count)])
      return 'done'
      """
    #expect(try text(script) == "done")
  }

  @Test("next knows of what was added since an earlier traversal, in small tables and big ones", arguments: [5, 500])
  func fresh(count: Int) throws {
    let script = """
      local t = {}
      for i = 1, \(count) do t['m' .. i] = i end
      local k = next(t)
      for _ = 1, 3 do k = next(t, k) end
      t.a = 1
      assert(next(t) == 'a')
      assert(next(t, 'a') == 'm1')
      local last, n = nil, 0
      for key in pairs(t) do last, n = key, n + 1 end
      assert(n == \(count) + 1 and next(t, last) == nil)
      t.z = 1
      assert(next(t, last) == 'z' and next(t, 'z') == nil)
      return 'done'
      """
    #expect(try text(script) == "done")
  }

  @Test("the emptiness of a table is seen by next, also where all was removed")
  func emptiness() throws {
    let script = "local t = {a = 1} local before = next(t) t.a = nil return before, next(t), next({})"
    #expect(try makeState().results(script) == ["a", nil, nil])
  }

  @Test(
    "a table with tables or functions as keys is refused, with the reason",
    arguments: ["[{}] = 1", "[print] = 1", "1, 2, [{}] = 1"])
  func unordered(fields: String) throws {
    for call in ["for _ in pairs(t) do end", "next(t)", "next(t, 1)"] {
      let message = try makeState().failure("local t = {\(fields)} \(call)")?.message
      #expect(message?.contains("has no stable order; it can't be iterated") == true)
    }
    #expect(try makeState().results("local t = {\(fields)} return rawget(t, 1)").count == 1)
  }

  @Test("__pairs is honoured and may yield")
  func metamethod() throws {
    let script = """
      local t = setmetatable({}, {__pairs = function(t) return coroutine.yield(1), 2, 3 end})
      local co = coroutine.wrap(function() return pairs(t) end)
      co()
      return co('answer')
      """
    #expect(try makeState().results(script) == ["answer", 2, 3])
  }

  @Test("long traversals need time for n log n keys and end at the time limit")
  func big() throws {
    let fill = "local t = {} for i = 1, 50000 do t['key' .. i] = i end "
    #expect(try makeState(LuaLimits(seconds: 10)).results(fill + "local n = 0 for k in pairs(t) do n = n + 1 end return n") == [50000])
    #expect(
      try makeState(LuaLimits(seconds: 10)).results(
        fill + "local n, k = 0, next(t) while k do n = n + 1 k = next(t, k) end return n") == [50000])
    let state = try makeState(LuaLimits(seconds: 0.3))
    #expect(state.failure(fill + "while true do for _ in pairs(t) do break end end")?.kind == .timeLimit)
  }

  @Test("a traversal left half-way keeps nothing alive")
  func garbage() throws {
    let script = """
      for round = 1, 60 do
        local t = {}
        for i = 1, 20000 do t[round .. ':' .. i] = i end
        next(t, (next(t)))
        for _ in pairs(t) do break end
      end
      return 'done'
      """
    #expect(try makeState(LuaLimits(seconds: nil, memoryBytes: 24 << 20)).results(script) == ["done"])
  }
}
