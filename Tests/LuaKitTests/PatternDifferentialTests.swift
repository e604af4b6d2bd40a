import LuaKit
import Testing

@Suite("Patterns, compared with the installed library")
struct PatternDifferentialTests {
  @Test("find, match, gmatch and gsub give the same results and the same errors")
  func random() throws {
    try compareWithPlainLua("patterns", batches: 10, #"""
      local patterns = { 'a', 'b', '.', '%a', '%d', '%w', '%s', '[a-c]', '[^b]', '[%a_]', '[]]', '[^]]', '[a-]',
        '%%', '%.', '(', ')', '()', '%1', '%2', '*', '+', '-', '?', '$', '^', '%b()', '%bab', '%f[%a]', '%f[^a]',
        '%fa', '[', '%', '%b', '%bx', 'x', '[a', '[^', '[%', '1', '\0', '%A', '[%w%-]', '%0', '(a)', '(a*)',
        '(.-)', '(b?)' }
      local subjects = { 'a', 'b', 'c', '(', ')', '1', 'x', ' ', '\0', 'ab', 'aa', '%', '-', ']', '\200' }
      local replacements = { 'x', '%1', '%0%0', '%2', '%', '%%', '%x', '<%1>', '%9', 5, 1.5, true,
        { a = 'A', b = false, ab = {} }, function(a, b) return b or a end, function() return false end,
        function() return {} end, function() end }
      local function all(s, p, init)
        local r = {}
        for a, b, c in string.gmatch(s, p, init) do
          r[#r + 1] = tostring(a) .. ',' .. tostring(b) .. ',' .. tostring(c)
        end
        return table.concat(r, ';')
      end
      local function find(...) local r = table.pack(string.find(...)) return table.unpack(r, 1, r.n) end
      local function match(...) local r = table.pack(string.match(...)) return table.unpack(r, 1, r.n) end
      for i = 1, 2000 do
        local s, p = some(subjects, 14):sub(1, 24), some(patterns, 6)
        local init = R(4) == 1 and R(-8, 28) or nil
        case('find', find, s, p, init, R(8) == 1)
        case('match', match, s, p, init)
        case('gmatch', all, s, p, init)
        local r, most = replacements[R(#replacements)], R(5) == 1 and R(-1, 3) or nil
        case('gsub', function() local x, n = string.gsub(s, p, r, most) return x, n end)
      end
      """#)
  }

  @Test("what is too complex is too complex in both")
  func complex() throws {
    try compareWithPlainLua("complexity", batches: 1, """
      for n = 150, 260 do
        case('optional', function() local r = string.find(('a'):rep(n), ('a?'):rep(n)) return r end)
        case('unmatched', function() local r = string.find('b', ('a*'):rep(n)) return r end)
        case('captures', function() local r = string.find(('a'):rep(n), ('(a)'):rep(n - 140)) return r end)
      end
      """)
  }

  @Test("backtracking without end is ended by the budget", arguments: [
    "return string.find(('a'):rep(60), ('a*'):rep(30) .. 'b')",
    "return string.gsub(('a'):rep(60), ('a-'):rep(30) .. 'b', '')",
    "for _ in string.gmatch(('a'):rep(1000), ('.-'):rep(20) .. 'b') do end",
    "while true do pcall(string.match, ('x'):rep(1000), ('.-'):rep(20) .. 'b') end",
    "local s = ('('):rep(1 << 20) return s:find('%b()')",
    "return (('a'):rep(1 << 19)):find('.-.-%1[' .. ('b'):rep(1000) .. ']')",
  ])
  func bombs(_ text: String) throws {
    let state = try LuaState(limits: LuaLimits(seconds: 0.05))
    let kind = state.failure(text)?.kind
    // The one with %1 is refused: there is no capture.
    #expect(kind == (text.contains("%1") ? .runtime : .timeLimit))
    let counted = try LuaState(limits: LuaLimits(seconds: nil, instructions: 300_000))
    #expect(counted.failure(text)?.kind == (text.contains("%1") ? .runtime : .instructionLimit))
  }

  @Test("replacements that grow beyond the limit end in an error or the run")
  func growth() throws {
    let state = try LuaState(limits: LuaLimits(seconds: 20, memoryBytes: 4 << 20))
    let error = state.failure("return string.gsub(('x'):rep(1 << 18), 'x', ('y'):rep(1000))")
    #expect(error?.kind == .memoryLimit || error?.message.contains("resulting string too large") == true)
  }
}
