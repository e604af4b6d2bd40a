import CBaseline
import CRM
import Dispatch
import Foundation
import Scripting
import Store

import Engine

/// W1, a transition: read a deal with its organization, person and two lines, check a rule, insert a quote with two
/// lines, update three custom fields, move the deal, append the event and the run; durable. Ours does it with a
/// guard, a script of ten host calls, the journal and the history of every field.
struct Transitions {
  let deals: Int64
  var only: String?

  static let script = """
    -- W1: a guard, and a reaction of ten host calls.
    on.before_enter("Créer documents", function (deal)
      if not deal.promo then reject("Promo is empty") end
    end)
    on.enter("Créer documents", function (deal)
      local organization, person = deal.organization, deal.person
      local client = organization.name .. ", " .. person.email
      if #deal.lines ~= 2 then error("two lines expected for " .. client) end
      local quote = accounting.create_quote(deal)
      deal.quote_number, deal.quote_url, deal.place = quote.number, quote.url, "Lyon"
    end)
    """

  func measure() throws {
    let shop = try BenchShop(deals: deals, script: Self.script)
    defer { shop.remove() }
    // The longest order first: it decides how many rounds the deals last.
    let rivals: [(name: String, run: (Rival) throws -> Void)] = [
      ("C, one commit each", { try $0.c(group: 1, halves: false) }),
      ("C, two commits each", { try $0.c(group: 1, halves: true) }),
      ("C, groups of 64", { try $0.c(group: 64, halves: false) }),
      ("ours, one caller", { try $0.ours(callers: 1) }),
      ("ours, 8 callers", { try $0.ours(callers: 8) }),
      ("ours, 64 in flight", { try $0.ours(callers: 64) }),
    ]
    let rounds = 5
    let count = min(1200, Int(deals) / (rounds + 1))
    var speeds: [[Double]] = Array(repeating: [], count: rivals.count)
    var lanes: [Rival] = []
    for place in rivals.indices {
      lanes.append(try Rival(shop, count: count, isOurs: place > 2))
    }
    // Peers make fewer transitions: each waits for its commits alone.
    var peers: [(name: String, peer: Peer, callers: Int, count: Int, speeds: [Double])] = []
    if only == nil {
      if let peer = Peer("postgresql.py", deals: deals) {
        peers.append(("PostgreSQL, PL/pgSQL trigger, 1 caller", peer, 1, count / 2, []))
        peers.append(("PostgreSQL, PL/pgSQL trigger, 8 callers", peer, 8, count / 2, []))
      }
      if deals <= 10_000, let peer = Peer("dbos_sqlite.py", deals: deals) {
        peers.append(("DBOS Transact on SQLite, 1 caller", peer, 1, min(200, count), []))
      }
    }
    for round in 0...rounds {
      for (place, rival) in rivals.enumerated() where only.map({ rival.name.contains($0) }) ?? true {
        let time = try seconds { try rival.run(lanes[place]) }
        // The first round fills the caches.
        if round > 0 { speeds[place].append(Double(count) / time) }
      }
      for place in peers.indices {
        let speed = try peers[place].peer.round(callers: peers[place].callers, transitions: peers[place].count)
        if round > 0 { peers[place].speeds.append(speed) }
      }
    }
    for lane in lanes { lane.close() }
    for peer in peers { peer.peer.close() }
    let medians = speeds.map(median)
    print("\nW1, a transition, \(deals) deals")
    for (place, rival) in rivals.enumerated() {
      let base = place == 2 || place == 5 ? medians[2] : medians[0]
      let ratio = String(format: "%5.2f", medians[place] / base)
      let against = place == 2 || place == 5 ? "of C in groups of 64" : "of C with one commit"
      let name = rival.name.padding(toLength: 22, withPad: " ", startingAt: 0)
      print("  \(ratio) \(against.padding(toLength: 22, withPad: " ", startingAt: 0)) \(name) \(Int(medians[place]))/s")
    }
    for peer in peers {
      let speed = median(peer.speeds)
      let ours = peer.callers == 1 ? medians[3] : medians[4]
      print(String(format: "  %5.2f of ours            ", speed / ours) + "\(peer.name) \(Int(speed))/s")
    }
  }
}

/// One rival and its own copy of the database. Every deal is moved once; the next ones are taken at random places, as
/// people would.
final class Rival {
  /// Of its own copy of the database.
  let path: String
  private let count: Int
  private let order: [Int64]
  private var next = 0
  private var c: OpaquePointer?
  private var engine: EngineThread?

  init(_ shop: BenchShop, count: Int, isOurs: Bool) throws {
    self.count = count
    let deals = shop.deals
    // A step that has no factor in common with the number of deals visits each once.
    var step = Int64(Double(deals) * 0.618) | 1
    while Self.common(step, deals) != 1 { step += 2 }
    order = (0..<Int64(count * 6)).map { ($0 * step) % deals + 1 }
    if isOurs {
      let (engine, path) = try shop.engine()
      (self.engine, self.path) = (engine, path)
    } else {
      path = try shop.copy()
      guard let c = baseline_open(path) else { throw BenchError(description: String(cString: baseline_error(nil))) }
      self.c = c
    }
  }

  private static func common(_ a: Int64, _ b: Int64) -> Int64 { b == 0 ? a : common(b, a % b) }

  private func take() -> [Int64] {
    defer { next += count }
    return (next..<next + count).map { order[$0 % order.count] }
  }

  func c(group: Int, halves: Bool) throws {
    guard let c else { return }
    let deals = take()
    for start in stride(from: 0, to: deals.count, by: group) {
      var fine = baseline_begin(c)
      for deal in deals[start..<min(start + group, deals.count)] {
        fine = fine && baseline_first_half(c, deal)
        if halves { fine = fine && baseline_commit(c) && baseline_begin(c) }
        fine = fine && baseline_second_half(c, deal)
      }
      guard fine, baseline_commit(c) else { throw BenchError(description: String(cString: baseline_error(c))) }
    }
  }

  func ours(callers: Int) throws {
    guard let engine else { return }
    let deals = take()
    let failed = NSLock()
    nonisolated(unsafe) var failure: String?  // Written under the lock, read after all callers have ended.
    let group = DispatchGroup()
    for caller in 0..<callers {
      let mine = stride(from: caller, to: deals.count, by: callers).map { deals[$0] }
      let thread = Thread {
        for deal in mine {
          do {
            let answer = try engine.move(deal)
            guard answer.runs.first?.status == .succeeded else { throw BenchError(description: "\(answer)") }
          } catch {
            failed.withLock { failure = "\(error)" }
          }
        }
        group.leave()
      }
      group.enter()
      thread.start()
    }
    group.wait()
    if let failure { throw BenchError(description: failure) }
  }

  func close() {
    if let c { baseline_close(c) }
    engine?.stop()
  }
}
