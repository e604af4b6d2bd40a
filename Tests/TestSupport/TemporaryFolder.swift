import Foundation
import Synchronization

/// A folder that is gone when the test is over.
public final class TemporaryFolder: Sendable {
  public let url: URL

  public init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("coulisse-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  public func write(_ path: String, _ text: String) throws {
    let file = url.appendingPathComponent(path)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  public func path(_ name: String) -> String { url.appendingPathComponent(name).path }
}

/// Seeds for random tests: a new one each time, or the one in COULISSE_SEED; always printed, so that a failure can be
/// had again.
public func testSeed(_ name: String) -> UInt64 {
  let seed = ProcessInfo.processInfo.environment["COULISSE_SEED"].flatMap(UInt64.init) ?? .random(in: 1...999_999_999)
  print("\(name): COULISSE_SEED=\(seed)")
  return seed
}

/// Executes `body` on so many threads of their own at once, and waits for all of them.
public func inParallel(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
  let group = DispatchGroup()
  for place in 0..<count {
    group.enter()
    let work = Mutex<(@Sendable (Int) -> Void)?>(body)
    Thread.detachNewThread {
      work.withLock { work in
        work?(place)
        // What it holds is let go before the test goes on: a folder must not go away while the process ends.
        work = nil
      }
      group.leave()
    }
  }
  group.wait()
}
