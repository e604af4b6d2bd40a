import CRM
import Dispatch
import Services
import Store
import Testing

@Suite("A service that fails when it is told to")
struct FaultyServiceTests {
  private let arguments: [Value] = [.text("floriane@altitude.example"), .text("Bonjour")]

  @Test("It fails so many calls, then works, and counts them all")
  func counting() throws {
    let faulty = FaultyService(LocalChat(Shop.declaration))
    let desk = try Desk({ _ in faulty })
    faulty.fail(with: .timeout, times: 2)
    #expect(try desk.failure("send", arguments)?.isTransient == true)
    #expect(try desk.failure("find_user", [arguments[0]])?.isTransient == true)
    #expect(faulty.pendingFailures == 0)
    #expect(try desk.failure("send", arguments) == nil)
    #expect(faulty.calls(of: "send") == 2)
    #expect(faulty.calls() == 3)
    #expect(try desk.store.read { try $0.messages(of: nil) }.count == 1)
  }

  @Test("Faults are transient or permanent as their words say; a limit of requests names a pause")
  func kinds() throws {
    let expected: [(String, Bool)] = [
      ("timeout", true), ("unavailable", true), ("rate_limited", true), ("refused", false), ("not_found", false),
    ]
    for (word, isTransient) in expected {
      let faulty = FaultyService(LocalChat(Shop.declaration))
      faulty.fail(with: try FaultyService.Fault(word: word), times: 1)
      let failure = try #require(try Desk({ _ in faulty }).failure("send", arguments))
      #expect(failure.isTransient == isTransient, "\(word)")
      if word == "rate_limited" { #expect(failure.kind == .transient(retryAfter: .seconds(30))) }
    }
  }

  @Test("Bad input: an unknown fault is refused with the list of the known ones")
  func unknownFault() {
    let fault = #expect(throws: ValueFault.self) { try FaultyService.Fault(word: "time-out") }
    #expect(fault?.message.contains("\"timeout\", \"unavailable\", \"rate_limited\"") == true)
  }

  @Test("It fails one operation only, if asked to; pure ones never fail; a call by the caller's transaction is undone")
  func selection() throws {
    let faulty = FaultyService(LocalChat(Shop.declaration))
    let desk = try Desk({ _ in faulty })
    faulty.fail(with: .unavailable, times: 1, moment: .after, operation: "send")
    #expect(try desk.failure("find_user", [arguments[0]]) == nil)
    #expect(try desk.failure("escape", [.text("x")]) == nil)
    #expect(try desk.failure("send", arguments)?.isTransient == true)
    #expect(try desk.store.read { try $0.messages(of: nil) }.isEmpty)
  }

  @Test("A remote one keeps the effect whose answer is lost, and the next attempt with the same key finds it")
  func lostAnswer() throws {
    let store = try Shop.open()
    let remote = FaultyService.remote(LocalChat(Shop.declaration), store: store)
    #expect(!remote.isLocal("create_card"))
    remote.fail(with: .timeout, times: 1, moment: .after)
    let call = OperationCall(
      service: "chat", operation: "send",
      arguments: .object([ValueField("email", arguments[0]), ValueField("text", arguments[1])]), key: "run:1/step:1",
      dealID: 1, author: Shop.author, now: Shop.now)
    #expect(throws: ServiceFailure.self) { try remote.perform(call, in: nil) }
    #expect(try store.read { try $0.messages(of: nil) }.count == 1)
    #expect(try remote.perform(call, in: nil)["id"] == .text("M1"))
    #expect(try store.read { try $0.messages(of: nil) }.count == 1)
  }

  @Test("Threads that call at once use up the failures exactly")
  func threads() throws {
    let faulty = FaultyService(LocalBoard(Shop.declaration))
    faulty.fail(with: .timeout, times: 300)
    let call = OperationCall(
      service: "board", operation: "lists", arguments: .object([]), key: "k", dealID: nil, author: Shop.author,
      now: Shop.now)
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      for _ in 0..<100 { _ = try? faulty.perform(call, in: nil) }
    }
    #expect(faulty.calls(of: "lists") == 800)
    #expect(faulty.pendingFailures == 0)
  }
}

@Suite("The registry of services")
struct ServiceRegistryTests {
  @Test("The local services are there by name, with their declarations")
  func local() {
    let registry = ServiceRegistry.local(Shop.declaration)
    #expect(
      registry.declarations.map(\.name)
        == ["accounting", "documents", "drive", "signature", "board", "chat", "mail"])
    #expect(registry["board"]?.isLocal("create_card") == true)
    #expect(registry["drive"]?.isLocal("store") == false)
    #expect(registry["calendar"] == nil)
    #expect(registry["accounting"]?.declaration.operation("create_quote")?.kind == .effect)
    #expect(registry["chat"]?.declaration.operation("link")?.kind == .pure)
  }

  @Test("A service given later takes the place of one of the same name")
  func replaced() {
    let faulty = FaultyService(LocalBoard(Shop.declaration))
    let registry = ServiceRegistry(services: ServiceRegistry.local(Shop.declaration).services + [faulty])
    #expect(registry.declarations.map(\.name).filter { $0 == "board" }.count == 1)
    #expect(registry["board"] is FaultyService)
  }

  @Test("Bad input: settings of a service that does not exist are said, with the one that was meant")
  func unknownService() {
    var declaration = Shop.declaration
    declaration.services["bord"] = .object([])
    declaration.timeZone = "Europe/Pari"
    let messages = ServiceRegistry.faults(in: declaration).map(\.message)
    #expect(messages.contains { $0.contains("'bord'; did you mean 'board'?") })
    #expect(messages.contains { $0.contains("Europe/Pari") })
  }
}
