import CRM
import LuaKit

/// Moments.
extension ScriptContext {
  func instantType() -> LuaTypeDefinition {
    LuaTypeDefinition(
      name: "time", fields: ["date", "milliseconds"],
      methods: [
        ("plus", { [unowned self] call in
          let instant = Instant(milliseconds: call.receiver?.first ?? 0)
          if let count = workingDays(try call.value(1)) {
            return .value(lua(.instant(try calendar.adding(workingDays: count, to: instant))))
          }
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
}
