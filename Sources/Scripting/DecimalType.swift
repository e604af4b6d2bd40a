import CRM
import LuaKit

/// Exact decimal numbers: quantities, hours, rates.
extension ScriptContext {
  func decimalType() -> LuaTypeDefinition {
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
}
