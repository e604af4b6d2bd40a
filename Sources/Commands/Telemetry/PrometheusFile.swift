import CoreMetrics
import Foundation
import Synchronization

/// Metrics as a text file in Prometheus' exposition format 0.0.4, for node_exporter's textfile collector or whatever else
/// reads files: there is no server to ask yet. Counters and gauges are what they are; timers become summaries in seconds.
final class PrometheusFile: MetricsFactory, Sendable {
  /// One time series: a name and its labels, in the notation of the format.
  fileprivate struct Key: Hashable, Comparable {
    var name: String
    var labels: String

    init(_ name: String, _ dimensions: [(String, String)]) {
      self.name = name
      labels = dimensions.isEmpty ? "" : "{\(dimensions.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ","))}"
    }

    private static func escaped(_ text: String) -> String {
      text.reduce(into: "") { result, character in
        switch character {
        case "\\": result += "\\\\"
        case "\"": result += "\\\""
        case "\n": result += "\\n"
        default: result.append(character)
        }
      }
    }

    static func < (a: Key, b: Key) -> Bool { (a.name, a.labels) < (b.name, b.labels) }
  }

  fileprivate enum Series {
    case counter(Int64)
    case gauge(Double)
    case summary(count: Int64, seconds: Double)
  }

  private let series = Mutex<[Key: Series]>([:])

  init() {}

  /// All series, a line or two each, by name and labels.
  var text: String {
    let all = series.withLock { $0 }.sorted { $0.key < $1.key }
    var lines: [String] = []
    var last = ""
    for (key, value) in all {
      if key.name != last { lines.append("# TYPE \(key.name) \(value.kind)") }
      last = key.name
      switch value {
      case .counter(let count): lines.append("\(key.name)\(key.labels) \(count)")
      case .gauge(let number): lines.append("\(key.name)\(key.labels) \(number)")
      case .summary(let count, let seconds):
        lines.append("\(key.name)_sum\(key.labels) \(seconds)")
        lines.append("\(key.name)_count\(key.labels) \(count)")
      }
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// Writes the file under a temporary name and renames it, so that nobody reads half of it.
  func write(to path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
  }

  fileprivate func change(_ key: Key, _ body: (Series?) -> Series) {
    series.withLock { $0[key] = body($0[key]) }
  }

  // MARK: MetricsFactory

  func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    Handler(file: self, key: Key(label, dimensions))
  }

  func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    Handler(file: self, key: Key(label, dimensions))
  }

  func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    Handler(file: self, key: Key(label, dimensions))
  }

  func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    Handler(file: self, key: Key(label, dimensions))
  }

  // A series outlives who counts in it: what was counted stays in the file.
  func destroyCounter(_ handler: any CounterHandler) {}
  func destroyRecorder(_ handler: any RecorderHandler) {}
  func destroyMeter(_ handler: any MeterHandler) {}
  func destroyTimer(_ handler: any TimerHandler) {}
}

extension PrometheusFile.Series {
  fileprivate var kind: String {
    switch self {
    case .counter: "counter"
    case .gauge: "gauge"
    case .summary: "summary"
    }
  }
}

/// Counts in one series.
private final class Handler: CounterHandler, RecorderHandler, MeterHandler, TimerHandler {
  private let file: PrometheusFile
  private let key: PrometheusFile.Key

  init(file: PrometheusFile, key: PrometheusFile.Key) {
    self.file = file
    self.key = key
  }

  func increment(by amount: Int64) {
    file.change(key) { series in
      if case .counter(let count)? = series { .counter(count &+ amount) } else { .counter(amount) }
    }
  }

  func reset() { file.change(key) { _ in .counter(0) } }

  func record(_ value: Int64) { set(value) }
  func record(_ value: Double) { set(value) }
  func set(_ value: Int64) { set(Double(value)) }
  func set(_ value: Double) { file.change(key) { _ in .gauge(value) } }
  func increment(by amount: Double) { add(amount) }
  func decrement(by amount: Double) { add(-amount) }

  private func add(_ amount: Double) {
    file.change(key) { series in
      if case .gauge(let number)? = series { .gauge(number + amount) } else { .gauge(amount) }
    }
  }

  func recordNanoseconds(_ duration: Int64) {
    let seconds = Double(duration) / 1e9
    file.change(key) { series in
      if case .summary(let count, let sum)? = series { .summary(count: count + 1, seconds: sum + seconds) }
      else { .summary(count: 1, seconds: seconds) }
    }
  }
}
