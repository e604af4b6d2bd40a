import CRM

/// The world as a script sees it. Scripting knows nothing else of the house: recording, replay, dry run and tests are
/// other implementations of this protocol.
public protocol ScriptHost: AnyObject {
  /// Answers one question, or carries out one command, of a script.
  /// - Throws: `HostFailure`, which is raised in the script at the call.
  ///   Any other error ends the script at once, and no `pcall` sees it.
  func perform(_ call: HostCall) throws -> HostAnswer
  /// How many steps were answered from a journal so far: a script's budgets begin anew behind each of them.
  var replayed: Int { get }
}

extension ScriptHost {
  /// A host without a journal replays nothing.
  public var replayed: Int { 0 }
}

/// What a script can ask of its host.
public enum HostCall: Hashable, Sendable {
  /// A field or link of a record; a link answers a list of records.
  case get(RecordRef, field: String)
  /// Sets a field. The value was checked against the schema.
  case set(RecordRef, field: String, value: Value)
  /// `crm.deals { stage = … }`: records whose fields equal all of these, by id.
  case find(RecordKind, [ValueField])
  /// `crm.deal(42)`, `crm.deal("d1")`: the record or null.
  case fetch(RecordKind, Value)
  /// `deal:add_note(…)`: answers the new record.
  case create(RecordKind, [ValueField])
  /// `deal:move_to(stage, { from = … })`: answers whether the deal moved.
  case move(RecordRef, stage: String, from: String?)
  /// `deal:win()`, `deal:lose()`, `deal:reopen()`: answers whether the status changed.
  case close(RecordRef, DealStatus)
  /// `reject(…)` of a guard: notes the reason and goes on.
  case reject(String)
  /// `warn(…)`: shown with the answer and with the run.
  case warn(String)
  /// A service's operation: `accounting.create_quote(deal)`.
  case operation(service: String, name: String, arguments: [Value], options: [ValueField])
  /// `wait(target, "60 days")`: suspends.
  case wait(WaitTarget, timeout: WaitTime?)
  /// The moment at which the segment executes.
  case now
  /// `print(…)`.
  case log(String)
}

/// What a script may wait for.
public enum WaitTarget: Hashable, Sendable {
  case status(RecordRef, DealStatus)
  case stage(RecordRef, String)
  case request(RecordRef)
  /// Only the time-out: `sleep`.
  case clock
  /// `wait_any { … }`: the first of several, in the order in which they count when more than one has happened. The
  /// time-outs are among them.
  case any([WaitAlternative])
}

/// One of the things that `wait_any` waits for.
public struct WaitAlternative: Hashable, Sendable {
  /// Its place from 1, or its name.
  public var which: Value
  /// Never `.any`.
  public var target: WaitTarget
  /// Only of `.clock`.
  public var time: WaitTime?

  /// One of several things to wait for.
  public init(which: Value, target: WaitTarget, time: WaitTime? = nil) {
    self.which = which
    self.target = target
    self.time = time
  }
}

/// How long a wait lasts.
public enum WaitTime: Hashable, Sendable, CustomStringConvertible {
  case span(TimeSpan)
  /// `working_days(3)`: until the same time of day, so many working days later.
  case workingDays(Int)
  /// A moment that the calendar names, however long that is.
  case until(Instant)

  /// As a dry run tells it.
  public var description: String {
    switch self {
    case .span(let span): "for \(span)"
    case .workingDays(let count): "for \(count) working day\(count == 1 ? "" : "s")"
    case .until(let moment): "until \(moment)"
    }
  }
}

/// A host's answer.
public enum HostAnswer: Sendable {
  case value(Value)
  /// The script is to be suspended; the answer comes with `ScriptExecution.resume`.
  case suspended
}

/// Why a host refuses or fails. It is raised in the script at the call.
public struct HostFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// What a failure is, told apart without its message.
  public enum Kind: String, Hashable, Sendable {
    /// Guards rejected a move; `reasons` has every reason.
    case rejected
    /// A service said no for good.
    case permanent
    /// A service can't answer now.
    case transient
    /// The call makes no sense here.
    case misuse
    case notFound
    /// Scripts move a deal in a circle.
    case loop
    /// A replay asks something else than the journal says. Can't be caught.
    case diverged
    /// The run was cancelled. Can't be caught.
    case cancelled
  }

  /// What the failure is.
  public var kind: Kind
  /// What was expected, what was found, what to do.
  public var message: String
  /// Of `rejected`: every reason of every guard.
  public var reasons: [String]

  /// A failure that a script gets at its call.
  public init(_ kind: Kind, _ message: String, reasons: [String] = []) {
    self.kind = kind
    self.message = message
    self.reasons = reasons
  }

  /// The message.
  public var description: String { message }
}
