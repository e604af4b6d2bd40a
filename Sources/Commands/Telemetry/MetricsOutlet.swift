import Engine
import Foundation
import Logging
import Synchronization

/// Writes the engine's metrics into a file now and then.
final class MetricsOutlet: Sendable {
  private static let every: TimeInterval = 15

  private let file = PrometheusFile()
  private let path: String
  private let log: Logger
  private let next = Mutex(Date.distantPast)

  init(path: String, log: Logger) {
    self.path = path
    self.log = log
  }

  func attach(to configuration: inout EngineThread.Configuration) {
    configuration.metrics = file
    configuration.heartbeat = { [self] in writeIfDue(now: Date()) }
  }

  private func writeIfDue(now: Date) {
    let isDue = next.withLock { next in
      guard now >= next else { return false }
      next = now.addingTimeInterval(Self.every)
      return true
    }
    guard isDue else { return }
    do {
      try file.write(to: path)
    } catch {
      log.warning("the metrics could not be written to \(path): \(error.localizedDescription)")
    }
  }
}
