import CRM
import Foundation
import TestSupport
import Testing

@Suite("lua FILE…")
struct LuaCommandTests {
  /// What a file holds and what has to come of it, in one process, one after the other.
  static let files: [(name: String, text: String, outcome: String, message: String)] = [
    ("good", "print('hello', 1)", "ok", ""),
    ("endless", "while true do end", "limit", "time"),
    ("caught", "while true do pcall(function () while true do end end) end", "limit", "time"),
    ("coroutines", "while true do coroutine.wrap(function () pcall(error) end)() end", "limit", "time"),
    ("closing", "local t <close> = setmetatable({}, {__close = function () while true do end end})", "limit", "time"),
    ("handler", "xpcall(error, function () while true do end end)", "limit", "time"),
    ("sorting", "table.sort({3, 2, 1, 5, 4}, function (a, b) while true do end end)", "limit", "time"),
    ("memory", "local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end", "limit", "memory"),
    ("doubling", "local s = 'x' while true do s = s .. s end", "limit", "memory"),
    (
      "caught memory", "while true do pcall(function () local s = 'x' while true do s = s .. s end end) end", "limit",
      ""
    ),
    ("rep", "return ('x'):rep(1 << 30)", "error", "too large"),
    ("many reps", "local t = {} for i = 1, 64 do t[i] = ('x'):rep(1 << 22) end", "limit", "memory"),
    ("rep of nothing", "return #(''):rep(1 << 40)", "ok", ""),
    ("pattern", "return (('a'):rep(200)):find(('a-'):rep(30) .. 'b')", "limit", "time"),
    ("gsub", "return (('a'):rep(5000)):gsub(('.-'):rep(20) .. 'b', 'c')", "limit", "time"),
    ("nil error", "error(nil)", "error", "nil"),
    ("table error", "error({code = 1})", "error", "table"),
    ("evil error", "error(setmetatable({}, {__tostring = function () error('x') end}))", "error", ""),
    ("syntax", "local = 1", "error", "syntax.lua:1: <name> expected near '='"),
    ("deep pcall", "local function f() return pcall(f) end assert(f() == true)", "ok", ""),
    ("yield", "coroutine.yield(1)", "error", "yield.lua:1:"),
    (
      "sandbox", "assert(io == nil and debug == nil and package == nil and os.execute == nil) os.exit()", "error",
      "exit"
    ),
    ("bytecode", "return load('\\27Lua')()", "error", ""),
    ("empty", "", "ok", ""),
    ("shebang", "#!/usr/bin/env lua\nerror('line two')", "error", "shebang.lua:2: line two"),
    ("mark", "\u{FEFF}return 1", "ok", ""),
    ("traps", "string.rep = nil string.x = 1 _G.pcall = nil setmetatable(_G, {__index = error})", "", ""),
    ("number", "return 1 // 0", "error", "divide by zero"),
    ("good again", "assert(string.rep and pcall and string.x == nil) print('still here')", "ok", ""),
  ]

  @Test("a line of JSON a file, with the right outcome; whatever a file does, the next one runs")
  func outcomes() throws {
    let folder = try TemporaryFolder()
    for file in Self.files { try folder.write("\(file.name).lua", file.text) }
    let names = Self.files.map { "\($0.name).lua" }
    let outcome = try Program.run(["lua", "--json", "--time", "0.2", "--memory", "16"] + names, in: folder.url)
    #expect(outcome.status == 1)
    try #require(outcome.lines.count == names.count, "\(outcome)")
    for (line, file) in zip(outcome.lines, Self.files) {
      let json = try JSON(parsing: line)
      #expect(json.keys == ["file", "outcome", "message", "milliseconds", "peak_memory_bytes"])
      #expect(json.text("file") == "\(file.name).lua")
      #expect(json.text("outcome") == file.outcome || file.outcome.isEmpty, "\(line)")
      #expect(file.message.isEmpty || json.text("message")?.contains(file.message) == true, "\(line)")
      #expect(json.text("outcome") != "ok" || json.text("message") == "")
      // A budget of time that is spent has taken that time; memory may hold one string beyond its limit, until it is seen.
      let spent = Double(json["milliseconds"]?.text(pretty: false) ?? "") ?? 0
      #expect(spent > (file.message == "time" ? 190 : 0), "\(line)")
      #expect((json["peak_memory_bytes"]?.integerValue ?? -1) > 0)
      #expect((json["peak_memory_bytes"]?.integerValue ?? .max) < 40 << 20, "\(line)")
    }
    #expect(outcome.errors == "hello\t1\nstill here\n", "what files print goes to standard error")
  }

  @Test(
    "infinite recursion, of Lua and through pcall, string methods and metamethods, ends as an error or a limit",
    arguments: [
      "local function f() return 1 + f() end f()",
      "local t t = setmetatable({}, {__index = function (t, k) return t[k .. 1] end}) return t.x",
      "local function f() return ('x'):gsub('x', f) end f()", "local function f() table.sort({1, 2}, f) end f()",
      "local t = {} for i = 1, 1e6 do t = {t} end return load('return ' .. ('('):rep(1e5) .. '1')()",
      "local function f() return coroutine.wrap(f)() end f()",
    ])
  func recursion(text: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("deep.lua", text)
    try folder.write("next.lua", "return 1")
    let outcome = try Program.run(["lua", "--json", "--time", "5", "deep.lua", "next.lua"], in: folder.url)
    try #require(outcome.lines.count == 2, "\(outcome)")
    #expect(["error", "limit"].contains(try JSON(parsing: outcome.lines[0]).text("outcome")), "\(outcome)")
    #expect(try JSON(parsing: outcome.lines[1]).text("outcome") == "ok")
  }

  @Test("a missing file, a folder, a binary chunk and bytes that are no text are errors of that file alone")
  func files() throws {
    let folder = try TemporaryFolder()
    try folder.write("good.lua", "return 1")
    try folder.write("folder.lua/x", "")
    try Data([0x1B, 0x4C, 0x75, 0x61, 0x54, 0x00]).write(to: folder.url.appendingPathComponent("binary.lua"))
    try Data([0xFF, 0xFE, 0x00]).write(to: folder.url.appendingPathComponent("bytes.lua"))
    let names = ["missing.lua", "folder.lua", "binary.lua", "bytes.lua", "good.lua"]
    let outcome = try Program.run(["lua", "--json"] + names, in: folder.url)
    let lines = try outcome.lines.map { try JSON(parsing: $0) }
    #expect(lines.map { $0.text("outcome") } == ["error", "error", "error", "error", "ok"], "\(outcome)")
    #expect(lines[0].text("message") == "missing.lua can't be read; check that it is there and that you may read it")
    #expect(lines[2].text("message")?.contains("binary") == true)
  }

  @Test("--instructions ends a file after so many, and --memory and --time are each file's own")
  func limits() throws {
    let folder = try TemporaryFolder()
    try folder.write("count.lua", "for i = 1, 1e9 do end")
    try folder.write("fits.lua", "local t = {} for i = 1, 1e5 do t[i] = i end")
    let outcome = try Program.run(
      ["lua", "--json", "--instructions", "1000000", "count.lua", "fits.lua", "fits.lua"], in: folder.url)
    let lines = try outcome.lines.map { try JSON(parsing: $0) }
    #expect(lines.map { $0.text("outcome") } == ["limit", "ok", "ok"], "\(outcome)")
    #expect(lines[0].text("message")?.contains("instructions") == true)
  }

  @Test("for people: what files print is data, what is wrong is a message with source line and traceback")
  func words() throws {
    let folder = try TemporaryFolder()
    try folder.write("good.lua", "print('hello')")
    try folder.write("bad.lua", "local function inner()\n  error('deep down')\nend\ninner()")
    let good = try Program.run(["lua", "good.lua"], in: folder.url)
    #expect(good.status == 0 && good.out == "hello\n" && good.errors.isEmpty)
    let bad = try Program.run(["lua", "bad.lua", "good.lua"], in: folder.url)
    #expect(bad.status == 1 && bad.out == "hello\n")
    #expect(bad.errors.hasPrefix("error: bad.lua:2: deep down\n    error('deep down')\n"), "\(bad)")
    #expect(bad.errors.contains("bad.lua:2: in ") && bad.errors.contains("bad.lua:4: in main chunk"))
  }
}
