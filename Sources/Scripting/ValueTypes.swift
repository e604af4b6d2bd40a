import CRM
import Foundation
import LuaKit

/// Amounts, decimals, dates and times: what scripts calculate with. No operation ever makes a float of them.
extension ScriptContext {
  func defineValueTypes(_ state: LuaState) throws {
    types.decimal = try state.define(type: decimalType())
    types.money = try state.define(type: moneyType())
    types.day = try state.define(type: dayType())
    types.instant = try state.define(type: instantType())
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
    try state.define(function: "now") { [unowned self] _ in .value(lua(try value(.now))) }
    try state.define(function: "today") { [unowned self] _ in
      guard case .instant(let now) = try value(.now), let day = localDay(now) else { return .none }
      return .value(lua(.day(day)))
    }
  }

  /// The day of a moment in the workspace's time zone.
  func localDay(_ instant: Instant) -> CalendarDay? {
    let date = Date(timeIntervalSince1970: Double(instant.milliseconds) / 1000)
    return instant.day(utcOffset: timeZone.secondsFromGMT(for: date))
  }

  private func moneyType() -> LuaTypeDefinition {
    LuaTypeDefinition(
      name: "money", fields: ["amount", "currency", "cents"],
      get: { [unowned self] _, object, slot in
        guard let money = money(object) else { return .nil }
        switch slot {
        case 0: return .string(money.amountText)
        case 1: return .string(money.currency.code)
        default: return .integer(money.cents)
        }
      },
      metamethods: [
        .add: { [unowned self] call in
          .value(lua(.money(try operand(call, 1).adding(operand(call, 2)))))
        },
        .sub: { [unowned self] call in
          .value(lua(.money(try operand(call, 1).subtracting(operand(call, 2)))))
        },
        .mul: { [unowned self] call in
          let (left, right) = (try call.value(1), try call.value(2))
          if case .object(let object) = left, let money = money(object) {
            return .value(lua(.money(try money.times(decimal(right)))))
          }
          return .value(lua(.money(try operand(call, 2).times(decimal(left)))))
        },
        .div: { [unowned self] call in
          let amount = try operand(call, 1)
          if case .object(let object) = try call.value(2), let other = money(object) {
            return .value(lua(.decimal(try amount.divided(by: other))))
          }
          return .value(lua(.money(try Self.quotient(amount, try decimal(call.value(2))))))
        },
        .unm: { [unowned self] call in .value(lua(.money(try operand(call, 1).negated()))) },
        .lt: { [unowned self] call in .value(.boolean(try operand(call, 1).isLess(than: operand(call, 2)))) },
        .le: { [unowned self] call in .value(.boolean(try operand(call, 1).compared(to: operand(call, 2)) <= 0)) },
        .tostring: { [unowned self] call in .value(.string(try operand(call, 1).description)) },
        .concat: { [unowned self] call in .value(.string(try joined(call))) },
      ])
  }

  /// `amount / divisor`, rounded half away from zero to the cent in one step.
  private static func quotient(_ amount: Money, _ divisor: ExactDecimal) throws -> Money {
    guard divisor.millionths != 0 else { throw ValueFault("can't divide \(amount) by zero") }
    let (numerator, denominator) = (Int128(amount.cents) * 1_000_000, Int128(divisor.millionths))
    var (cents, rest) = numerator.quotientAndRemainder(dividingBy: denominator)
    if rest.magnitude * 2 >= denominator.magnitude { cents += (numerator < 0) == (denominator < 0) ? 1 : -1 }
    guard cents.magnitude < 100_000_000_000_000, let narrow = Int64(exactly: cents) else {
      throw ValueFault("the amount is too large: amounts go up to 999999999999.99 \(amount.currency)")
    }
    return Money(cents: narrow, currency: amount.currency)
  }

  private func operand(_ call: borrowing LuaCall, _ place: Int) throws -> Money {
    if case .object(let object) = try call.value(place), let money = money(object) { return money }
    throw LuaHostError(
      "amounts are added to and compared with amounts only, got \(call.typeName(place)); write money(\"12.50\")")
  }

  private func decimalType() -> LuaTypeDefinition {
    func pair(_ call: borrowing LuaCall) throws -> (ExactDecimal, ExactDecimal) {
      (try decimal(call.value(1)), try decimal(call.value(2)))
    }
    return LuaTypeDefinition(
      name: "decimal",
      methods: [
        ("round", { [unowned self] call in
          let number = ExactDecimal(millionths: call.receiver?.first ?? 0)
          let places = try call.optionalInteger(1) ?? 0
          return .value(lua(.decimal(try number.rounded(places: Int(clamping: places)))))
        }),
        ("integer", { call in
          let number = ExactDecimal(millionths: call.receiver?.first ?? 0)
          guard let whole = number.wholeNumber else {
            throw LuaHostError("\(number) is no whole number; round it first: number:round():integer()")
          }
          return .value(.integer(whole))
        }),
      ],
      metamethods: [
        .add: { [unowned self] call in
          let (a, b) = try pair(call)
          return .value(lua(.decimal(try a.plus(b))))
        },
        .sub: { [unowned self] call in
          let (a, b) = try pair(call)
          return .value(lua(.decimal(try a.minus(b))))
        },
        .mul: { [unowned self] call in
          if case .object(let object) = try call.value(2), let money = money(object) {
            return .value(lua(.money(try money.times(decimal(call.value(1))))))
          }
          let (a, b) = try pair(call)
          return .value(lua(.decimal(try a.times(b))))
        },
        .div: { [unowned self] call in
          let (a, b) = try pair(call)
          return .value(lua(.decimal(try a.divided(by: b))))
        },
        .unm: { [unowned self] call in .value(lua(.decimal(try decimal(call.value(1)).negated()))) },
        .lt: { call in
          let (a, b) = try pair(call)
          return .value(.boolean(a < b))
        },
        .le: { call in
          let (a, b) = try pair(call)
          return .value(.boolean(a <= b))
        },
        .tostring: { [unowned self] call in .value(.string(try decimal(call.value(1)).description)) },
        .concat: { [unowned self] call in .value(.string(try joined(call))) },
      ])
  }

  private func dayType() -> LuaTypeDefinition {
    func operand(_ call: borrowing LuaCall, _ place: Int) throws -> CalendarDay {
      if case .object(let object) = try call.value(place), let day = day(object) { return day }
      throw LuaHostError("a date expected, got \(call.typeName(place)); write date(\"2026-11-03\")")
    }
    return LuaTypeDefinition(
      name: "date", fields: ["year", "month", "day", "weekday"],
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
        default: return .integer(Int64(day.weekday))
        }
      },
      metamethods: [
        .add: { [unowned self] call in
          let isFirst = call.typeName(1) == "date"
          let days = try call.integer(isFirst ? 2 : 1)
          return .value(lua(.day(try operand(call, isFirst ? 1 : 2).adding(days: Int(clamping: days)))))
        },
        .sub: { [unowned self] call in
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

  private func instantType() -> LuaTypeDefinition {
    LuaTypeDefinition(
      name: "time", fields: ["date", "milliseconds"],
      methods: [
        ("plus", { [unowned self] call in
          let instant = Instant(milliseconds: call.receiver?.first ?? 0)
          return .value(lua(.instant(try instant.adding(TimeSpan(parsing: call.string(1))))))
        })
      ],
      get: { [unowned self] _, object, slot in
        let instant = Instant(milliseconds: object.first)
        return slot == 0 ? localDay(instant).map { lua(.day($0)) } ?? .nil : .integer(instant.milliseconds)
      },
      metamethods: [
        .lt: { [unowned self] call in
          guard case .instant(let a) = try value(call.value(1)), case .instant(let b) = try value(call.value(2)) else {
            throw LuaHostError("times are compared with times only")
          }
          return .value(.boolean(a < b))
        },
        .le: { [unowned self] call in
          guard case .instant(let a) = try value(call.value(1)), case .instant(let b) = try value(call.value(2)) else {
            throw LuaHostError("times are compared with times only")
          }
          return .value(.boolean(a <= b))
        },
        .tostring: { call in
          .value(.string(Instant(milliseconds: call.receiver?.first ?? 0).description))
        },
        .concat: { [unowned self] call in .value(.string(try joined(call))) },
      ])
  }

  /// `..` with one of these values shows it as text.
  private func joined(_ call: borrowing LuaCall) throws -> String {
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
