import LuaKit
import Testing

/// Ways of a script to outlive its end.
let resistance = [
  "while true do end",
  "while true do pcall(function() while true do end end) end",
  "while true do xpcall(function() while true do end end, function() while true do end end) end",
  "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
  "while true do pcall(coroutine.wrap(function() while true do end end)) end",
  "local function f() while true do pcall(f) end end f()",
  "while true do pcall(function() local c <close> = setmetatable({}, { __close = function() while true do end end }) while true do end end) end",
  "while true do pcall(table.sort, { 3, 1, 2, 5, 4 }, function(a, b) while true do end end) end",
  "while true do pcall(string.gsub, 'x', 'x', function() while true do end end) end",
  "while true do pcall(function() for i in (function() while true do end end) do end end) end",
  "local t = setmetatable({}, { __index = function() while true do end end }) while true do pcall(function() return t.x end) end",
  "while true do pcall(load, function() while true do end end) end",
  "while true do pcall(host.each, function() while true do end end) end",
  "local co = coroutine.wrap(function() while true do pcall(coroutine.yield) end end) while true do co() end",
  "while true do pcall(error, setmetatable({}, { __tostring = function() while true do end end })) end",
]

@Suite("Budgets")
struct BudgetTests {
  @Test("spent time ends a run, whatever it tries", arguments: resistance)
  func time(_ text: String) throws {
    let state = try makeState(LuaLimits(seconds: 0.03, hostCalls: nil))
    try state.takeImage()
    #expect(state.failure(text)?.kind == .timeLimit)
    #expect(state.failure("return 1")?.kind == .misuse)
    state.reset()
    #expect(try state.results("return 1") == [1])
  }

  @Test("a spent budget is told with the line that was executing, in coroutines and below functions too", arguments: [
    "local i = 0\n\nlocal function f()\n  while true do\n    i = i + 1\n  end\nend\nf()",
    "local i = 0\n\nlocal f = coroutine.wrap(function()\n  while true do\n    i = i + 1\n  end\nend)\nf()",
    "local i = 0\n\nlocal function f()\n  while true do\n    i = ('x'):rep(1000)\n  end\nend\npcall(f)",
  ])
  func line(_ text: String) throws {
    for limits in [LuaLimits(seconds: 0.03, hostCalls: nil), LuaLimits(seconds: nil, hostCalls: nil, instructions: 100_000)] {
      let failure = try makeState(limits).failure(text)
      #expect((4...6).contains(failure?.line ?? 0), "\(String(describing: failure))")
    }
  }

  @Test("spent instructions end a run, whatever it tries", arguments: resistance)
  func instructions(_ text: String) throws {
    let state = try makeState(LuaLimits(seconds: nil, hostCalls: nil, instructions: 200_000))
    #expect(state.failure(text)?.kind == .instructionLimit)
  }

  @Test("instructions are counted in calls too, and while an error becomes text")
  func instructionsElsewhere() throws {
    let state = try makeState(LuaLimits(seconds: nil, instructions: 200_000))
    let endless = try state.load(LuaSource(name: "x.lua", text: "while true do end"))
    let error = #expect(throws: LuaError.self) { try state.call(endless) }
    #expect(error?.kind == .instructionLimit)
    let text = "error(setmetatable({}, { __tostring = function() while true do end end }))"
    #expect(try makeState(LuaLimits(seconds: nil, instructions: 200_000)).failure(text)?.kind == .instructionLimit)
  }

  @Test("spent host calls end a run")
  func hostCalls() throws {
    let state = try makeState(LuaLimits(hostCalls: 100))
    #expect(state.failure("while true do pcall(host.echo) end")?.kind == .hostCallLimit)
    #expect(state.statistics.hostCalls == 101)
    let fresh = try makeState(LuaLimits(hostCalls: 100))
    _ = try fresh.results("for i = 1, 100 do host.echo() end")
    _ = try fresh.results("for i = 1, 100 do host.echo() end")
  }

  @Test("memory beyond the limit ends a run, whatever it tries", arguments: [
    "local t = {} while true do t[#t + 1] = {} end",
    "local t = {} while true do pcall(function() while true do t[#t + 1] = {} end end) end",
    "local s = 'x' while true do s = s .. s end",
    "local t = {} while true do pcall(string.rep, 'x', 1 << 19) t[#t + 1] = string.rep('x', 1 << 19) .. #t end",
    "local t = {} while true do t[#t + 1] = coroutine.create(function() end) end",
    "local t = {} while true do xpcall(function() while true do t[#t + 1] = { {} } end end, function() t[#t + 1] = {} end) end",
    "local t = {} for i = 1, 1 << 30 do t[i] = i end",
    "local function f(...) return f(1, ...) end f()",
    "local t = {} while true do t[#t + 1] = host.echo(('x'):rep(10000) .. #t) end",
  ])
  func memory(_ text: String) throws {
    let state = try makeState(LuaLimits(seconds: 20, memoryBytes: 4 << 20, hostCalls: nil))
    try state.takeImage()
    let kind = state.failure(text)?.kind
    if text.contains("f(...)") {
      #expect(kind == .memoryLimit || kind == .runtime)  // the stack's own limit may come first
    } else {
      #expect(kind == .memoryLimit)
    }
    state.reset()
    #expect(try state.results("return 1") == [1])
    #expect(state.outsideBytes < 1 << 20)
  }

  @Test("what only the cache of metatables holds does not count against the memory limit")
  func metatables() throws {
    let state = try makeState(LuaLimits(seconds: 20, memoryBytes: 4 << 20))
    #expect(try state.results("""
      for i = 1, 200 do setmetatable({}, { __index = { ('x'):rep(1 << 16) .. i } }) end
      return setmetatable({}, { __index = { y = 1 } }).y
      """) == [1])
  }

  @Test("garbage does not count against the memory limit")
  func garbage() throws {
    let state = try makeState(LuaLimits(seconds: 20, memoryBytes: 4 << 20))
    #expect(try state.results("""
      local keep = string.rep('x', 3 << 20)
      for i = 1, 2000 do local s = string.rep('y', 10000) .. i end
      return #keep
      """) == [.integer(3 << 20)])
  }

  @Test("no memory limit, however small, does more than end the run")
  func smallLimits() throws {
    for bytes in stride(from: 0, through: 200_000, by: 100) {
      let state = try makeState(LuaLimits(memoryBytes: bytes))
      do {
        #expect(try state.results("return #('x'):rep(1000)") == [1000])
      } catch let error as LuaError {
        #expect(error.kind == .memoryLimit || error.message.contains("too large"), "\(bytes): \(error.message)")
      }
    }
  }

  @Test("time adds up over segments and begins anew where the host says so")
  func segments() throws {
    let state = try makeState(LuaLimits(seconds: 0.2))
    var outcome = try state.begin("while true do for i = 1, 1e6 do end host.wait() end")
    var segments = 0
    let error = #expect(throws: LuaError.self) {
      while case .suspended = outcome {
        segments += 1
        outcome = try state.resume(.success([]))
      }
    }
    #expect(error?.kind == .timeLimit)
    #expect(segments > 1)

    let other = try makeState(LuaLimits(hostCalls: 3))
    outcome = try other.begin("for i = 1, 30 do host.wait() end")
    while case .suspended = outcome {
      other.restartBudgets()
      outcome = try other.resume(.success([]))
    }
    guard case .returned = outcome else {
      Issue.record("not finished")
      return
    }
  }

  @Test("the budget of one run covers a second state that a host function uses")
  func twoStates() throws {
    let outer = try makeState(LuaLimits(seconds: 0.05))
    let inner = try makeState(LuaLimits(seconds: 10))
    let guardFunction = try inner.load(LuaSource(name: "guard.lua", text: "return 1"))
    try outer.define(function: "guard") { _ in
      .values(try inner.call(guardFunction))
    }
    #expect(outer.failure("while true do pcall(guard) end")?.kind == .timeLimit)
    #expect(try inner.results("return 2") == [2])
  }

  @Test("a swallowed budget error of a nested call still ends the run")
  func swallowed() throws {
    let state = try makeState(LuaLimits(seconds: 0.03))
    try state.define(function: "swallow") { call in
      _ = try? call.state.call(call.function(1))
      return .value("went on")
    }
    #expect(state.failure("return swallow(function() while true do end end)")?.kind == .timeLimit)
  }

  @Test("counted instructions are the same in every run")
  func reproducible() throws {
    let counts = try (0..<3).map { _ in
      let state = try makeState(LuaLimits(seconds: nil, instructions: 10_000_000))
      _ = try state.results("for i = 1, 50000 do local x = i * 2 end")
      return state.statistics.instructions
    }
    #expect(Set(counts).count == 1)
    #expect(counts[0] >= 90_000)
  }

  @Test("printing is bounded")
  func printing() throws {
    let state = try makeState(LuaLimits(printedBytes: 1000))
    nonisolated(unsafe) var bytes = 0
    state.setPrint { bytes += $0.count }
    #expect(state.failure("while true do print('0123456789') end")?.message.contains("can't print more") == true)
    #expect(bytes <= 1000)
  }

  @Test("a text beyond the limit is refused, from the host and from a script")
  func longText() throws {
    let state = try makeState(LuaLimits(sourceBytes: 1000))
    let long = String(repeating: "--", count: 501)
    #expect(throws: LuaError.self) { try state.load(LuaSource(name: "x", text: long)) }
    #expect(try state.results("return load(string.rep('-', 1001))").first == .nil)
    #expect(try state.results("return load(function() return '--' end)").first == .nil)
  }
}
