import Testing

@testable import LuaKit

@Suite("Errors both ways")
struct ErrorTests {
  @Test("an error has its script, line, source line and traceback")
  func place() throws {
    let state = try makeState()
    let error = try #require(state.failure("""
      local function inner()
        local t = nil
        return t.x   -- here
      end
      local function outer() local r = inner() return r end
      local r = outer()
      """))
    #expect(error.kind == .runtime)
    #expect(error.message.hasPrefix("scripts/test.lua:3: attempt to index a nil value"))
    #expect(error.script == "scripts/test.lua")
    #expect(error.line == 3)
    #expect(error.sourceLine == "return t.x   -- here")
    #expect(error.traceback.map(\.line) == [3, 5, 6])
    #expect(error.traceback.map(\.function) == ["function 'inner'", "function 'outer'", "main chunk"])
  }

  @Test("a Swift error arrives with the calling line and comes back as the cause")
  func cause() throws {
    let state = try makeState()
    let error = try #require(state.failure("\n\nhost.fail('no such deal')"))
    #expect(error.message == "scripts/test.lua:3: no such deal")
    #expect(error.cause as? Refusal == Refusal(text: "no such deal"))
    #expect(error.traceback.first?.function == "host.fail")
    let again = try #require(state.failure("local ok, e = pcall(host.fail, 'a') pcall(host.fail, 'b') error(e, 0)"))
    #expect(again.cause as? Refusal == Refusal(text: "a"))
    let changed = try #require(state.failure("local ok, e = pcall(host.fail, 'a') error(e .. '!', 0)"))
    #expect(changed.cause == nil)
  }

  @Test("pcall sees a Swift error as a string")
  func caught() throws {
    let values = try makeState().results("return pcall(function() host.fail('x') end)")
    #expect(values == [false, "scripts/test.lua:1: x"])
  }

  @Test("an error in a function that Swift called, three levels deep, keeps its message and cause")
  func nested() throws {
    let state = try makeState()
    let error = try #require(state.failure(
      "host.each(function() host.each(function() host.each(function() host.fail('deep') end) end) end)"))
    #expect(error.message == "scripts/test.lua:1: deep")
    #expect(error.cause as? Refusal == Refusal(text: "deep"))
    #expect(try state.results("return 1") == [1])
  }

  @Test("error objects of every kind become text", arguments: [
    ("error()", "(error object is a nil value)"), ("error({})", "(error object is a table value)"),
    ("error(true)", "(error object is a boolean value)"), ("error(print)", "(error object is a function value)"),
    ("error(setmetatable({}, { __tostring = function() return 'mine' end }))", "mine"),
    ("error(setmetatable({}, { __tostring = function() error('no') end }))",
     "(error object that can't be turned into text)"),
    ("error(setmetatable({}, { __tostring = function() return {} end }))",
     "(error object that can't be turned into text)"),
    ("error(setmetatable({}, { __tostring = function() return host.wait() end }))",
     "(error object that can't be turned into text)"),
  ])
  func objects(_ text: String, _ expected: String) throws {
    let state = try makeState()
    #expect(state.failure(text)?.message == expected)
    #expect(try state.results("return 1") == [1])
  }

  @Test("a __tostring that never ends is ended by the time budget")
  func endlessText() throws {
    let state = try makeState(LuaLimits(seconds: 0.05))
    let error = state.failure("error(setmetatable({}, { __tostring = function() while true do end end }))")
    #expect(error?.kind == .timeLimit)
  }

  @Test("messages that imitate a spent budget stay ordinary errors", arguments: [
    "the run has used up its time of 2 s", "instruction limit exceeded", "not enough memory",
  ])
  func imitation(_ text: String) throws {
    let state = try makeState()
    #expect(state.failure("error('\(text)', 0)")?.kind == .runtime)
    #expect(try state.results("return pcall(error, '\(text)')").first == false)
    #expect(try state.results("return 1") == [1])
  }

  @Test("syntax errors say so, with their line")
  func syntax() throws {
    let error = try #require(try makeState().failure("local x = 1\nlocal = 2"))
    #expect(error.kind == .syntax)
    #expect(error.message.hasPrefix("scripts/test.lua:2:"))
    #expect(error.sourceLine == "local = 2")
  }

  @Test("a text that does not load in a host function fails nothing but that")
  func nestedLoad() throws {
    let state = try makeState()
    try state.define(function: "compile", in: "host") { call in
      do {
        _ = try call.state.load(LuaSource(name: "inner.lua", text: call.string(1)))
        return .value(true)
      } catch let error as LuaError {
        return .value(.string(error.kind.rawValue))
      }
    }
    #expect(try state.results("return host.compile('x = ='), host.compile('x = 1'), host.compile('x = =')")
      == ["syntax", true, "syntax"])
    #expect(state.failure("host.compile('x = =') error('own')")?.kind == .runtime)
    let text = "{ __tostring = function() host.compile('x = =') return 'own' end }"
    let error = state.failure("error(setmetatable({}, \(text)))")
    #expect(error?.kind == .runtime)
    #expect(error?.message == "own")
  }

  @Test("an error shows its line as the text was that failed, also when another of the same name came between")
  func sourceAfterReset() throws {
    let state = try makeState()
    let first = try state.load(LuaSource(name: "scripts/x.lua", text: "error('1') -- first"))
    try state.takeImage()
    _ = try state.load(LuaSource(name: "scripts/x.lua", text: "error('2') -- second"))
    state.reset()
    let error = #expect(throws: LuaError.self) { try state.start(first) }
    #expect(error?.sourceLine == "error('1') -- first")
  }

  @Test("what is kept of an error's message is short, and still text")
  func longMessages() throws {
    let state = try makeState()
    #expect(try state.results("""
      for i = 1, 40 do pcall(host.fail, ('é'):rep(100000 + i)) end
      local _, e = pcall(host.fail, ('é'):rep(100000))
      return #e <= 4096, #e > 4000, utf8.len(e) ~= nil
      """) == [true, true, true])
    #expect(state.causes.allSatisfy { $0.message.count <= 4096 })
    #expect(state.failure("host.fail(('x'):rep(100000))")?.cause is Refusal)
  }

  @Test("long names of scripts are found again")
  func longNames() throws {
    let name = "scripts/" + String(repeating: "long/", count: 20) + "x.lua"
    let state = try makeState()
    #expect(throws: LuaError.self) { try state.results("\nerror('x')", name: name) }
    do {
      _ = try state.results("\nerror('x')", name: name)
    } catch let error as LuaError {
      #expect(error.script == name)
      #expect(error.line == 2)
    }
  }

  @Test("xpcall's handler gets the message and a traceback, may fail, and sees results through")
  func xpcall() throws {
    let state = try makeState()
    let values = try state.results("""
      local ok, text = xpcall(function() error('x') end, function(e, trace) return e .. '|' .. trace end)
      return ok, text, select('#', xpcall(function(...) return ... end, print, 1, nil, nil)),
        select(2, xpcall(error, function() error('in handler', 0) end))
      """)
    #expect(values[0] == false)
    #expect(values[1].text?.hasPrefix("scripts/test.lua:1: x|stack traceback:") == true)
    #expect(values[2] == 4)
    #expect(values[3] == "in handler")
  }

  @Test("xpcall gives exactly one value of its handler, as plain Lua does", arguments: [
    ("return 7, 8, 9", LuaValue.integer(7)), ("return", .nil), ("host.wait() return 7, 8", 7),
  ])
  func handlerValues(_ body: String, _ expected: LuaValue) throws {
    let state = try makeState()
    var outcome = try state.begin("return xpcall(error, function() \(body) end)")
    if case .suspended = outcome { outcome = try state.resume(.success([])) }
    guard case .returned(let values) = outcome else {
      Issue.record("not finished")
      return
    }
    #expect(values == [false, expected])
  }

  @Test("a fatal Swift error can't be caught")
  func fatal() throws {
    let state = try makeState()
    let error = try #require(state.failure("while true do pcall(host.cancel) end"))
    #expect(error.kind == .fatal)
    #expect(error.cause is Cancelled)
    #expect(state.failure("return 1")?.kind == .misuse)
  }

  @Test("many errors leave nothing on the stack")
  func balance() throws {
    let state = try makeState()
    for _ in 0..<2000 {
      _ = state.failure("host.fail('x')")
      _ = try state.results("for i = 1, 20 do pcall(host.fail, 'x') pcall(host.echo, {}) end")
    }
    #expect(state.stackTop == 0)
  }
}
