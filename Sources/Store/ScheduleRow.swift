import CRM

/// What the clock knows of an automation that it starts.
public struct ScheduleRow: Sendable, Hashable {
  public var automation: String
  /// Where it is declared.
  public var file: String
  /// All that its times follow from, as text: when it changes, the schedule begins anew.
  public var rule: String
  /// The last time that was run, or the moment at which the schedule began. No earlier one is ever run again.
  public var settledAt: Instant
  /// The next time; nil when there is none.
  public var dueAt: Instant?

  public init(automation: String, file: String, rule: String, settledAt: Instant, dueAt: Instant?) {
    self.automation = automation
    self.file = file
    self.rule = rule
    self.settledAt = settledAt
    self.dueAt = dueAt
  }
}
