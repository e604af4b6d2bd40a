import CRM
import Store

extension QuoteDraft {
  /// The product fields without which nothing can be quoted (ALT-14, ALT-37).
  static let requiredProductFields = [
    "description", "price", "vat_rate", "sales_category", "category", "class",
  ]
  /// The fields of the organization that pays in the client's place: all of them, or none (ALT-45).
  private static let payerFields = ["opca_contact", "opca_name", "opca_address", "opca_siret"]

  /// Reads what the quote of a deal is to say.
  /// - Throws: a permanent failure that names everything that is missing, with the fields' labels (ALT-09, 28, 42).
  init(deal ref: RecordRef, in world: ServiceWorld) throws(ServiceFailure) {
    self = try stored { try Self.read(ref, world) }
  }

  private static func read(_ ref: RecordRef, _ world: ServiceWorld) throws -> QuoteDraft {
    let transaction = world.transaction
    guard let deal = try transaction.record(ref) else {
      throw ServiceFailure(.permanent, "accounting.create_quote: there is no deal \(ref.id)")
    }
    var faults: [String] = []
    let customer = try customer(of: deal, world, &faults)
    if !isFilled(deal[field: "person"]) {
      faults.append("\(label(.deal, "person", world)) is empty")
    }
    let lines = try lines(of: ref, world, &faults)
    guard faults.isEmpty, let customer else {
      let title = deal[field: "title"].plainText
      throw ServiceFailure(
        .permanent, "no quote for deal \(ref.id) \(quoted(title)): \(faults.joined(separator: "; "))")
    }
    return QuoteDraft(dealID: ref.id, customer: customer, lines: lines)
  }

  private static func customer(
    of deal: Record, _ world: ServiceWorld, _ faults: inout [String]
  ) throws -> Customer? {
    guard case .record(let organization) = deal[field: "organization"] else {
      faults.append(
        "\(label(.deal, "organization", world)) is empty; every client needs one, a private one too")
      return nil
    }
    let payer = payerFields.map { deal[field: $0] }
    if payer.contains(where: isFilled) {
      // A workspace that does not declare one of the fields can't fill it.
      let empty = zip(payerFields, payer).filter { name, value in
        !isFilled(value) && world.schema.field(.deal, name) != nil
      }
      guard empty.isEmpty else {
        let names = empty.map { label(.deal, $0.0, world) }.joined(separator: ", ")
        faults.append("the OPCA is filled in part: \(names) \(empty.count == 1 ? "is" : "are") empty")
        return nil
      }
      return customer(name: payer[1], address: payer[2], siret: payer[3])
    }
    guard let record = try world.transaction.record(organization) else {
      faults.append("\(label(.deal, "organization", world)): there is no \(organization)")
      return nil
    }
    return customer(
      name: record[field: "name"], address: record[field: "address"], siret: record[field: "siret"])
  }

  private static func customer(name: Value, address: Value, siret: Value) -> Customer {
    var customer = Customer(name: name.plainText)
    if case .address(let given) = address, !given.isEmpty { customer.address = given }
    if case .text(let given) = siret, !isBlank(given) { customer.siret = given }
    return customer
  }

  private static func lines(
    of deal: RecordRef, _ world: ServiceWorld, _ faults: inout [String]
  ) throws -> [Line] {
    guard case .list(let refs)? = try world.transaction.value(deal, "lines"), !refs.isEmpty else {
      faults.append("\(label(.deal, "lines", world)) is empty; add at least one product")
      return []
    }
    guard refs.count <= lineLimit else {
      faults.append("the deal has \(refs.count) products; a quote has at most \(lineLimit) lines")
      return []
    }
    var lines: [Line] = []
    lines.reserveCapacity(refs.count)
    var incomplete: Set<Int64> = []
    for case .record(let ref) in refs {
      guard let record = try world.transaction.record(ref),
        case .record(let productRef) = record[field: "product"],
        let product = try world.transaction.record(productRef)
      else {
        faults.append("line \(ref.part) has no product")
        continue
      }
      let missing = missingFields(of: product)
      guard missing.isEmpty else {
        // A product on two lines is reported once.
        if incomplete.insert(productRef.id).inserted {
          let names = missing.map { label(.product, $0, world) }.joined(separator: ", ")
          faults.append("the product \(quoted(product[field: "name"].plainText)) lacks \(names)")
        }
        continue
      }
      do {
        lines.append(try line(record, product))
      } catch {
        faults.append("line \(ref.part), \(quoted(product[field: "name"].plainText)): \(error.message)")
      }
    }
    return lines
  }

  /// The keys of required fields that are empty.
  static func missingFields(of product: Record) -> [String] {
    requiredProductFields.filter { !isFilled(product[field: $0]) }
  }

  private static func line(_ record: Record, _ product: Record) throws(ValueFault) -> Line {
    guard case .decimal(let quantity) = record[field: "quantity"] else {
      throw ValueFault("expected a quantity above 0, found nothing")
    }
    guard case .decimal(let vatRate) = product[field: "vat_rate"] else {
      throw ValueFault("expected a VAT rate, found \(product[field: "vat_rate"].summary)")
    }
    var price = record[field: "price"]
    if price.isNull { price = product[field: "price"] }
    guard case .money(let unitPrice) = price else {
      throw ValueFault("expected a price, found \(price.summary)")
    }
    var discount: Discount?
    if case .text(let text) = record[field: "discount"], !isBlank(text) {
      discount = try Discount(parsing: text, currency: unitPrice.currency)
    }
    let line = Line(
      productID: product.ref.id, description: product[field: "name"].plainText, quantity: quantity,
      unitPrice: unitPrice, discount: discount, vatRate: vatRate)
    _ = try line.priced.tax()
    return line
  }

  private static func isFilled(_ value: Value) -> Bool {
    switch value {
    case .null: false
    case .text(let text): !isBlank(text)
    case .address(let address): !address.isEmpty
    default: true
    }
  }

  private static func label(_ kind: RecordKind, _ key: String, _ world: ServiceWorld) -> String {
    world.schema.field(kind, key)?.displayName ?? key
  }
}
