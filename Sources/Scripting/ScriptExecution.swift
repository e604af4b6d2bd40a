import CRM
import LuaKit

/// How a segment of a script ended, when it did not fail.
public enum ScriptOutcome: Sendable {
  case finished
  /// The host answered a call with `.suspended`.
  case suspended
}

/// One execution of one automation: from its start, or the start of its replay, to its end. Holds a Lua state until
/// it is discarded.
public final class ScriptExecution {
  private let program: ScriptProgram
  private let automation: AutomationDeclaration
  private let argument: RecordRef?
  private let event: Value
  private let host: any ScriptHost
  private let budget: RunBudget
  private let randomSeed: (Int64, Int64)
  private var script: PreparedScript?

  init(
    program: ScriptProgram, automation: AutomationDeclaration, argument: RecordRef?, event: Value,
    host: any ScriptHost, budget: RunBudget, randomSeed: (Int64, Int64)
  ) {
    self.program = program
    self.automation = automation
    self.argument = argument
    self.event = event
    self.host = host
    self.budget = budget
    self.randomSeed = randomSeed
  }

  /// A state that nobody gave back would be lost for its script, not unsafe; so it is given back here.
  deinit { discard() }

  /// Calls the automation's function.
  /// - Throws: `ScriptFailure` when the script fails; any other error is one of the host's own, which no script sees.
  public func begin() throws -> ScriptOutcome {
    let script: PreparedScript
    do {
      script = try program.take(automation.file, budget)
    } catch let problem as ScriptProblem {
      throw ScriptFailure(
        kind: .error, message: problem.message, script: problem.file, line: problem.line, sourceLine: nil,
        traceback: [], hostFailure: nil)
    }
    self.script = script
    script.context.host = host
    guard script.functions.indices.contains(automation.index) else {
      throw ScriptFailure(
        kind: .error, message: "\(automation.file) does not declare \(automation.name) any more",
        script: automation.file, line: nil, sourceLine: nil, traceback: [], hostFailure: nil)
    }
    script.state.setRandomSeed(randomSeed.0, randomSeed.1)
    var arguments = [argument.map { script.context.lua(.record($0)) } ?? .nil, script.context.lua(event)]
    // What runs by the clock is for no deal.
    if automation.trigger.schedule != nil { arguments.removeFirst() }
    return try outcome { try script.state.start(script.functions[automation.index], arguments) }
  }

  /// Goes on with the answer to the call that suspended the script.
  /// - Throws: as `begin`.
  public func resume(_ answer: Result<Value, HostFailure>) throws -> ScriptOutcome {
    guard let script else {
      throw ScriptFailure(
        kind: .error, message: "\(automation.name) is not suspended", script: nil, line: nil, sourceLine: nil,
        traceback: [], hostFailure: nil)
    }
    script.state.invalidateFields()
    let lua: Result<[LuaValue], LuaHostError>
    switch answer {
    case .success(let value): lua = .success([script.context.lua(value)])
    case .failure(let failure):
      lua = .failure(LuaHostError(failure.message, cause: failure.isFatal ? FatalError(error: failure) : failure))
    }
    return try outcome { try script.state.resume(lua) }
  }

  /// Gives the Lua state back. Safe to call twice.
  public func discard() {
    guard let script else { return }
    self.script = nil
    program.giveBack(script)
  }

  /// What the execution has used so far.
  public var statistics: (peakBytes: Int, hostCalls: Int, seconds: Double) {
    guard let statistics = script?.state.statistics else { return (0, 0, 0) }
    return (statistics.peakBytes, statistics.hostCalls, statistics.seconds)
  }

  private func outcome(_ body: () throws -> LuaOutcome) throws -> ScriptOutcome {
    do {
      let outcome = try body()
      if let pending = script?.context.pending { throw Self.failure(pending, in: nil) }
      switch outcome {
      case .returned: return .finished
      case .suspended: return .suspended
      }
    } catch let error as LuaError {
      if let fatal = error.cause as? FatalError {
        throw Self.failure(fatal, in: error)
      }
      throw ScriptFailure(error, kind: nil, hostFailure: (error.cause as? HostFailure))
    }
  }

  /// What a fatal error is to the caller: a failure of the script where the run itself is at an end, else the host's
  /// own error as it was.
  private static func failure(_ fatal: FatalError, in error: LuaError?) -> any Error {
    guard let failure = fatal.error as? HostFailure else { return fatal.error }
    let kind: ScriptFailure.Kind = failure.kind == .cancelled ? .cancelled : .diverged
    if let error { return ScriptFailure(error, kind: kind, hostFailure: failure) }
    return ScriptFailure(
      kind: kind, message: failure.message, script: nil, line: nil, sourceLine: nil, traceback: [], hostFailure: failure)
  }
}

extension ScriptFailure {
  init(_ error: LuaError, kind: Kind?, hostFailure: HostFailure?) {
    let found: Kind =
      switch error.kind {
      case .timeLimit: .timeLimit
      case .memoryLimit: .memoryLimit
      case .hostCallLimit: .hostCallLimit
      case .instructionLimit: .instructionLimit
      case .syntax, .runtime, .fatal, .misuse: .error
      }
    self.init(
      kind: kind ?? found, message: error.message, script: error.script, line: error.line,
      sourceLine: error.sourceLine, traceback: error.traceback.map(\.description), hostFailure: hostFailure)
  }
}
