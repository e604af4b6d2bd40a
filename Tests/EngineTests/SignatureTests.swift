import CRM
import Services
import Store
import TestSupport
import Testing

@testable import Engine

/// Waits for a signer: the state of a request is recorded when it comes, whether or not anybody waits for it.
@Suite("A script waits for a signature")
struct SignatureTests {
  private static let template = """
    <!DOCTYPE html><html lang="fr"><head><title>Accord – {{deal.title}}</title></head><body>{{deal.title}}</body></html>
    """

  /// Sends when the deal enters "Créer documents"; moves on when it is signed.
  private static let script = """
    on.enter("Créer documents", function (deal)
      local folder = drive.client_folder(deal.person)
      local paper = documents.generate("accord", deal, folder):pdf()
      local request = signature.send { document = paper, signer = deal.person }
      local answer = wait(request, "60 days")
      deal.place = answer.state
      if answer.signed then
        deal:append("signed_urls", folder:store(answer.document).url)
        deal:move_to("Confirmé", { from = "Créer documents" })
      end
    end)
    """

  private func shop(_ more: [String: String] = [:], mode: EngineCore.Mode = .init()) throws -> TestShop {
    let quote = "<html><head><title>Devis {{quote.number}}</title></head><body>{{quote.total}}</body></html>"
    return try TestShop(
      ["w": Self.script].merging(more) { $1 }, templates: ["accord": Self.template, "devis": quote], mode: mode)
  }

  @Test(
    "ALT-131, ALT-132: signed, the deal moves on and the signed paper is linked; over a crash, and replayed",
    arguments: [false, true])
  func signed(replays: Bool) throws {
    let shop = try shop(mode: .init(replaysAlways: replays))
    try shop.move("Créer documents")
    try shop.settle()
    #expect(try shop.runStates() == ["w: waiting"])
    #expect(try shop.requests().map(\.state) == [.sent])
    try shop.crash()
    try shop.signer(1, .viewed)
    #expect(try shop.requests().map(\.state) == [.viewed])
    #expect(try shop.runStates() == ["w: waiting"])
    try shop.signer(1, .signed)
    try shop.settle()
    #expect(try shop.runStates() == ["w: succeeded"])
    #expect(try shop.stageName() == "Confirmé")
    let request = try #require(try shop.requests().first)
    #expect(request.state == .signed && request.closedAt == shop.now)
    let signed = try #require(request.signedDocumentID)
    let (row, bytes) = try shop.resources.open(signed)
    #expect(row.sha256 == ContentHash.sha256(bytes) && row.size == Int64(bytes.count))
    guard case .list(let links)? = try shop.value("signed_urls") else { throw ValueFault("no links") }
    #expect(links.count == 1)
  }

  @Test("ALT-131: a signature that arrives twice is one: one event, one move, one paper")
  func twice() throws {
    let shop = try shop()
    try shop.move("Créer documents")
    try shop.settle()
    let signal = try shop.resources.signal(
      request: 1, .signed, reason: nil, declaration: shop.version.declaration, now: shop.now)
    #expect(try shop.deliver(signal).moved)
    try shop.settle()
    let again = try shop.deliver(signal)
    #expect(!again.moved && again.runs.isEmpty)
    try shop.settle()
    #expect(try shop.events("signature.signed") == 1 && shop.events("deal.moved") == 2)
    #expect(try shop.runStates() == ["w: succeeded"])
  }

  @Test("ALT-133: declined, the script gets the reason, and the deal stays where it is")
  func declined() throws {
    let shop = try shop()
    try shop.move("Créer documents")
    try shop.settle()
    try shop.signer(1, .declined, reason: "trop cher")
    try shop.settle()
    #expect(try shop.value("place") == .text("declined") && shop.stageName() == "Créer documents")
    #expect(try shop.requests().first?.reason == "trop cher")
    // Nobody can sign what was declined.
    #expect(throws: EngineFault.self) { try shop.signer(1, .signed) }
    #expect(try shop.requests().map(\.state) == [.declined])
  }

  @Test("a wait's time-out ends its request, with an event; a signature that comes later is refused and says so")
  func expired() throws {
    let shop = try shop()
    try shop.move("Créer documents")
    try shop.settle()
    try shop.advance(.days(59))
    #expect(try shop.requests().map(\.state) == [.sent])
    try shop.advance(.days(1))
    #expect(try shop.requests().map(\.state) == [.expired] && shop.value("place") == .text("expired"))
    #expect(try shop.events("signature.expired") == 1)
    #expect(throws: EngineFault.self) { try shop.signer(1, .signed) }
    #expect(try shop.requests().first?.signedDocumentID == nil)
  }

  @Test("a second entry takes the first request back with its run; one is open, and the old one can't be signed (ALT-129)")
  func secondEntry() throws {
    let shop = try shop()
    try shop.move("Créer documents")
    try shop.settle()
    try shop.move("Qualifié")
    try shop.move("Créer documents")
    try shop.settle()
    #expect(try shop.runStates() == ["w: cancelled", "w: waiting"])
    #expect(try shop.requests().map(\.state) == [.cancelled, .sent])
    #expect(throws: EngineFault.self) { try shop.signer(1, .signed) }
    try shop.signer(2, .signed)
    try shop.settle()
    #expect(try shop.stageName() == "Confirmé")
  }

  @Test("a second entry that comes before the first run has come to its wait replaces it all the same (meetLaterEntries)")
  func secondEntryInFlight() throws {
    let shop = try shop()
    // Its first step is begun; meanwhile the deal leaves and comes back.
    try shop.move("Créer documents")
    try shop.move("Qualifié")
    try shop.move("Créer documents")
    try shop.settle()
    #expect(try shop.runStates() == ["w: cancelled", "w: waiting"])
    #expect(try shop.requests().map(\.state) == [.cancelled, .sent])
    try shop.signer(2, .signed)
    try shop.settle()
    #expect(try shop.events("signature.signed") == 1)
    guard case .list(let links)? = try shop.value("signed_urls") else { throw ValueFault("no links") }
    #expect(links.count == 1)
  }

  @Test(
    "an engine that works until nothing is left to do ends, also when the last thing is a step's answer (collectReplies)",
    .timeLimit(.minutes(2)))
  func drained() throws {
    let shop = try shop()
    try shop.move("Créer documents")
    try shop.crash()
    _ = try EngineAccess(try WorkspaceFolder(shop.folder.url), printShop: LocalServiceBench.printShop).perform(.drain)
    #expect(try shop.runStates() == ["w: waiting"])
  }

  @Test("a run that is cancelled while its paper is on the way out takes the request with it (EngineCore.answer)")
  func cancelledWhileSending() throws {
    let shop = try shop()
    try shop.move("Créer documents")
    while shop.calls.first?.call.operation != "send" {
      if shop.calls.isEmpty { try shop.stepOnce() } else { try shop.carryOutNext() }
    }
    let id = try #require(try shop.runs().first?.id)
    _ = try shop.store.write { tx in try shop.core.cancel(runID: id, tx: tx, now: shop.now) }
    try shop.carryOutNext()
    #expect(try shop.runStates() == ["w: cancelled"] && shop.requests().map(\.state) == [.cancelled])
    #expect(try shop.events("signature.cancelled") == 1)
  }

  @Test("one of two runs that wait for a signature is cancelled: the request stays open for the other (finish)")
  func twoWaiters() throws {
    let shop = try shop(["y": "on.demand('y', function (deal) wait(deal.signatures[1]) end)"])
    try shop.move("Créer documents")
    try shop.settle()
    try shop.demand("y")
    try shop.settle()
    #expect(try shop.runStates() == ["w: waiting", "y: waiting"])
    let id = try #require(try shop.runs().last?.id)
    _ = try shop.store.write { tx in try shop.core.cancel(runID: id, tx: tx, now: shop.now) }
    #expect(try shop.requests().map(\.state) == [.sent] && shop.runStates() == ["w: waiting", "y: cancelled"])
    try shop.signer(1, .signed)
    try shop.settle()
    #expect(try shop.stageName() == "Confirmé")
  }

  @Test("a run that another due one has ended in the same moment stays ended (wakeDue)")
  func endedWhileDue() throws {
    let shop = try shop([
      "w": """
        on.enter("Créer documents", function (deal)
          local paper = documents.generate("accord", deal, drive.client_folder(deal.person)):pdf()
          wait(signature.send { document = paper, signer = deal.person }, "3 days")
        end)
        """, "x": "on.event('signature.expired', function (deal) sleep('9 days') deal:add_note('after') end)",
    ])
    try shop.move("Créer documents")
    try shop.settle()
    try shop.advance(.days(3))
    try shop.move("Qualifié")
    try shop.move("Créer documents")
    try shop.settle()
    #expect(try shop.runStates() == ["w: succeeded", "x: waiting", "w: waiting"])
    // The engine was away while both became due.
    try shop.advance(.days(17))
    #expect(try shop.runStates() == ["w: succeeded", "x: cancelled", "w: succeeded", "x: waiting"])
  }

  @Test("a run that is cancelled by hand while it waits takes its request with it; a retry is told so at once")
  func cancelledByHand() throws {
    let shop = try shop()
    try shop.move("Créer documents")
    try shop.settle()
    let id = try #require(try shop.runs().first?.id)
    _ = try shop.store.write { tx in try shop.core.cancel(runID: id, tx: tx, now: shop.now) }
    #expect(try shop.requests().map(\.state) == [.cancelled])
    try shop.retryFirst()
    #expect(try shop.runStates() == ["w: succeeded"] && shop.value("place") == .text("cancelled"))
  }

  @Test("a signature for a deal that has moved on: recorded, the paper is kept, and the deal stays where it is (ALT-131)")
  func movedOn() throws {
    let shop = try shop()
    try shop.move("Créer documents")
    try shop.settle()
    try shop.move("Documents prêts")
    try shop.signer(1, .signed)
    try shop.settle()
    #expect(try shop.runStates() == ["w: succeeded"])
    #expect(try shop.stageName() == "Documents prêts" && shop.requests().map(\.state) == [.signed])
  }

  @Test("a signature that nobody waits for is recorded all the same, and on.event hears of it")
  func unawaited() throws {
    let shop = try shop([
      "w": """
        on.enter("Créer documents", function (deal)
          local paper = documents.generate("accord", deal, drive.client_folder(deal.person)):pdf()
          signature.send { document = paper, signer = deal.person }
        end)
        on.event("signature.signed", function (deal, event)
          deal.place = event.state .. " " .. event.request.signer_name .. " " .. tostring(event.document ~= nil)
        end, { name = "hears" })
        """
    ])
    try shop.move("Créer documents")
    try shop.settle()
    #expect(try shop.runStates() == ["w: succeeded"])
    try shop.signer(1, .signed)
    try shop.settle()
    #expect(try shop.value("place") == .text("signed Jérémy Brunet true"))
    // Whoever waits now is answered at once.
    #expect(try shop.store.read { try shop.core.waits.state(of: .request(RecordRef(.signatureRequest, 1)), $0) } != nil)
  }

  @Test("another automation's request takes the open one back, and the run that waits for that one is told")
  func replacedByAnother() throws {
    let shop = try shop([
      "z": """
        on.demand("again", function (deal)
          signature.send { document = accounting.quote_pdf(accounting.create_quote(deal).number), signer = deal.person }
        end)
        """
    ])
    try shop.move("Créer documents")
    try shop.settle()
    #expect(try shop.requests().map(\.state) == [.sent])
    try shop.demand("again")
    try shop.settle()
    #expect(try shop.requests().map(\.state) == [.cancelled, .sent])
    #expect(try shop.value("place") == .text("cancelled"))
  }

  @Test("a failed step after the paper was sent: a retry asks nobody a second time (ALT-129)")
  func retried() throws {
    let shop = try shop([
      "w": """
        on.enter("Créer documents", function (deal)
          local paper = documents.generate("accord", deal, drive.client_folder(deal.person)):pdf()
          local request = signature.send { document = paper, signer = deal.person }
          if deal.promo ~= "go" then error("not yet") end
          wait(request, "60 days")
        end)
        """
    ])
    try shop.move("Créer documents")
    try shop.settle()
    #expect(try shop.runStates() == ["w: failed"])
    try shop.store.write { try $0.set(shop.deal, "promo", .text("go"), author: Author(actor: "test"), at: shop.now) }
    try shop.retryFirst()
    #expect(try shop.runStates() == ["w: waiting"] && shop.requests().count == 1)
  }
}
