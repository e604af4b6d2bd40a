import CRM
import Scripting
import Services
import Store

/// What a move or a run would do, told without doing it (promise 8).
public struct DryRunReport: Sendable {
  /// What would change and what would be sent, in order.
  public var lines: [String] = []
  /// Every reason that guards would give.
  public var rejected: [String] = []
  /// Of guards and of runs.
  public var warnings: [String] = []
  /// Why it would fail, if it would.
  public var failure: RunFault?

  /// Nothing would happen.
  public init() {}

  /// `{ would, rejected, warnings, failure }`.
  public var json: JSON {
    .object([
      JSONMember("would", .array(lines.map { .string($0) })),
      JSONMember("rejected", .array(rejected.map { .string($0) })),
      JSONMember("warnings", .array(warnings.map { .string($0) })), JSONMember("failure", failure?.json ?? .null),
    ])
  }
}

/// Executes on the real records in a transaction that is always rolled back; effects answer with their preview.
public enum DryRun {
  /// What it executes on.
  public struct Stage {
    let store: Store
    let version: WorkspaceVersion
    let services: (WorkspaceDeclaration) -> ServiceRegistry

    /// A version that was read already.
    public init(
      store: Store, version: WorkspaceVersion, services: @escaping (WorkspaceDeclaration) -> ServiceRegistry
    ) {
      self.store = store
      self.version = version
      self.services = services
    }

    /// - Throws: `EngineFault.workspace` when `workspace.lua` can't be read.
    public init(
      store: Store, sources: ScriptSources, services: @escaping (WorkspaceDeclaration) -> ServiceRegistry
    ) throws(EngineFault) {
      self.init(store: store, version: try WorkspaceVersion(sources: sources, services: services), services: services)
    }
  }

  /// A person's move, with its guards and all that its scripts would do.
  /// - Throws: `EngineFault`, `StoreError`, for what the real move would refuse in the same words.
  public static func transition(
    _ stage: Stage, _ request: TransitionRequest, now: Instant
  ) throws -> DryRunReport {
    try rehearse(stage, now: now) { core, tx, report in
      let transition = try core.transition(request, tx: tx, now: now)
      report.rejected = transition.rejected
      report.warnings += transition.warnings
      report.lines += transition.printed.map { "print: \($0)" }
      if !transition.rejected.isEmpty { return }
      if transition.moved {
        let change =
          switch request.change {
          case .move: "deal \(request.deal): \(transition.from) → \(transition.to)"
          case .close(let status): "deal \(request.deal) becomes \(status.rawValue)"
          }
        report.lines.insert(change, at: 0)
      } else {
        report.lines.append("nothing: the deal is there already")
      }
    }
  }

  /// An automation on a deal.
  public static func demand(
    _ stage: Stage, automation: String, deal: String?, actor: String, now: Instant
  ) throws -> DryRunReport {
    try rehearse(stage, now: now) { core, tx, report in
      _ = try core.demand(automation: automation, deal: deal, actor: actor, tx: tx, now: now)
    }
  }

  private final class Story {
    var lines: [String] = []
  }

  private static func rehearse(
    _ stage: Stage, now: Instant, _ body: (EngineCore, any StoreTransaction, inout DryRunReport) throws -> Void
  ) throws -> DryRunReport {
    let reads = RehearsedReads()
    while true {
      reads.restart()
      do {
        return try rehearseOnce(stage, reads: reads, now: now, body)
      } catch let asked as DryRunNeedsRead {
        reads.note(asked, StepPerformer.perform(asked.call, services: stage.version.services, store: stage.store))
      }
    }
  }

  private static func rehearseOnce(
    _ stage: Stage, reads: RehearsedReads, now: Instant,
    _ body: (EngineCore, any StoreTransaction, inout DryRunReport) throws -> Void
  ) throws -> DryRunReport {
    let story = Story()
    var mode = EngineCore.Mode()
    mode.tell = { story.lines.append($0) }
    mode.reads = reads
    let core = EngineCore(version: stage.version, services: stage.services, mode: mode, seed: 1)
    return try stage.store.rehearse { tx in
      var report = DryRunReport()
      let before = try tx.runs(matching: newest(1)).first?.id ?? 0
      try body(core, tx, &report)
      while try core.stepFollowed(tx: tx, now: now) {}
      report.lines += story.lines
      for run in try tx.runs(matching: newest(1000)).reversed() where run.id > before || run.finishedAt == now {
        report.warnings += run.warnings
        if run.status == .failed, report.failure == nil, let error = run.error { report.failure = RunFault(text: error) }
      }
      return report
    }
  }

  private static func newest(_ limit: Int) -> RunFilter {
    var filter = RunFilter()
    filter.limit = limit
    return filter
  }
}
