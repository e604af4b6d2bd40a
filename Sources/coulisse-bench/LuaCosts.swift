import CBaseline
import Foundation
import LuaKit

/// What the border between Swift and Lua costs beside the plain C API.
enum LuaCosts {
  static var version: String { "liblua \(LuaState.versionReport.version)" }

  static func measure() throws {
    let reads: Int64 = 1_000_000
    var c: [Double] = []
    var ours: [Double] = []
    var uncached: [Double] = []
    var fresh: [Double] = []
    var reset: [Double] = []
    for _ in 0..<5 {
      c.append(baseline_field_read(reads))
      ours.append(try fieldRead(reads, cached: true))
      uncached.append(try fieldRead(reads / 4, cached: false))
      fresh.append(baseline_fresh_state(2000))
      reset.append(try resets(20_000))
    }
    print("\nThe border")
    line("one field read of a record", ours, beside: c)
    line("the same when it must be read again", uncached, beside: c)
    line("a fresh state (image brought back)", reset, beside: fresh)
  }

  private static func line(_ name: String, _ ours: [Double], beside c: [Double]) {
    let ratio = String(format: "%5.2f", median(ours) / median(c))
    print("  \(ratio) of C's time        \(name): \(Int(median(ours))) ns, C \(Int(median(c))) ns")
  }

  private static func state(cached: Bool) throws -> (LuaState, LuaTypeID) {
    var limits = LuaLimits()
    limits.seconds = nil
    limits.hostCalls = nil
    let state = try LuaState(limits: limits)
    let type = try state.define(
      type: LuaTypeDefinition(name: "deal", fields: ["title"], get: { _, _, _ in .integer(1) }, cachesFields: cached))
    return (state, type)
  }

  private static func fieldRead(_ reads: Int64, cached: Bool) throws -> Double {
    let (state, type) = try state(cached: cached)
    let function = try state.load(
      LuaSource(name: "bench", text: "local deal, n = ... for i = 1, n do local t = deal.title end"))
    let time = try seconds {
      _ = try state.start(function, [.object(LuaObject(type: type, first: 1)), .integer(reads)])
    }
    return time * 1e9 / Double(reads)
  }

  private static func resets(_ count: Int) throws -> Double {
    let (state, _) = try state(cached: true)
    try state.takeImage()
    let time = seconds { for _ in 0..<count { state.reset() } }
    return time * 1e9 / Double(count)
  }
}

/// `coulisse run --dry-run` from nothing to the answer, as a process.
enum ColdStart {
  static func measure() {
    let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let program = own.deletingLastPathComponent().appendingPathComponent("coulisse")
    guard FileManager.default.isExecutableFile(atPath: program.path) else {
      print("\nCold start: not measured, \(program.path) is not built")
      return
    }
    let shop = FileManager.default.temporaryDirectory.appendingPathComponent("coulisse-cold-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: shop) }
    guard run(program, ["init", shop.path, "--example", "altitude"]) == 0 else {
      print("\nCold start: not measured, the example could not be made")
      return
    }
    var times: [Double] = []
    for _ in 0..<11 {
      var status: Int32 = 0
      let time = seconds {
        status = run(program, ["run", "thank_referrer", "--deal", "groupe", "--dry-run", "--workspace", shop.path])
      }
      if status == 0 { times.append(time * 1000) }
    }
    print(String(format: "\nCold start of run --dry-run: %.1f ms (median of %d)", median(times), times.count))
  }

  /// Started and waited for as a shell does it: Foundation's own process class looks for the end now and then only.
  private static func run(_ program: URL, _ arguments: [String]) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for descriptor: Int32 in [1, 2] { posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0) }
    let words = ([program.path] + arguments).map { strdup($0) }
    defer { for word in words { free(word) } }
    var pid: pid_t = 0
    guard posix_spawn(&pid, program.path, &actions, nil, words + [nil], environ) == 0 else { return -1 }
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    return status
  }
}
