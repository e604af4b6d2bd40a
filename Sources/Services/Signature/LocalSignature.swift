import CRM
import Store

/// The embedded signature service: the request is a row, the order goes to the outbox with the paper in it, and
/// `coulisse signatures sign ID` signs.
public struct LocalSignature: Signature {
  private let subject: String
  private let text: String
  private let sendsOrder: Bool
  private let mail: LocalMail
  private let seller: String
  private let resources: LocalResources?
  /// What is wrong with the service's settings.
  let fault: ValueFault?

  /// Settings: `services.signature.subject` and `.text` of the order, with the names {signer}, {title} and {seller} in
  /// them; `services.signature.order = false` writes none.
  public init(_ declaration: WorkspaceDeclaration, _ resources: LocalResources?) {
    var settings = ServiceSettings("signature", declaration, allowed: ["subject", "text", "order"])
    var subject = "To be signed: {title}"
    var text = "Hello {signer},\n\nplease find attached for your signature: {title}.\n\n{seller}\n"
    switch settings["subject"] {
    case .null: break
    case .text(let given) where !isBlank(given) && !given.contains(where: \.isNewline): subject = given
    default: settings.refuse("subject", expected: "one line")
    }
    switch settings["text"] {
    case .null: break
    case .text(let given) where !isBlank(given): text = given
    default: settings.refuse("text", expected: "a text")
    }
    var sendsOrder = true
    switch settings["order"] {
    case .null: break
    case .boolean(let flag): sendsOrder = flag
    default: settings.refuse("order", expected: "true or false")
    }
    self.subject = subject
    self.text = text
    self.sendsOrder = sendsOrder
    mail = LocalMail(declaration, resources)
    seller = declaration.seller.name
    self.resources = resources
    fault = settings.fault
  }

  public func send(
    _ draft: SignatureDraft, _ context: OperationContext
  ) throws(ServiceFailure) -> SignatureRequestRow {
    try fault.check()
    let resources = try resources.required()
    let unfit = try unfitRequest(of: draft.dealID, resources)
    if let there = try resources.read({ try existing(draft, context.key, $0, but: unfit) }) { return there }
    let paper = try FilingDesk(resources: resources).open(draft.documentID)
    // What is sent is what can be signed, and what the request's row says of it.
    guard ContentHash.sha256(paper.bytes) == paper.row.sha256 else {
      throw ServiceFailure(
        .permanent,
        "\(paper.row.path) was changed after it had been made; documents.pdf makes a paper of it as it is now")
    }
    let order = try order(draft, paper, context, resources)
    return try resources.write { tx in
      if let there = try existing(draft, context.key, tx, but: unfit) { return there }
      // At most one paper is out for a deal: the client signs the present one.
      if var open = try tx.openSignatureRequest(of: draft.dealID) {
        open.state = .cancelled
        open.closedAt = context.now
        open.reason = "replaced by a later request"
        try tx.update(open)
      }
      let row = try tx.insert(Self.row(draft, context))
      if let order, try tx.email(key: order.key) == nil { _ = try tx.insert(order) }
      return row
    }
  }

  /// The deal's open request if its paper is gone or was changed since: nobody can sign that any more, and it must not
  /// stand in the way of a new one.
  private func unfitRequest(of deal: Int64, _ resources: LocalResources) throws(ServiceFailure) -> Int64? {
    guard let open = try resources.read({ try $0.openSignatureRequest(of: deal) }) else { return nil }
    do throws(ServiceFailure) {
      let (row, bytes) = try FilingDesk(resources: resources).open(open.documentID)
      return ContentHash.sha256(bytes) == row.sha256 ? nil : open.id
    } catch {
      if error.isTransient { throw error }
      return open.id
    }
  }

  /// What was sent under this key, in whatever state it is now; else the open request, if it asks for the same and is
  /// not the one that nobody can sign.
  private func existing(
    _ draft: SignatureDraft, _ key: String, _ tx: any StoreTransaction, but unfit: Int64? = nil
  ) throws -> SignatureRequestRow? {
    if let row = try tx.signatureRequest(key: key) { return row }
    guard let open = try tx.openSignatureRequest(of: draft.dealID), open.id != unfit,
      open.signerEmail == draft.signerEmail,
      let sent = try tx.document(open.documentID), let wanted = try tx.document(draft.documentID),
      sent.sha256 == wanted.sha256
    else { return nil }
    return open
  }

  private func order(
    _ draft: SignatureDraft, _ paper: LocalMail.Paper, _ context: OperationContext, _ resources: LocalResources
  ) throws(ServiceFailure) -> EmailRow? {
    guard sendsOrder else { return nil }
    let message = MailDraft(
      dealID: draft.dealID, to: [draft.signerEmail], subject: filled(subject, draft), text: filled(text, draft),
      attachments: [draft.documentID])
    let address = try resources.read { try mail.sender(of: message, $0) }.get()
    return try mail.write(message, [paper], from: address, key: "\(context.key)/order", at: context.now, resources)
  }

  private func filled(_ text: String, _ draft: SignatureDraft) -> String {
    text.replacing([("{signer}", draft.signerName), ("{title}", draft.title), ("{seller}", seller)])
  }

  private static func row(_ draft: SignatureDraft, _ context: OperationContext) -> SignatureRequestRow {
    SignatureRequestRow(
      key: context.key, dealID: draft.dealID, documentID: draft.documentID, title: draft.title,
      signerID: draft.signerID, signerName: draft.signerName, signerEmail: draft.signerEmail, sentAt: context.now)
  }

  public func previewRequest(
    _ draft: SignatureDraft, _ context: OperationContext
  ) throws(ServiceFailure) -> SignatureRequestRow {
    try fault.check()
    let tx = try context.requireTransaction()
    return try stored {
      if let there = try existing(draft, context.key, tx) { return there }
      var row = Self.row(draft, context)
      if var open = try tx.openSignatureRequest(of: draft.dealID) {
        open.state = .cancelled
        open.closedAt = context.now
        try tx.update(open)
      }
      row = try tx.insert(row)
      return row
    }
  }
}
