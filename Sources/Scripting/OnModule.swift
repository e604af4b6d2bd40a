import CRM
import LuaKit

/// `on.…`: binds functions to triggers, while the script's top level runs.
extension ScriptContext {
  func defineOnModule(_ state: LuaState) throws {
    let staged: [(String, (String) -> Trigger)] = [
      ("before_enter", { .beforeEnter(stage: $0) }), ("enter", { .enter(stage: $0) }),
      ("leave", { .leave(stage: $0) }),
    ]
    for (name, trigger) in staged {
      try state.define(function: name, in: "on") { [unowned self] call in
        try register(call, trigger(knownStage(call.string(1))), function: 2)
      }
    }
    for (name, trigger) in [("before_won", Trigger.beforeWon), ("won", .won), ("lost", .lost)] {
      try state.define(function: name, in: "on") { [unowned self] call in
        try register(call, trigger, function: 1)
      }
    }
    try state.define(function: "event", in: "on") { [unowned self] call in
      let name = try call.string(1)
      guard Trigger.events.contains(name) else {
        throw LuaHostError("there is no event \"\(name)\"; the events are \(Trigger.events.joined(separator: ", "))")
      }
      return try register(call, .event(name), function: 2)
    }
    try state.define(function: "demand", in: "on") { [unowned self] call in
      let name = try call.string(1)
      guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else {
        throw LuaHostError("the name of an automation has no blanks, found \"\(name)\"")
      }
      return try register(call, .demand(name), function: 2, name: name)
    }
    try state.define(function: "schedule", in: "on") { [unowned self] call in
      let rule: ScheduleRule
      do {
        rule = try ScheduleRule(value(call.value(1)))
      } catch let fault as ValueFault {
        throw LuaHostError("on.schedule: \(fault.message)")
      }
      var missed = MissedSchedules.once
      if let options = try call.optionalTable(3), let word = try Options.text(options, "missed", function: call.name) {
        guard let known = MissedSchedules(rawValue: word) else {
          throw LuaHostError("\(call.name): missed is \"once\" or \"each\", found \"\(word)\"")
        }
        missed = known
      }
      return try register(call, .schedule(rule, missed: missed), function: 2, options: ["name", "missed"])
    }
  }

  private func register(
    _ call: borrowing LuaCall, _ trigger: Trigger, function argument: Int, name: String? = nil,
    options known: [String] = ["name", "while_waiting"]
  ) throws -> LuaReturn {
    guard registrations != nil else {
      throw LuaHostError("\(call.name) is for the top of a script, not for inside an automation")
    }
    let place = call.position()
    guard place == nil || place?.script == file else {
      throw LuaHostError(
        "\(call.name) belongs in a script of its own; a library would bind the function once for each script that requires it")
    }
    var registration = Registration(
      trigger: trigger, function: call.state.retain(try call.function(argument)), line: place?.line ?? 0, name: name,
      whileWaiting: .replace)
    if let options = try call.optionalTable(argument + 1) {
      try Options.check(options, allowed: known, function: call.name)
      if let given = try Options.text(options, "name", function: call.name) {
        guard !given.isEmpty, !given.contains(">"), !given.contains("@") else {
          throw LuaHostError("\(call.name): a name has letters, digits, blanks and signs but > and @, found \"\(given)\"")
        }
        registration.name = given
      }
      if let word = try Options.text(options, "while_waiting", function: call.name) {
        guard let known = WhileWaiting(rawValue: word) else {
          throw LuaHostError("\(call.name): while_waiting is \"replace\" or \"ignore\", found \"\(word)\"")
        }
        registration.whileWaiting = known
      }
    }
    registrations?.append(registration)
    return .none
  }
}
