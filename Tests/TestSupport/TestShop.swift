import CRM
import Foundation
import Scripting
import Services
import Store

@testable import Engine

/// A workspace on disk with scripts given as text, a real SQLite file, two users and one deal, and an engine whose
/// clock stands still until it is moved. Calls of services are carried out on the calling thread, in order, so that a
/// test has one history.
public final class TestShop {
  public static let declaration = """
    return {
      seller = { name = "Altitude" },
      pipelines = { { name = "Ventes", stages = { "Qualifié", "Créer documents", "Documents prêts", "Confirmé" } } },
      fields = { deal = {
        { key = "quote_number", label = "N° du devis Quickbooks" }, { key = "quote_url", label = "Devis QBO généré" },
        { key = "promo", label = "Promo" }, { key = "place", label = "Lieu de formation" },
        { key = "signed_urls", label = "Document(s) signé(s)", type = "texts" } } },
      LIMITS
    }
    """

  public let folder: TemporaryFolder
  public let store: Store
  public let deal: RecordRef
  public let user: RecordRef
  public private(set) var core: EngineCore
  public private(set) var version: WorkspaceVersion
  public var now = Instant(milliseconds: 1_767_600_000_000)
  public let services: ServiceRegistry
  /// Where the services that keep files keep them: in the workspace's own folder.
  public let resources: LocalResources
  private let mode: EngineCore.Mode
  /// Calls that the engine asked for and that were not carried out yet.
  public private(set) var calls: [StepCall] = []

  public init(
    _ scripts: [String: String] = [:], templates: [String: String] = [:], limits: String = "",
    mode: EngineCore.Mode = .init(), services makeServices: ((WorkspaceDeclaration) -> ServiceRegistry)? = nil
  ) throws {
    folder = try TemporaryFolder()
    try folder.write(
      "workspace.lua",
      Self.declaration.replacingOccurrences(of: "LIMITS", with: limits.isEmpty ? "" : "limits = \(limits),"))
    for (name, text) in scripts { try folder.write("scripts/\(name).lua", text) }
    for (name, text) in templates { try folder.write("templates/\(name).html", text) }
    let workspace = try WorkspaceFolder(folder.url)
    store = try Store(path: workspace.database)
    let resources = workspace.resources(store, LocalServiceBench.printShop)
    self.resources = resources
    let first = try WorkspaceVersion(sources: workspace.sources()) { ServiceRegistry.local($0) }
    let services = makeServices?(first.declaration) ?? ServiceRegistry.local(first.declaration, resources)
    self.services = services
    version = try WorkspaceVersion(sources: workspace.sources()) { _ in services }
    self.mode = mode
    core = EngineCore(version: version, services: { _ in services }, mode: mode, seed: 7)
    let now = now
    let pipelines = version.declaration.pipelines
    (user, deal) = try store.write { tx in
      try tx.synchronize(pipelines: pipelines)
      let author = Author(actor: "test")
      let user = try tx.insert(
        .user,
        [
          ValueField("key", .text("floriane")), ValueField("name", .text("Floriane Baillon")),
          ValueField("email", .text("floriane@altitude.example")),
        ], author: author, at: now)
      let organization = try tx.insert(
        .organization, [ValueField("key", .text("acme")), ValueField("name", .text("ACME"))], author: author, at: now)
      let person = try tx.insert(
        .person,
        [
          ValueField("first_name", .text("Jérémy")), ValueField("last_name", .text("Brunet")),
          ValueField("email", .text("j.brunet@acme.example")), ValueField("organization", .record(organization)),
        ], author: author, at: now)
      let product = try tx.insert(
        .product,
        [
          ValueField("key", .text("edlc")), ValueField("name", .text("EDLC")),
          ValueField("description", .text("Formation")), ValueField("price", .money(Money(cents: 180_000, currency: .eur))),
          ValueField("vat_rate", .decimal(ExactDecimal(millionths: 20_000_000))),
          ValueField("sales_category", .text("prestation de services")), ValueField("category", .text("Formation")),
          ValueField("class", .text("Formation")),
        ], author: author, at: now)
      let stage = try StageLookup(tx).stage(named: "Qualifié")
      let deal = try tx.insert(
        .deal,
        [
          ValueField("key", .text("d1")), ValueField("title", .text("EDLC pour ACME")),
          ValueField("pipeline", .record(RecordRef(.pipeline, stage.pipelineID))),
          ValueField("stage", .record(RecordRef(.stage, stage.id))), ValueField("status", .text("open")),
          ValueField("owner", .record(user)), ValueField("organization", .record(organization)),
          ValueField("person", .record(person)), ValueField("created_at", .instant(now)),
        ], author: author, at: now)
      try tx.replaceLines(
        of: deal,
        [[ValueField("product", .record(product)), ValueField("quantity", .decimal(.one))]], author: author, at: now)
      return (user, deal)
    }
  }

  /// Another deal like the first one, without lines.
  public func addDeal(_ key: String) throws -> RecordRef {
    try store.write { tx in
      let stage = try StageLookup(tx).stage(named: "Qualifié")
      return try tx.insert(
        .deal,
        [
          ValueField("key", .text(key)), ValueField("title", .text(key)),
          ValueField("pipeline", .record(RecordRef(.pipeline, stage.pipelineID))),
          ValueField("stage", .record(RecordRef(.stage, stage.id))), ValueField("created_at", .instant(now)),
        ], author: Author(actor: "test"), at: now)
    }
  }

  // MARK: What people do

  /// One transition, in one commit; what it queued beyond the first segment is not executed yet.
  @discardableResult
  public func move(_ stage: String, deal: String = "d1", from: String? = nil) throws -> Transition {
    try transition(TransitionRequest(deal: deal, change: .move(stage: stage, from: from), actor: "user:test"))
  }

  @discardableResult
  public func close(_ status: DealStatus, deal: String = "d1") throws -> Transition {
    try transition(TransitionRequest(deal: deal, change: .close(status), actor: "user:test"))
  }

  @discardableResult
  public func transition(_ request: TransitionRequest) throws -> Transition {
    let result = try store.write { tx in try core.transition(request, tx: tx, now: now) }
    collect()
    return result
  }

  /// Executes everything that can be executed now, and carries out what services are asked.
  public func settle() throws {
    while true {
      collect()
      if !calls.isEmpty {
        try carryOutNext()
        continue
      }
      let did = try store.write { tx in try core.step(tx: tx, now: now) }
      if !did && core.isQuiet && calls.isEmpty {
        collect()
        if calls.isEmpty { return }
      }
    }
  }

  /// Executes one queued segment. - Returns: whether there was one.
  @discardableResult
  public func stepOnce() throws -> Bool {
    let did = try store.write { tx in try core.step(tx: tx, now: now) }
    collect()
    return did
  }

  private func collect() {
    for case .call(let call) in core.takeCommands() { calls.append(call) }
  }

  /// Asks the service for the first waiting call and hands its answer in.
  public func carryOutNext() throws {
    let call = calls.removeFirst()
    let result = StepPerformer.perform(call.call, services: services, store: store)
    try store.write { tx in
      try core.answer(StepAnswer(call: call, result: result), tx: tx, now: now)
    }
    collect()
  }

  /// The first waiting call, for the test itself to answer.
  public func takeCall() -> StepCall { calls.removeFirst() }

  /// What a service answers to a call, in whatever order, and however late.
  public func answer(_ call: StepCall, _ result: Result<Value, ServiceFailure>, isLate: Bool = false) throws {
    try store.write { tx in
      try core.answer(StepAnswer(call: call, result: result, isLate: isLate), tx: tx, now: now)
    }
    collect()
  }

  /// The service does what it is asked, but the process dies before its answer is noted.
  public func carryOutAndLoseTheAnswer() throws {
    let call = calls.removeFirst()
    _ = StepPerformer.perform(call.call, services: services, store: store)
    try crash()
  }

  /// An automation on demand, on the deal.
  @discardableResult
  public func demand(_ automation: String) throws -> Transition {
    let result = try store.write { tx in
      try core.demand(automation: automation, deal: "d1", actor: "user:test", tx: tx, now: now)
    }
    collect()
    return result
  }

  /// What a signer does.
  @discardableResult
  public func signer(_ request: Int64, _ state: SignatureState, reason: String? = nil) throws -> Transition {
    let signal = try resources.signal(
      request: request, state, reason: reason, declaration: version.declaration, now: now)
    return try deliver(signal)
  }

  /// A signal as it comes from a service, perhaps twice.
  @discardableResult
  public func deliver(_ signal: SignatureSignal) throws -> Transition {
    let result = try store.write { tx in try core.signal(signal, tx: tx, now: now) }
    collect()
    return result
  }

  /// Takes the first run up again.
  public func retryFirst(sameScript: Bool = false, from: Int? = nil) throws {
    guard let id = try runs().first?.id else { return }
    _ = try store.write { tx in
      try core.retry(.test(id, sameScript: sameScript, from: from, force: true), tx: tx, now: now)
    }
    try settle()
  }

  /// The clock goes on; what is due is woken and executed.
  public func advance(_ span: TimeSpan) throws {
    now = try now.adding(span)
    try store.write { tx in try core.wakeDue(tx: tx, now: now) }
    try settle()
  }

  /// The process is gone, and another one takes the workspace over: nothing of what was in memory is left.
  public func crash() throws {
    calls = []
    let services = services
    core = EngineCore(version: version, services: { _ in services }, mode: mode, seed: 8)
    try store.write { tx in try core.recover(tx: tx, now: now) }
  }

  /// Somebody edits a script; later events see it.
  public func rewrite(_ name: String, _ text: String) throws {
    try folder.write("scripts/\(name).lua", text)
    let services = services
    version = try WorkspaceVersion(sources: WorkspaceFolder(folder.url).sources()) { _ in services }
    core.replace(version: version)
  }

  // MARK: What can be seen

  public func value(_ field: String, of ref: RecordRef? = nil) throws -> Value? {
    try store.read { try $0.value(ref ?? deal, field) }
  }

  public func stageName(of ref: RecordRef? = nil) throws -> String {
    try store.read { tx in
      guard case .record(let stage)? = try tx.value(ref ?? deal, "stage") else { return "?" }
      return try tx.value(stage, "name")?.plainText ?? "?"
    }
  }

  public func runs(of ref: RecordRef? = nil) throws -> [RunRow] { try store.read { try $0.runs(of: (ref ?? deal).id) } }

  /// `automation: status`, in the order of the runs.
  public func runStates(of ref: RecordRef? = nil) throws -> [String] {
    try runs(of: ref).map { "\($0.automation): \($0.status.rawValue)" }
  }

  public func error(of run: RunRow) -> String { run.error.map { RunFault(text: $0).message } ?? "" }

  public func quotes() throws -> [QuoteRow] { try store.read { try $0.quotes(of: deal.id) } }

  public func requests() throws -> [SignatureRequestRow] { try store.read { try $0.signatureRequests(of: deal.id) } }

  public func events(_ name: String) throws -> Int {
    try store.read { tx in
      var count = 0
      var id: Int64 = 1
      while let event = try tx.event(id) {
        if event.name == name { count += 1 }
        id += 1
      }
      return count
    }
  }

  public func messages() throws -> [MessageRow] { try store.read { try $0.messages(of: nil) } }
}

extension RetryRequest {
  /// A wish of a test, in one line.
  public static func test(
    _ runID: Int64, sameScript: Bool = false, from: Int? = nil, force: Bool = false
  ) -> RetryRequest {
    var request = RetryRequest(runID: runID)
    (request.sameScript, request.from, request.force) = (sameScript, from, force)
    return request
  }
}
