import Testing

@testable import LuaKit

@Suite("Functions that the host holds")
struct FunctionTests {
  /// A state with `host.keep` (retains its argument), `host.note` (does not) and `host.made`, which calls its
  /// argument and looks at the function that comes back.
  final class Held {
    var functions: [LuaFunction] = []
  }

  func make(_ limits: LuaLimits = LuaLimits(hostCalls: nil)) throws -> (LuaState, Held) {
    let state = try makeState(limits)
    let held = Held()
    try state.define(function: "keep", in: "host") { call in
      held.functions.append(call.state.retain(try call.function(1)))
      return .none
    }
    try state.define(function: "note", in: "host") { call in
      held.functions.append(try call.function(1))
      return .none
    }
    try state.define(function: "made", in: "host") { call in
      guard case .function(let f)? = try call.state.call(call.function(1)).first else { return .none }
      held.functions.append(f)
      return .values(try call.state.call(f) + [.function(f)])
    }
    return (state, held)
  }

  @Test("a function a host function got is forgotten when that returns", arguments: [
    "host.each(function() return i end)", "host.echo(function() return i end)", "host.note(function() return i end)",
    "host.echo({ { f = function() return i end } })", "pcall(host.echo, { function() return i end, {}, coroutine.create(print) })",
    "pcall(host.each, function() error(i) end)", "pcall(host.each, function() host.fail('x') end)",
    "host.each(function() return function() return i end end)", "host.made(function() return function() return i end end)",
    "host.each(function() host.each(function() return function() return i end end) end)",
    "pcall(host.fail, function() return i end)", "host.wait(function() return i end)",
    "pcall(host.echo, setmetatable({}, { __index = function() return i end }), print, function() return i end)",
  ])
  func forgotten(_ text: String) throws {
    let (state, _) = try make()
    let function = try state.load(LuaSource(name: "x.lua", text: "for i = 1, ... do \(text) end"))
    for rounds in [1, 1000] as [LuaValue] {
      var outcome = try state.start(function, [rounds])
      while case .suspended = outcome { outcome = try state.resume(.success([])) }
      #expect(state.heldFunctions == 1)  // the loaded one
    }
    #expect(state.stackTop == 0)
  }

  @Test("a handle that outlived its call is an error, never another function")
  func late() throws {
    let (state, held) = try make()
    _ = try state.results("host.note(function() return 1 end) host.note(function() return 2 end)")
    for function in held.functions {
      let error = #expect(throws: LuaError.self) { try state.call(function) }
      #expect(error?.message.contains("released") == true)
    }
    #expect(Set(held.functions).count == 2)
  }

  @Test("a call whose results Lua refuses gives back what it was lent too")
  func refusedResults() throws {
    let (state, held) = try make()
    try state.define(function: "stale_of", in: "host") { call in
      _ = try call.value(1)
      return .value(.function(held.functions[0]))
    }
    nonisolated(unsafe) var most = 0
    try state.define(function: "count", in: "host") { call in
      most = max(most, call.state.heldFunctions)
      return .none
    }
    _ = try state.results("host.note(function() end)")
    #expect(try state.results("""
      for i = 1, 1000 do
        local ok, e = pcall(host.stale_of, function() return i end)
        if ok or not e:find('released') then return 'accepted' end
        host.count()
      end
      pcall(host.stale_of, function() end)
      return host.each(function() pcall(host.stale_of, function() end) return 'refused' end)
      """) == ["refused"])
    #expect(most == 2)  // the two texts loaded
    #expect(state.heldFunctions == 2)
    #expect(try state.call(state.load(LuaSource(name: "x.lua", text: "pcall(host.stale_of, print)"))) == [])
    _ = try state.results("pcall(host.stale_of, print)")
    #expect(state.heldFunctions == 4)
  }

  @Test("while the call lasts the function keeps its handle and its identity")
  func during() throws {
    let (state, _) = try make()
    #expect(try state.results("""
      local f = function() return 5 end
      local a, g = host.made(function() return f end)
      local h = host.echo(f)
      return a, f == g, f == h, host.each(function() return host.echo(f) == f and host.each(f) end)
      """) == [5, true, true, 5])
  }

  @Test("a retained function lasts until it is released, through images and resets")
  func retained() throws {
    let (state, held) = try make()
    _ = try state.results("local n = 0 function count() n = n + 1 return n end host.keep(count) host.note(count) host.keep(count)")
    #expect(Set(held.functions).count == 1)
    let count = held.functions[0]
    #expect(try state.call(count) == [1])
    try state.takeImage()
    for _ in 0..<2 {
      #expect(try state.call(count) == [2])
      _ = try state.results("host.each(count)")
      #expect(try state.call(count) == [4])
      state.reset()
    }
    state.release(count)
    #expect(throws: LuaError.self) { try state.call(count) }
    _ = try state.results("host.keep(count)")
    #expect(try state.call(held.functions[3]) == [2])
    #expect(throws: LuaError.self) { try state.call(count) }
  }

  @Test("what is retained in an inner call outlasts the outer one, and what an outer one got the inner one's end")
  func nested() throws {
    let (state, held) = try make()
    _ = try state.results("""
      local function inner() return 1 end
      host.each(function()
        host.keep(inner)
        for i = 1, 100 do host.note(function() return i end) end
        host.keep(function() return 2 end)
        return inner
      end)
      """)
    #expect(state.heldFunctions == 3)
    #expect(try state.call(held.functions[0]) == [1])
    #expect(try state.call(held.functions[101]) == [2])
  }

  @Test("results of a run are the host's until it releases them; those of a failed conversion are forgotten")
  func results() throws {
    let (state, _) = try make()
    let values = try state.results("return function() return 1 end, { function() return 2 end }")
    guard case .function(let f)? = values.first, case .table(let table)? = values.last,
      case .function(let g)? = table.sequence.first
    else {
      Issue.record("no functions")
      return
    }
    #expect(try state.call(f) + state.call(g) == [1, 2])
    #expect(state.heldFunctions == 3)
    state.release(f)
    state.release(g)
    #expect(state.heldFunctions == 1)
    #expect(state.failure("return function() end, { coroutine.create(print) }") != nil)
    #expect(state.failure("host.each(function() error(1) end) return function() end") != nil)
    #expect(state.heldFunctions == 3)  // the three texts loaded
  }

  @Test("a run that a budget ended leaves nothing behind after the reset")
  func killed() throws {
    let (state, _) = try make(LuaLimits(seconds: 0.02, hostCalls: nil))
    try state.takeImage()
    for text in ["while true do host.each(function() end) end", "host.each(function() while true do end end)"] {
      #expect(state.failure(text)?.kind == .timeLimit)
      state.reset()
      #expect(state.heldFunctions == 0)
      _ = try state.results("return host.each(function() return function() end end)")
      state.reset()
    }
  }

  @Test("a handle from before a reset is not taken for a function made after it, also when a new image was taken")
  func generations() throws {
    let state = try makeState()
    try state.takeImage()
    let old = try state.load(LuaSource(name: "old.lua", text: "return 'old'"))
    state.reset()
    let new = try state.load(LuaSource(name: "new.lua", text: "return 'new'"))
    try state.takeImage()
    #expect(throws: LuaError.self) { try state.call(old) }
    #expect(try state.call(new) == ["new"])
    state.reset()
    #expect(throws: LuaError.self) { try state.call(old) }
    #expect(try state.call(new) == ["new"])
    #expect(try state.call(state.load(LuaSource(name: "x.lua", text: "return 1"))) == [1])
  }
}
