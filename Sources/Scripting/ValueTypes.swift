import CRM
import LuaKit

/// Amounts, decimals, dates and times: what scripts calculate with. No operation ever makes a float of them.
extension ScriptContext {
  func defineValueTypes(_ state: LuaState) throws {
    types.decimal = try state.define(type: decimalType())
    types.money = try state.define(type: moneyType())
    types.day = try state.define(type: dayType())
    types.instant = try state.define(type: instantType())
    types.workingDays = try state.define(type: workingDaysType())
    try state.define(function: "money") { [unowned self] call in
      if case .object(let object) = try call.value(1), money(object) != nil { return .value(.object(object)) }
      if call.isNil(1) { throw call.expected(1, "amount like \"12.50\"") }
      if case .integer(let whole) = try call.value(1) {
        return .value(lua(.money(try Money(exactly: ExactDecimal(whole), currency: declaration.currency))))
      }
      if case .string = try call.value(1) {
        return .value(lua(.money(try Money(parsing: call.string(1), currency: declaration.currency))))
      }
      return .value(lua(.money(try Money(exactly: decimal(call.value(1)), currency: declaration.currency))))
    }
    try state.define(function: "decimal") { [unowned self] call in
      .value(lua(.decimal(try decimal(call.value(1)))))
    }
    try state.define(function: "date") { [unowned self] call in
      .value(lua(.day(try CalendarDay(parsing: call.string(1)))))
    }
    try state.define(function: "working_days") { [unowned self] call in
      let count = try call.integer(1)
      guard (1...Self.mostWorkingDays).contains(count) else {
        throw call.badArgument(1, "a number of days from 1 to \(Self.mostWorkingDays) expected, got \(count)")
      }
      return .value(workingDays(count))
    }
    try state.define(function: "now") { [unowned self] _ in .value(lua(try value(.now))) }
    try state.define(function: "today") { [unowned self] _ in
      guard case .instant(let now) = try value(.now), let day = localDay(now) else { return .none }
      return .value(lua(.day(day)))
    }
  }

  /// The day of a moment in the workspace's time zone.
  func localDay(_ instant: Instant) -> CalendarDay? {
    calendar.day(of: instant)
  }

  /// `..` with one of these values shows it as text.
  func joined(_ call: borrowing LuaCall) throws -> String {
    try text(call, 1) + text(call, 2)
  }

  private func text(_ call: borrowing LuaCall, _ place: Int) throws -> String {
    switch try call.value(place) {
    case .string(let string): return string.text ?? ""
    case .integer(let number): return String(number)
    case .number(let number): return String(number)
    case .object(let object): return try value(object).summary
    default: throw LuaHostError("attempt to concatenate a \(call.typeName(place)) value")
    }
  }
}
