import CRM
import Store

/// Outgoing mail. A connector implements the typed functions.
public protocol Mail: Service {
  /// Sends a message, once for each key.
  func send(_ draft: MailDraft, _ context: OperationContext) throws(ServiceFailure) -> EmailRow
  /// What `send` would answer, as a row of the rehearsal's transaction.
  func previewMessage(_ draft: MailDraft, _ context: OperationContext) throws(ServiceFailure) -> EmailRow
}

/// A message to be sent.
public struct MailDraft: Hashable, Sendable {
  public var dealID: Int64?
  public var to: [String]
  public var cc: [String]
  public var bcc: [String]
  public var subject: String
  public var text: String
  /// Documents, in their order.
  public var attachments: [Int64]

  public init(
    dealID: Int64? = nil, to: [String], cc: [String] = [], bcc: [String] = [], subject: String, text: String,
    attachments: [Int64] = []
  ) {
    self.dealID = dealID
    self.to = to
    self.cc = cc
    self.bcc = bcc
    self.subject = subject
    self.text = text
    self.attachments = attachments
  }

  static let subjectLimit = 500
  static let textLimit = 100_000
  static let recipientLimit = 50

  var recipients: [String] { to + cc + bcc }

  var value: Value {
    func texts(_ texts: [String]) -> Value { .list(texts.map { .text($0) }) }
    return .object([
      ValueField("deal", dealID.map { .integer($0) } ?? .null), ValueField("to", texts(to)), ValueField("cc", texts(cc)),
      ValueField("bcc", texts(bcc)), ValueField("subject", .text(subject)), ValueField("text", .text(text)),
      ValueField("attachments", .list(attachments.map { .integer($0) })),
    ])
  }

  init(_ fields: Fields) throws(ServiceFailure) {
    func texts(_ name: String) throws(ServiceFailure) -> [String] { try fields.list(name).map(\.plainText) }
    if case .integer(let deal) = fields["deal"] { dealID = deal }
    to = try texts("to")
    cc = try texts("cc")
    bcc = try texts("bcc")
    subject = try fields.text("subject", limit: Self.subjectLimit)
    text = try fields.text("text", limit: Self.textLimit)
    attachments = []
    for case .integer(let id) in try fields.list("attachments") { attachments.append(id) }
  }
}

/// How every mail service describes itself.
public enum MailOperations {
  static let send = OperationDeclaration(
    name: "send", kind: .effect,
    parameters: [
      ParameterDeclaration(name: "message", type: "{ to, subject, text, cc?, bcc?, attachments?, deal? }")
    ], returns: "email",
    doc: "Sends a message. Recipients are persons, users or addresses, one or a list; attachments are documents.")

  public static let declaration = ServiceDeclaration(name: "mail", doc: "Outgoing mail.", operations: [send])
}

extension Mail {
  public var declaration: ServiceDeclaration { MailOperations.declaration }

  public func resolve(
    _ operation: String, _ arguments: [Value], dealID: Int64?, in world: ServiceWorld
  ) throws(ServiceFailure) -> ResolvedOperation {
    guard operation == "send" else { throw unknownOperation(operation) }
    let arguments = try Arguments("mail", MailOperations.send, arguments)
    let fields = try arguments.table(
      0, allowed: ["to", "subject", "text", "cc", "bcc", "attachments", "deal"])
    let to = try addresses("to", fields, world)
    guard !to.isEmpty else { throw fields.fault("at least one person, user or address", "to") }
    let subject = try fields.text("subject", limit: MailDraft.subjectLimit)
    guard !isBlank(subject), !subject.contains(where: \.isNewline) else { throw fields.fault("one line", "subject") }
    var draft = MailDraft(
      dealID: dealID, to: to, cc: try addresses("cc", fields, world), bcc: try addresses("bcc", fields, world),
      subject: subject, text: try fields.text("text", limit: MailDraft.textLimit))
    guard draft.recipients.count <= MailDraft.recipientLimit else {
      throw ServiceFailure(
        .permanent, "\(arguments.name): at most \(MailDraft.recipientLimit) recipients, found \(draft.recipients.count)")
    }
    if let deal = try fields.optionalRecord(.deal, "deal", in: world) { draft.dealID = deal.id }
    for value in Self.listed(fields["attachments"]) {
      guard case .record(let ref) = value, ref.kind == .document,
        try stored({ try world.transaction.record(ref) }) != nil
      else { throw fields.fault("documents", "attachments") }
      draft.attachments.append(ref.id)
    }
    return ResolvedOperation(arguments: draft.value)
  }

  private static func listed(_ value: Value) -> [Value] {
    switch value {
    case .null: []
    case .list(let values): values
    default: [value]
    }
  }

  /// Persons, users and plain addresses.
  private func addresses(
    _ name: String, _ fields: Fields, _ world: ServiceWorld
  ) throws(ServiceFailure) -> [String] {
    var addresses: [String] = []
    for value in Self.listed(fields[name]) {
      switch value {
      case .text(let text):
        let field = world.schema.field(.person, "email")
        guard let field, (try? world.schema.check(.text(text), for: field, of: .person)) == .text(text) else {
          throw fields.fault("addresses like j.brunet@acme.example", name)
        }
        addresses.append(text)
      case .record(let ref) where ref.kind == .person || ref.kind == .user:
        let email = try stored { try world.transaction.value(ref, "email") }?.plainText ?? ""
        guard !isBlank(email) else {
          throw ServiceFailure(.permanent, "\(fields.name): \(name): \(ref.kind.words) \(ref.id) has no « E-mail »")
        }
        addresses.append(email)
      default: throw fields.fault("persons, users or addresses", name)
      }
    }
    return addresses
  }

  public func perform(
    _ call: OperationCall, in transaction: (any StoreTransaction)?
  ) throws(ServiceFailure) -> Value {
    guard call.operation == "send" else { throw unknownOperation(call.operation) }
    let draft = try MailDraft(try Fields(call.name, call.arguments))
    return .record(RecordRef(.email, try send(draft, OperationContext(call, transaction)).id))
  }

  public func preview(
    _ call: OperationCall, in transaction: (any StoreTransaction)?
  ) throws(ServiceFailure) -> Value {
    guard call.operation == "send" else { throw unknownOperation(call.operation) }
    let draft = try MailDraft(try Fields(call.name, call.arguments))
    return .record(RecordRef(.email, try previewMessage(draft, OperationContext(call, transaction)).id))
  }
}
