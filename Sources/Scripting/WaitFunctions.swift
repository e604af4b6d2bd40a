import CRM
import LuaKit

/// `wait`, `wait_any`, `sleep`, `sleep_until`: how a script pauses.
extension ScriptContext {
  func defineWaitFunctions(_ state: LuaState) throws {
    try state.define(function: "wait") { [unowned self] call in
      guard let target = try waitTarget(call.value(1)) else {
        throw LuaHostError("wait needs \(Self.waitable); for time alone use sleep(\"3 days\")")
      }
      return try pause(call, target, call.isNil(2) ? nil : waitTime(call, 2))
    }
    try state.define(function: "wait_any") { [unowned self] call in
      try pause(call, .any(alternatives(call)), nil)
    }
    try state.define(function: "sleep") { [unowned self] call in
      let time = try waitTime(call, 1)
      if case .until = time { throw call.badArgument(1, "a duration like \"3 days\" expected; for a date use sleep_until") }
      return try pause(call, .clock, time)
    }
    try state.define(function: "sleep_until") { [unowned self] call in
      try pause(call, .clock, .until(moment(call, 1)))
    }
  }

  private func pause(_ call: borrowing LuaCall, _ target: WaitTarget, _ timeout: WaitTime?) throws -> LuaReturn {
    guard call.canSuspend else { throw LuaHostError(Self.cantSuspend(call.name)) }
    call.state.invalidateFields()
    switch try perform(.wait(target, timeout: timeout)) {
    case .suspended: return .suspend
    case .value(let value): return .value(lua(value))
    }
  }

  static func cantSuspend(_ name: String) -> String {
    "\(name) can't be called inside a sort comparison, a gsub replacement or a metamethod; call it before"
  }

  private static let waitable =
    "something to wait for: a request for a signature, deal:becomes(\"won\"), deal:reaches(\"Confirmé\")"

  /// Nil for what can't be waited for.
  private func waitTarget(_ given: LuaValue) throws -> WaitTarget? {
    if case .object(let object) = given, types.kinds[object.type] == .signatureRequest {
      return .request(RecordRef(.signatureRequest, object.first))
    }
    guard case .table(let table) = given, case .object(let object) = table["deal"],
      types.kinds[object.type] == .deal
    else { return nil }
    let deal = RecordRef(.deal, object.first)
    if let word = table["status"].text { return .status(deal, try DealStatus(word: word)) }
    if let stage = table["stage"].text { return .stage(deal, try knownStage(stage)) }
    return nil
  }

  // MARK: Times

  /// A duration, or the moment of a date or time.
  private func waitTime(_ call: borrowing LuaCall, _ place: Int) throws -> WaitTime {
    let given = try call.value(place)
    if let moment = instant(given) { return .until(moment) }
    if let count = workingDays(given) { return .workingDays(count) }
    let span = try TimeSpan(parsing: call.string(place))
    if span.milliseconds <= 0 { throw call.badArgument(place, "a duration above zero expected, like \"60 days\"") }
    return .span(span)
  }

  /// What `sleep_until` takes, and `clock.set` of tests.
  func moment(_ call: borrowing LuaCall, _ place: Int) throws -> Instant {
    let given = try call.value(place)
    if let moment = instant(given) { return moment }
    guard let text = given.text else { throw call.expected(place, "date, time or text like \"2026-12-01 08:00\"") }
    if text.hasSuffix("Z"), let moment = try? Instant(parsing: text) { return moment }
    if (try? TimeSpan(parsing: text)) != nil {
      throw call.badArgument(place, "a date like \"2026-12-01\" expected, got a duration; for that use sleep(\"\(text)\")")
    }
    return try calendar.moment(parsing: text)
  }

  /// A date is its first moment.
  private func instant(_ given: LuaValue) -> Instant? {
    guard case .object(let object) = given else { return nil }
    if object.type == types.instant { return Instant(milliseconds: object.first) }
    return day(object).map { calendar.moment($0) }
  }

  // MARK: Several at once

  private static let mostAlternatives = 50

  private func alternatives(_ call: borrowing LuaCall) throws -> [WaitAlternative] {
    let table = try call.table(1)
    if table["deal"].isNil == false, try waitTarget(.table(table)) != nil {
      throw call.badArgument(1, "a list of what to wait for expected, like { deal:becomes(\"won\"), \"3 days\" }")
    }
    guard table.sequence.isEmpty || table.fields.isEmpty else {
      throw call.badArgument(1, "a list or names expected, got both (or a list with a nil in it)")
    }
    var found = try table.sequence.enumerated().map { place, given in
      try alternative(call, .integer(Int64(place + 1)), given)
    }
    for field in table.fields {
      guard let name = field.key.text else { throw call.badArgument(1, "a list with a nil in it") }
      found.append(try alternative(call, .text(name), field.value))
    }
    guard !found.isEmpty else { throw call.badArgument(1, "at least one thing to wait for expected, got an empty table") }
    guard found.count <= Self.mostAlternatives else {
      throw call.badArgument(1, "at most \(Self.mostAlternatives) things to wait for expected, got \(found.count)")
    }
    return found
  }

  private func alternative(_ call: borrowing LuaCall, _ which: Value, _ given: LuaValue) throws -> WaitAlternative {
    if let target = try waitTarget(given) { return WaitAlternative(which: which, target: target) }
    if let moment = instant(given) { return WaitAlternative(which: which, target: .clock, time: .until(moment)) }
    if let count = workingDays(given) { return WaitAlternative(which: which, target: .clock, time: .workingDays(count)) }
    guard let text = given.text else {
      throw call.badArgument(1, "\(which.plainText): \(Self.waitable), a duration, a date or a time expected, got a \(given.typeName)")
    }
    let span = try TimeSpan(parsing: text)
    guard span.milliseconds > 0 else { throw call.badArgument(1, "a duration above zero expected, like \"60 days\"") }
    return WaitAlternative(which: which, target: .clock, time: .span(span))
  }
}
