import CRM

/// Promise 6: loops stop. Every run carries the path of runs that led to it, `automation@deal:42` for each; a person,
/// the clock and a signer begin a new path.
struct LoopGuard {
  var limits: WorkspaceLimits

  /// The path of a new run, behind `path`.
  /// - Throws: `EngineFault.loop`, which prints the path, when it is too deep or one automation comes back to one
  ///   record too often.
  func extend(_ path: String, automation: String, dealID: Int64?) throws(EngineFault) -> String {
    let step = automation + "@" + (dealID.map { "deal:\($0)" } ?? "workspace")
    let steps = path.isEmpty ? [] : path.components(separatedBy: " > ")
    let extended = (steps + [step]).joined(separator: " > ")
    if steps.count + 1 > limits.pathDepth {
      throw EngineFault(
        .loop, "runs cause each other \(steps.count + 1) deep, more than limits.path_depth = \(limits.pathDepth): \(extended)")
    }
    let times = steps.count { $0 == step } + 1
    if times >= limits.sameAutomationOnPath {
      throw EngineFault(
        .loop,
        "scripts go in a circle: \(step) for the \(ordinal(times)) time on one path: \(extended). "
          + "Make one of the moves conditional, for example with { from = … }")
    }
    return extended
  }

  /// - Throws: `EngineFault.loop` when one origin has caused more runs than allowed.
  func check(runsFromOrigin count: Int, path: String) throws(EngineFault) {
    if count > limits.runsFromOrigin {
      throw EngineFault(
        .loop,
        "one change has caused more than limits.runs_from_origin = \(limits.runsFromOrigin) runs; the last is \(path)")
    }
  }

  private func ordinal(_ number: Int) -> String {
    switch number {
    case 1: "first"
    case 2: "second"
    case 3: "third"
    default: "\(number)th"
    }
  }
}

extension String {
  /// The parts between occurrences of a separator, without Foundation.
  fileprivate func components(separatedBy separator: String) -> [String] {
    split(separator: separator, omittingEmptySubsequences: false).map(String.init)
  }
}
