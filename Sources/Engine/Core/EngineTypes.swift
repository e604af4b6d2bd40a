import CRM
import Scripting
import Services
import Store

/// A change of a deal that has guards and reactions.
public enum TransitionChange: Hashable, Sendable {
  /// To a stage, by name (ALT-04); with `from` only if the deal is still there.
  case move(stage: String, from: String?)
  /// To won, lost, or open again.
  case close(DealStatus)
}

/// Somebody's wish to change a deal.
public struct TransitionRequest: Sendable {
  /// A deal's id or key.
  public var deal: String
  /// What is to become of the deal.
  public var change: TransitionChange
  /// Who wants it: `user:floriane@altitude.example`.
  public var actor: String
  /// The caller's own id of this wish: asked again with the same one, it is not done twice.
  public var requestID: String?

  /// A wish that has not been carried out yet.
  public init(deal: String, change: TransitionChange, actor: String, requestID: String? = nil) {
    self.deal = deal
    self.change = change
    self.actor = actor
    self.requestID = requestID
  }
}

/// What became of a transition, before its runs have ended.
public struct Transition: Sendable {
  /// Id 0 when it concerns no deal.
  public var deal: RecordRef
  /// The stage's name before.
  public var from: String
  /// The stage's name after it, before its runs.
  public var to: String
  /// Whether something happened: an event was appended.
  public var moved: Bool
  /// Every reason that guards gave.
  public var rejected: [String] = []
  /// Of guards.
  public var warnings: [String] = []
  /// What guards printed.
  public var printed: [String] = []
  /// The origin under which all runs that it caused are found; 0 if nothing happened.
  public var origin: Int64 = 0
  /// The runs that it woke or queued, in order.
  public var runs: [RunRow] = []
}

/// What the shell is to do once the transaction is committed.
public enum EngineCommand: Sendable {
  /// Ask a service, outside of any transaction, and hand its answer to `EngineCore.answer`.
  case call(StepCall)
  /// A run has ended, for the log.
  case ended(RunRow)
  /// Something that whoever keeps the engine should know, for the log.
  case note(String)
}

/// One attempt of a step.
public struct StepCall: Sendable {
  /// The run that asked.
  public var runID: Int64
  /// The segment that the step has ended.
  public var segment: Int
  /// What is asked, with its key.
  public var call: OperationCall
  /// What the script wants otherwise than the workspace says.
  public var options = StepOptions()
  /// Which attempt it is, from 1.
  public var attempt = 1
}

/// What a script says of one step: `accounting.create_quote(deal, { retries = 3, timeout = "30 seconds" })`.
public struct StepOptions: Sendable, Hashable {
  /// How often it is tried again; 0: the script gets the first failure.
  public var retries: Int?
  /// How long an answer is waited for.
  public var timeout: TimeSpan?
}

/// A service's answer to a step, or its failure.
public struct StepAnswer: Sendable {
  /// What was asked.
  public var call: StepCall
  /// What came of it.
  public var result: Result<Value, ServiceFailure>
  /// It comes after its time was up: the call has been counted as a failure already.
  public var isLate = false

  /// An answer in time, unless it says otherwise.
  public init(call: StepCall, result: Result<Value, ServiceFailure>, isLate: Bool = false) {
    self.call = call
    self.result = result
    self.isLate = isLate
  }
}

/// Who caused something: a person directly, or a run.
struct Cause {
  var author: Author
  var origin: Int64 = 0
  var path: String = ""
  var requestID: String?

  static func run(_ run: RunRow) -> Cause {
    Cause(
      author: Author(actor: "automation:\(run.automation)", runID: run.id), origin: run.origin, path: run.path)
  }
}

/// What executes at the moment, as a `RunWatch` names it.
public struct InHand: Sendable, Hashable {
  /// A run's id, `aGuard`, or 0 for nothing.
  public var runID: Int64
  /// Milliseconds of the monotonic clock at which it began.
  public var since: Int64

  /// Stands for a guard, which belongs to no run.
  public static let aGuard: Int64 = -1

  /// A run or a guard, since a moment of the monotonic clock.
  public init(runID: Int64, since: Int64) {
    self.runID = runID
    self.since = since
  }
}

/// Names the run in hand somewhere that survives the process, so that a fault which kills it is known (promise 7).
public protocol RunWatch: AnyObject {
  /// - Returns: what was in hand before: a guard may execute inside a run's segment.
  func begin(runID: Int64) -> InHand
  /// Puts back what was in hand before.
  func end(_ before: InHand)
}
