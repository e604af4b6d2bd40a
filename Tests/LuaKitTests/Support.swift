import Foundation
import Synchronization
import Testing

@testable import LuaKit

/// A state with a few host functions, as most suites here want it.
func makeState(_ limits: LuaLimits = LuaLimits()) throws -> LuaState {
  let state = try LuaState(limits: limits)
  try state.define(function: "fail", in: "host") { call in throw Refusal(text: try call.string(1)) }
  try state.define(function: "echo", in: "host") { call in .values(try call.values()) }
  try state.define(function: "wait", in: "host") { call in
    guard call.canSuspend else { throw LuaHostError("the script can't wait here") }
    return .suspend
  }
  try state.define(function: "blind_wait", in: "host") { _ in .suspend }
  try state.define(function: "each", in: "host") { call in
    .values(try call.state.call(call.function(1), [1]))
  }
  try state.define(function: "cancel", in: "host") { _ in throw Cancelled() }
  return state
}

struct Refusal: Error, Equatable, CustomStringConvertible {
  var text: String
  var description: String { text }
}

struct Cancelled: LuaFatal, CustomStringConvertible {
  var description: String { "cancelled" }
}

extension LuaState {
  func begin(_ text: String, name: String = "scripts/test.lua") throws(LuaError) -> LuaOutcome {
    try start(load(LuaSource(name: name, text: text)))
  }

  func results(_ text: String, name: String = "scripts/test.lua") throws -> [LuaValue] {
    switch try begin(text, name: name) {
    case .returned(let values): return values
    case .suspended:
      Issue.record("the script was suspended")
      return []
    }
  }

  /// The error a script ends with.
  func failure(_ text: String) -> LuaError? {
    do {
      _ = try begin(text)
      return nil
    } catch {
      return error
    }
  }
}

/// Runs the body on as many threads at once, with stacks as the product's threads have them, and gives what they made.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) throws -> String) throws -> [String] {
  let results = Mutex<[Int: Result<String, any Error>]>([:])
  let group = DispatchGroup()
  for number in 0..<count {
    group.enter()
    let thread = Thread {
      let result = Result { try body(number) }
      results.withLock { $0[number] = result }
      group.leave()
    }
    thread.stackSize = 64 << 20
    thread.start()
  }
  group.wait()
  return try results.withLock { all in try (0..<count).map { try all[$0]?.get() ?? "nothing" } }
}
