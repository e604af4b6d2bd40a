import CRM
import LuaKit

/// The functions of script tests that reach the world; `expect` and the names of fixtures are Lua, in the prelude.
extension ScriptContext {
  /// - Returns: the members of the modules that it defines, for the suggestions of misspelt ones.
  func defineTestFunctions(
    _ state: LuaState, _ services: [ServiceDeclaration], _ collector: ScriptTestCollector
  ) throws -> [String: [String]] {
    try defineCollecting(state, collector)
    try defineActions(state)
    var members: [String: [String]] = [:]
    func define(_ name: String, in module: String, _ body: @escaping LuaHostFunction) throws {
      members[module, default: []].append(name)
      try state.define(function: name, in: module, body)
    }
    try define("advance", in: "clock") { [unowned self] call in
      let span = try TimeSpan(parsing: call.string(1))
      guard span.milliseconds >= 0 else { throw call.badArgument(1, "the clock goes forward only") }
      return try act(call, .advance(span))
    }
    try define("set", in: "clock") { [unowned self] call in try act(call, .set(moment(call, 1))) }
    try define("crash_at", in: "engine") { [unowned self] call in
      let place = try call.integer(1)
      guard place >= 1 else { throw call.badArgument(1, "a step from 1 expected, got \(place)") }
      return try act(call, .crash(at: place))
    }
    let kinds: [(String, RecordKind)] = [
      ("messages", .message), ("cards", .card), ("quotes", .quote), ("documents", .document), ("folders", .folder),
      ("requests", .signatureRequest), ("emails", .email),
    ]
    for (name, kind) in kinds {
      try define(name, in: "sent") { [unowned self] call in try act(call, .sent(kind)) }
    }
    for service in services {
      try define("fails_with", in: service.name) { [unowned self] call in
        try failNext(call, service)
      }
    }
    try state.define(function: "__fixture") { [unowned self] call in
      try act(call, .fixture(value(.table(call.table(1)))))
    }
    return members
  }

  private func defineCollecting(_ state: LuaState, _ collector: ScriptTestCollector) throws {
    func check(_ call: borrowing LuaCall) throws {
      guard collector.isOpen else {
        throw LuaHostError("\(call.name) can't be called inside a test; put it at the top of the file or in describe")
      }
    }
    try state.define(function: "describe") { call in
      try check(call)
      let outer = collector.block
      collector.block = ScriptTestCollector.Block(titles: outer.titles + [try call.string(1)], parent: outer)
      defer { collector.block = outer }
      _ = try call.state.call(call.function(2))
      return .none
    }
    try state.define(function: "it") { call in
      try check(call)
      collector.cases.append(
        ScriptTestCollector.Test(
          block: collector.block, title: try call.string(1), line: call.position()?.line,
          body: call.state.retain(try call.function(2))))
      return .none
    }
    try state.define(function: "before_each") { call in
      try check(call)
      collector.block.beforeEach.append(call.state.retain(try call.function(1)))
      return .none
    }
  }

  private func defineActions(_ state: LuaState) throws {
    try state.define(function: "move") { [unowned self] call in
      try act(call, .move(deal(call, 1), stage: call.string(2)))
    }
    for (name, status) in [("win", DealStatus.won), ("lose", .lost), ("reopen", .open)] {
      try state.define(function: name) { [unowned self] call in try act(call, .close(deal(call, 1), status)) }
    }
    try state.define(function: "run") { [unowned self] call in
      try act(call, .run(call.string(1), call.isNil(2) ? nil : deal(call, 2)))
    }
    for (name, change) in [("sign", SignatureState.signed), ("decline", .declined), ("view", .viewed)] {
      try state.define(function: name) { [unowned self] call in
        try act(call, .signer(record(call, 1, .signatureRequest), change, reason: call.optionalString(2)))
      }
    }
    try state.define(function: "content") { [unowned self] call in
      try act(call, .content(record(call, 1, .document)))
    }
    try state.define(function: "retry") { [unowned self] call in
      if case .table(let run) = try call.value(1), case .integer(let id) = run["id"] {
        return try act(call, .retry(id))
      }
      guard case .integer(let id) = try call.value(1) else {
        throw call.expected(1, "a run of a result's `runs`, or its id")
      }
      return try act(call, .retry(id))
    }
  }

  private func failNext(_ call: borrowing LuaCall, _ service: ServiceDeclaration) throws -> LuaReturn {
    var (operation, after): (String?, Bool) = (nil, false)
    if let options = try call.optionalTable(3) {
      try Options.check(options, allowed: ["operation", "after"], function: call.name)
      operation = try Options.text(options, "operation", function: call.name)
      if case .boolean(let flag) = options["after"] { after = flag }
    }
    if let operation, service.operation(operation) == nil {
      let known = service.operations.map(\.name).joined(separator: ", ")
      throw LuaHostError("\(service.name) has no operation \"\(operation)\"; it has \(known)")
    }
    let times = try call.optionalInteger(2) ?? 1
    return try act(
      call,
      .failure(service: service.name, fault: call.string(1), times: times, operation: operation, after: after))
  }

  private func deal(_ call: borrowing LuaCall, _ place: Int) throws -> RecordRef { try record(call, place, .deal) }

  private func record(_ call: borrowing LuaCall, _ place: Int, _ kind: RecordKind) throws -> RecordRef {
    guard case .object(let object) = try call.value(place), types.kinds[object.type] == kind else {
      throw call.expected(place, kind.words)
    }
    return RecordRef(kind, object.first)
  }

  /// Asks the test's world; whatever goes wrong there is raised at the call.
  private func act(_ call: borrowing LuaCall, _ command: ScriptTestCall) throws -> LuaReturn {
    guard let host = host as? any ScriptTestHost else {
      throw LuaHostError("\(call.name) can be used inside it(…) only, not while the file loads")
    }
    defer { call.state.invalidateFields() }
    do {
      return .value(lua(try host.perform(command)))
    } catch let failure as HostFailure {
      throw failure
    } catch {
      throw LuaHostError("\(error)")
    }
  }
}
