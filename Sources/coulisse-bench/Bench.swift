import CBaseline
import CRM
import Dispatch
import Foundation
import Scripting
import Store

import Engine

/// `coulisse-bench [DEALS …] [RIVAL]`: what a transition costs, beside the same work in C on the plain SQLite API. All
/// rivals take turns in one run, each with a database file of its own, and the median of their rounds counts; ratios come
/// first, because seconds depend on the machine and its neighbours.
///
/// `coulisse-bench --count WORKLOAD OPERATIONS`: a fixed workload, for a profiler to count.
@main
enum Bench {
  static func main() throws {
    let words = CommandLine.arguments
    if words.count == 4, words[1] == "--count", let operations = Int(words[3]) {
      return try FixedWorkloads.run(words[2], operations: operations)
    }
    let sizes = CommandLine.arguments.dropFirst().compactMap { Int64($0) }
    // With the name of a rival only that one is measured, for a profiler to look at.
    if let only = CommandLine.arguments.dropFirst().first(where: { Int64($0) == nil }) {
      return try Transitions(deals: sizes.first ?? 10_000, only: only).measure()
    }
    print("coulisse-bench, \(machine())")
    for deals in sizes.isEmpty ? [10_000, 1_000_000] : Array(sizes) { try Transitions(deals: deals).measure() }
    try LogCosts.measure()
    try Latency.measure()
    try RunCosts.measure()
    try LuaCosts.measure()
    try Processes.measure()
  }

  private static func machine() -> String {
    let cpu = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?
      .split(separator: "\n").first { $0.hasPrefix("model name") }?
      .split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown processor"
    return "\(ProcessInfo.processInfo.activeProcessorCount) cores of \(cpu), \(LuaCosts.version), "
      + "SQLite \(String(cString: baseline_sqlite_version()))"
  }
}

struct BenchError: Error, CustomStringConvertible {
  var description: String
}

func median(_ numbers: [Double]) -> Double {
  let sorted = numbers.sorted()
  return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
}

func seconds(_ body: () throws -> Void) rethrows -> Double {
  let start = ContinuousClock.now
  try body()
  let time = ContinuousClock.now - start
  return Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
}
