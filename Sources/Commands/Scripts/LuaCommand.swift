import ArgumentParser
import CRM
import Foundation
import LuaKit

struct LuaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lua", abstract: "Run plain Lua files in the sandbox of scripts, without a workspace.",
    discussion: """
      One file after the other, each in a state of its own; whatever a file does, the next one runs. With --json a \
      line of JSON a file: file, outcome (ok, error or limit), message, milliseconds, peak_memory_bytes; what the \
      files print then goes to standard error. Exit code 1 if any did not end well.

        coulisse lua hello.lua
        coulisse lua *.lua --json --time 0.5 --memory 16
      """)

  @Flag(name: .long, help: "Print a line of JSON a file.") var json = false
  @Option(name: .long, help: ArgumentHelp("Memory of one file.", valueName: "MB")) var memory = 64
  @Option(name: .long, help: ArgumentHelp("Time of one file.", valueName: "s")) var time = 2.0
  @Option(name: .long, help: ArgumentHelp("Instructions of one file. (default: no limit)", valueName: "n"))
  var instructions: Int?
  @Argument(help: "Lua files.") var files: [String]

  func validate() throws {
    if !(1...65_536).contains(memory) { throw ValidationError("--memory: expected 1 to 65536 MB, found \(memory)") }
    if !(time > 0 && time <= 86_400) { throw ValidationError("--time: expected more than 0 s, found \(time)") }
    if let instructions, instructions < 1 {
      throw ValidationError("--instructions: expected 1 or more, found \(instructions)")
    }
  }

  func run() throws {
    let limits = LuaLimits(seconds: time, memoryBytes: memory << 20, instructions: instructions)
    let (files, json) = (files, json)
    let allWell = try DeepStack.run {
      var allWell = true
      for file in files {
        let result = SandboxedFile.run(file, limits, printsToErrors: json)
        if result.outcome != .ok { allWell = false }
        try result.tell(json: json)
      }
      return allWell
    }
    if !allWell { throw ExitCode(1) }
  }
}

/// One file, run in a state that nothing else uses.
struct SandboxedFile: Sendable {
  enum Outcome: String, Sendable { case ok, error, limit }

  var file: String
  var outcome = Outcome.ok
  var message = ""
  /// Message with source line and traceback.
  var report = ""
  var milliseconds = 0.0
  var peakBytes = 0

  static func run(_ file: String, _ limits: LuaLimits, printsToErrors: Bool) -> SandboxedFile {
    var result = SandboxedFile(file: file)
    let began = ContinuousClock.now
    result.execute(limits, printsToErrors: printsToErrors)
    result.milliseconds = (ContinuousClock.now - began) / .milliseconds(1)
    return result
  }

  private mutating func execute(_ limits: LuaLimits, printsToErrors: Bool) {
    guard let data = FileManager.default.contents(atPath: file) else {
      outcome = .error
      message = "\(file) can't be read; check that it is there and that you may read it"
      report = message
      return
    }
    do throws(LuaError) {
      let state = try LuaState(limits: limits)
      defer { peakBytes = state.statistics.peakBytes }
      state.setPrint { bytes in
        let output = printsToErrors ? FileHandle.standardError : FileHandle.standardOutput
        try? output.write(contentsOf: Data(bytes))
      }
      state.setClock { Date().timeIntervalSince1970 }
      let function = try state.load(LuaSource(name: file, bytes: Self.text(of: data)))
      if case .suspended = try state.start(function) {
        outcome = .error
        message = "\(file) was suspended; nothing here could resume it"
      }
    } catch {
      switch error.kind {
      case .timeLimit, .memoryLimit, .hostCallLimit, .instructionLimit: outcome = .limit
      default: outcome = .error
      }
      message = error.message
      report = error.report
    }
  }

  /// The text as the standalone interpreter takes it: without a byte order mark, and with the first line empty if it is
  /// for the system (`#!/usr/bin/env lua`).
  private static func text(of data: Data) -> [UInt8] {
    var bytes = Array(data)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    if bytes.first == UInt8(ascii: "#") { bytes.removeFirst(bytes.firstIndex(of: 0x0A) ?? bytes.count) }
    return bytes
  }

  func tell(json: Bool) throws {
    if json {
      let line = JSON.object([
        JSONMember("file", .string(file)), JSONMember("outcome", .string(outcome.rawValue)),
        JSONMember("message", .string(message)),
        JSONMember("milliseconds", .number(String(format: "%.3f", milliseconds))),
        JSONMember("peak_memory_bytes", .integer(Int64(peakBytes))),
      ])
      return try Terminal.write(Terminal.steady(line.bytes(pretty: false)) + [UInt8(ascii: "\n")])
    }
    if outcome == .ok { return }
    Terminal.note(Terminal.emphasized("\(outcome.rawValue): ", .red, on: .errors) + Terminal.visible(report, keepingLines: true))
  }
}

/// A thread with room for deep recursion in scripts and in the host functions under it.
enum DeepStack {
  private final class Box<T>: @unchecked Sendable {
    // Sound: written by the one thread before it signals, read after that signal was waited for.
    var result: Result<T, any Error>?
    let done = DispatchSemaphore(value: 0)
  }

  static func run<T>(_ body: @escaping @Sendable () throws -> T) throws -> T {
    let box = Box<T>()
    let thread = Thread {
      box.result = Result { try body() }
      box.done.signal()
    }
    thread.stackSize = 64 << 20
    thread.start()
    box.done.wait()
    guard let result = box.result else { throw CommandFault("the thread ended without a result") }
    return try result.get()
  }
}
