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
      #expect(error is LuaError)
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
}
