import CRM
import LuaKit

/// Amounts. They are added to and compared with amounts, multiplied and divided by exact numbers, and never floats.
extension ScriptContext {
  func moneyType() -> LuaTypeDefinition {
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
}
