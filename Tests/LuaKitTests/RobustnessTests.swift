import Foundation
import Testing

@testable import LuaKit

@Suite("Robustness")
struct RobustnessTests {
  /// A Swift object that counts how many of its kind there are.
  final class Counted: Sendable {
    static let lock = NSLock()
    nonisolated(unsafe) private static var count = 0
    static var alive: Int { lock.withLock { count } }
    init() { Self.lock.withLock { Self.count += 1 } }
    deinit { Self.lock.withLock { Self.count -= 1 } }
  }

  struct Wrong: Error {
    var held: Counted
  }

  @Test("a hundred thousand wrong arguments leave no Swift object, function or value behind")
  func wrongArguments() throws {
    let before = Counted.alive
    do {
      let state = try makeState(LuaLimits(seconds: 60, hostCalls: nil))
      nonisolated(unsafe) var most = 0
      try state.define(function: "typed", in: "host") { call in
        let object = Counted()
        most = max(most, Counted.alive - before)
        do {
          let list = [object, Counted()]
          return .value(.integer(try call.integer(1) + Int64(call.table(2).sequence.count + list.count)))
        } catch {
          throw LuaHostError("wrong", cause: Wrong(held: object))
        }
      }
      #expect(try state.results("""
        local wrong = { {}, true, 'x', print, 1.5, function() end, host, coroutine.create(print), 0/0, { {}, print } }
        local n = 0
        for i = 1, 100000 do
          if not pcall(host.typed, wrong[i % 10 + 1]) then n = n + 1 end
          if i % 100 == 0 then pcall(host.typed, i, { function() return i end, wrong }) end
        end
        return n
        """) == [100_000])
      #expect(most < 100)
      #expect(Counted.alive - before < 100)
      #expect(state.heldFunctions == 1)
      #expect(state.stackTop == 0)
    }
    #expect(Counted.alive == before)
  }

  @Test("two states run on two threads at once")
  func threads() throws {
    let texts = try onThreads(2) { number in
      let state = try makeState(LuaLimits(seconds: 30, hostCalls: nil))
      try state.takeImage()
      var all: Set<String> = []
      for round in 0..<200 {
        let function = try state.load(LuaSource(name: "x.lua", text: """
          local parts, id = {}, ...
          for i = 1, 200 do parts[i] = host.each(function(x) return id + x + i end) end
          pcall(host.fail, 'x') setmetatable({}, { __index = parts })
          local answer = host.wait()
          return table.concat(parts, ',') == answer and 'same ' .. id or 'different ' .. id
          """))
        guard case .suspended = try state.start(function, [.integer(Int64(number * 1000))]) else { return "ended" }
        let answer = (1...200).map { String(number * 1000 + 1 + $0) }.joined(separator: ",")
        guard case .returned(let values) = try state.resume(.success([.string(answer)])) else { return "waits" }
        all.insert(values.first?.text ?? "?")
        if round % 50 == 0 {
          let short = try makeState(LuaLimits(seconds: 0.01, hostCalls: nil))
          if short.failure("while true do pcall(host.each, print) end")?.kind != .timeLimit { return "endless" }
        }
        state.reset()
      }
      return all.sorted().joined(separator: ";")
    }
    #expect(texts == ["same 0", "same 1000"])
  }

  @Test("a state can be dropped while its script is suspended")
  func droppedSuspended() throws {
    // Of its own kind: other tests count theirs at the same time.
    final class Held: Sendable {}
    for text in ["local c <close> = setmetatable({}, { __close = function() host.fail('closed') end }) host.wait()",
      "coroutine.wrap(function() pcall(function() host.wait(function() end) end) end)()"] {
      var state: LuaState? = try makeState()
      weak let dropped = state
      var object: Held? = Held()
      weak let held = object
      state?.context = object
      object = nil
      guard case .suspended? = try state?.begin(text) else {
        Issue.record("not suspended")
        return
      }
      state = nil
      #expect(dropped == nil)
      #expect(held == nil)
    }
  }

  @Test("a coroutine kept from an earlier call is under the budgets of the later one", arguments: [
    LuaLimits(seconds: 0.05), LuaLimits(seconds: nil, instructions: 100_000),
  ])
  func keptCoroutine(_ limits: LuaLimits) throws {
    let state = try makeState(limits)
    _ = try state.results("""
      kept = coroutine.create(function() coroutine.yield() while true do pcall(function() while true do end end) end end)
      coroutine.resume(kept)
      """)
    let kind = state.failure("coroutine.resume(kept)")?.kind
    #expect(kind == (limits.seconds == nil ? .instructionLimit : .timeLimit))
  }

  @Test("a time limit ends a script that is 190,000 calls deep")
  func deep() throws {
    let state = try makeState(LuaLimits(seconds: 0.5))
    nonisolated(unsafe) var reached = false
    try state.define(function: "reached", in: "host") { _ in
      reached = true
      return .none
    }
    let text = """
      local function f(n) if n > 0 then return (f(n - 1)) end host.reached() while true do end end
      f(190000)
      """
    #expect(state.failure(text)?.kind == .timeLimit)
    #expect(reached)
  }

  @Test("endless recursion through the host ends with an error on a thread as the product has it", arguments: [
    "local function f() return host.each(f) end f()",
    "local function f() return (pcall(host.each, f)) end return f()",
    "local t = {} setmetatable(t, { __index = function(t, k) return host.each(function() return t.x end) end }) return t.x",
    "local function f() return coroutine.wrap(function() return host.each(f) end)() end f()",
    "local function f(s) return host.each(function() return (s:gsub('.', f)) end) end f('x')",
    "local function f() table.sort({ 1, 2, 3 }, function() return host.each(f) end) end f()",
  ])
  func recursion(_ text: String) throws {
    let texts = try onThreads(1) { _ in
      let state = try makeState(LuaLimits(seconds: 20, hostCalls: nil))
      let kind = state.failure(text)?.kind
      let isSound = try state.results("return 1") == [1]
      return "\(kind?.rawValue ?? "none") \(isSound)"
    }
    #expect(texts == [text.contains("pcall") ? "none true" : "runtime true"])
  }

  @Test("the process stays in the locale C")
  func locale() throws {
    _ = try makeState().results("return os.date('%c'), ('é'):upper(), 'a' < 'b', string.format('%.1f', 1.5)")
    #expect(setlocale(LC_ALL, nil).map { String(cString: $0) } == "C")
  }

  @Test("what a dead coroutine had to close stays open")
  func deadCoroutine() throws {
    #expect(try makeState().results("""
      local closed = 0
      local function failing()
        local c <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
        coroutine.yield()
        error('x')
      end
      local co = coroutine.create(failing)
      coroutine.resume(co)
      local ok = coroutine.resume(co)
      local w = coroutine.wrap(failing) w()
      local wrapped = pcall(w)
      for i = 1, 200 do local garbage = ('x'):rep(100000) .. i end
      return ok, coroutine.status(co), wrapped, closed
      """) == [false, "dead", false, 0])
  }

  @Test("half a million globals make no error dear")
  func manyGlobals() throws {
    // A search through the globals for each message would be 10^9 steps and more.
    let state = try makeState(LuaLimits(seconds: 10, memoryBytes: 256 << 20))
    let error = state.failure("""
      for i = 1, 500000 do _G['g' .. i] = i end
      for i = 1, 2000 do pcall(string.rep) pcall(error, 'x') xpcall(error, function(e, trace) return trace end, 'x') end
      error('end')
      """)
    #expect(error?.message == "scripts/test.lua:3: end")
  }
}
