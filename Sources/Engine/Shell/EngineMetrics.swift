import CRM
import CoreMetrics
import Store

/// What an engine that stays counts and times, for swift-metrics. Names and units are Prometheus' own conventions:
/// counters end in `_total`, times are in seconds.
struct EngineMetrics: Sendable {
  let factory: any MetricsFactory

  /// `coulisse_runs_total{automation, status}`, `coulisse_run_seconds{automation}`: from being queued to the end.
  func note(ended run: RunRow) {
    Counter(
      label: "coulisse_runs_total", dimensions: [("automation", run.automation), ("status", run.status.rawValue)],
      factory: factory
    ).increment()
    guard let end = run.finishedAt else { return }
    Timer(label: "coulisse_run_seconds", dimensions: [("automation", run.automation)], factory: factory)
      .recordMilliseconds(max(0, end.since(run.createdAt).milliseconds))
  }

  /// `coulisse_calls_total{service, outcome}` with the outcomes answered, refused, failed, overdue; `coulisse_call_seconds{service}`.
  func note(_ answer: StepAnswer, took duration: Duration?) {
    if answer.isLate { return }
    let outcome =
      switch answer.result {
      case .success: "answered"
      case .failure(let failure): duration == nil ? "overdue" : failure.isTransient ? "failed" : "refused"
      }
    let service = answer.call.call.service
    Counter(label: "coulisse_calls_total", dimensions: [("service", service), ("outcome", outcome)], factory: factory)
      .increment()
    guard let duration else { return }
    Timer(label: "coulisse_call_seconds", dimensions: [("service", service)], factory: factory)
      .recordNanoseconds(Int64(duration / .nanoseconds(1)))
  }

  /// `coulisse_open_runs{status}` and `coulisse_held_runs{service}`, as they are now.
  func noteOpen(_ tx: any StoreTransaction) throws {
    let counts = try tx.openRunCounts()
    for status in RunStatus.allCases where !status.isFinished {
      Gauge(label: "coulisse_open_runs", dimensions: [("status", status.rawValue)], factory: factory)
        .record(counts[status] ?? 0)
    }
    for (service, runs) in try tx.holdingServices() {
      Gauge(label: "coulisse_held_runs", dimensions: [("service", service)], factory: factory).record(runs)
    }
  }
}
