import CRM
import Engine
import Scripting
import Services
import Store

/// What many simulations have in common: two versions of a small workspace, a disk on which it was made, and the vendor.
/// Belongs to one thread.
public final class Stage {
  static let stages = ["Neuf", "Devis", "Envoi", "Accord", "Rond", "Point"]
  static let deals = ["d1", "d2", "d3"]
  static let limits = (pathDepth: 8, runsFromOrigin: 30)
  static let start = Instant(milliseconds: 1_767_600_000_000)

  /// What each event queues, by its name and, of moves, the stage; in order.
  static let reactions: [(event: String, stage: String?, automations: [String])] = [
    ("deal.moved", "Devis", ["count", "offer"]), ("deal.moved", "Envoi", ["send", "quiet"]),
    ("deal.moved", "Accord", ["sleep"]), ("deal.moved", "Rond", ["round"]), ("deal.moved", "Point", ["back"]),
    ("deal.lost", nil, ["broken"]),
  ]

  let courier = Courier()
  let versions: [WorkspaceVersion]
  let services: @Sendable (WorkspaceDeclaration) -> ServiceRegistry
  private let name: String
  private let disk: FaultDisk

  /// - Parameter name: unique in the process, and without a dot.
  public init(_ name: String) throws {
    self.name = name
    let courier = courier
    services = { declaration in ServiceRegistry(services: ServiceRegistry.local(declaration).services + [courier]) }
    let makeServices = services
    versions = try ["version-1", "version-2"].map {
      try WorkspaceVersion(sources: Self.sources(tag: $0), services: makeServices)
    }
    for version in versions where !version.problems.isEmpty {
      throw SimulationFault("the scripts of the simulation do not load: \(version.problems)")
    }
    disk = try FaultDisk(name: name, seed: 0)
    let store = try Store(path: disk.database, mode: .readWrite, patience: 0)
    try store.write { tx in try Self.fill(tx, versions[0]) }
    try store.close()
  }

  /// A copy of the disk for one simulation; there is one at a time.
  func freshDisk(seed: UInt64) throws -> FaultDisk { try FaultDisk(copying: disk, name: "\(name)-copy", seed: seed) }

  static func fill(_ tx: any StoreTransaction, _ version: WorkspaceVersion) throws {
    try tx.synchronize(pipelines: version.declaration.pipelines)
    let author = Author(actor: "set-up")
    let user = try tx.insert(
      .user, [ValueField("name", .text("Floriane")), ValueField("email", .text("floriane@altitude.example"))],
      author: author, at: start)
    guard let stage = try tx.stages().first(where: { $0.name == stages[0] }) else {
      throw SimulationFault("the simulation has no stage \(stages[0])")
    }
    for key in deals {
      _ = try tx.insert(
        .deal,
        [
          ValueField("key", .text(key)), ValueField("title", .text("Deal \(key)")),
          ValueField("pipeline", .record(RecordRef(.pipeline, stage.pipelineID))),
          ValueField("stage", .record(RecordRef(.stage, stage.id))), ValueField("status", .text("open")),
          ValueField("owner", .record(user)), ValueField("created_at", .instant(start)),
        ], author: author, at: start)
    }
  }

  /// Each automation leaves something by which a look at the records alone can tell how often it was executed, how far,
  /// and which version it had.
  private static func sources(tag: String) -> ScriptSources {
    ScriptSources(files: [
      ScriptFile(path: "workspace.lua", text: workspace),
      ScriptFile(
        path: "scripts/lib/mark.lua",
        text: """
          local mark = {}
          function mark.version() print("\(tag)") end
          function mark.count(deal, field) deal[field] = tostring((tonumber(deal[field] or "0")) + 1) end
          -- Two fields that are always alike, unless half of a segment is kept.
          function mark.pair(deal, text) deal.left = text; deal.right = text end
          return mark
          """),
      ScriptFile(path: "scripts/automations.lua", text: automations),
    ])
  }

  private static let workspace = """
    local fields = {}
    for i, key in ipairs { "tally", "left", "right", "offers", "sent", "quiets", "slept", "failures", "handed", "blocked",
        "edits" } do
      fields[i] = { key = key, label = key }
    end
    return {
      seller = { name = "Altitude" },
      pipelines = { { name = "Ventes", stages = { "Neuf", "Devis", "Envoi", "Accord", "Rond", "Point" } } },
      fields = { deal = fields },
      limits = { retries = 3, run_time = "10 minutes", path_depth = 8, runs_from_origin = 30 },
    }
    """

  private static let automations = """
    local mark = require "lib/mark"
    local owner = "floriane@altitude.example"

    on.before_enter("Envoi", function (deal)
      if deal.blocked == "yes" then reject("blocked") end
    end, { name = "guard" })

    on.enter("Devis", function (deal)
      mark.version()
      mark.count(deal, "tally")
      mark.pair(deal, "tally " .. deal.tally)
    end, { name = "count" })

    on.enter("Devis", function (deal)
      mark.version()
      chat.send(owner, "an offer")
      mark.pair(deal, "offering")
      local first = courier.send("an offer")
      mark.pair(deal, first)
      local second = courier.send("an offer")              -- the same words, and another parcel
      if first == second then error("two parcels are one") end
      mark.pair(deal, second)
      mark.count(deal, "offers")
      pcall(function () deal:move_to("Envoi", { from = "Devis" }) end)
      mark.version()
    end, { name = "offer" })

    on.enter("Envoi", function (deal)
      mark.version()
      courier.look("a parcel")
      mark.pair(deal, "sending")
      wait(deal:becomes("won"), "3 hours")
      mark.count(deal, "sent")
      mark.version()
    end, { name = "send" })

    on.enter("Envoi", function (deal)
      mark.version()
      wait(deal:reaches("Accord"), "2 hours")
      mark.count(deal, "quiets")
      mark.version()
    end, { name = "quiet", while_waiting = "ignore" })

    on.enter("Accord", function (deal)
      mark.version()
      sleep("1 hour")
      chat.send(owner, "slept " .. math.random(1000000))   -- a replay draws the same number
      mark.pair(deal, "slept " .. math.random(1000000))
      mark.count(deal, "slept")
      mark.version()
    end, { name = "sleep" })

    on.lost(function (deal)
      deal.left = "half"
      deal:add_note("never")
      error("broken")
    end, { name = "broken" })

    on.enter("Rond", function (deal) deal:move_to("Point") end, { name = "round" })
    on.enter("Point", function (deal) deal:move_to("Rond") end, { name = "back" })

    on.demand("hand", function (deal)
      mark.version()
      courier.send("by hand")
      mark.count(deal, "handed")
    end)

    on.event("run.failed", function (deal) mark.count(deal, "failures") end, { name = "failed" })
    """
}
