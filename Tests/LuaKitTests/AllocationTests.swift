import CLuaShim
import LuaKit
import Testing

@Suite("Failing allocations")
struct AllocationTests {
  static let script = """
    local t = {}
    for i = 1, 20 do t[i] = { name = 'n' .. i } end
    local co = coroutine.wrap(function(a) local b = coroutine.yield(a) return host.echo({ b, x = 'y' }) end)
    co(1) co(2)
    pcall(error, {}) pcall(host.fail, 'x') xpcall(error, function(e, trace) return trace end, 'y')
    local m = setmetatable({}, { __index = t, __close = function() end })
    do local c <close> = m end
    load('return 1')()
    pcall(load, 'x =')
    pcall(string.rep, 'x', 100)
    host.each(function() return 1 end)
    return t, tostring(1.5), function() end
    """

  /// The whole life of a state; errors are as good as results, only an abort is not.
  func life() {
    do {
      let state = try makeState()
      try state.takeImage()
      for _ in 0..<2 {
        _ = try? state.results(Self.script)
        state.reset()
      }
      _ = try state.results("return 1")
    } catch {
      #expect((error as? LuaError)?.kind == .memoryLimit, "\(error)")
    }
  }

  @Test("the n-th request fails, once or for ever: never an abort", arguments: [false, true])
  func nth(_ forEver: Bool) throws {
    clk_fail_allocation(1 << 40, false)
    life()
    let total = (1 << 40) - clk_failures_left()
    clk_fail_allocation(0, false)
    #expect(total > 300)
    for n in 1...min(total + 5, 3000) {
      clk_fail_allocation(n, forEver)
      life()
      clk_fail_allocation(0, false)
    }
    let state = try makeState()
    #expect(try state.results("return 1") == [1])
  }

  @Test("a script can't catch that there is no memory")
  func uncaught() throws {
    // What is given back on the way up, here most of a deep stack, must not hide the failure. More bytes than there
    // are addresses: the system refuses them for certain.
    for end in ["return ('x'):rep(1 << 48)", "return (pcall(string.rep, 'x', 1 << 48))"] {
      let state = try makeState(LuaLimits(seconds: nil, memoryBytes: 1 << 50))
      let text = """
        local function deep(n)
          if n > 0 then return (deep(n - 1)) end
          \(end)
        end
        return pcall(deep, 2000)
        """
      #expect(state.failure(text)?.kind == .memoryLimit)
      #expect(state.failure("return 1")?.kind == .misuse)
    }
  }

  @Test("a message that imitates a memory error is an ordinary error, also where a true one was before", arguments: [
    "pcall(error, 'not enough memory', 0)",
    "pcall(host.each, function() error('not enough memory', 0) end)",
    "coroutine.resume(coroutine.create(function() error('not enough memory', 0) end))",
    "xpcall(error, function(e) return e end, 'not enough memory', 0)",
  ])
  func imitation(_ text: String) throws {
    let state = try makeState()
    try state.takeImage()
    let function = try state.load(LuaSource(name: "x.lua", text: "return \(text)"))
    let big = try state.load(LuaSource(name: "y.lua", text: "return #('x'):rep(100000)"))
    try state.takeImage()
    for _ in 0..<2 {
      guard case .returned(let values) = try state.start(function) else { return }
      #expect(values == [false, "not enough memory"])
      let spare = try state.load(LuaSource(name: "z.lua", text: "x = 1"))
      _ = try state.start(spare)
      clk_fail_allocation(1, true)
      let error = #expect(throws: LuaError.self) { try state.start(big) }
      clk_fail_allocation(0, false)
      #expect(error?.kind == .memoryLimit)
      state.reset()
    }
  }
}
