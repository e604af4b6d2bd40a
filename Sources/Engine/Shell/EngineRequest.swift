import CRM
import Services
import Store

/// What can be asked of the engine that holds a workspace, by the same process or through its socket.
public enum EngineRequest: Sendable {
  case transition(TransitionRequest)
  /// Without a deal: what concerns none.
  case demand(automation: String, deal: String?, actor: String, requestID: String? = nil)
  case retry(RetryRequest)
  /// Lets a run go on with the present sources.
  case migrate(runID: Int64)
  case cancel(runID: Int64)
  /// What a signer has done.
  case signature(SignatureSignal)
  /// Executes everything that is queued, due or was left by a dead process, until nothing more happens by itself.
  case drain

  var json: JSON {
    switch self {
    case .transition(let request):
      var members = [
        JSONMember("do", .string("transition")), JSONMember("deal", .string(request.deal)),
        JSONMember("actor", .string(request.actor)),
      ]
      if let id = request.requestID { members.append(JSONMember("request", .string(id))) }
      switch request.change {
      case .move(let stage, let from):
        members.append(JSONMember("stage", .string(stage)))
        if let from { members.append(JSONMember("from", .string(from))) }
      case .close(let status):
        members.append(JSONMember("status", .string(status.rawValue)))
      }
      return .object(members)
    case .demand(let automation, let deal, let actor, let id):
      return .object([
        JSONMember("do", .string("demand")), JSONMember("automation", .string(automation)),
        JSONMember("deal", deal.map { .string($0) } ?? .null), JSONMember("actor", .string(actor)),
        JSONMember("request", id.map { .string($0) } ?? .null),
      ])
    case .retry(let retry):
      return .object([
        JSONMember("do", .string("retry")), JSONMember("run", .integer(retry.runID)),
        JSONMember("same_script", .bool(retry.sameScript)),
        JSONMember("from", retry.from.map { .integer(Int64($0)) } ?? .null),
        JSONMember("force", .bool(retry.force)), JSONMember("actor", .string(retry.actor)),
        JSONMember("request", retry.requestID.map { .string($0) } ?? .null),
      ])
    case .migrate(let runID):
      return .object([JSONMember("do", .string("migrate")), JSONMember("run", .integer(runID))])
    case .cancel(let runID):
      return .object([JSONMember("do", .string("cancel")), JSONMember("run", .integer(runID))])
    case .signature(let signal):
      return .object([JSONMember("do", .string("signature"))] + signal.members)
    case .drain:
      return .object([JSONMember("do", .string("drain"))])
    }
  }

  /// - Throws: `EngineFault.refused` for a request that this version does not know.
  init(json: JSON) throws(EngineFault) {
    let unknown = EngineFault(
      .refused, "the engine that holds this workspace does not know the request \(json.text(pretty: false).prefix(80))")
    switch json["do"]?.stringValue {
    case "transition":
      guard let deal = json["deal"]?.stringValue, let actor = json["actor"]?.stringValue else { throw unknown }
      let change: TransitionChange
      if let stage = json["stage"]?.stringValue {
        change = .move(stage: stage, from: json["from"]?.stringValue)
      } else if let status = json["status"]?.stringValue.flatMap(DealStatus.init(rawValue:)) {
        change = .close(status)
      } else {
        throw unknown
      }
      self = .transition(
        TransitionRequest(deal: deal, change: change, actor: actor, requestID: json["request"]?.stringValue))
    case "demand":
      guard let automation = json["automation"]?.stringValue, let actor = json["actor"]?.stringValue
      else { throw unknown }
      self = .demand(
        automation: automation, deal: json["deal"]?.stringValue, actor: actor, requestID: json["request"]?.stringValue)
    case "retry":
      guard let run = json["run"]?.integerValue else { throw unknown }
      var retry = RetryRequest(runID: run)
      retry.sameScript = json["same_script"]?.boolValue ?? false
      retry.from = json["from"]?.integerValue.map { Int(clamping: $0) }
      retry.force = json["force"]?.boolValue ?? false
      retry.actor = json["actor"]?.stringValue ?? ""
      retry.requestID = json["request"]?.stringValue
      self = .retry(retry)
    case "migrate":
      guard let run = json["run"]?.integerValue else { throw unknown }
      self = .migrate(runID: run)
    case "cancel":
      guard let run = json["run"]?.integerValue else { throw unknown }
      self = .cancel(runID: run)
    case "signature":
      guard let signal = SignatureSignal(json: json) else { throw unknown }
      self = .signature(signal)
    case "drain":
      self = .drain
    default:
      throw unknown
    }
  }
}

extension SignatureSignal {
  fileprivate var members: [JSONMember] {
    var members = [
      JSONMember("request", .integer(request)), JSONMember("state", .string(state.rawValue)),
      JSONMember("at", .integer(at.milliseconds)), JSONMember("reason", reason.map { .string($0) } ?? .null),
    ]
    if let actor { members.append(JSONMember("actor", .string(actor))) }
    if let paper {
      members.append(
        JSONMember(
          "paper",
          .object([
            JSONMember("name", .string(paper.name)), JSONMember("path", .string(paper.path)),
            JSONMember("size", .integer(paper.size)), JSONMember("sha256", .string(paper.sha256)),
          ])))
    }
    return members
  }

  fileprivate init?(json: JSON) {
    guard let request = json["request"]?.integerValue, let at = json["at"]?.integerValue,
      let state = json["state"]?.stringValue.flatMap(SignatureState.init(rawValue:))
    else { return nil }
    self.init(
      request: request, state: state, reason: json["reason"]?.stringValue, at: Instant(milliseconds: at),
      actor: json["actor"]?.stringValue)
    guard let paper = json["paper"] else { return }
    guard let name = paper["name"]?.stringValue, let path = paper["path"]?.stringValue,
      let size = paper["size"]?.integerValue, let sha256 = paper["sha256"]?.stringValue
    else { return nil }
    self.paper = SignedPaper(name: name, path: path, size: size, sha256: sha256)
  }
}

/// A run as callers see it.
public struct RunAnswer: Sendable, Hashable {
  /// The run's id.
  public var id: Int64
  /// The automation's name.
  public var automation: String
  /// As it is when the caller is answered.
  public var status: RunStatus
  /// The message of the error, or why it backs off.
  public var error: String?
  /// What its script printed, a line each.
  public var printed: [String] = []

  /// A run as its row has it.
  public init(_ run: RunRow) {
    id = run.id
    automation = run.automation
    status = run.status
    error = run.error.map { RunFault(text: $0).message }
    printed = run.printed
  }

  /// `{ id, automation, status, error, printed? }`.
  public var json: JSON {
    var members = [
      JSONMember("id", .integer(id)), JSONMember("automation", .string(automation)),
      JSONMember("status", .string(status.rawValue)), JSONMember("error", error.map { .string($0) } ?? .null),
    ]
    if !printed.isEmpty { members.append(JSONMember("printed", .array(printed.map { .string($0) }))) }
    return .object(members)
  }

  init(json: JSON) {
    id = json["id"]?.integerValue ?? 0
    automation = json["automation"]?.stringValue ?? ""
    status = json["status"]?.stringValue.flatMap(RunStatus.init(rawValue:)) ?? .failed
    error = json["error"]?.stringValue
    printed = json["printed"]?.arrayValue?.compactMap(\.stringValue) ?? []
  }
}

/// The engine's answer, given only after the commit of all that it tells.
public struct EngineAnswer: Sendable, Hashable {
  /// The deal's key, or its id if it has none.
  public var deal: String = ""
  /// The stage before the change.
  public var from: String = ""
  /// The stage that was asked for.
  public var to: String = ""
  /// Where the deal is now: its scripts may have moved it on.
  public var stage: String = ""
  /// `open`, `won` or `lost`, as it is now.
  public var status: String = ""
  /// Whether the change was made.
  public var moved = false
  /// Every reason that guards gave.
  public var rejected: [String] = []
  /// Of guards and of runs.
  public var warnings: [String] = []
  /// What guards printed.
  public var printed: [String] = []
  /// The runs that the change caused or woke, in order.
  public var runs: [RunAnswer] = []

  /// Nothing has happened.
  public init() {}

  /// Whether a command is to end with exit code 1.
  public var hasFailedRun: Bool { runs.contains { $0.status == .failed } }

  /// The members by the names of the properties; `printed` only if there is some.
  public var json: JSON {
    var members = [
      JSONMember("deal", .string(deal)), JSONMember("from", .string(from)), JSONMember("to", .string(to)),
      JSONMember("stage", .string(stage)), JSONMember("status", .string(status)), JSONMember("moved", .bool(moved)),
      JSONMember("rejected", .array(rejected.map { .string($0) })),
      JSONMember("warnings", .array(warnings.map { .string($0) })),
      JSONMember("runs", .array(runs.map(\.json))),
    ]
    if !printed.isEmpty { members.append(JSONMember("printed", .array(printed.map { .string($0) }))) }
    return .object(members)
  }

  init(json: JSON) {
    deal = json["deal"]?.stringValue ?? ""
    from = json["from"]?.stringValue ?? ""
    to = json["to"]?.stringValue ?? ""
    stage = json["stage"]?.stringValue ?? ""
    status = json["status"]?.stringValue ?? ""
    moved = json["moved"]?.boolValue ?? false
    rejected = json["rejected"]?.arrayValue?.compactMap(\.stringValue) ?? []
    warnings = json["warnings"]?.arrayValue?.compactMap(\.stringValue) ?? []
    printed = json["printed"]?.arrayValue?.compactMap(\.stringValue) ?? []
    runs = json["runs"]?.arrayValue?.map(RunAnswer.init(json:)) ?? []
  }
}
