import LuaKit
import Testing

@Suite("The sandbox")
struct SandboxTests {
  @Test("what could reach beyond the script is absent", arguments: [
    "io", "debug", "package", "dofile", "loadfile", "string.dump", "coroutine.close", "os.execute", "os.exit",
    "os.getenv", "os.remove", "os.rename", "os.tmpname", "os.setlocale", "loadstring", "unpack", "newproxy",
  ])
  func absent(_ name: String) throws {
    #expect(try makeState().results("return \(name)") == [.nil])
  }

  @Test("bytecode is refused")
  func bytecode() throws {
    let state = try makeState()
    let values = try state.results("return load('\\27Lua', 'x', 'bt')")
    #expect(values.first == .nil)
    #expect(try state.results("return load('return 1', 'x', 'b')").first == .nil)
    #expect(throws: LuaError.self) { try state.load(LuaSource(name: "x", bytes: [27, 76, 117, 97])) }
  }

  @Test("library and module tables can't be changed", arguments: [
    "string.format = nil", "host.echo = print", "rawset(string, 'x', 1)", "table.insert = nil",
    "setmetatable(host, {})", "setmetatable(string, nil)", "math.pi = 3", "rawset(host, 'echo', 1)",
  ])
  func readOnly(_ text: String) throws {
    let state = try makeState()
    #expect(state.failure(text)?.kind == .runtime)
    #expect(try state.results("return type(string.format), type(host.echo), getmetatable(host)")
      == ["function", "function", false])
  }

  @Test("modules can be iterated")
  func iterated() throws {
    let values = try makeState().results(
      "local n = 0 for k, v in pairs(host) do assert(type(k) == 'string') n = n + 1 end return n")
    #expect(values == [6])
  }

  @Test("metatables are copies of what is allowed")
  func metatables() throws {
    let state = try makeState()
    #expect(state.failure("setmetatable({}, { __gc = print })")?.message.contains("__gc") == true)
    #expect(state.failure("setmetatable({}, { __gc = false })") != nil)
    #expect(state.failure("setmetatable({}, { __call = {} })") != nil)
    #expect(try state.results("""
      local mt = { __index = { x = 1 }, __mode = 'k', __name = 'n' }
      local t = setmetatable({}, mt)
      mt.__index = { x = 2 }
      local u = setmetatable({}, mt)
      return t.x, u.x, getmetatable(t) == mt, getmetatable(u) == mt, getmetatable('x') == nil,
        getmetatable(setmetatable({}, { __metatable = 'no' })), pcall(setmetatable, setmetatable({}, { __metatable = 1 }), nil)
      """).prefix(7) == [1, 2, true, true, false, "no", false])
    #expect(try state.results("""
      local mt = setmetatable({}, { __index = function(t, k) if k == '__gc' then return print end end })
      return type(setmetatable({}, mt))
      """) == ["table"])
    #expect(try state.results("for i = 1, 2000 do setmetatable({}, { __index = {} }) end return 1") == [1])
  }

  @Test("closing works, in order, with errors")
  func closing() throws {
    #expect(try makeState().results("""
      local log = {}
      local function closer(name) return setmetatable({}, { __close = function(_, e) log[#log + 1] = name .. tostring(e) end }) end
      do local a <close> = closer('a') local b <close> = closer('b') end
      pcall(function() local c <close> = closer('c') error('x', 0) end)
      return table.concat(log, ' ')
      """) == ["bnil anil cx"])
  }

  @Test("modules load once, and a circle is an error")
  func modules() throws {
    let state = try makeState()
    nonisolated(unsafe) var loads = 0
    state.setLoader { name in
      loads += 1
      switch name {
      case "lib/a": return LuaSource(name: "scripts/lib/a.lua", text: "return { name = ... }")
      case "lib/b": return LuaSource(name: "scripts/lib/b.lua", text: "return require 'lib/b'")
      case "lib/c": return LuaSource(name: "scripts/lib/c.lua", text: "\nerror('in c')")
      case "lib/d": return LuaSource(name: "scripts/lib/d.lua", text: "return host.wait()")
      case "lib/e": return LuaSource(name: "scripts/lib/e.lua", text: "x = = 1")
      default: return nil
      }
    }
    #expect(try state.results("return require('lib/a') == require('lib/a'), require('lib/a').name") == [true, "lib/a"])
    #expect(loads == 1)
    #expect(state.failure("require 'lib/b'")?.message.contains("requires itself") == true)
    #expect(state.failure("require 'lib/x'")?.message == "scripts/test.lua:1: module 'lib/x' not found")
    let error = try #require(state.failure("require 'lib/c'"))
    #expect(error.script == "scripts/lib/c.lua")
    #expect(error.sourceLine == "error('in c')")
    #expect(state.failure("require 'lib/c'")?.message.contains("in c") == true)
    #expect(state.failure("require 'lib/e'")?.message.hasPrefix("scripts/lib/e.lua:1:") == true)
    _ = try state.begin("return require 'lib/d'")
    guard case .returned(let values) = try state.resume(.success([5])) else { return }
    #expect(values == [5])
  }

  @Test("a module that require asks the host for is a call to the host")
  func moduleCalls() throws {
    let state = try makeState(LuaLimits(seconds: 1, hostCalls: 100))
    nonisolated(unsafe) var asked = 0
    state.setLoader { _ in
      asked += 1
      return nil
    }
    #expect(state.failure("while true do pcall(require, 'lib/none') end")?.kind == .hostCallLimit)
    #expect(asked == 100)
  }

  @Test("load gives nil and what its reader raised, and takes a number for a text, as plain Lua does")
  func loadErrors() throws {
    let state = try makeState()
    #expect(try state.results("return load(function() error('mine', 0) end)") == [.nil, "mine"])
    #expect(try state.results("local e = {} return rawequal(select(2, load(function() error(e) end)), e)") == [true])
    #expect(try state.results("return load(function() return {} end)") == [.nil, "reader function must return a string"])
    #expect(try state.results("return load(function() coroutine.yield() end)").first == .nil)
    #expect(try state.results("return load(123)")
      == [.nil, "[string \"123\"]:1: unexpected symbol near '123'"])
    #expect(try state.results("return pcall(load, {})").first == false)
  }

  @Test("load uses the given environment and reader")
  func load() throws {
    #expect(try makeState().results("""
      local n = 0
      local f = load(function() n = n + 1 return ({ 'return ', 'x' })[n] end, 'c', 't', { x = 5 })
      return f(), load('return ...')(6), select(2, load('x ='))
      """) == [5, 6, "[string \"x =\"]:1: unexpected symbol near <eof>"])
  }
}
