import CRM
import Scripting
import Services
import Store

/// What a signer has done with a request.
public struct SignatureSignal: Sendable, Hashable {
  /// The request's id.
  public var request: Int64
  /// What it becomes; `sent` is no signal.
  public var state: SignatureState
  /// Why it was declined.
  public var reason: String?
  /// There if and only if the state is `signed`.
  public var paper: SignedPaper?
  /// When it happened.
  public var at: Instant
  /// Who did it when it was not the signer: a request is taken back by a user.
  public var actor: String?

  /// A signal that has not been carried out yet.
  public init(
    request: Int64, state: SignatureState, reason: String? = nil, paper: SignedPaper? = nil, at: Instant, actor: String? = nil
  ) {
    self.request = request
    self.state = state
    self.reason = reason
    self.paper = paper
    self.at = at
    self.actor = actor
  }
}

/// Changes of a signature request: by its signer, by the clock, by the end of the run that waited for it. Each is one
/// commit of the state, the event and the runs that it wakes or queues.
extension Dispatcher {
  /// - Returns: with `moved` false when the request has this state already: a signature that arrives twice is one.
  /// - Throws: `EngineFault`: no such request, or one that is closed.
  func signal(_ signal: SignatureSignal, tx: any StoreTransaction, now: Instant) throws -> Transition {
    guard var request = try tx.signatureRequest(signal.request) else {
      throw EngineFault(
        .notFound, "there is no signature request \(signal.request); list them with: coulisse signatures list")
    }
    if request.state == signal.state || (signal.state == .viewed && !request.state.isOpen) {
      return try Transition(unmoved: RecordRef(.deal, request.dealID), tx)
    }
    guard request.state.isOpen else {
      throw EngineFault(
        .refused,
        "signature request \(request.id) is \(request.state.rawValue) since \(request.closedAt ?? now) and can't become "
          + "\(signal.state.rawValue); send the papers again if they are still to be signed")
    }
    if signal.state == .signed {
      guard let paper = signal.paper else {
        throw EngineFault(.refused, "signature request \(request.id): the signed document is missing")
      }
      let document = try tx.insert(
        DocumentRow(
          key: "signature_request:\(request.id)/signed", dealID: request.dealID, folderID: nil, title: request.title,
          name: paper.name, path: paper.path, contentType: "application/pdf", size: paper.size, sha256: paper.sha256,
          createdAt: signal.at))
      request.signedDocumentID = document.id
    }
    request.reason = signal.reason
    let author = Author(actor: signal.actor ?? "signer:\(request.signerEmail)")
    return try change(request, signal.state, at: signal.at, cause: Cause(author: author), tx: tx, now: now)
  }

  /// Takes an open request back.
  /// - Returns: whether it was open.
  @discardableResult
  func withdraw(
    _ ref: RecordRef, _ state: SignatureState, reason: String?, tx: any StoreTransaction, now: Instant
  ) throws -> Bool {
    guard var request = try tx.signatureRequest(ref.id), request.state.isOpen else { return false }
    request.reason = reason
    let transition = try change(
      request, state, at: now, cause: Cause(author: Author(actor: "clock")), tx: tx, now: now)
    core.consequences += transition.runs
    return true
  }

  private func change(
    _ request: SignatureRequestRow, _ state: SignatureState, at: Instant, cause: Cause, tx: any StoreTransaction,
    now: Instant
  ) throws -> Transition {
    var request = request
    request.state = state
    if state == .viewed { request.viewedAt = at } else { request.closedAt = at }
    try tx.update(request)
    let deal = RecordRef(.deal, request.dealID)
    var transition = try Transition(unmoved: deal, tx)
    let name = "signature.\(state.rawValue)"
    var data = [ValueField("request", .record(request.ref)), ValueField("state", .text(state.rawValue))]
    if let reason = request.reason { data.append(ValueField("reason", .text(reason))) }
    if let id = request.signedDocumentID { data.append(ValueField("document", .record(RecordRef(.document, id)))) }
    try react(
      name, data: .object(data), topic: state.isOpen ? nil : Waits.topic(of: .request(request.ref)),
      answer: Waits.answer(request), deal: deal, cause: cause, into: &transition, tx: tx, now: now
    ) { $0 == .event(name) }
    return transition
  }
}

extension Transition {
  /// Nothing has happened to the deal, which is where it is.
  init(unmoved deal: RecordRef, _ tx: any StoreTransaction) throws {
    var stage = ""
    if case .record(let ref)? = try tx.value(deal, "stage") { stage = try tx.value(ref, "name")?.plainText ?? "" }
    self.init(deal: deal, from: stage, to: stage, moved: false)
  }
}
