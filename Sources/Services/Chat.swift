import CRM
import Store

/// A person whom the chat can reach.
public struct ChatUser: Hashable, Sendable {
  /// The chat's own name for the user.
  public var id: String
  public var name: String
  public var email: String

  public init(id: String, name: String, email: String) {
    self.id = id
    self.name = name
    self.email = email
  }

  /// What scripts get: `{ id, name, email }`.
  public var value: Value {
    .object([
      ValueField("id", .text(id)), ValueField("name", .text(name)), ValueField("email", .text(email)),
    ])
  }
}

/// To whom a message goes.
public enum ChatRecipient: Hashable, Sendable {
  /// The chat's own id, as `find_user` answered it.
  case id(String)
  case email(String)

  static let limit = 320

  var field: ValueField {
    switch self {
    case .id(let id): ValueField("user", .text(id))
    case .email(let email): ValueField("email", .text(email))
    }
  }

  init(_ fields: Fields) throws(ServiceFailure) {
    if let id = try fields.optionalText("user", limit: Self.limit) {
      self = .id(id)
    } else if let email = try fields.optionalText("email", limit: Self.limit) {
      self = .email(email)
    } else {
      throw fields.fault("a user", "user")
    }
  }
}

/// Private messages to colleagues. A connector implements the typed functions.
public protocol Chat: Service {
  /// The user with this e-mail address, without regard to case (ALT-150); nil when there is none.
  func findUser(email: String, _ context: OperationContext) throws(ServiceFailure) -> ChatUser?
  /// Sends a private message, once a key, and answers its id. An unknown recipient is a permanent failure, and
  /// nothing is sent to anybody else (ALT-150).
  func send(
    _ text: String, to recipient: ChatRecipient, _ context: OperationContext
  ) throws(ServiceFailure) -> String
  /// The id that `send` would answer. Sends nothing.
  func previewMessage(
    _ text: String, to recipient: ChatRecipient, _ context: OperationContext
  ) throws(ServiceFailure) -> String
}

/// How every chat describes itself.
public enum ChatOperations {
  /// Characters of a message, at most.
  public static let textLimit = 40_000

  static let findUser = OperationDeclaration(
    name: "find_user", kind: .read, parameters: [ParameterDeclaration(name: "email", type: "text")],
    returns: "{ id, name, email } or nil", doc: "The user with this e-mail address, whatever its case.")
  static let send = OperationDeclaration(
    name: "send", kind: .effect,
    parameters: [
      ParameterDeclaration(name: "user", type: "what find_user answered, a user, or an e-mail address"),
      ParameterDeclaration(name: "text", type: "text"),
    ],
    returns: "{ id }", doc: "Sends a private message; escape names in its text with chat.escape.")
  static let escape = OperationDeclaration(
    name: "escape", kind: .pure, parameters: [ParameterDeclaration(name: "text", type: "text")],
    returns: "text", doc: "The text so that the chat shows it as it is, whatever markup it looks like.")
  static let link = OperationDeclaration(
    name: "link", kind: .pure,
    parameters: [
      ParameterDeclaration(name: "url", type: "text"), ParameterDeclaration(name: "label", type: "text"),
    ],
    returns: "text", doc: "Markup for a link that shows the label; both are escaped.")

  public static let declaration = ServiceDeclaration(
    name: "chat", doc: "Private messages to colleagues.", operations: [findUser, send, escape, link])
}

extension Chat {
  public var declaration: ServiceDeclaration { ChatOperations.declaration }

  public func previewMessage(
    _ text: String, to recipient: ChatRecipient, _ context: OperationContext
  ) throws(ServiceFailure) -> String { "????" }

  public func resolve(
    _ operation: String, _ arguments: [Value], dealID: Int64?, in world: ServiceWorld
  ) throws(ServiceFailure) -> ResolvedOperation {
    let fields: [ValueField]
    switch operation {
    case "find_user":
      let arguments = try Arguments("chat", ChatOperations.findUser, arguments)
      let email = try arguments.text(0, "an e-mail address", limit: ChatRecipient.limit)
      fields = [ValueField("email", .text(email))]
    case "send":
      let arguments = try Arguments("chat", ChatOperations.send, arguments)
      fields = [
        try Self.recipient(arguments, world).field,
        ValueField("text", .text(try Self.message(try arguments.text(1, "text", limit: ChatOperations.textLimit)))),
      ]
    case "escape":
      let arguments = try Arguments("chat", ChatOperations.escape, arguments)
      fields = [ValueField("text", .text(try arguments.text(0, "text", limit: ChatOperations.textLimit)))]
    case "link":
      let arguments = try Arguments("chat", ChatOperations.link, arguments)
      fields = [
        ValueField("url", .text(try arguments.text(0, "an address", limit: ChatOperations.textLimit))),
        ValueField("label", .text(try arguments.text(1, "a label", limit: ChatOperations.textLimit))),
      ]
    default: throw unknownOperation(operation)
    }
    return ResolvedOperation(arguments: .object(fields))
  }

  /// What `find_user` answered, a user of the CRM (found by e-mail address), or an e-mail address.
  private static func recipient(
    _ arguments: Arguments, _ world: ServiceWorld
  ) throws(ServiceFailure) -> ChatRecipient {
    let expected = "what chat.find_user answered, a user, or an e-mail address"
    switch arguments[0] {
    case .text(let text) where !isBlank(text):
      return .email(try bounded(text, "user", limit: ChatRecipient.limit, in: arguments.name))
    case .object(let fields):
      let user = Fields(arguments.name, fields)
      if let id = try user.optionalText("id", limit: ChatRecipient.limit) { return .id(id) }
      throw arguments.fault(expected, 0)
    case .record(let ref) where ref.kind == .user:
      guard case .text(let email)? = try stored({ try world.transaction.value(ref, "email") }) else {
        throw ServiceFailure(.permanent, "\(arguments.name): user \(ref.id) does not exist or has no e-mail address")
      }
      return .email(email)
    default: throw arguments.fault(expected, 0)
    }
  }

  private static func message(_ text: String) throws(ServiceFailure) -> String {
    guard !isBlank(text) else { throw ServiceFailure(.permanent, "chat.send: the text is empty; nothing was sent") }
    return text
  }

  public func perform(
    _ call: OperationCall, in transaction: (any StoreTransaction)?
  ) throws(ServiceFailure) -> Value {
    let context = OperationContext(call, transaction)
    let fields = try Fields(call.name, call.arguments)
    guard call.operation == "send" else { return try read(call, fields, context) }
    let text = try Self.message(try fields.text("text", limit: ChatOperations.textLimit))
    return .object([ValueField("id", .text(try send(text, to: try ChatRecipient(fields), context)))])
  }

  public func preview(
    _ call: OperationCall, in transaction: (any StoreTransaction)?
  ) throws(ServiceFailure) -> Value {
    let context = OperationContext(call, transaction)
    let fields = try Fields(call.name, call.arguments)
    guard call.operation == "send" else { return try read(call, fields, context) }
    let text = try Self.message(try fields.text("text", limit: ChatOperations.textLimit))
    return .object([ValueField("id", .text(try previewMessage(text, to: try ChatRecipient(fields), context)))])
  }

  private func read(
    _ call: OperationCall, _ fields: Fields, _ context: OperationContext
  ) throws(ServiceFailure) -> Value {
    switch call.operation {
    case "find_user":
      return try findUser(email: try fields.text("email", limit: ChatRecipient.limit), context)?.value ?? .null
    case "escape":
      return .text(ChatMarkup.escape(try fields.text("text", limit: ChatOperations.textLimit)))
    case "link":
      let url = try fields.text("url", limit: ChatOperations.textLimit)
      guard !isBlank(url) else { throw fields.fault("an address like https://exemple.fr", "url") }
      return .text(ChatMarkup.link(url: url, label: try fields.text("label", limit: ChatOperations.textLimit)))
    default: throw unknownOperation(call.operation)
    }
  }
}
