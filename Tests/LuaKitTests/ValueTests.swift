import Testing

@testable import LuaKit

@Suite("Values both ways")
struct ValueTests {
  @Test("every plain value comes back as it went in", arguments: [
    LuaValue.nil, true, false, .integer(.max), .integer(.min), .integer(0), 1.5, -0.0, .number(.infinity), "",
    "déjà", .string(LuaString(bytes: [0, 255, 128, 0, 10])), [1, "two", false], ["b": 1, "a": [1, 2]],
  ])
  func roundTrip(_ value: LuaValue) throws {
    let state = try makeState()
    let echo = try state.load(LuaSource(name: "echo.lua", text: "return host.echo(...)"))
    guard case .returned(let values) = try state.start(echo, [value]) else { return }
    var sorted = value
    if case .table(var table) = value {
      table.fields.sort { ($0.key.text ?? "") < ($1.key.text ?? "") }
      sorted = .table(table)
    }
    #expect(values == [sorted])
  }

  @Test("NaN stays a number")
  func nan() throws {
    guard case .number(let d)? = try makeState().results("return 0/0").first else {
      Issue.record("no number")
      return
    }
    #expect(d.isNaN)
  }

  @Test("integers and floats stay apart, and keys come in a fixed order")
  func order() throws {
    let values = try makeState().results(
      "return { [true] = 1, b = 2, a = 3, [10] = 4, [-1] = 5, 'x', 'y', [2.5] = 6, [2^53] = 7 }, 1, 1.0")
    guard case .table(let table)? = values.first else {
      Issue.record("no table")
      return
    }
    #expect(table.sequence == ["x", "y"])
    #expect(table.fields.map(\.key) == [-1, 2.5, 10, .integer(1 << 53), "a", "b", true])
    #expect(values[1] == .integer(1))
    #expect(values[2] == .number(1))
  }

  @Test("tables that contain themselves, are nested too deep or hold too much are errors", arguments: [
    ("local t = {} t[1] = t return t", "contains itself"),
    ("local t = {} for i = 1, 40 do t = { t } end return t", "nested more than"),
    ("local t = {} for i = 1, 100001 do t[i] = i end return t", "more than 100000 values"),
    ("return { [{}] = 1 }", "a table as a key"),
    ("return coroutine.create(print)", "a thread can't be passed"),
    ("local s = string.rep('x', 1 << 20) local t = {} for i = 1, 100 do t[i] = s end return t", "too long"),
  ])
  func limits(_ text: String, _ expected: String) throws {
    let error = try #require(try makeState().failure(text))
    #expect(error.kind == .runtime)
    #expect(error.message.contains(expected), "\(error.message)")
    let wrapped = "return pcall(host.echo, (function() \(text) end)())"
    let values = try makeState().results(wrapped)
    #expect(values.first == false)
    #expect(values.last?.text?.contains(expected) == true)
  }

  @Test("integers and floats are ordered by their exact values")
  func exactOrder() {
    let ascending: [LuaValue] = [
      .number(-.infinity), .number(-0x1.8p63), .integer(.min), .integer(.min + 1), .number(-1.5), -1, .number(-0.5), 0,
      .number(0.5), .integer(1 << 53), .integer((1 << 53) + 1), .integer(.max - 1), .integer(.max), .number(0x1p63),
      .number(.infinity), "", "a", false, true,
    ]
    for (i, a) in ascending.enumerated() {
      for (j, b) in ascending.enumerated() { #expect(LuaState.precedes(a, b) == (i < j), "\(a), \(b)") }
    }
    #expect(!LuaState.precedes(.integer(.min), .number(-0x1p63)))
    #expect(!LuaState.precedes(.number(-0x1p63), .integer(.min)))
  }

  @Test("arguments are numbered from 1: there is none at 0 or below, nor far beyond the last")
  func argumentNumbers() throws {
    let state = try makeState()
    let check: LuaHostFunction = { call in
      .values([0, -1, -2, .min, 4, 1_000_000_000_000].map { i in
        let isThere = !call.isNil(i) || (try? call.string(i)) != nil || (try? call.number(i)) != nil
          || (try? call.integer(i)) != nil || (try? call.value(i)) != .nil || call.typeName(i) != "no value"
        return .boolean(isThere)
      })
    }
    try state.define(function: "check", in: "host", check)
    let type = try state.define(type: LuaTypeDefinition(name: "thing", methods: [("check", check)]))
    try state.define(global: "thing", .object(LuaObject(type: type, first: 1)))
    #expect(try state.results("return host.check(1, 2, 3)") == Array(repeating: false, count: 6))
    #expect(try state.results("return thing:check(1, 2, 3)") == Array(repeating: false, count: 6))
  }

  @Test("keys that are no UTF-8 stay as many as they are")
  func otherKeys() throws {
    let values = try makeState().results("""
      local t = host.echo({ ['\\xff'] = 1, ['\\xfe'] = 2, ['\\0'] = 3, [''] = 4 })
      return t, t['\\xff'], t['\\xfe'], t['\\0'], t['']
      """)
    guard case .table(let table)? = values.first else { return }
    #expect(table.fields.map(\.value) == [4, 3, 2, 1])
    #expect(values.dropFirst() == [1, 2, 3, 4])
  }

  @Test("reading a table runs no metamethod")
  func raw() throws {
    let values = try makeState().results("""
      local t = setmetatable({ 1, 2 }, { __index = error, __len = error, __pairs = error })
      return host.echo(t)
      """)
    #expect(values == [[1, 2]])
  }

  @Test("what is nested too deep in Swift is refused before Lua sees it")
  func deepSwift() throws {
    var value: LuaValue = 1
    for _ in 0..<40 { value = [value] }
    let state = try makeState()
    let function = try state.load(LuaSource(name: "x.lua", text: "return 1"))
    #expect(throws: LuaError.self) { try state.start(function, [value]) }
    guard case .returned(let values) = try state.start(function) else { return }
    #expect(values == [1])
  }

  @Test("250 arguments and thousands of results need no care")
  func many() throws {
    let state = try makeState()
    let values = try state.results("local t = {} for i = 1, 5000 do t[i] = i end return host.echo(table.unpack(t))")
    #expect(values.count == 5000)
    #expect(values.last == 5000)
  }

  @Test("functions keep their identity, and are refused by another state and after a reset")
  func functions() throws {
    let state = try makeState()
    try state.takeImage()
    let values = try state.results("local function f(x) return x + 1 end return f, f")
    guard case .function(let f)? = values.first, case .function(let g)? = values.last else { return }
    #expect(f == g)
    #expect(try state.call(f, [41]) == [42])
    #expect(throws: LuaError.self) { try makeState().call(f, [1]) }
    state.release(f)
    #expect(throws: LuaError.self) { try state.call(f, [1]) }
    state.reset()
    let error = #expect(throws: LuaError.self) { try state.call(f, [1]) }
    #expect(error?.kind == .misuse)
  }

  @Test("typed getters say what was expected", arguments: [
    ("host.text()", "bad argument #1 to 'host.text' (string expected, got no value)"),
    ("host.text({})", "bad argument #1 to 'host.text' (string expected, got table)"),
    ("host.text('\\xff')", "bad argument #1 to 'host.text' (text in UTF-8 expected, got other bytes)"),
    ("host.whole(1.5)", "bad argument #1 to 'host.whole' (number has no integer representation)"),
    ("host.whole(0/0)", "bad argument #1 to 'host.whole' (number has no integer representation)"),
    ("host.whole(2^63)", "bad argument #1 to 'host.whole' (number has no integer representation)"),
    ("host.whole('1')", "bad argument #1 to 'host.whole' (integer expected, got string)"),
  ])
  func getters(_ text: String, _ expected: String) throws {
    let state = try makeState()
    try state.define(function: "text", in: "host") { call in .value(.string(try call.string(1))) }
    try state.define(function: "whole", in: "host") { call in .value(.integer(try call.integer(1))) }
    #expect(state.failure(text)?.message == "scripts/test.lua:1: " + expected)
  }
}
