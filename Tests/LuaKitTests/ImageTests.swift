import CLuaShim
import LuaKit
import Testing

@Suite("Images")
struct ImageTests {
  static let hostile = [
    "x = 1 string = nil print = nil host = nil",
    "for k in pairs(_G) do _G[k] = nil end",
    "local t = {} while true do t[#t + 1] = {} end",
    "while true do end",
    "keep = coroutine.wrap(function() coroutine.yield() end) keep()",
    "host.wait()",
    "big = string.rep('x', 1 << 20)",
    "setmetatable(_G, { __index = function(t, k) return k end })",
    "host.fail('x')",
    "error({})",
    "pcall(host.cancel)",
    "table.insert(list, 'changed') list.big = list.big .. 'x' list = nil",
    "shared.x = 2",
  ]

  @Test("after a reset all memory is as the image has it, 10,000 times")
  func tenThousand() throws {
    let state = try makeState(LuaLimits(seconds: 0.004, memoryBytes: 2 << 20))
    _ = try state.results("list = { 'a' } list.big = string.rep('y', 100000) shared = { x = 1 }")
    try state.takeImage()
    let functions = try Self.hostile.map { try state.load(LuaSource(name: "scripts/hostile.lua", text: $0)) }
    try state.takeImage()
    let before = state.fingerprint
    let outside = state.outsideBytes
    for i in 0..<10_000 {
      // the slow ones less often
      let index = i % 50 < 2 ? 2 + i % 2 : (i % (Self.hostile.count - 2) + 4) % Self.hostile.count
      if index == 2 || index == 3, i % 50 >= 2 { continue }
      _ = try? state.start(functions[index])
      state.reset()
      if i % 97 < 2 { #expect(state.fingerprint == before, "after \(Self.hostile[index])") }
      #expect(state.outsideBytes == outside)
    }
    #expect(state.fingerprint == before)
    #expect(try state.results("return #list, #list.big, shared.x, x, type(string), type(host)")
      == [1, 100_000, 1, .nil, "table", "table"])
  }

  @Test("metatables, registry, epoch and budgets are as before")
  func parts() throws {
    let state = try makeState(LuaLimits(hostCalls: 50))
    try state.takeImage()
    for _ in 0..<20 {
      #expect(state.failure("while true do host.echo(function() end) end")?.kind == .hostCallLimit)
      state.reset()
      #expect(try state.results("return getmetatable(''), select('#', host.echo(1, 2))").last == 2)
      state.reset()
    }
  }

  @Test("an image that could not be taken leaves the one before as it is")
  func failedImage() throws {
    var (failed, taken) = (0, 0)
    for n in 1...12 {
      let state = try makeState()
      _ = try state.results("list = {} for i = 1, 20000 do list[i] = i end text = ('x'):rep(200000)")
      try state.takeImage()
      let before = state.fingerprint
      _ = try state.results("for i = 1, 20000 do list[i] = 'changed' .. i end")
      clk_fail_allocation(Int64(n), false)
      do {
        try state.takeImage()
        taken += 1
      } catch {
        #expect(error.kind == .memoryLimit)
        failed += 1
      }
      let done = clk_failures_left() > 0
      clk_fail_allocation(0, false)
      state.reset()
      if !done {
        #expect(state.fingerprint == before, "after failure \(n)")
        #expect(try state.results("return list[1], list[20000], #text") == [1, 20_000, 200_000])
      }
    }
    #expect(failed >= 3)
    #expect(taken > 0)
  }

  @Test("no image can be taken of a state whose last run was ended by a budget")
  func spentImage() throws {
    let state = try makeState(LuaLimits(seconds: 0.02))
    try state.takeImage()
    #expect(state.failure("x = 1 while true do end")?.kind == .timeLimit)
    let error = #expect(throws: LuaError.self) { try state.takeImage() }
    #expect(error?.kind == .misuse)
    state.reset()
    #expect(try state.results("return x") == [.nil])
  }

  @Test("without an image a reset changes nothing")
  func none() throws {
    let state = try makeState()
    _ = try state.results("x = 1")
    state.reset()
    #expect(try state.results("return x") == [1])
  }

  @Test("an image is small")
  func size() throws {
    let state = try makeState()
    try state.takeImage()
    #expect(state.imageBytes < 100_000)
  }
}
