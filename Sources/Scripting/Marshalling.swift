import CRM
import LuaKit

/// Values across the border: amounts, decimals, dates and records are userdata, so that none of them can be mistaken
/// for a float; addresses and other groups are tables.
extension ScriptContext {
  func lua(_ value: Value) -> LuaValue {
    switch value {
    case .null: return .nil
    case .boolean(let flag): return .boolean(flag)
    case .integer(let number): return .integer(number)
    case .number(let number): return .number(number)
    case .text(let text): return .string(text)
    case .decimal(let number): return object(types.decimal, number.millionths)
    case .money(let money): return object(types.money, money.cents, money.currency.packed)
    case .day(let day): return object(types.day, Int64(day.daysSinceEpoch))
    case .instant(let instant): return object(types.instant, instant.milliseconds)
    case .span(let span): return .string(span.description)
    case .record(let ref):
      return object(types.records[Int(ref.kind.code)], ref.id, Int64(ref.part))
    case .address(let address):
      var table = LuaTable()
      table["street"] = .string(address.street)
      table["postal_code"] = .string(address.postalCode)
      table["city"] = .string(address.city)
      table["country"] = .string(address.country)
      return .table(table)
    case .list(let values):
      return .table(LuaTable(sequence: values.map(lua)))
    case .object(let fields):
      return .table(LuaTable(fields: fields.map { LuaField(key: .string($0.name), value: lua($0.value)) }))
    }
  }

  private func object(_ type: LuaTypeID?, _ first: Int64, _ second: Int64 = 0) -> LuaValue {
    guard let type else { return .nil }
    return .object(LuaObject(type: type, first: first, second: second))
  }

  /// - Throws: for functions, for text that is no UTF-8, and for tables with other keys than names or 1, 2, 3…
  func value(_ lua: LuaValue) throws -> Value {
    switch lua {
    case .nil: return .null
    case .boolean(let flag): return .boolean(flag)
    case .integer(let number): return .integer(number)
    case .number(let number): return .number(number)
    case .string(let string):
      guard let text = string.text else { throw LuaHostError("text in UTF-8 expected, got other bytes") }
      return .text(text)
    case .object(let object): return try value(object)
    case .function: throw LuaHostError("a value expected, got a function")
    case .table(let table):
      if table.fields.isEmpty { return .list(try table.sequence.map(value)) }
      guard table.sequence.isEmpty else {
        throw LuaHostError("a list or a table with names expected, got a table that is both")
      }
      return .object(
        try table.fields.map { field in
          guard let name = field.key.text else {
            throw LuaHostError("a table with names expected, got one with a key that is a \(field.key.typeName)")
          }
          return ValueField(name, try value(field.value))
        })
    }
  }

  func value(_ object: LuaObject) throws -> Value {
    if let kind = types.kinds[object.type] {
      return .record(RecordRef(kind: kind, id: object.first, part: Int32(truncatingIfNeeded: object.second)))
    }
    if object.type == types.decimal { return .decimal(ExactDecimal(millionths: object.first)) }
    if object.type == types.money, let money = money(object) { return .money(money) }
    if object.type == types.day, let day = day(object) { return .day(day) }
    if object.type == types.instant { return .instant(Instant(milliseconds: object.first)) }
    throw LuaHostError("a value expected, got something that can't be stored")
  }

  func money(_ object: LuaObject) -> Money? {
    guard object.type == types.money, let currency = Currency(packed: object.second) else { return nil }
    return Money(cents: object.first, currency: currency)
  }

  func day(_ object: LuaObject) -> CalendarDay? {
    guard object.type == types.day, let days = Int32(exactly: object.first) else { return nil }
    return CalendarDay(daysSinceEpoch: days)
  }

  /// An argument that is a whole number or an exact decimal; a float is refused, because it is not exact.
  func decimal(_ value: LuaValue) throws -> ExactDecimal {
    switch value {
    case .integer(let number): return try ExactDecimal(number)
    case .object(let object) where object.type == types.decimal: return ExactDecimal(millionths: object.first)
    case .string(let string):
      guard let text = string.text else { throw LuaHostError("a number expected, got other bytes") }
      return try ExactDecimal(parsing: text)
    case .number(let number):
      throw LuaHostError("an exact number expected, got the float \(number); write decimal(\"\(number)\")")
    case .object(let object):
      throw LuaHostError("a number expected, got \(try self.value(object).typeName)")
    default:
      throw LuaHostError("a number expected, got \(value.isNil ? "nil" : "a \(value.typeName)")")
    }
  }
}
