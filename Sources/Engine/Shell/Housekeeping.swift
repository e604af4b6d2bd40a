import CRM
import Logging
import Store

/// Removes what the workspace no longer keeps of ended runs, in slices, when the engine has nothing else to do.
struct Housekeeping {
  /// How long after a pass that found nothing more the next one begins.
  private static let rest = TimeSpan.hours(1)

  private var nextPass: Instant?
  private var pruned = Pruned()

  init() {}

  /// Does one slice if it is time.
  /// - Returns: whether there is more to do at once.
  mutating func turn(_ store: Store, _ version: WorkspaceVersion, now: Instant, log: Logger) -> Bool {
    // A clock that was set back must not put the next pass off for years.
    if let nextPass, now < nextPass, nextPass.since(now) <= Self.rest { return false }
    do {
      let slice = try store.prune(version.declaration.retention, present: version.sources.hash, now: now)
      pruned.runs += slice.runs
      pruned.events += slice.events
      pruned.bundles += slice.bundles
      if slice.more { return true }
      if pruned.runs + pruned.events > 0 {
        pruned.shrank = try store.shrink()
        log.info(
          "removed \(pruned.runs) runs, \(pruned.events) events and \(pruned.bundles) versions of the scripts, as retention in workspace.lua says\(pruned.shrank ? "; the file is smaller now" : "")")
      }
    } catch {
      // The next pass will do it; nothing depends on it.
      log.warning("what is no longer kept could not be removed: \(error)")
    }
    pruned = Pruned()
    nextPass = try? now.adding(Self.rest)
    return false
  }
}
