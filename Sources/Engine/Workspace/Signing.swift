import CRM
import Services
import Store

extension LocalResources {
  /// What a signer does, ready for the engine: for a signature the signed paper is made first. Until the engine has
  /// taken it nothing has changed.
  /// - Throws: `EngineFault`, `ServiceFailure`: the request is closed, the paper was changed, nothing can be printed.
  public func signal(
    request id: Int64, _ state: SignatureState, reason: String?, actor: String? = nil,
    declaration: WorkspaceDeclaration, now: Instant
  ) throws -> SignatureSignal {
    var signal = SignatureSignal(request: id, state: state, reason: reason, at: now, actor: actor)
    // The engine says what is wrong with a closed request; a paper is made only where there is something to sign.
    let isOpen = try store.read { try $0.signatureRequest(id)?.state.isOpen ?? false }
    if state == .signed, isOpen {
      signal.paper = try SigningRoom(self, declaration).sign(id, at: now)
    }
    return signal
  }

  /// Takes away the paper of a signal that the engine has refused, or had already.
  public func discard(_ signal: SignatureSignal, _ declaration: WorkspaceDeclaration) {
    guard let paper = signal.paper else { return }
    // Left behind it costs room, and nothing else.
    try? SigningRoom(self, declaration).discard(paper)
  }

  /// A document's text as it is on the drive now.
  /// - Throws: `ServiceFailure`: it is not there, or no text.
  func text(of document: Int64) throws -> String {
    let (row, bytes) = try open(document)
    guard row.contentType.hasPrefix("text/"), let text = String(validating: bytes, as: UTF8.self) else {
      throw ServiceFailure(.permanent, "\(row.name) is no text")
    }
    return text
  }
}
