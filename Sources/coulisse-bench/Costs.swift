import Engine
import Foundation
import Store

/// What a transition writes into SQLite's log, beside the same work in C: whole pages, so pages are what it costs.
enum LogCosts {
  private static let transitions = 256

  static func measure() throws {
    let shop = try BenchShop(deals: 10_000, script: Transitions.script)
    defer { shop.remove() }
    print("\nThe log, a transition (\(shop.deals) deals)")
    func line(_ name: String, isOurs: Bool, _ work: (Rival) throws -> Void) throws {
      try self.line(name, Rival(shop, count: transitions, isOurs: isOurs), work)
    }
    try line("C, one commit each", isOurs: false) { try $0.c(group: 1, halves: false) }
    try line("C, groups of 64", isOurs: false) { try $0.c(group: 64, halves: false) }
    try line("ours, one caller", isOurs: true) { try $0.ours(callers: 1) }
    try line("ours, 64 in flight", isOurs: true) { try $0.ours(callers: 64) }
  }

  private static func line(_ name: String, _ rival: Rival, _ work: (Rival) throws -> Void) throws {
    defer { rival.close() }
    let before = size(rival.path + "-wal")
    try work(rival)
    // Each page has a head of 24 bytes.
    let bytes = Double(size(rival.path + "-wal") - before) / Double(transitions)
    print(String(format: "  %5.1f pages, %5.1f KB   ", bytes / 4120, bytes / 1024) + name)
  }

  static func size(_ path: String) -> Int64 {
    var status = stat()
    return stat(path, &status) == 0 ? Int64(status.st_size) : 0
  }
}

/// How long a move takes while the engine has half of what it can do: whoever waits does not care about the mean.
enum Latency {
  static func measure() throws {
    let shop = try BenchShop(deals: 50_000, script: Transitions.script)
    defer { shop.remove() }
    let (engine, _) = try shop.engine()
    defer { engine.stop() }
    var next: Int64 = 0
    func take(_ count: Int) -> [Int64] {
      defer { next += Int64(count) }
      return (0..<Int64(count)).map { ((next + $0) * 30_901) % shop.deals + 1 }
    }
    let callers = 8
    let warm = try seconds { _ = try moves(engine, take(4000), callers: callers, interval: 0) }
    let interval = 2 * warm / 4000
    let times = try moves(engine, take(20_000), callers: callers, interval: interval).sorted()
    func at(_ part: Double) -> String { String(format: "%.2f", times[Int(Double(times.count - 1) * part)] * 1000) }
    print("\nA move under half load (\(Int(1 / interval))/s, \(callers) callers, checkpoints included)")
    print("  p50 \(at(0.5)) ms, p99 \(at(0.99)) ms, p99.9 \(at(0.999)) ms, worst \(at(1)) ms")
  }

  /// - Parameter interval: seconds from one move's appointed time to the next; a late one counts from its appointment.
  private static func moves(
    _ engine: EngineThread, _ deals: [Int64], callers: Int, interval: Double
  ) throws -> [Double] {
    let lock = NSLock()
    // Both are written under the lock, and read after all callers have ended.
    nonisolated(unsafe) var times: [Double] = []
    nonisolated(unsafe) var failure: (any Error)?
    let group = DispatchGroup()
    let begin = ProcessInfo.processInfo.systemUptime
    for caller in 0..<callers {
      group.enter()
      Thread {
        for place in stride(from: caller, to: deals.count, by: callers) {
          let appointed = begin + Double(place) * interval
          let wait = appointed - ProcessInfo.processInfo.systemUptime
          if wait > 0 { Thread.sleep(forTimeInterval: wait) }
          do {
            let from = interval > 0 ? appointed : ProcessInfo.processInfo.systemUptime
            _ = try engine.move(deals[place])
            lock.withLock { times.append(ProcessInfo.processInfo.systemUptime - from) }
          } catch {
            lock.withLock { failure = error }
          }
        }
        group.leave()
      }.start()
    }
    group.wait()
    if let failure { throw failure }
    return times
  }
}

/// What a run costs beside its work: to begin and end, to be replayed, to lie on the disk.
enum RunCosts {
  private static let empty = """
    -- Nothing but a run.
    on.enter("Créer documents", function (deal) end)
    """

  /// So many steps, each with a commit of its own, then a wait.
  private static func steps(_ count: Int) -> String {
    """
    -- Steps, then a wait.
    on.enter("Créer documents", function (deal)
      for i = 1, \(count) do accounting.quote("none " .. i) end
      wait(deal:becomes("won"), "60 days")
    end)
    """
  }

  /// Ten calls of the host, then a wait.
  private static let tenCalls = """
    -- Ten calls of the host, then a wait.
    on.enter("Créer documents", function (deal)
      local organization, person = deal.organization, deal.person
      local text = deal.title .. deal.email .. deal.promo .. deal.place
      text = text .. organization.name .. organization.siret .. person.last_name .. person.email
      wait(deal:becomes("won"), "60 days")
    end)
    """

  static func measure() throws {
    print("\nA run")
    let with = try move(empty)
    let without = try move("-- Nothing is bound.\n")
    line(with - without, "begin and end of a run that does nothing, in the commit of its move (no sync of a disk)")
    let (replay, _) = try parked(steps(100), count: 1, unfused: true)
    let (alone, _) = try parked(steps(0), count: 1, unfused: true)
    line(replay - alone, "replay of a journal of 100 steps")
    let (_, bytes) = try parked(tenCalls, count: 1000, unfused: false)
    let (_, nothing) = try parked("-- Nothing is bound.\n", count: 1000, unfused: false)
    print("  \(Int(bytes - nothing)) bytes on disk: a parked run with ten host calls")
  }

  private static func line(_ time: Double, _ name: String) {
    print(String(format: "  %.3f ms  ", time * 1000) + name)
  }

  /// Seconds of one move, median.
  private static func move(_ script: String) throws -> Double {
    let shop = try BenchShop(deals: 2000, script: script, inMemory: true)
    defer { shop.remove() }
    let (engine, _) = try shop.engine()
    defer { engine.stop() }
    return median(try (1...1000).map { deal in try seconds { _ = try engine.move(Int64(deal)) } })
  }

  /// Moves deals, whose runs park, then wins one.
  /// - Returns: seconds of the winning, bytes of the database a move.
  private static func parked(_ script: String, count: Int64, unfused: Bool) throws -> (seconds: Double, bytes: Double) {
    var times: [Double] = []
    var bytes = 0.0
    for _ in 0..<5 {
      var configuration = EngineThread.Configuration()
      configuration.unfused = unfused
      configuration.replaysAlways = true
      let shop = try BenchShop(deals: 2000, script: script, inMemory: true)
      defer { shop.remove() }
      let (engine, path) = try shop.engine(configuration)
      let before = LogCosts.size(path)
      for deal in 1...count { _ = try engine.move(deal) }
      times.append(
        try seconds {
          _ = try engine.perform(
            .transition(TransitionRequest(deal: "1", change: .close(.won), actor: "user:bench")))
        })
      engine.stop()
      let store = try Store(path: path)
      try store.checkpoint()
      try store.close()
      bytes = Double(LogCosts.size(path) - before) / Double(count)
      if count > 1 { break }
    }
    return (median(times), bytes)
  }
}
