import CRM
import Store

/// The embedded board: cards are rows of the workspace's database.
public struct LocalBoard: Board {
  private let names: [String]
  /// What is wrong with the service's settings.
  let fault: ValueFault?

  public func isLocal(_ operation: String) -> Bool { true }

  /// Settings: `services.board.lists`, names in their order, by default `{ "À faire" }`.
  public init(_ declaration: WorkspaceDeclaration) {
    var settings = ServiceSettings("board", declaration, allowed: ["lists"])
    var names: [String] = []
    switch settings["lists"] {
    case .null: names = ["À faire"]
    case .list(let values) where !values.isEmpty:
      for case .text(let name) in values where !isBlank(name) && name.utf8.count <= CardDraft.listLimit {
        names.append(name)
      }
      if names.count != values.count || Set(names.map(Label.folded)).count != names.count {
        settings.refuse("services.board.lists: expected names, each different from the others")
      }
    default: settings.refuse("lists", expected: "a list of names like { \"À faire\", \"Fait\" }")
    }
    self.names = names
    fault = settings.fault
  }

  public func createCard(_ draft: CardDraft, _ context: OperationContext) throws(ServiceFailure) -> BoardCard {
    try fault.check()
    let transaction = try context.requireTransaction()
    if let card = try stored({ try transaction.card(key: context.key) }) { return BoardCard(card) }
    let list = try list(named: draft.list)
    return try stored {
      let id = "C\(try transaction.next(counter: "card"))"
      return BoardCard(
        try transaction.insert(
          CardRow(
            key: context.key, cardID: id, dealID: draft.dealID, list: list, title: draft.title, text: draft.text,
            url: Self.url(id), createdAt: context.now)))
    }
  }

  public func previewCard(_ draft: CardDraft, _ context: OperationContext) throws(ServiceFailure) -> BoardCard {
    try fault.check()
    let transaction = try context.requireTransaction()
    if let card = try stored({ try transaction.card(key: context.key) }) { return BoardCard(card) }
    return BoardCard(
      id: "C????", url: Self.url("C????"), list: try list(named: draft.list), title: draft.title, text: draft.text)
  }

  /// The list's name as it is declared (ALT-04).
  private func list(named name: String?) throws(ServiceFailure) -> String {
    guard let name else { return names[0] }
    let folded = Label.folded(name)
    if let known = names.first(where: { Label.folded($0) == folded }) { return known }
    let known = names.map(quoted).joined(separator: ", ")
    throw ServiceFailure(
      .permanent, "board.create_card: there is no list \(quoted(name)); the board's lists are \(known)")
  }

  /// The card's address inside the workspace: it holds without any server.
  private static func url(_ id: String) -> String { "coulisse://cards/\(id)" }

  public func card(id: String, _ context: OperationContext) throws(ServiceFailure) -> BoardCard? {
    let transaction = try context.requireTransaction()
    return try stored { try transaction.card(cardID: id) }.map(BoardCard.init)
  }

  public func lists(_ context: OperationContext) throws(ServiceFailure) -> [String] {
    try fault.check()
    return names
  }
}

extension BoardCard {
  init(_ row: CardRow) {
    self.init(id: row.cardID, url: row.url, list: row.list, title: row.title, text: row.text)
  }
}
