import CRM
import LuaKit

/// One module a service, made from the service's own declaration: `accounting.create_quote(deal)`.
extension ScriptContext {
  func defineServiceModules(_ state: LuaState, _ services: [ServiceDeclaration]) throws {
    for service in services {
      for operation in service.operations {
        try state.define(function: operation.name, in: service.name) { [unowned self] call in
          try operate(call, service.name, operation)
        }
      }
    }
  }

  private func operate(
    _ call: borrowing LuaCall, _ service: String, _ operation: OperationDeclaration
  ) throws -> LuaReturn {
    let parameters = operation.parameters
    // What stands behind the declared arguments is options of the call itself.
    let isOptions = call.count == parameters.count + 1 && operation.kind != .pure
    guard call.count <= parameters.count || isOptions else {
      let names = parameters.map(\.name).joined(separator: ", ")
      throw LuaHostError("\(call.name)(\(names)) got \(call.count) arguments")
    }
    for (place, parameter) in parameters.enumerated() where !parameter.isOptional && call.isNil(place + 1) {
      throw call.expected(place + 1, "\(parameter.name) (\(parameter.type))")
    }
    // A step ends the segment, and must be able to do so wherever it is implemented.
    guard operation.kind == .pure || call.canSuspend else { throw LuaHostError(Self.cantSuspend(call.name)) }
    var given = try call.values()
    let options = isOptions ? try callOptions(call, parameters.count + 1) : []
    if isOptions { given.removeLast() }
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

  /// `{ retries = 3 }`: how often the step is tried again after a failure that may pass.
  private func callOptions(_ call: borrowing LuaCall, _ place: Int) throws -> [ValueField] {
    guard let table = try call.optionalTable(place) else { return [] }
    try Options.check(table, allowed: ["retries"], function: call.name)
    guard case .integer(let retries) = table["retries"], (0...1000).contains(retries) else {
      throw LuaHostError("\(call.name): the option retries is a whole number from 0 to 1000")
    }
    return [ValueField("retries", .integer(retries))]
  }
}
