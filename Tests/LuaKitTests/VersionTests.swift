import LuaKit
import Testing

@Suite("The library's version")
struct VersionTests {
  @Test("the report names a 5.4 release and an answer to each fault it has")
  func report() throws {
    let report = LuaState.versionReport
    let patch = try #require(report.patch)
    #expect(report.version == "5.4.\(patch)")
    #expect(report.faults.allSatisfy { $0.isIn(patch) && !$0.answer.isEmpty })
    #expect(!report.faults.isEmpty)
  }

  // Each of these brings an older library down when it is reached.
  @Test("scripts can't reach the library's faults", arguments: [
    "local t = setmetatable({}, { __mode = 'k' }) setmetatable(t, setmetatable({}, { __newindex = t })) for i = 1, 1e5 do t[{}] = {} end",
    "local co for i = 1, 1e4 do local c = co co = coroutine.create(function() local x <close> = setmetatable({}, { __close = function() error(c) end }) coroutine.yield() end) coroutine.resume(co) end",
    "load('local a; return ' .. ('a.b'):rep(1) .. ('.c'):rep(20000))()",
    "local f = print for i = 1, 1e4 do local g = f f = setmetatable({}, { __call = function(...) return g() end }) end f()",
    "local function f() return f() + 1 end f()",
    "local s = string.rep('(', 190) .. '1' .. string.rep(')', 190) return load('return ' .. s)()",
    "local s = string.rep('(', 5000) .. '1' .. string.rep(')', 5000) assert(not load('return ' .. s))",
    "local function f(n) return pcall(f, n + 1) end f(1)",
    "local function f() return coroutine.wrap(f)() end f()",
    "local t = {} for i = 1, 250 do t[i] = 'x' end return select('#', table.unpack(t))",
    "host.each(function(n) local function f() host.each(f) end f() end)",
  ])
  func faults(_ text: String) throws {
    let state = try makeState(LuaLimits(seconds: 1))
    try state.takeImage()
    _ = state.failure(text)
    state.reset()
    #expect(try state.results("return 1") == [1])
  }
}
