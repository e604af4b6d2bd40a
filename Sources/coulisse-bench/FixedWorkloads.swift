import CRM
import Engine
import Foundation
import Scripting
import Store

/// Three workloads of which a profiler counts the instructions: they do the same each time, so that a change that makes
/// them dearer is seen whatever else the machine does. See `Sources/coulisse-bench/instructions.sh`.
enum FixedWorkloads {
  /// The database is as large whatever the number of operations, so that the difference of two runs is theirs alone.
  private static let deals: Int64 = 100

  static func run(_ name: String, operations: Int) throws {
    guard operations <= Int(deals) else { throw BenchError(description: "at most \(deals) operations can be counted") }
    switch name {
    case "transition": try moves(operations, script: Transitions.script)
    case "park": try moves(operations, script: park)
    case "read": try moves(operations, script: read)
    default: throw BenchError(description: "the workloads are transition, park and read; found \(name)")
    }
  }

  /// A run that is parked by a wait, with its journal.
  private static let park = """
    -- A wait.
    on.enter("Créer documents", function (deal)
      local client = deal.organization.name .. deal.person.email
      wait(deal:becomes("won"), "60 days")
    end)
    """

  /// A run that reads and writes nothing but itself.
  private static let read = """
    -- Reading.
    on.enter("Créer documents", function (deal)
      local sum = 0
      for _, line in ipairs(deal.lines) do
        for i = 1, 50 do sum = sum + #line.product.name + #deal.title end
      end
      if sum == 0 then error("nothing was read") end
    end)
    """

  private static func moves(_ count: Int, script: String) throws {
    var configuration = EngineThread.Configuration()
    configuration.seed = 7
    configuration.clock = { Instant(milliseconds: 1_767_600_000_000) }
    let shop = try BenchShop(deals: deals, script: script)
    defer { shop.remove() }
    let (engine, _) = try shop.engine(configuration)
    defer { engine.stop() }
    for deal in 1...count { _ = try engine.move(Int64(deal)) }
  }
}
