import Foundation

/// A peer: a program of another kind that does the same transitions, driven by a script of ours. It is asked for a round
/// at a time, so that it takes turns with us.
final class Peer {
  let name: String
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var unread = Data()

  /// The folder of this file, with the peers' scripts beside it; the benchmark is run where it was built.
  private static let scripts =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Peers")

  /// - Returns: nil, after saying why, when the peer can't be had.
  init?(_ script: String, deals: Int64) {
    let path = Self.scripts.appendingPathComponent(script).path
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [ProcessInfo.processInfo.environment["PEERS_PYTHON"] ?? "python3", path, String(deals)]
    process.standardInput = input
    process.standardOutput = output
    name = script
    do {
      try process.run()
    } catch {
      print("  (\(script) is left out: \(error))")
      return nil
    }
    guard line()?.hasPrefix("ready") == true else {
      print("  (\(script) is left out: what it needs is not installed)")
      return nil
    }
  }

  /// Transitions a second of one round.
  func round(callers: Int, transitions: Int) throws -> Double {
    input.fileHandleForWriting.write(Data("\(callers) \(transitions)\n".utf8))
    guard let line = line(), let words = line.components(separatedBy: ", ").last,
      let speed = Double(words.replacingOccurrences(of: " transitions/s", with: ""))
    else { throw BenchError(description: "\(name) ended before its answer") }
    return speed
  }

  /// Its input's end is its own.
  func close() {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  private func line() -> String? {
    while true {
      if let end = unread.firstIndex(of: 0x0A) {
        defer { unread.removeSubrange(...end) }
        return String(decoding: unread[..<end], as: UTF8.self)
      }
      let more = output.fileHandleForReading.availableData
      if more.isEmpty { return nil }
      unread.append(more)
    }
  }
}
