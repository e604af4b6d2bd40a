import CRM
import Scripting
import Store

/// What a script may wait for, as the topic under which a parked run is found again. The state of what is waited for
/// is in the records, whether or not anybody waits, so a wait that comes late is answered at once.
struct Waits {
  /// The topic that wakes a run; nil when only the clock does.
  static func topic(of target: WaitTarget) -> String? {
    switch target {
    case .status(let ref, let status): "\(ref)/status/\(status.rawValue)"
    case .stage(let ref, let stage): "\(ref)/stage/\(Label.folded(stage))"
    case .request(let ref): "\(ref)"
    case .clock, .any: nil
    }
  }

  static let reached = Value.object([ValueField("state", .text("reached"))])
  static let expired = Value.object([ValueField("state", .text("expired"))])

  /// What a wait for a signature answers: `{ state, signed, reason, document, at }`.
  static func answer(_ request: SignatureRequestRow) -> Value {
    .object([
      ValueField("state", .text(request.state.rawValue)), ValueField("signed", .boolean(request.state == .signed)),
      ValueField("reason", request.reason.map { .text($0) } ?? .null),
      ValueField("document", request.signedDocumentID.map { .record(RecordRef(.document, $0)) } ?? .null),
      ValueField("at", request.closedAt.map { .instant($0) } ?? .null),
    ])
  }

  /// The request whose answer a parked run waits for.
  static func request(topic: String?) -> RecordRef? {
    guard let ref = topic.flatMap({ try? RecordRef(parsing: $0) }), ref.kind == .signatureRequest else { return nil }
    return ref
  }

  /// What a topic stands for; nil for a text that is none.
  static func target(topic: String) -> WaitTarget? {
    if let request = request(topic: topic) { return .request(request) }
    let parts = topic.split(separator: "/", maxSplits: 2).map(String.init)
    guard parts.count == 3, let deal = try? RecordRef(parsing: parts[0]) else { return nil }
    if parts[1] == "stage" { return .stage(deal, parts[2]) }
    return parts[1] == "status" ? DealStatus(rawValue: parts[2]).map { .status(deal, $0) } : nil
  }

  /// As `state(of:)`.
  func state(topic: String, _ tx: any StoreTransaction) throws -> Value? {
    try Self.target(topic: topic).flatMap { try state(of: $0, tx) }
  }

  /// The answer when there is nothing to wait for any more; nil otherwise.
  func state(of target: WaitTarget, _ tx: any StoreTransaction) throws -> Value? {
    switch target {
    case .status(let ref, let status):
      return try tx.value(ref, "status") == .text(status.rawValue) ? Self.reached : nil
    case .stage(let ref, let name):
      // By name, as the topic: another pipeline may have a stage of this name too.
      guard case .record(let stage)? = try tx.value(ref, "stage") else { return nil }
      return try tx.value(stage, "name").map { Label.folded($0.plainText) } == Label.folded(name) ? Self.reached : nil
    case .request(let ref):
      guard let request = try tx.signatureRequest(ref.id) else {
        throw HostFailure(.notFound, "there is no \(ref.kind.words) \(ref.id)")
      }
      return request.state.isOpen ? nil : Self.answer(request)
    case .clock, .any:
      return nil
    }
  }
}
