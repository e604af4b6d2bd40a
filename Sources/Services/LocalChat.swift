import CRM
import Store

/// The embedded chat: its users are those of the CRM, messages are rows of the workspace's database.
public struct LocalChat: Chat {
  /// What is wrong with the service's settings.
  let fault: ValueFault?

  public func isLocal(_ operation: String) -> Bool { true }

  /// The local chat has no settings.
  public init(_ declaration: WorkspaceDeclaration) {
    fault = ServiceSettings("chat", declaration, allowed: []).fault
  }

  public func findUser(email: String, _ context: OperationContext) throws(ServiceFailure) -> ChatUser? {
    try fault.check()
    let transaction = try context.requireTransaction()
    return try stored {
      guard let ref = try transaction.user(email: email), let user = try transaction.record(ref) else { return nil }
      return ChatUser(
        id: "U\(ref.id)", name: user[field: "name"].plainText, email: user[field: "email"].plainText)
    }
  }

  public func send(
    _ text: String, to recipient: ChatRecipient, _ context: OperationContext
  ) throws(ServiceFailure) -> String {
    try fault.check()
    let transaction = try context.requireTransaction()
    if let sent = try stored({ try transaction.message(key: context.key) }) { return Self.id(sent) }
    let user = try user(recipient, transaction)
    return try stored {
      Self.id(
        try transaction.insert(
          MessageRow(
            key: context.key, recipientID: user.id, dealID: context.dealID, text: text, createdAt: context.now)))
    }
  }

  public func previewMessage(
    _ text: String, to recipient: ChatRecipient, _ context: OperationContext
  ) throws(ServiceFailure) -> String {
    try fault.check()
    let transaction = try context.requireTransaction()
    if let sent = try stored({ try transaction.message(key: context.key) }) { return Self.id(sent) }
    _ = try user(recipient, transaction)
    return "M????"
  }

  private static func id(_ message: MessageRow) -> String { "M\(message.id)" }

  private func user(
    _ recipient: ChatRecipient, _ transaction: any StoreTransaction
  ) throws(ServiceFailure) -> RecordRef {
    switch recipient {
    case .email(let email):
      if let user = try stored({ try transaction.user(email: email) }) { return user }
      throw ServiceFailure(
        .permanent,
        "chat.send: the chat has no user with the e-mail address \(quoted(email)); nothing was sent")
    case .id(let id):
      if id.hasPrefix("U"), let number = Int64(id.dropFirst()) {
        let ref = RecordRef(.user, number)
        if try stored({ try transaction.record(ref) }) != nil { return ref }
      }
      throw ServiceFailure(.permanent, "chat.send: the chat has no user \(quoted(id)); nothing was sent")
    }
  }
}
