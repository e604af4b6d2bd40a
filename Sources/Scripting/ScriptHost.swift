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
  case wait(WaitTarget, timeout: TimeSpan?)
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
}

/// A host's answer.
public enum HostAnswer: Sendable {
  case value(Value)
  /// The script is to be suspended; the answer comes with `ScriptExecution.resume`.
  case suspended
}

/// Why a host refuses or fails. It is raised in the script at the call.
public struct HostFailure: Error, Hashable, Sendable, CustomStringConvertible {
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

  public var kind: Kind
  public var message: String
  public var reasons: [String]

  public init(_ kind: Kind, _ message: String, reasons: [String] = []) {
    self.kind = kind
    self.message = message
    self.reasons = reasons
  }

  public var description: String { message }
}
