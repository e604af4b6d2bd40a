import CRM
import Foundation
import Scripting
import Services
import Store
import Synchronization
import TestSupport
import Testing

@testable import Engine

/// A service that does not answer in time, with the engine's real threads.
@Suite("An answer is waited for as long as the policy says")
struct CallTimeoutTests {
  /// A chat on another machine, whose first call hangs until it is let go.
  private final class HangingChat: Service {
    private let chat: FaultyService
    private let calls = Mutex(0)
    private let isLetGo = DispatchSemaphore(value: 0)

    init(_ declaration: WorkspaceDeclaration, _ store: Store) {
      chat = .remote(LocalChat(declaration), store: store)
    }

    var count: Int { calls.withLock { $0 } }
    func letGo() { isLetGo.signal() }

    var declaration: ServiceDeclaration { chat.declaration }

    func resolve(
      _ operation: String, _ arguments: [Value], dealID: Int64?, in world: ServiceWorld
    ) throws(ServiceFailure) -> ResolvedOperation {
      try chat.resolve(operation, arguments, dealID: dealID, in: world)
    }

    func perform(_ call: OperationCall, in transaction: (any StoreTransaction)?) throws(ServiceFailure) -> Value {
      let number = calls.withLock { count in
        count += 1
        return count
      }
      if number == 1 { isLetGo.wait() }
      return try chat.perform(call, in: transaction)
    }

    func preview(_ call: OperationCall, in transaction: (any StoreTransaction)?) throws(ServiceFailure) -> Value {
      try chat.preview(call, in: transaction)
    }
  }

  /// A shop whose deal is confirmed, with an engine that stays; the body gets its chat.
  private func confirmed(_ calls: String, _ body: (TestShop, HangingChat) throws -> Void) throws {
    let shop = try TestShop(
      ["a": "on.enter('Confirmé', function (deal) chat.send('floriane@altitude.example', 'x') deal.place = 'sent' end)"],
      limits: "{ calls = \(calls) }")
    let chat = HangingChat(shop.version.declaration, shop.store)
    let engine = EngineThread(
      store: shop.store, sources: try WorkspaceFolder(shop.folder.url).sources(), configuration: .init(), watch: nil
    ) { declaration in ServiceRegistry(services: ServiceRegistry.local(declaration).services + [chat]) }
    engine.start()
    _ = try engine.perform(
      .transition(
        TransitionRequest(deal: "d1", change: .move(stage: "Confirmé", from: nil), actor: "user:test")))
    try body(shop, chat)
    chat.letGo()
    engine.stop()
    #expect(try shop.runStates() == ["a: succeeded"])
    #expect(try shop.messages().count == 1, "whichever call came to the service, the message is there once")
  }

  private func wait(until holds: () throws -> Bool) rethrows {
    while try !holds() { Thread.sleep(forTimeInterval: 0.01) }
  }

  @Test("a call that hangs is given up, and the step is tried again with the same key, while the first call still hangs")
  func triedAgain() throws {
    try confirmed("{ timeout = '50 ms', backoff = '1 ms' }") { shop, chat in
      try wait { try shop.runStates() == ["a: succeeded"] }
      #expect(chat.count == 2)
      #expect(try shop.store.read { try $0.journal(of: 1) }.first?.step?.attempts == 2)
    }
  }

  @Test("an answer that comes when its call was given up is the answer")
  func comesLate() throws {
    try confirmed("{ timeout = '50 ms', backoff = '1 hour' }") { shop, chat in
      #expect(try shop.runStates() == ["a: retrying"], "the caller is told")
      chat.letGo()
      try wait { try shop.runStates() == ["a: succeeded"] }
      #expect(chat.count == 1)
    }
  }
}
