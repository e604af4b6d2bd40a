import CRM
import LuaKit

/// `reject`, `warn`: what a script says of the move it stands in.
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
  }
}
