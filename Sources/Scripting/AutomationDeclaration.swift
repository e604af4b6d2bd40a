import CRM

/// What an automation reacts to.
public enum Trigger: Hashable, Sendable {
  case beforeEnter(stage: String)
  case enter(stage: String)
  case leave(stage: String)
  case beforeWon
  case won
  case lost
  case event(String)
  /// Only when somebody asks for it by name.
  case demand(String)
  /// By the clock, and for no deal.
  case schedule(ScheduleRule, missed: MissedSchedules)

  /// Guards run before the change and may reject it.
  public var isGuard: Bool {
    switch self {
    case .beforeEnter, .beforeWon: true
    default: false
    }
  }

  /// Whether it runs without a deal, too.
  public var needsNoDeal: Bool {
    switch self {
    case .demand, .schedule: true
    default: false
    }
  }

  /// As it is written in a script: `enter "Confirmé"`.
  public var description: String {
    switch self {
    case .beforeEnter(let stage): "before_enter \"\(stage)\""
    case .enter(let stage): "enter \"\(stage)\""
    case .leave(let stage): "leave \"\(stage)\""
    case .beforeWon: "before_won"
    case .won: "won"
    case .lost: "lost"
    case .event(let name): "event \"\(name)\""
    case .demand(let name): "demand \"\(name)\""
    case .schedule(let rule, _): "schedule \(rule)"
    }
  }

  /// The rule of `on.schedule`; nil for any other trigger.
  public var schedule: (rule: ScheduleRule, missed: MissedSchedules)? {
    if case .schedule(let rule, let missed) = self { (rule, missed) } else { nil }
  }

  /// The events that `on.event` knows.
  public static let events =
    ["deal.moved", "deal.won", "deal.lost", "deal.reopened", "run.failed"]
    + SignatureState.allCases.filter { $0 != .sent }.map { "signature.\($0.rawValue)" }
}

/// What a second entry does while the first run still waits.
public enum WhileWaiting: String, Hashable, Sendable {
  /// The old run is cancelled.
  case replace
  /// The new run is not queued.
  case ignore
}

/// A Lua function bound to a trigger.
public struct AutomationDeclaration: Hashable, Sendable {
  /// The file's stem; `stem#2` for the second automation of a file; or the name given in the script.
  public var name: String
  /// `scripts/won_card.lua`
  public var file: String
  /// Of the call of `on.…`, from 1.
  public var line: Int
  /// Its place among the automations of its file, from 0.
  public var index: Int
  /// What it reacts to.
  public var trigger: Trigger
  /// What a second entry does while its first run waits.
  public var whileWaiting: WhileWaiting
  /// The file's first comment line.
  public var summary: String?
}

/// A file that does not load.
public struct ScriptProblem: Error, Hashable, Sendable, CustomStringConvertible {
  /// As the workspace names it: `scripts/x.lua`.
  public var file: String
  /// From 1; nil when the place is not known.
  public var line: Int?
  /// Begins with `file:line:`.
  public var message: String

  /// What is wrong in a file.
  public init(file: String, line: Int?, message: String) {
    self.file = file
    self.line = line
    self.message = message
  }

  /// The message.
  public var description: String { message }
}

/// What one run may spend in Lua.
public struct RunBudget: Hashable, Sendable {
  /// Lua time, of all segments since the last start.
  public var seconds: Double
  /// Lua memory.
  public var memoryBytes: Int
  /// Calls into the host.
  public var hostCalls: Int
  /// Lua instructions; nil: not counted.
  public var instructions: Int?

  /// As the workspace declares it.
  public init(limits: WorkspaceLimits) {
    seconds = Double(limits.runTime.milliseconds) / 1000
    memoryBytes = limits.memoryMegabytes << 20
    hostCalls = limits.hostCalls
    instructions = limits.instructions
  }
}

/// Why a script ended badly.
public struct ScriptFailure: Error, Sendable, CustomStringConvertible {
  /// What a failure is, told apart without its message.
  public enum Kind: String, Sendable, Hashable {
    case error
    case timeLimit = "time_limit"
    case memoryLimit = "memory_limit"
    case hostCallLimit = "host_call_limit"
    case instructionLimit = "instruction_limit"
    /// The script no longer does what its journal says.
    case diverged
    case cancelled
  }

  /// What the failure is.
  public var kind: Kind
  /// `scripts/x.lua:12: what happened`
  public var message: String
  /// The file in which it happened.
  public var script: String?
  /// From 1.
  public var line: Int?
  /// The text of that line.
  public var sourceLine: String?
  /// A line a level, the innermost first.
  public var traceback: [String]
  /// What the host said, if that came up unchanged.
  public var hostFailure: HostFailure?

  /// The message.
  public var description: String { message }
}
