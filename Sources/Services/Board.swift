import CRM
import Store

/// A card to be put on the board.
public struct CardDraft: Hashable, Sendable {
  public var dealID: Int64
  public var title: String
  public var text: String
  /// Nil: the board's first list.
  public var list: String?

  public init(dealID: Int64, title: String, text: String = "", list: String? = nil) {
    self.dealID = dealID
    self.title = title
    self.text = text
    self.list = list
  }

  /// One card a deal: won again after it was reopened, it has the same one (ALT-143).
  public var purpose: String { "deal:\(dealID)/card" }

  static let titleLimit = 1000
  static let textLimit = 100_000
  static let listLimit = 200

  var value: Value {
    var fields = [
      ValueField("deal", .integer(dealID)), ValueField("title", .text(title)), ValueField("text", .text(text)),
    ]
    if let list { fields.append(ValueField("list", .text(list))) }
    return .object(fields)
  }

  init(dealID: Int64, _ fields: Fields) throws(ServiceFailure) {
    self.dealID = dealID
    title = try fields.text("title", limit: Self.titleLimit)
    guard !isBlank(title) else { throw fields.fault("a title", "title") }
    text = try fields.optionalText("text", limit: Self.textLimit) ?? ""
    list = try fields.optionalText("list", limit: Self.listLimit)
  }
}

/// A card as the board answers it.
public struct BoardCard: Hashable, Sendable {
  /// The board's own name for the card.
  public var id: String
  public var url: String
  public var list: String
  public var title: String
  public var text: String

  public init(id: String, url: String, list: String, title: String, text: String) {
    self.id = id
    self.url = url
    self.list = list
    self.title = title
    self.text = text
  }

  /// What scripts get: `{ id, url, list, title, text }`.
  public var value: Value {
    .object([
      ValueField("id", .text(id)), ValueField("url", .text(url)), ValueField("list", .text(list)),
      ValueField("title", .text(title)), ValueField("text", .text(text)),
    ])
  }
}

/// Lists of cards, on which work goes on after the sale. A connector implements the typed functions.
public protocol Board: Service {
  /// Puts the deal's card on the board; the card that was made under `context.key` is answered as it is (ALT-143).
  /// An unknown list is a permanent failure that names the known ones.
  func createCard(_ draft: CardDraft, _ context: OperationContext) throws(ServiceFailure) -> BoardCard
  /// What `createCard` would answer. Writes nothing.
  func previewCard(_ draft: CardDraft, _ context: OperationContext) throws(ServiceFailure) -> BoardCard
  /// The card of this id; nil when there is none.
  func card(id: String, _ context: OperationContext) throws(ServiceFailure) -> BoardCard?
  /// The names of the board's lists, in their order.
  func lists(_ context: OperationContext) throws(ServiceFailure) -> [String]
}

/// How every board describes itself.
public enum BoardOperations {
  static let createCard = OperationDeclaration(
    name: "create_card", kind: .effect,
    parameters: [
      ParameterDeclaration(name: "deal", type: "deal"),
      ParameterDeclaration(name: "card", type: "{ title, text?, list? }"),
    ],
    returns: "{ id, url, list, title, text }",
    doc: "Puts the deal's card on the board; a deal has one card, and the card that is there is answered.")
  static let card = OperationDeclaration(
    name: "card", kind: .read, parameters: [ParameterDeclaration(name: "id", type: "text")],
    returns: "{ id, url, list, title, text } or nil", doc: "The card of this id as it is now.")
  static let lists = OperationDeclaration(
    name: "lists", kind: .read, parameters: [], returns: "list of text", doc: "The names of the board's lists.")

  public static let declaration = ServiceDeclaration(
    name: "board", doc: "Lists of cards, on which work goes on after the sale.",
    operations: [createCard, card, lists])
}

extension Board {
  public var declaration: ServiceDeclaration { BoardOperations.declaration }

  public func previewCard(_ draft: CardDraft, _ context: OperationContext) throws(ServiceFailure) -> BoardCard {
    BoardCard(
      id: "????", url: "coulisse://cards/????", list: draft.list ?? "????", title: draft.title, text: draft.text)
  }

  public func resolve(
    _ operation: String, _ arguments: [Value], dealID: Int64?, in world: ServiceWorld
  ) throws(ServiceFailure) -> ResolvedOperation {
    switch operation {
    case "create_card":
      let arguments = try Arguments("board", BoardOperations.createCard, arguments)
      let deal = try arguments.record(.deal, 0)
      let draft = try CardDraft(dealID: deal.id, try arguments.table(1, allowed: ["title", "text", "list"]))
      _ = try arguments.existing(deal, in: world)
      return ResolvedOperation(arguments: draft.value, purpose: draft.purpose)
    case "card":
      let arguments = try Arguments("board", BoardOperations.card, arguments)
      let id = try arguments.text(0, "a card's id", limit: 100)
      return ResolvedOperation(arguments: .object([ValueField("id", .text(id))]))
    case "lists":
      _ = try Arguments("board", BoardOperations.lists, arguments)
      return ResolvedOperation(arguments: .object([]))
    default: throw unknownOperation(operation)
    }
  }

  public func perform(
    _ call: OperationCall, in transaction: (any StoreTransaction)?
  ) throws(ServiceFailure) -> Value {
    let context = OperationContext(call, transaction)
    let fields = try Fields(call.name, call.arguments)
    guard call.operation == "create_card" else { return try read(call, fields, context) }
    return try createCard(try CardDraft(dealID: try fields.integer("deal"), fields), context).value
  }

  public func preview(
    _ call: OperationCall, in transaction: (any StoreTransaction)?
  ) throws(ServiceFailure) -> Value {
    let context = OperationContext(call, transaction)
    let fields = try Fields(call.name, call.arguments)
    guard call.operation == "create_card" else { return try read(call, fields, context) }
    return try previewCard(try CardDraft(dealID: try fields.integer("deal"), fields), context).value
  }

  private func read(
    _ call: OperationCall, _ fields: Fields, _ context: OperationContext
  ) throws(ServiceFailure) -> Value {
    switch call.operation {
    case "card": return try card(id: try fields.text("id", limit: 100), context)?.value ?? .null
    case "lists": return .list(try lists(context).map(Value.text))
    default: throw unknownOperation(call.operation)
    }
  }
}
