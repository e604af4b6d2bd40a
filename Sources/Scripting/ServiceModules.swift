import CRM
import LuaKit

/// One module a service, made from the service's own declaration: `accounting.create_quote(deal)`.
extension ScriptContext {
  func defineServiceModules(_ state: LuaState) throws {
    for service in services {
      for operation in service.operations {
        try state.define(function: operation.name, in: service.name) { [unowned self] call in
          try operate(call, service.name, operation, receiver: nil)
        }
      }
    }
  }

  /// Operations that are methods of a kind of record too: `folder:child(name)`.
  func serviceMethods(of kind: RecordKind) -> [(String, LuaHostFunction)] {
    services.flatMap { service in
      service.operations.filter { $0.methodOf == kind }.map { operation in
        (
          operation.method ?? operation.name,
          { [unowned self] call in
            guard let object = call.receiver, types.kinds[object.type] == kind else {
              throw LuaHostError("'\(call.name)' is called with a colon, like \(kind.rawValue):\(call.name)(…)")
            }
            return try operate(call, service.name, operation, receiver: .object(object))
          }
        )
      }
    }
  }

  /// - Parameter receiver: the first argument of a call with a colon.
  private func operate(
    _ call: borrowing LuaCall, _ service: String, _ operation: OperationDeclaration, receiver: LuaValue?
  ) throws -> LuaReturn {
    var parameters = operation.parameters
    let ahead = receiver == nil ? 0 : 1
    if let last = parameters.last, last.isRepeated {
      parameters += Array(repeating: last, count: max(0, call.count + ahead - parameters.count))
    }
    let room = parameters.count - ahead
    // What stands behind the declared arguments is options of the call itself.
    let isOptions = call.count == room + 1 && operation.kind != .pure
    guard call.count <= room || isOptions else {
      let names = parameters.dropFirst(ahead).map(\.name).joined(separator: ", ")
      throw LuaHostError("\(call.name)(\(names)) got \(call.count) arguments")
    }
    for (place, parameter) in parameters.dropFirst(ahead).enumerated()
    where !parameter.isOptional && call.isNil(place + 1) {
      throw call.expected(place + 1, "\(parameter.name) (\(parameter.type))")
    }
    // A step ends the segment, and must be able to do so wherever it is implemented.
    guard operation.kind == .pure || call.canSuspend else { throw LuaHostError(Self.cantSuspend(call.name)) }
    var given = try call.values()
    let options = isOptions ? try callOptions(call, room + 1) : []
    if isOptions { given.removeLast() }
    if let receiver { given.insert(receiver, at: 0) }
    let arguments = try zip(given, parameters).map { lua, parameter in
      let argument: Value
      do {
        argument = try value(lua)
      } catch let error as LuaHostError {
        throw LuaHostError("\(call.name): \(parameter.name): \(error.message)")
      }
      // A record of another kind is a slip that the service would find out late, or never.
      if let kind = RecordKind(rawValue: parameter.type), case .record(let ref) = argument, ref.kind != kind {
        throw LuaHostError("\(call.name): \(parameter.name) is \(kind.phrase), found \(ref.kind.phrase)")
      }
      return argument
    }
    if operation.kind != .pure { call.state.invalidateFields() }
    switch try perform(.operation(service: service, name: operation.name, arguments: arguments, options: options)) {
    case .suspended: return .suspend
    case .value(let answer): return .value(lua(answer))
    }
  }

  /// `{ retries = 3, timeout = "30 seconds" }`: how often the step is tried again after a failure that may pass, and how
  /// long its answer is waited for.
  private func callOptions(_ call: borrowing LuaCall, _ place: Int) throws -> [ValueField] {
    guard let table = try call.optionalTable(place) else { return [] }
    try Options.check(table, allowed: ["retries", "timeout"], function: call.name)
    var options: [ValueField] = []
    switch table["retries"] {
    case .nil: break
    case .integer(let retries) where (0...1000).contains(retries): options.append(ValueField("retries", .integer(retries)))
    default: throw LuaHostError("\(call.name): the option retries is a whole number from 0 to 1000")
    }
    if let text = try Options.text(table, "timeout", function: call.name) {
      let span = try TimeSpan(parsing: text)
      guard span > .seconds(0), span <= .days(7) else {
        throw LuaHostError("\(call.name): the option timeout is a duration of at most 7 days, like \"30 seconds\"")
      }
      options.append(ValueField("timeout", .text(text)))
    }
    return options
  }
}
