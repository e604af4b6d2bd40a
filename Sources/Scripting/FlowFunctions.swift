import CRM
import LuaKit

/// `reject`, `warn`, `wait`, `sleep`: what a script says of the move it stands in, and how it pauses.
extension ScriptContext {
  func defineFlowFunctions(_ state: LuaState) throws {
    try state.define(function: "reject") { [unowned self] call in
      _ = try value(.reject(Format.text(call, in: self)))
      return .none
    }
    try state.define(function: "warn") { [unowned self] call in
      _ = try value(.warn(Format.text(call, in: self)))
      return .none
    }
    try state.define(function: "wait") { [unowned self] call in
      let target = try waitTarget(call.value(1), function: "wait")
      return try pause(call, target, try call.optionalString(2).map { try TimeSpan(parsing: $0) })
    }
    try state.define(function: "sleep") { [unowned self] call in
      try pause(call, .clock, try TimeSpan(parsing: call.string(1)))
    }
  }

  private func pause(_ call: borrowing LuaCall, _ target: WaitTarget, _ timeout: TimeSpan?) throws -> LuaReturn {
    guard call.canSuspend else { throw LuaHostError(Self.cantSuspend(call.name)) }
    if let timeout, timeout.milliseconds <= 0 {
      throw call.badArgument(2, "a duration above zero expected, like \"60 days\"")
    }
    call.state.invalidateFields()
    switch try perform(.wait(target, timeout: timeout)) {
    case .suspended: return .suspend
    case .value(let value): return .value(lua(value))
    }
  }

  static func cantSuspend(_ name: String) -> String {
    "\(name) can't be called inside a sort comparison, a gsub replacement or a metamethod; call it before"
  }

  private func waitTarget(_ given: LuaValue, function: String) throws -> WaitTarget {
    let wrong = LuaHostError(
      "\(function) needs something to wait for: a request for a signature, deal:becomes(\"won\"), "
        + "deal:reaches(\"Confirmé\"); for time alone use sleep(\"3 days\")")
    if case .object(let object) = given, types.kinds[object.type] == .signatureRequest {
      return .request(RecordRef(.signatureRequest, object.first))
    }
    guard case .table(let table) = given, case .object(let object) = table["deal"],
      types.kinds[object.type] == .deal
    else { throw wrong }
    let deal = RecordRef(.deal, object.first)
    if let word = table["status"].text { return .status(deal, try DealStatus(word: word)) }
    if let stage = table["stage"].text { return .stage(deal, try knownStage(stage)) }
    throw wrong
  }
}
