import CRM
import Store

/// A template filled with a deal's data for whoever writes it: holes stay holes, and all of them are named.
public struct TemplatePreview {
  public var html: String
  /// In the order of the lines.
  public var faults: [TemplateFault]
  /// Why something that the template asks for could not be tried out.
  public var warnings: [String] = []

  /// What scripts give in earnest is filled in here: `training` with the deal's first product that has texts of a
  /// training, `participant`, `day` with today, `days` with nothing, `quote` with one that would be made now if there
  /// is none, `signature` with one of today.
  ///
  /// Writes into the transaction, which has to be one that is rolled back.
  /// - Throws: no such template, deal or person; the template can't be read.
  public init(
    _ name: String, deal: RecordRef, participant: RecordRef?, services: ServiceRegistry, world: ServiceWorld
  ) throws(ServiceFailure) {
    let template = try TemplateShelf(world.declaration.templates).template(named: name)
    let names = template.identifiers
    let data = TemplateData(world)
    var values: [ValueField] = []
    if names.contains("training") { values.append(ValueField("training", try Self.training(deal, world))) }
    if names.contains("participant") {
      values.append(ValueField("participant", try Self.participant(deal, participant, world)))
    }
    if names.contains("day") { values.append(ValueField("day", data.day(world.now))) }
    if names.contains("days") { values.append(ValueField("days", .list([]))) }
    if names.contains("date"), case .day(let today) = data.day(world.now) {
      values.append(ValueField("date", .text("\(today)")))
    }
    if names.contains("signature") { values.append(ValueField("signature", try Self.signature(deal, data, world))) }
    var quote: RecordRef?
    if names.contains("quote") || names.contains("all_taxed") {
      do throws(ServiceFailure) {
        quote = try Self.quote(deal, services, world)
      } catch {
        warnings.append("the deal has no quote, and none can be made for it: \(error.message)")
      }
    }
    (html, faults) = try template.fill(try data.tree(deal: deal, for: template, values: values, quote: quote))
  }

  private static func training(_ deal: RecordRef, _ world: ServiceWorld) throws(ServiceFailure) -> Value {
    let texts = world.schema.customFields(of: .product).filter { $0.type == .longText }.map(\.key)
    return try stored {
      let tx = world.transaction
      var products: [RecordRef] = []
      if case .list(let lines)? = try tx.value(deal, "lines") {
        for case .record(let line) in lines {
          if case .record(let product)? = try tx.value(line, "product") { products.append(product) }
        }
      }
      for product in products {
        for text in texts where !isBlank(try tx.value(product, text)?.plainText ?? "") { return .record(product) }
      }
      return products.first.map { .record($0) } ?? .null
    }
  }

  private static func participant(
    _ deal: RecordRef, _ given: RecordRef?, _ world: ServiceWorld
  ) throws(ServiceFailure) -> Value {
    if let given { return .record(given) }
    return try stored {
      if case .list(let persons)? = try world.transaction.value(deal, "participants"), let first = persons.first {
        return first
      }
      return try world.transaction.value(deal, "person") ?? .null
    }
  }

  private static func signature(
    _ deal: RecordRef, _ data: TemplateData, _ world: ServiceWorld
  ) throws(ServiceFailure) -> Value {
    var signer = Value.null
    var email = Value.null
    var title = ""
    try stored {
      title = try world.transaction.value(deal, "title")?.plainText ?? ""
      guard case .record(let person)? = try world.transaction.value(deal, "person") else { return }
      signer = try world.transaction.value(person, "name") ?? .null
      email = try world.transaction.value(person, "email") ?? .null
    }
    return .object([
      ValueField("id", .integer(1)), ValueField("title", .text(title)), ValueField("signer_name", signer),
      ValueField("signer_email", email), ValueField("signed_at", data.day(world.now)),
      ValueField("sha256", .text(String(repeating: "0", count: 64))), ValueField("pages", .integer(1)),
    ])
  }

  /// Nil when the deal has a live one, which the template finds by itself.
  private static func quote(
    _ deal: RecordRef, _ services: ServiceRegistry, _ world: ServiceWorld
  ) throws(ServiceFailure) -> RecordRef? {
    if try stored({ try world.transaction.liveQuote(of: deal.id) }) != nil { return nil }
    // One that writes elsewhere is not tried out.
    guard let accounting = services["accounting"], accounting.isLocal("create_quote") else { return nil }
    let resolved = try accounting.resolve("create_quote", [.record(deal)], dealID: deal.id, in: world)
    let call = OperationCall(
      service: "accounting", operation: "create_quote", arguments: resolved.arguments, key: "preview",
      dealID: deal.id, author: Author(actor: "preview"), now: world.now)
    _ = try accounting.perform(call, in: world.transaction)
    return nil
  }
}
