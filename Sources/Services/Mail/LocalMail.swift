import CRM
import Store

/// The embedded mail service: an outbox of `.eml` files, which any mail program opens and sends.
public struct LocalMail: Mail {
  private let from: String?
  private let fromName: String
  private let resources: LocalResources?
  /// What is wrong with the service's settings.
  let fault: ValueFault?

  /// Settings: `services.mail.from`, the sender's address, by default that of the deal's owner; `services.mail.name`, by
  /// default the seller's.
  public init(_ declaration: WorkspaceDeclaration, _ resources: LocalResources?) {
    var settings = ServiceSettings("mail", declaration, allowed: ["from", "name"])
    var from: String?
    switch settings["from"] {
    case .null: break
    case .text(let address) where (try? Mailbox(address: address)) != nil: from = address
    default: settings.refuse("from", expected: "an address like \"contact@altitude.example\"")
    }
    var name = declaration.seller.name
    switch settings["name"] {
    case .null: break
    case .text(let text) where !isBlank(text): name = text
    default: settings.refuse("name", expected: "a name")
    }
    self.from = from
    fromName = name
    self.resources = resources
    fault = settings.fault
  }

  public func send(_ draft: MailDraft, _ context: OperationContext) throws(ServiceFailure) -> EmailRow {
    try fault.check()
    let resources = try resources.required()
    if let row = try resources.read({ try $0.email(key: context.key) }) { return row }
    let address = try resources.read { try sender(of: draft, $0) }.get()
    let papers = try papers(draft.attachments, resources)
    let row = try write(draft, papers, from: address, key: context.key, at: context.now, resources)
    return try resources.write { tx in try tx.email(key: context.key) ?? tx.insert(row) }
  }

  typealias Paper = (row: DocumentRow, bytes: [UInt8])

  /// Megabytes of all attachments together: more than that no mail server takes.
  static let attachmentLimit = 25

  private func papers(_ ids: [Int64], _ resources: LocalResources) throws(ServiceFailure) -> [Paper] {
    let desk = FilingDesk(resources: resources)
    var papers: [Paper] = []
    var size = 0
    for id in ids {
      let paper = try desk.open(id)
      size += paper.bytes.count
      guard size <= Self.attachmentLimit * 1_000_000 else {
        throw ServiceFailure(
          .permanent,
          "mail.send: attachments: expected at most \(Self.attachmentLimit) MB together, found more; "
            + "send fewer of them")
      }
      papers.append(paper)
    }
    return papers
  }

  /// Puts the message into the outbox, where its name follows from the key; the row is the caller's to keep.
  func write(
    _ draft: MailDraft, _ papers: [Paper], from: String, key: String, at now: Instant, _ resources: LocalResources
  ) throws(ServiceFailure) -> EmailRow {
    var attachments: [MailMessage.Attachment] = []
    for (row, bytes) in papers {
      attachments.append(
        try valid("mail.send") { () throws(ValueFault) in
          try MailMessage.Attachment(name: row.name, type: row.contentType, bytes: bytes)
        })
    }
    let message = try valid("mail.send") { () throws(ValueFault) in
      try MailMessage(
        from: Mailbox(name: fromName, address: from), to: try Self.boxes(draft.to), cc: try Self.boxes(draft.cc),
        bcc: try Self.boxes(draft.bcc), subject: draft.subject, text: draft.text, attachments: attachments, key: key,
        date: now)
    }
    let name = "\(ContentHash.sha256(Array(key.utf8)).prefix(16)).eml"
    try resources.outbox.makeRoot()
    try resources.outbox.write(message.bytes, to: [name])
    return EmailRow(
      key: key, dealID: draft.dealID, recipients: draft.recipients, subject: draft.subject, text: draft.text, path: name,
      createdAt: now)
  }

  private static func boxes(_ addresses: [String]) throws(ValueFault) -> [Mailbox] {
    var boxes: [Mailbox] = []
    for address in addresses { boxes.append(try Mailbox(address: address)) }
    return boxes
  }

  /// The address that the message comes from.
  func sender(of draft: MailDraft, _ tx: any StoreTransaction) throws -> Result<String, ServiceFailure> {
    if let from { return .success(from) }
    if let deal = draft.dealID, case .record(let owner)? = try tx.value(RecordRef(.deal, deal), "owner"),
      let address = try tx.value(owner, "email")?.plainText, !isBlank(address)
    {
      return .success(address)
    }
    return .failure(
      ServiceFailure(
        .permanent, "mail.send: nobody is the sender; set services.mail.from in workspace.lua, or give the deal an owner"))
  }

  public func previewMessage(_ draft: MailDraft, _ context: OperationContext) throws(ServiceFailure) -> EmailRow {
    try fault.check()
    let tx = try context.requireTransaction()
    _ = try stored { try sender(of: draft, tx) }.get()
    return try stored {
      try tx.email(key: context.key)
        ?? tx.insert(
          EmailRow(
            key: context.key, dealID: draft.dealID, recipients: draft.recipients, subject: draft.subject,
            text: draft.text, path: "????/\(context.key)", createdAt: context.now))
    }
  }
}
