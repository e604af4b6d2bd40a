import CRM
import Scripting
import Services
import Store

/// What a script asks of services: fused into its segment, as a step of its own, or rehearsed.
extension RunHost {
  func operation(
    _ call: HostCall, _ serviceName: String, _ name: String, _ arguments: [Value], _ options: [ValueField]
  ) throws -> HostAnswer {
    guard let service = version.services[serviceName], let declared = service.declaration.operation(name) else {
      throw HostFailure(.misuse, "there is no operation \(serviceName).\(name)")
    }
    let resolved = try resolve(service, name, arguments)
    if declared.kind == .pure {
      // A function of its arguments: nothing to journal, and a replay comes to the same.
      let request = OperationCall(
        service: serviceName, operation: name, arguments: resolved.arguments, key: "", dealID: run.dealID,
        author: author, now: now)
      switch try attempt(service, request, isolated: false) {
      case .success(let answer): return .value(answer)
      case .failure(let failure): throw HostFailure(.permanent, failure.message)
      }
    }
    let hash = StableHash.of(.list(arguments))
    let key = resolved.purpose ?? nextKey(JournalEntry.tag(call), hash)
    let request = OperationCall(
      service: serviceName, operation: name, arguments: resolved.arguments, key: key, dealID: run.dealID,
      author: author, now: now)

    var firstFailure: ServiceFailure?
    if let tell = core.mode.tell, declared.kind == .effect {
      let answer = try preview(service, request)
      tell(Self.words(of: request, answer: answer))
      return answered(call, answer)
    }
    if let reads = core.mode.reads, declared.kind == .read, !service.isLocal(name) {
      switch try reads.answer(to: request, hash: hash) {
      case .success(let answer): return answered(call, answer)
      case .failure(let failure): throw HostFailure(.permanent, failure.message)
      }
    }
    if service.isLocal(name), declared.kind == .read || !core.mode.unfused {
      let step = JournalEntry.FusedStep(
        key: key, hash: hash, arguments: resolved.arguments, isEffect: declared.kind == .effect)
      // A read writes nothing, so it needs no savepoint to be undone.
      switch try attempt(service, request, isolated: declared.kind == .effect) {
      case .success(let answer):
        return answered(call, answer, step: step)
      case .failure(let failure):
        let retries = try Self.options(call).retries ?? core.policy(of: serviceName).retries
        guard case .transient = failure.kind, retries > 0 else {
          let raised = HostFailure(.permanent, failure.message)
          entries.append(JournalEntry(tag: JournalEntry.tag(call), answer: .null, failure: raised, step: step))
          throw NotedFailure(failure: raised)
        }
        // It can't be had now: from here it is a step like one of another machine, and is retried like one.
        firstFailure = failure
      }
    }
    suspension = .step(
      JournalRow.Step(
        kind: .operation, name: JournalEntry.tag(call), key: key, hash: hash, arguments: resolved.arguments,
        begunAt: now),
      request, try Self.options(call), firstFailure: firstFailure)
    return .suspended
  }

  func nextKey(_ operation: String, _ hash: String) -> String {
    let place = occurrences[operation + hash, default: 0] + 1
    occurrences[operation + hash] = place
    return "run:\(run.id)/\(operation)/\(hash)/\(place)"
  }

  /// The options of a call, which Scripting has checked.
  static func options(_ call: HostCall) throws -> StepOptions {
    guard case .operation(_, _, _, let given) = call else { return StepOptions() }
    var options = StepOptions()
    for option in given {
      switch (option.name, option.value) {
      case ("retries", .integer(let count)): options.retries = Int(clamping: count)
      case ("timeout", .text(let span)): options.timeout = try TimeSpan(parsing: span)
      default: break
      }
    }
    return options
  }

  private func resolve(_ service: any Service, _ name: String, _ arguments: [Value]) throws -> ResolvedOperation {
    let world = ServiceWorld(
      transaction: tx, declaration: version.declaration, schema: version.schema, now: now)
    do {
      return try service.resolve(name, arguments, dealID: run.dealID, in: world)
    } catch {
      throw HostFailure(.permanent, error.message)
    }
  }

  private func preview(_ service: any Service, _ request: OperationCall) throws -> Value {
    do {
      return try service.preview(request, in: tx)
    } catch {
      throw HostFailure(.permanent, error.message)
    }
  }

  /// - Throws: only what is no matter of the service: faults of the store.
  private func attempt(
    _ service: any Service, _ request: OperationCall, isolated: Bool
  ) throws -> Result<Value, ServiceFailure> {
    if !isolated {
      do {
        return .success(try service.perform(request, in: tx))
      } catch {
        return .failure(error)
      }
    }
    do {
      return .success(try tx.savepoint { try service.perform(request, in: tx) })
    } catch let failure as ServiceFailure {
      return .failure(failure)
    }
  }

  /// What would be sent, an argument a line, and what would come back.
  private static func words(of request: OperationCall, answer: Value) -> String {
    var lines = ["\(request.name) → \(answer.isNull ? "done" : answer.plainText)"]
    if case .object(let arguments) = request.arguments {
      lines += arguments.map { argument in
        // A text is what somebody will read, so most of it is shown; of a template's data the beginning is enough.
        let text = argument.value.plainText
        var limit = 2000
        if case .object = argument.value { limit = 200 }
        return "  \(argument.name): \(text.count > limit ? text.prefix(limit - 1) + "…" : text)"
      }
    }
    return lines.joined(separator: "\n")
  }
}
