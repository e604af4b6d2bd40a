import CRM
import Services
import Store
import Synchronization
import TestSupport
import Testing

@Suite("Every service keeps the promises that retries, replays and dry runs stand on")
struct ConformanceTests {
  private static let deal = Value.record(Shop.deal)

  private static let accounting: [ServiceConformance.Example] = [
    .init("create_quote", [deal]), .init("quote", [.text("D-2026-0001")]), .init("quote_pdf", [.text("D-2026-0009")]),
    .init("accept_quote", [.text("D-2026-0009")]), .init("products"), .init("product", [.text("EDLC")]),
  ]
  private static let board: [ServiceConformance.Example] = [
    .init(
      "create_card", [deal, .object([ValueField("title", .text("EDLC")), ValueField("list", .text("En cours"))])]),
    .init("card", [.text("C1")]), .init("lists"),
  ]
  private static let chat: [ServiceConformance.Example] = [
    .init("find_user", [.text("floriane@altitude.example")]),
    .init("send", [.text("floriane@altitude.example"), .text("Bonjour")]),
    .init("send", [.record(RecordRef(.user, 1)), .text("Bonjour")]),
    .init(
      "send",
      [
        .object([
          ValueField("id", .text("U1")), ValueField("name", .text("Floriane")),
          ValueField("email", .text("f@a.example")),
        ]), .text("Bonjour"),
      ]),
    .init("escape", [.text("a < b")]), .init("link", [.text("https://x.example"), .text("x")]),
  ]

  private static let person = Value.record(RecordRef(.person, 1))
  private static let folder = Value.record(RecordRef(.folder, 1))
  private static let html = Value.record(RecordRef(.document, 1))
  private static let pdf = Value.record(RecordRef(.document, 2))

  private static let drive: [ServiceConformance.Example] = [
    .init("client_folder", [.record(RecordRef(.person, 2))]),
    .init("child", [folder, .text("Documents générés")]), .init("store", [folder, html]),
    .init("store", [folder, pdf, .text("Signé")]),
  ]
  private static let documents: [ServiceConformance.Example] = [
    .init("generate", [.text("convention"), deal, folder]),
    .init("generate", [.text("convention"), deal, folder, .object([ValueField("place", .text("Paris"))])]),
    .init("pdf", [html]), .init("merge", [html]), .init("merge", [pdf, .text("coulisse://documents/1"), pdf]),
  ]
  private static let signature: [ServiceConformance.Example] = [
    .init("send", [.object([ValueField("document", pdf), ValueField("signer", person)])]),
    .init(
      "send",
      [
        .object([
          ValueField("document", pdf), ValueField("signer", person), ValueField("title", .text("EDLC")),
          ValueField("deal", deal),
        ])
      ]),
  ]
  private static let mail: [ServiceConformance.Example] = [
    .init(
      "send",
      [
        .object([
          ValueField("to", .list([person, .text("a@b.example")])), ValueField("subject", .text("Bonjour")),
          ValueField("text", .text("Voici.")), ValueField("attachments", .list([html, pdf])), ValueField("deal", deal),
        ])
      ])
  ]

  private func findings(
    _ examples: [ServiceConformance.Example], isRemote: Bool = false,
    _ make: @escaping (WorkspaceDeclaration, LocalResources) -> any Service
  ) throws -> [ServiceConformance.Finding] {
    let papers = try Shop.papers()
    let template = try LocalServiceBench.Template(files: papers) { tx in
      try Shop.fill(tx)
      try Shop.fillDrive(tx, papers)
    }
    return try ServiceConformance(examples: examples) {
      try LocalServiceBench(Shop.declaration, template: template, isRemote: isRemote, make: make)
    }.run()
  }

  @Test(
    "Local accounting conforms, inside the caller's transaction and as a service of another machine",
    arguments: [false, true])
  func localAccounting(isRemote: Bool) throws {
    let findings = try findings(Self.accounting, isRemote: isRemote) { LocalAccounting($0, nil, $1) }
    #expect(findings == [], "\(findings)")
  }

  @Test(
    "The local board conforms, inside the caller's transaction and as a service of another machine",
    arguments: [false, true])
  func localBoard(isRemote: Bool) throws {
    #expect(try findings(Self.board, isRemote: isRemote) { settings, _ in LocalBoard(settings) } == [])
  }

  @Test(
    "The local chat conforms, inside the caller's transaction and as a service of another machine",
    arguments: [false, true])
  func localChat(isRemote: Bool) throws {
    #expect(try findings(Self.chat, isRemote: isRemote) { settings, _ in LocalChat(settings) } == [])
  }

  @Test("The local drive conforms")
  func localDrive() throws {
    let findings = try findings(Self.drive) { LocalDrive($0, $1) }
    #expect(findings == [], "\(findings)")
  }

  @Test("The local document service conforms")
  func localDocuments() throws {
    let findings = try findings(Self.documents) { LocalDocuments($0, TemplateShelf($0.templates), $1) }
    #expect(findings == [], "\(findings)")
  }

  @Test("The local signature service conforms")
  func localSignature() throws {
    let findings = try findings(Self.signature) { LocalSignature($0, $1) }
    #expect(findings == [], "\(findings)")
  }

  @Test("The local mail service conforms")
  func localMail() throws {
    let findings = try findings(Self.mail) { LocalMail($0, $1) }
    #expect(findings == [], "\(findings)")
  }

  @Test("The suite finds each broken promise", arguments: BrokenChat.Defect.allCases)
  func brokenServices(defect: BrokenChat.Defect) throws {
    let examples = Array(Self.chat.prefix(2))
    let findings = try findings(examples, isRemote: defect == .forgetsKey) { settings, resources in
      BrokenChat(LocalChat(settings), defect, resources.drive)
    }
    #expect(findings.contains { $0.message.contains(defect.expected) }, "\(defect): \(findings)")
  }

  @Test("The suite finds a broken network that is reported as a refusal, and an effect that a lost answer doubles")
  func brokenNetwork() throws {
    let template = try LocalServiceBench.Template(prepare: Shop.fill)
    let findings = try ServiceConformance(examples: [Self.chat[1]]) {
      let inner = try LocalServiceBench(Shop.declaration, template: template, isRemote: true) { settings, resources in
        BrokenChat(LocalChat(settings), .forgetsKey, resources.drive)
      }
      return MisreportingBench(inner)
    }.run().map(\.message)
    #expect(findings.contains { $0.hasPrefix("a network that breaks before the call arrives is no transient failure") })
    #expect(findings.contains { $0.hasPrefix("a failure on the way back and another attempt have another effect") })
  }

  @Test("The suite finds operations without an example, and examples without an operation")
  func examples() throws {
    let without = Self.chat.filter { $0.operation != "link" } + [.init("shout", [.text("x")])]
    let messages = try findings(without) { settings, _ in LocalChat(settings) }.map(\.description)
    #expect(messages.contains { $0.hasPrefix("link: ") && $0.contains("no example") })
    #expect(messages.contains { $0.hasPrefix("shout: ") && $0.contains("not declared") })
  }
}

/// A bench whose service takes a broken network for a refusal.
final class MisreportingBench: ServiceBench {
  private let inner: LocalServiceBench
  private var faulty: FaultyService

  init(_ inner: LocalServiceBench) {
    self.inner = inner
    faulty = FaultyService(inner.service)
  }

  var service: any Service { faulty }
  var declaration: WorkspaceDeclaration { inner.declaration }
  func write<T>(_ body: (any StoreTransaction) throws -> T) throws -> T { try inner.write(body) }
  func rehearse<T>(_ body: (any StoreTransaction) throws -> T) throws -> T { try inner.rehearse(body) }
  func contents() throws -> [String] { try inner.contents() }
  func breakNextCall(_ moment: FaultyService.Moment) { faulty.fail(with: .refused, times: 1, moment: moment) }

  func restart() throws {
    try inner.restart()
    faulty = FaultyService(inner.service)
  }
}

/// A chat with one defect, to show that the suite would find it.
final class BrokenChat: Service {
  enum Defect: CaseIterable {
    case forgetsKey, previewSends, readWrites, acceptsAnything, keepsRecords, wavers
    case doesNothing, otherPreview, knowsEverything

    var expected: String {
      switch self {
      case .forgetsKey: "the same key has two effects"
      case .previewSends: "its preview writes"
      case .readWrites: "it is no effect and writes"
      case .acceptsAnything: "a call with too many arguments succeeds"
      case .keepsRecords: "its resolved arguments hold a record"
      case .wavers: "the same arguments are resolved to two things"
      case .doesNothing: "it is an effect and changes nothing"
      case .otherPreview: "its preview has other fields"
      case .knowsEverything: "performing it succeeds"
      }
    }
  }

  private let chat: LocalChat
  private let defect: Defect
  private let count = Mutex(0)

  private let drive: DriveDisk

  init(_ chat: LocalChat, _ defect: Defect, _ drive: DriveDisk) {
    self.chat = chat
    self.defect = defect
    self.drive = drive
  }

  var declaration: ServiceDeclaration { chat.declaration }
  func isLocal(_ operation: String) -> Bool { true }

  private func next() -> Int {
    count.withLock { count in
      count += 1
      return count
    }
  }

  func resolve(
    _ operation: String, _ arguments: [Value], dealID: Int64?, in world: ServiceWorld
  ) throws(ServiceFailure) -> ResolvedOperation {
    let kept =
      defect == .acceptsAnything
      ? Array(arguments.prefix(declaration.operation(operation)?.parameters.count ?? 0)) : arguments
    var resolved = try chat.resolve(operation, kept, dealID: dealID, in: world)
    guard case .object(let fields) = resolved.arguments else { return resolved }
    if defect == .keepsRecords {
      resolved.arguments = .object(fields + [ValueField("who", .record(RecordRef(.user, 1)))])
    }
    if defect == .wavers { resolved.arguments = .object(fields + [ValueField("n", .integer(Int64(next())))]) }
    return resolved
  }

  func perform(_ call: OperationCall, in transaction: (any StoreTransaction)?) throws(ServiceFailure) -> Value {
    var call = call
    switch defect {
    case .forgetsKey: call.key += "/\(next())"
    case .readWrites where call.operation == "find_user":
      do { _ = try transaction?.next(counter: "card") } catch { throw ServiceFailure(.permanent, "\(error)") }
    case .doesNothing where call.operation == "send": return .object([ValueField("id", .text("M1"))])
    case .knowsEverything where call.operation == "no_such_operation": return .null
    default: break
    }
    return try chat.perform(call, in: transaction)
  }

  func preview(_ call: OperationCall, in transaction: (any StoreTransaction)?) throws(ServiceFailure) -> Value {
    switch defect {
    case .previewSends:
      // Out of the rehearsal, which rolls back what is written into it.
      try drive.makeRoot()
      try drive.write(Array("sent".utf8), to: ["sent"])
      return try chat.preview(call, in: transaction)
    case .otherPreview where call.operation == "send": return .object([ValueField("number", .text("????"))])
    default: return try chat.preview(call, in: transaction)
    }
  }
}
