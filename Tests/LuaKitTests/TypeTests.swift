import LuaKit
import Testing

@Suite("Host types")
struct TypeTests {
  final class World {
    var titles: [Int64: LuaValue] = [1: "first", 2: "second"]
    var reads = 0
  }

  func make(caches: Bool = true) throws -> (LuaState, World, LuaTypeID) {
    let state = try makeState()
    let world = World()
    state.context = world
    let type = try state.define(
      type: LuaTypeDefinition(
        name: "deal", fields: ["id", "title"],
        methods: [
          ("rename", { call in
            guard let object = call.receiver, let world = call.state.context as? World else { return .none }
            world.titles[object.first] = .string(try call.string(1))
            call.state.invalidateFields()
            return .value(.integer(Int64(call.count)))
          }),
          ("later", { _ in .suspend }),
        ],
        get: { call, object, slot in
          guard let world = call.state.context as? World else { return .nil }
          world.reads += 1
          return slot == 0 ? .integer(object.first) : world.titles[object.first] ?? .nil
        },
        set: { call, object, slot, value in
          guard slot == 1, let world = call.state.context as? World else {
            throw LuaHostError("deal.id can't be assigned")
          }
          world.titles[object.first] = value
        },
        unknownField: { object, name, writing in
          LuaHostError("deal has no field '\(name)'; did you mean 'title'?\(writing ? " (writing)" : "")")
        },
        metamethods: [
          .len: { _ in .value(7) },
          .add: { call in .value(.integer(try call.object(1).first + call.object(2).first)) },
          .index: { call in .value(.integer(try call.integer(2) * 10)) },
        ],
        cachesFields: caches))
    try state.define(function: "deal") { call in
      .value(.object(LuaObject(type: type, first: try call.integer(1))))
    }
    return (state, world, type)
  }

  @Test("fields are read, cached and assigned by name")
  func fields() throws {
    let (state, world, _) = try make()
    #expect(try state.results("local d = deal(1) for i = 1, 9 do local x = d.title, d.id end return d.title, d.id")
      == ["first", 1])
    #expect(world.reads == 2)
    #expect(try state.results("local d, e = deal(1), deal(1) local a = d.title e.title = 'new' return a, d.title, deal(9).title")
      == ["first", "new", .nil])
    #expect(try state.results("local d = deal(1) local a = d.title local n = d:rename('y', 1) return n, d.title")
      == [2, "y"])
  }

  @Test("a type that does not cache asks each time")
  func uncached() throws {
    let (state, world, _) = try make(caches: false)
    _ = try state.results("local d = deal(1) for i = 1, 9 do local x = d.title end")
    #expect(world.reads == 9)
  }

  @Test("operators, lengths, integer keys and equality")
  func metamethods() throws {
    let (state, _, _) = try make()
    #expect(try state.results("return #deal(1), deal(1) + deal(2), deal(1)[4], deal(1) == deal(1), deal(1) == deal(2)")
      == [7, 3, 40, true, false])
  }

  @Test("wrong names, receivers and values are errors with their line", arguments: [
    ("deal(1).titel = 1", "deal has no field 'titel'; did you mean 'title'? (writing)"),
    ("local x = deal(1).titel", "deal has no field 'titel'; did you mean 'title'?"),
    ("deal(1).id = 2", "deal.id can't be assigned"),
    ("deal(1).rename('x')", "a method is called with ':' on its own object, as in object:method(...); got string before it"),
    ("deal(1).rename()", "a method is called with ':' on its own object, as in object:method(...); got no value before it"),
    ("deal(1):rename({})", "bad argument #1 to 'deal:rename' (string expected, got table)"),
    ("deal(1):rename(deal(2))", "bad argument #1 to 'deal:rename' (string expected, got deal)"),
    ("deal('x')", "bad argument #1 to 'deal' (integer expected, got string)"),
  ])
  func wrong(_ text: String, _ expected: String) throws {
    let (state, _, _) = try make()
    #expect(state.failure(text)?.message == "scripts/test.lua:1: " + expected)
  }

  @Test("a metatable is out of reach and objects come back as they are")
  func closed() throws {
    let (state, _, type) = try make()
    #expect(try state.results("return getmetatable(deal(1)), pcall(setmetatable, deal(1), {})").prefix(2)
      == ["deal", false])
    #expect(try state.results("return deal(5)") == [.object(LuaObject(type: type, first: 5))])
  }

  @Test("a method can suspend")
  func suspends() throws {
    let (state, _, _) = try make()
    _ = try state.begin("return deal(1):later()")
    guard case .returned(let values) = try state.resume(.success(["then"])) else { return }
    #expect(values == ["then"])
  }

  @Test("an object of a type that a reset took away is an error")
  func forgotten() throws {
    let state = try makeState()
    nonisolated(unsafe) var given: LuaTypeID?
    try state.define(function: "make", in: "host") { _ in
      .value(given.map { .object(LuaObject(type: $0, first: 1)) } ?? .nil)
    }
    try state.takeImage()
    given = try state.define(type: LuaTypeDefinition(name: "early"))
    #expect(try state.results("return tostring(host.make()):match('^early') ~= nil") == [true])
    state.reset()
    #expect(state.failure("host.make()")?.kind == .runtime)
    let late = try state.define(type: LuaTypeDefinition(name: "late"))
    #expect(state.failure("host.make()")?.kind == .runtime)
    given = late
    #expect(try state.results("return tostring(host.make()):match('^late') ~= nil") == [true])
  }

  @Test("names are compared whole, also behind a NUL, and only the start of a wrong one is shown")
  func names() throws {
    let state = try makeState()
    let type = try state.define(
      type: LuaTypeDefinition(
        name: "de\0al", fields: ["ti", "ti\0tle"], methods: [("do\0it", { _ in .value("done") })],
        get: { _, _, slot in .integer(Int64(slot)) }))
    try state.define(function: "deal") { _ in .value(.object(LuaObject(type: type, first: 1))) }
    #expect(try state.results("return deal()['ti\\0tle'], deal().ti, deal()['do\\0it'](deal())") == [1, 0, "done"])
    #expect(state.failure("return deal()['ti\\0']")?.message == "scripts/test.lua:1: de\0al has no field 'ti\0'")
    #expect(state.failure("return deal()['do']") != nil)
    let error = state.failure("return deal()[('é'):rep(100000)]")
    #expect(error?.message.hasPrefix("scripts/test.lua:1: de\0al has no field 'ééé") == true)
    #expect((error?.message.utf8.count ?? 0) < 400)
    #expect(state.failure("deal()[('k'):rep(100000)] = 1").map { $0.message.utf8.count < 400 } == true)
  }

  @Test("a cache filled in one run is not seen by the next")
  func reset() throws {
    let (state, world, type) = try make()
    try state.define(global: "kept", .object(LuaObject(type: type, first: 1)))
    try state.takeImage()
    #expect(try state.results("return kept.title") == ["first"])
    world.titles[1] = "other"
    #expect(try state.results("return kept.title") == ["first"])
    state.reset()
    #expect(try state.results("return kept.title") == ["other"])
  }
}
