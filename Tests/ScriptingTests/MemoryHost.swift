import CRM

@testable import Scripting

/// A world in memory: records as dictionaries, answers of services as told, and everything that was asked.
final class MemoryHost: ScriptHost {
  var records: [RecordRef: [String: Value]] = [:]
  var calls: [HostCall] = []
  var logs: [String] = []
  var rejections: [String] = []
  var warnings: [String] = []
  /// By "service.operation"; what is not here suspends.
  var answers: [String: Result<Value, HostFailure>] = [:]
  /// Raised by the next call that isn't a log.
  var failure: (any Error)?
  var now = Instant(milliseconds: 1_793_696_400_000)  // 2026-11-03T09:00:00Z
  var onMove: ((RecordRef, String) throws -> Void)?
  private var lastID: Int64 = 1000

  init() {
    let owner = RecordRef(.user, 1)
    records[owner] = ["name": .text("Floriane"), "email": .text("floriane@altitude.example")]
    records[RecordRef(.organization, 7)] = [
      "name": .text("Cirrus"),
      "address": .address(Address(street: "1 rue Haute", postalCode: "75001", city: "Paris")),
    ]
    let line = RecordRef(kind: .dealLine, id: 42, part: 1)
    records[line] = [
      "quantity": .decimal(ExactDecimal(millionths: 2_500_000)),
      "price": .money(Money(cents: 10_000, currency: .eur)),
    ]
    records[RecordRef(.note, 5)] = ["text": .text("## Brief commercial"), "pinned": .boolean(false)]
    records[RecordRef(.deal, 42)] = [
      "title": .text("Coaching"), "owner": .record(owner), "organization": .record(RecordRef(.organization, 7)),
      "lines": .list([.record(line)]), "notes": .list([.record(RecordRef(.note, 5))]),
      "total": .money(Money(cents: 25_000, currency: .eur)), "status": .text("open"),
      "created_at": .instant(now), "key": .text("d1"),
    ]
  }

  func perform(_ call: HostCall) throws -> HostAnswer {
    calls.append(call)
    if let failure, case .log = call { _ = failure } else if let failure {
      self.failure = nil
      throw failure
    }
    switch call {
    case .get(let ref, let field):
      guard let record = records[ref] else { throw HostFailure(.notFound, "there is no \(ref.kind.words) \(ref.id) any more") }
      return .value(field == "id" ? .integer(ref.id) : record[field] ?? .null)
    case .set(let ref, let field, let value):
      records[ref, default: [:]][field] = value
      return .value(.null)
    case .find(let kind, let criteria):
      let found = records.filter { ref, fields in
        ref.kind == kind && criteria.allSatisfy { fields[$0.name] == $0.value }
      }
      return .value(.list(found.keys.sorted { $0.id < $1.id }.map { .record($0) }))
    case .fetch(let kind, let name):
      let ref = records.first { ref, fields in
        ref.kind == kind && (.integer(ref.id) == name || fields["key"] == name)
      }?.key
      return .value(ref.map { .record($0) } ?? .null)
    case .create(let kind, let fields):
      lastID += 1
      let ref = RecordRef(kind, lastID)
      records[ref] = Dictionary(fields.map { ($0.name, $0.value) }) { $1 }
      return .value(.record(ref))
    case .move(let deal, let stage, _):
      try onMove?(deal, stage)
      records[deal]?["moved"] = .text(stage)
      return .value(.boolean(true))
    case .close(let deal, let status):
      records[deal]?["status"] = .text(status.rawValue)
      return .value(.boolean(true))
    case .reject(let reason):
      rejections.append(reason)
      return .value(.null)
    case .warn(let text):
      warnings.append(text)
      return .value(.null)
    case .operation(let service, let name, _, _):
      guard let answer = answers["\(service).\(name)"] else { return .suspended }
      return .value(try answer.get())
    case .wait: return .suspended
    case .now: return .value(.instant(now))
    case .log(let text):
      logs.append(text)
      return .value(.null)
    }
  }

  /// The calls that aren't plain reads or prints.
  var actions: [HostCall] {
    calls.filter {
      switch $0 {
      case .get, .log, .now: false
      default: true
      }
    }
  }
}

/// A program of the given files over the fields and stages that these tests know.
struct Workshop {
  let schema: RecordSchema
  let declaration: WorkspaceDeclaration
  let program: ScriptProgram

  static let services = [
    ServiceDeclaration(
      name: "accounting", doc: "Quotes.",
      operations: [
        OperationDeclaration(
          name: "create_quote", kind: .effect, parameters: [ParameterDeclaration(name: "deal", type: "deal")],
          returns: "quote with number and url", doc: "Makes the deal's quote."),
        OperationDeclaration(
          name: "products", kind: .read, parameters: [], returns: "list", doc: "All products."),
      ]),
    ServiceDeclaration(
      name: "chat",
      operations: [
        OperationDeclaration(
          name: "escape", kind: .pure, parameters: [ParameterDeclaration(name: "text", type: "text")], returns: "text",
          doc: "Escapes."),
        OperationDeclaration(
          name: "send", kind: .effect,
          parameters: [
            ParameterDeclaration(name: "user", type: "user"), ParameterDeclaration(name: "text", type: "text"),
          ], returns: "message", doc: "Sends."),
      ]),
  ]

  init(_ files: [String: String]) throws {
    var declaration = WorkspaceDeclaration()
    declaration.pipelines = [
      PipelineDefinition(name: "Ventes", stages: ["Qualifié", "Créer documents", "Documents prêts", "Confirmé"])
    ]
    declaration.customFields = [
      .deal: [
        FieldDefinition(key: "promo", label: "Promo", type: .text),
        FieldDefinition(key: "start_date", label: "Date de début de mission", type: .day),
        FieldDefinition(key: "hours", label: "Nombre d'heures total", type: .hours),
        FieldDefinition(key: "budget", label: "Budget", type: .money),
        FieldDefinition(key: "signed_urls", label: "Document(s) signé(s)", type: .texts),
      ]
    ]
    declaration.seller = Seller(name: "Altitude", address: Address(city: "Paris"))
    declaration.settings = .object([
      ValueField("brief", .object([ValueField("model", .text("À remplacer"))])), ValueField("retries", .integer(3)),
    ])
    self.declaration = declaration
    schema = try declaration.schema()
    program = ScriptProgram(
      sources: ScriptSources(files: files.map { ScriptFile(path: $0.key, text: $0.value) }), schema: schema,
      declaration: declaration, services: Self.services)
  }

  /// A program of one script with one automation, whose body this is.
  init(body: String) throws {
    try self.init(["scripts/t.lua": "on.demand('t', function (deal, event)\n\(body)\nend)"])
  }

  func execution(_ place: Int = 0, host: any ScriptHost, event: Value = .object([]), budget: RunBudget? = nil)
    throws -> ScriptExecution
  {
    let (declared, problems) = program.automations()
    if let problem = problems.first { throw problem }
    return program.start(
      declared[place], argument: RecordRef(.deal, 42), event: event, host: host,
      budget: budget ?? RunBudget(limits: declaration.limits), randomSeed: (1, 2))
  }
}

/// Runs the body of one automation to its end, and answers what it printed.
@discardableResult
func printed(_ body: String, host: MemoryHost = MemoryHost()) throws -> [String] {
  let execution = try Workshop(body: body).execution(host: host)
  defer { execution.discard() }
  guard case .finished = try execution.begin() else { throw HostFailure(.misuse, "the script is suspended") }
  return host.logs
}

/// The message with which the body of one automation fails; "" if it doesn't.
func complaint(_ body: String, host: MemoryHost = MemoryHost()) throws -> String {
  do {
    try printed(body, host: host)
    return ""
  } catch let failure as ScriptFailure {
    return failure.message
  }
}

/// The message of the one file's problem; "" if it loads.
func loadProblem(_ text: String) throws -> ScriptProblem? {
  try Workshop(["scripts/t.lua": text]).program.automations().problems.first
}
