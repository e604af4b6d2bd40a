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
    var call: [Double] = []
    for _ in 0..<5 {
      c.append(baseline_field_read(reads))
      ours.append(try fieldRead(reads, cached: true))
      uncached.append(try fieldRead(reads / 4, cached: false))
      call.append(try hostCalls(reads))
      fresh.append(baseline_fresh_state(2000))
      reset.append(try resets(20_000))
    }
    print("\nThe border")
    line("one field read of a record", ours, beside: c)
    line("the same when it must be read again", uncached, beside: c)
    line("a call of a host function with one argument", call, beside: c)
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

  private static func hostCalls(_ calls: Int64) throws -> Double {
    let (state, _) = try state(cached: true)
    try state.define(function: "double", in: "host") { call in .value(.integer(try call.integer(1) * 2)) }
    let function = try state.load(
      LuaSource(name: "bench", text: "local n = ... for i = 1, n do local t = host.double(i) end"))
    let time = try seconds { _ = try state.start(function, [.integer(calls)]) }
    return time * 1e9 / Double(calls)
  }

  private static func resets(_ count: Int) throws -> Double {
    let (state, _) = try state(cached: true)
    try state.takeImage()
    let time = seconds { for _ in 0..<count { state.reset() } }
    return time * 1e9 / Double(count)
  }
}
