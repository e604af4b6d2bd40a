import CRM
import LuaKit

/// `working_days(3)`: a length of time that only a calendar can measure.
extension ScriptContext {
  static let mostWorkingDays: Int64 = 10_000

  func workingDaysType() -> LuaTypeDefinition {
    LuaTypeDefinition(
      name: "working_days", fields: ["count"],
      get: { _, object, _ in .integer(object.first) },
      metamethods: [
        // With a date behind it; in front of it, the date's own does the work.
        .add: { [unowned self] call in
          guard let count = workingDays(try call.value(1)), case .object(let object) = try call.value(2),
            let day = day(object)
          else { throw LuaHostError("working days are added to a date: date(\"2026-11-03\") + working_days(3)") }
          return .value(lua(.day(try calendar.workingDays.adding(count, to: day))))
        },
        .tostring: { [unowned self] call in .value(.string(words(try call.value(1)))) },
        .concat: { [unowned self] call in .value(.string(words(try call.value(1)) + words(try call.value(2)))) },
      ])
  }

  func workingDays(_ count: Int64) -> LuaValue {
    types.workingDays.map { .object(LuaObject(type: $0, first: count)) } ?? .nil
  }

  /// How many; nil for any other value.
  func workingDays(_ given: LuaValue) -> Int? {
    guard case .object(let object) = given, object.type == types.workingDays else { return nil }
    return Int(clamping: object.first)
  }

  private func words(_ given: LuaValue) -> String {
    if let count = workingDays(given) { return count == 1 ? "1 working day" : "\(count) working days" }
    return (try? value(given).plainText) ?? given.typeName
  }
}
