import LuaKit
import Testing

@Suite("What one call may pass to the host")
struct ConversionTests {
  /// A state whose `host.take` reads all its arguments and notes what came.
  final class Taken {
    var calls = 0
    var bytes = 0
    var values = 0
    func add(_ value: LuaValue) {
      values += 1
      switch value {
      case .string(let string): bytes += string.bytes.count
      case .table(let table): for element in table.sequence { add(element) }
      default: break
      }
    }
  }

  func make(_ limits: LuaLimits) throws -> (LuaState, Taken) {
    let state = try makeState(limits)
    let taken = Taken()
    try state.define(function: "take", in: "host") { call in
      for i in stride(from: 1, through: call.count, by: 1) { taken.add(try call.value(i)) }
      taken.calls += 1
      return .none
    }
    return (state, taken)
  }

  @Test("all arguments together fit into the memory limit and the limit of values", arguments: [
    ("local s = ('x'):rep(1 << 20) host.take(s, s, s, s, s)", "too long"),
    ("local t = { ('x'):rep(1 << 20) } host.take(t, t, t, t, t)", "too long"),
    ("local s = ('x'):rep(1 << 20) host.take(s, { s }, s, { s }, s)", "too long"),
    ("local s = ('x'):rep(1 << 20) host.take(s, s, s, s, { s })", "too long"),
    ("local t = {} for i = 1, 60000 do t[i] = i end host.take(t, t)", "more than 100000 values"),
    ("local t = {} for i = 1, 60000 do t[i] = i end host.take(t, 1, { t })", "more than 100000 values"),
  ])
  func together(_ text: String, _ expected: String) throws {
    let (state, taken) = try make(LuaLimits(memoryBytes: 4 << 20))
    let error = state.failure(text)
    #expect(error?.kind == .runtime)
    #expect(error?.message.contains(expected) == true, "\(error?.message ?? "no error")")
    #expect(taken.calls == 0)
    #expect(taken.bytes <= 4 << 20)
    #expect(taken.values <= 100_000)
  }

  @Test("what fits passes, call after call")
  func fits() throws {
    let (state, taken) = try make(LuaLimits(memoryBytes: 4 << 20))
    _ = try state.results("""
      local s, t = ('x'):rep(1 << 20), {}
      for i = 1, 40000 do t[i] = i end
      for i = 1, 5 do host.take(s, { s }, s, t, t) end
      """)
    #expect(taken.calls == 5)
  }

  @Test("a call within a call has a budget of its own, and the outer one goes on with what it had left")
  func nested() throws {
    let (state, taken) = try make(LuaLimits())
    try state.define(function: "outer", in: "host") { call in
      taken.add(try call.value(1))
      _ = try call.state.call(call.function(2))
      taken.add(try call.value(3))
      return .none
    }
    let prefix = "local t, u = {}, {} for i = 1, 60000 do t[i] = i u[i // 2 + 1] = i end "
    _ = try state.results(prefix + "host.outer(t, function() host.take(t) host.take(t) return t end, u)")
    #expect(taken.calls == 2)
    let error = state.failure(prefix + "host.outer(t, function() host.take(t) end, t)")
    #expect(error?.message.contains("more than 100000 values") == true)
    #expect(taken.calls == 3)
  }

  @Test("walking over tables that were emptied ends at the time limit")
  func hollow() throws {
    let (state, taken) = try make(LuaLimits(seconds: 0.3))
    let error = state.failure("""
      local hollow, list = {}, {}
      for i = 1, 1 << 20 do hollow[-i] = true end
      for i = 1, 1 << 20 do hollow[-i] = nil end
      for i = 1, 600 do list[i] = hollow end
      host.take(list)
      """)
    #expect(error?.kind == .timeLimit)
    #expect(taken.values == 0, "the whole conversion was done before anyone looked")
  }

  @Test("tables that are shared, not circular, arrive in each place")
  func shared() throws {
    let values = try makeState().results("""
      local inner = { 1 }
      local t = host.echo({ inner, inner, { inner } })
      return t, t[1] == t[2]
      """)
    #expect(values == [[[1], [1], [[1]]], false])
    let doubled = "local t = { 1 } for i = 1, 30 do t = { t, t } end host.echo(t)"
    #expect(try makeState().failure(doubled)?.message.contains("more than 100000 values") == true)
  }
}
