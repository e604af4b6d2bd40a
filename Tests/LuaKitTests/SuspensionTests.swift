import LuaKit
import Testing

@Suite("Suspension")
struct SuspensionTests {
  /// Runs a script whose waits are answered with 1, 2, 3...
  func answers(_ text: String) throws -> (values: [LuaValue], waits: Int) {
    let state = try makeState()
    var outcome = try state.begin(text)
    var waits = 0
    while case .suspended = outcome {
      waits += 1
      outcome = try state.resume(.success([.integer(Int64(waits))]))
    }
    guard case .returned(let values) = outcome else { return ([], waits) }
    #expect(state.stackTop == 0)
    return (values, waits)
  }

  @Test("a run goes on with the answer, wherever it waited", arguments: [
    ("return host.wait()", 1), ("return host.wait() + host.wait() - 2", 2),
    ("return select(2, pcall(host.wait))", 1),
    ("return select(2, pcall(function() return host.wait() end))", 1),
    ("return select(2, xpcall(function() return host.wait() end, print))", 1),
    ("return select(2, xpcall(error, function() return host.wait() end))", 1),
    ("return coroutine.wrap(function() return host.wait() end)()", 1),
    ("return select(2, coroutine.resume(coroutine.create(function() return host.wait() end)))", 1),
    ("local f = coroutine.wrap(function() local a = host.wait() coroutine.yield(a) return host.wait() end) return f() + f() - 2", 2),
    ("local f = coroutine.wrap(function() return coroutine.wrap(function() return (select(2, pcall(host.wait))) end)() end) return f()", 1),
    ("for x in host.wait do return x end", 1),
    ("for x in coroutine.wrap(function() coroutine.yield(host.wait()) end) do return x end", 1),
    ("local t = setmetatable({}, { __index = function() return host.wait() end }) return t.x", 1),
    ("local t = setmetatable({}, { __add = function() return host.wait() end }) return t + 1", 1),
    ("do local c <close> = setmetatable({}, { __close = function() X = host.wait() end }) end return X", 1),
  ])
  func goesOn(_ text: String, _ expected: Int) throws {
    let (values, waits) = try answers(text)
    #expect(values == [1])
    #expect(waits == expected)
  }

  @Test("an error as the answer is raised at the call and can be caught")
  func failing() throws {
    let state = try makeState()
    _ = try state.begin("local ok, e = pcall(host.wait)\nreturn ok, e, pcall(function()\nhost.wait() end)")
    guard case .suspended = try state.resume(.failure(LuaHostError("first"))) else { return }
    guard case .returned(let values) = try state.resume(.failure(LuaHostError("second"))) else { return }
    #expect(values == [false, "scripts/test.lua:1: first", false, "scripts/test.lua:3: second"])
    _ = try state.begin("host.wait()")
    let error = #expect(throws: LuaError.self) {
      try state.resume(.failure(LuaHostError("third", cause: Refusal(text: "why"))))
    }
    #expect(error?.message == "scripts/test.lua:1: third")
    #expect(error?.cause as? Refusal == Refusal(text: "why"))
  }

  @Test("where it can't wait, the script gets an ordinary error", arguments: [
    "table.sort({ 3, 2, 1 }, function(a, b) host.W() return a < b end)",
    "string.gsub('x', 'x', function() host.W() end)",
    "tostring(setmetatable({}, { __tostring = function() return host.W() end }))",
    "host.each(function() host.W() end)",
    "table.sort({ 3, 2, 1 }, function(a, b) coroutine.wrap(function() host.W() end)() return a < b end)",
    "host.each(function() coroutine.wrap(function() coroutine.wrap(host.W)() end)() end)",
  ])
  func refused(_ text: String) throws {
    for name in ["wait", "blind_wait"] {
      let state = try makeState()
      let script = text.replacing("host.W", with: "host." + name)
      let error = try #require(state.failure(script))
      #expect(error.kind == .runtime)
      #expect(error.message.contains("can't wait here"), "\(error.message)")
      #expect(try state.results("local ok = pcall(function() \(script) end) return ok") == [false])
    }
  }

  @Test("a script's own yields stay its own")
  func yields() throws {
    let state = try makeState()
    #expect(state.failure("coroutine.yield(1)")?.message.hasSuffix("attempt to yield from outside a coroutine") == true)
    #expect(try state.results("return coroutine.isyieldable(), select(2, coroutine.running())") == [false, true])
    #expect(try state.results("""
      local co = coroutine.create(function(a) local b = coroutine.yield(a + 1) return b * 2 end)
      local _, x = coroutine.resume(co, 1) local _, y = coroutine.resume(co, 21)
      return x, y, coroutine.status(co), coroutine.resume(co)
      """) == [2, 42, "dead", false, "cannot resume dead coroutine"])
    #expect(try state.results("return coroutine.resume(coroutine.running())")
      == [false, "cannot resume non-suspended coroutine"])
  }

  @Test("wrong uses are errors, not accidents")
  func misuse() throws {
    let state = try makeState()
    #expect(throws: LuaError.self) { try state.resume(.success([])) }
    let function = try state.load(LuaSource(name: "x.lua", text: "host.wait()"))
    _ = try state.start(function)
    #expect(throws: LuaError.self) { try state.start(function) }
    #expect(throws: LuaError.self) { try state.call(function) }
    #expect(throws: LuaError.self) { try state.takeImage() }
    guard case .returned = try state.resume(.success([])) else { return }
    #expect(throws: LuaError.self) { try state.call(function) }
  }
}
