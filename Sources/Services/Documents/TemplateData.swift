import CRM
import Foundation
import Store

/// What a template sees of a deal: its records as plain values, as far as the template's tags name them. Dates stay
/// dates and amounts stay amounts; the template writes them out.
///
/// At the root: `seller`, `deal`, `quote` (the deal's live one), `all_taxed` (whether no line of that is free of VAT,
/// since a template can't compare), `today`, `settings`, and what the script gives beside.
struct TemplateData {
  private let world: ServiceWorld
  private let zone: TimeZone?

  /// Deal, line, product; deeper links are not followed.
  private static let depthLimit = 4

  init(_ world: ServiceWorld) {
    self.world = world
    zone = TimeZone(identifier: world.declaration.timeZone)
  }

  /// - Throws: no such deal; a value whose name is taken.
  func tree(
    deal: RecordRef, for template: DocumentTemplate, values: [ValueField] = [], quote: RecordRef? = nil
  ) throws(ServiceFailure) -> Value {
    guard try stored({ try world.transaction.record(deal) }) != nil else {
      throw ServiceFailure(.permanent, "\(template.name): there is no deal \(deal.id)")
    }
    let names = template.identifiers
    // A deal has documents, and so have the settings: the deal's would be read in vain, all of them for each new one.
    let fields = template.recordIdentifiers
    var root: [ValueField] = []
    if names.contains("seller") { root.append(ValueField("seller", world.declaration.seller.plain)) }
    if names.contains("settings") { root.append(ValueField("settings", world.declaration.settings)) }
    if names.contains("deal") { root.append(ValueField("deal", try expanded(deal, fields, depth: 0))) }
    if names.contains("quote") || names.contains("all_taxed") {
      let live = try stored { try world.transaction.liveQuote(of: deal.id) }.map { RecordRef(.quote, $0.id) }
      if let quote = quote ?? live {
        root.append(ValueField("quote", try expanded(quote, fields, depth: 0)))
        root.append(ValueField("all_taxed", .boolean(try isAllTaxed(quote))))
      } else {
        root += [ValueField("quote", .null), ValueField("all_taxed", .boolean(false))]
      }
    }
    if names.contains("today") { root.append(ValueField("today", day(world.now))) }
    for value in values {
      guard !["seller", "settings", "deal", "quote", "all_taxed", "today"].contains(value.name) else {
        throw ServiceFailure(
          .permanent,
          "documents.generate: the value '\(value.name)' has a name that every template knows already; choose another"
            + " one")
      }
      root.append(ValueField(value.name, try plain(value.value, fields, depth: 0)))
    }
    return .object(root)
  }

  private func expanded(_ ref: RecordRef, _ names: Set<String>, depth: Int) throws(ServiceFailure) -> Value {
    var fields: [ValueField] = []
    for field in world.schema.fields(of: ref.kind) where names.contains(field.key) {
      var value = try stored { try world.transaction.value(ref, field.key) } ?? .null
      // A line without a price of its own has its product's (ALT-29).
      if ref.kind == .dealLine, field.key == "price", value.isNull,
        case .record(let product)? = try stored({ try world.transaction.value(ref, "product") })
      {
        value = try stored { try world.transaction.value(product, "price") } ?? .null
      }
      value = written(value, field.type)
      fields.append(ValueField(field.key, try plain(value, names, depth: depth + 1)))
    }
    return .object(fields)
  }

  private func plain(_ value: Value, _ names: Set<String>, depth: Int) throws(ServiceFailure) -> Value {
    switch value {
    case .record(let ref):
      return depth < Self.depthLimit ? try expanded(ref, names, depth: depth) : .null
    case .list(let values):
      var plains: [Value] = []
      for value in values { plains.append(try plain(value, names, depth: depth)) }
      return .list(plains)
    case .object(let fields):
      var plains: [ValueField] = []
      for field in fields {
        // The one field of a table that is a percentage: the totals of a quote.
        let value = field.name == "rate" ? written(field.value, .percent) : field.value
        plains.append(ValueField(field.name, try plain(value, names, depth: depth)))
      }
      return .object(plains)
    case .address(let address):
      return address.plain(home: world.declaration.seller.address.country)
    case .instant(let instant):
      return day(instant)
    default:
      return value
    }
  }

  /// A moment as its day where the workspace is.
  func day(_ instant: Instant) -> Value {
    let date = Date(timeIntervalSince1970: Double(instant.milliseconds) / 1000)
    return instant.day(utcOffset: zone?.secondsFromGMT(for: date) ?? 0).map { .day($0) } ?? .null
  }

  private func isAllTaxed(_ quote: RecordRef) throws(ServiceFailure) -> Bool {
    guard case .list(let lines)? = try stored({ try world.transaction.value(quote, "lines") }) else { return false }
    for case .record(let line) in lines {
      let rate = try stored { try world.transaction.value(line, "vat_rate") }
      guard case .decimal(let rate)? = rate, rate.millionths > 0 else { return false }
    }
    return !lines.isEmpty
  }

  /// What the type of a field says of how its value is written: a number that is a percentage, an amount or a rate that
  /// is a discount as it was entered (ALT-29), the digits of a SIRET.
  private func written(_ value: Value, _ type: FieldType) -> Value {
    switch (type, value) {
    case (.percent, .decimal(let rate)): return .text(Self.french.percent(rate))
    case (.siret, .text(let digits)): return .text(Self.french.siret(digits))
    case (.discount, .text(let text)):
      guard let discount = try? Discount(parsing: text, currency: world.declaration.currency) else { return value }
      switch discount {
      case .percent(let rate): return .text(Self.french.percent(rate))
      case .amount(let amount): return .money(amount)
      }
    default: return value
    }
  }

  private static let french = FrenchFormat()

  /// The fields of every address.
  static let addressNames = ["street", "postal_code", "city", "country", "country_name"]
}

extension Seller {
  /// What templates see of the seller.
  var plain: Value {
    .object(
      [
        ValueField("name", .text(name)), ValueField("address", address.plain(home: address.country)),
        ValueField("siret", .text(FrenchFormat().siret(siret))), ValueField("vat_number", .text(vatNumber)),
        ValueField("training_declaration", .text(trainingDeclaration)),
      ] + others)
  }
}

extension Address {
  /// What templates see of an address: its parts, and the country's name where it is not the seller's own.
  /// - Parameter home: the seller's country; empty for France.
  func plain(home: String) -> Value {
    let isAbroad = !country.isEmpty && country != (home.isEmpty ? "FR" : home)
    let name = isAbroad ? Locale(identifier: "fr_FR").localizedString(forRegionCode: country) ?? country : nil
    return .object([
      ValueField("street", .text(street)), ValueField("postal_code", .text(postalCode)),
      ValueField("city", .text(city)), ValueField("country", .text(country)),
      ValueField("country_name", name.map { .text($0) } ?? .null),
    ])
  }
}
