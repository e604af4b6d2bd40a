import CRM
import LuaKit

/// Days.
extension ScriptContext {
  func dayType() -> LuaTypeDefinition {
    func operand(_ call: borrowing LuaCall, _ place: Int) throws -> CalendarDay {
      if case .object(let object) = try call.value(place), let day = day(object) { return day }
      throw LuaHostError("a date expected, got \(call.typeName(place)); write date(\"2026-11-03\")")
    }
    return LuaTypeDefinition(
      name: "date", fields: ["year", "month", "day", "weekday", "is_working_day"],
      methods: [
        ("plus_days", { [unowned self] call in
          guard let receiver = call.receiver, let day = day(receiver) else { return .none }
          return .value(lua(.day(try day.adding(days: Int(clamping: call.integer(1))))))
        }),
        ("format", { [unowned self] call in
          guard let receiver = call.receiver, let day = day(receiver) else { return .none }
          return .value(.string(try Self.formatted(day, call)))
        }),
      ],
      get: { [unowned self] _, object, slot in
        guard let day = day(object) else { return .nil }
        switch slot {
        case 0: return .integer(Int64(day.year))
        case 1: return .integer(Int64(day.month))
        case 2: return .integer(Int64(day.day))
        case 3: return .integer(Int64(day.weekday))
        default: return .boolean(calendar.workingDays.contains(day))
        }
      },
      metamethods: [
        .add: { [unowned self] call in
          let isFirst = call.typeName(1) == "date"
          if let count = workingDays(try call.value(isFirst ? 2 : 1)) {
            return .value(lua(.day(try calendar.workingDays.adding(count, to: operand(call, isFirst ? 1 : 2)))))
          }
          let days = try call.integer(isFirst ? 2 : 1)
          return .value(lua(.day(try operand(call, isFirst ? 1 : 2).adding(days: Int(clamping: days)))))
        },
        .sub: { [unowned self] call in
          if let count = workingDays(try call.value(2)) {
            return .value(lua(.day(try calendar.workingDays.adding(-count, to: operand(call, 1)))))
          }
          if case .integer(let days) = try call.value(2) {
            return .value(lua(.day(try operand(call, 1).adding(days: -max(Int(clamping: days), -Int.max)))))
          }
          return .value(.integer(Int64(try operand(call, 1).days(since: operand(call, 2)))))
        },
        .lt: { call in .value(.boolean(try operand(call, 1) < operand(call, 2))) },
        .le: { call in .value(.boolean(try operand(call, 1) <= operand(call, 2))) },
        .tostring: { call in .value(.string(try operand(call, 1).description)) },
        .concat: { [unowned self] call in .value(.string(try joined(call))) },
      ])
  }

  private static func formatted(_ day: CalendarDay, _ call: borrowing LuaCall) throws -> String {
    func digits(_ number: Int, _ count: Int) -> String {
      let text = String(number)
      return String(repeating: "0", count: max(0, count - text.count)) + text
    }
    var result = ""
    var rest = try call.string(1)[...]
    while let percent = rest.firstIndex(of: "%") {
      result += rest[..<percent]
      rest = rest[rest.index(after: percent)...]
      switch rest.popFirst() {
      case "d": result += digits(day.day, 2)
      case "m": result += digits(day.month, 2)
      case "Y": result += digits(day.year, 4)
      case "%": result += "%"
      case let other: throw call.badArgument(1, "%d, %m and %Y are known, found %\(other.map { String($0) } ?? "")")
      }
    }
    return result + rest
  }
}
