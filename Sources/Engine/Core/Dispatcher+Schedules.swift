import CRM
import Scripting
import Store

/// Automations that the clock starts. What is known of each is a row: the rule, the last time that was run, and the next
/// one. A time is run when the clock has passed it, and never again, whatever the clock does then.
extension EngineCore {
  /// More missed times than this of one automation are not run each.
  static let mostMissed = 100
  /// A time that was run lies this far ahead of the clock at most, else the clock was wrong when it ran: no schedule
  /// keeps still for longer.
  static let mostAhead = TimeSpan.days(7)
  /// Times that passed longer ago than this are forgotten.
  private static let mostBack = TimeSpan.days(3653)

  /// Queues the automations whose time has come.
  func fireSchedules(tx: any StoreTransaction, now: Instant) throws {
    if scheduledVersion != programs.present.sources.hash {
      try readSchedules(tx: tx, now: now)
      scheduledVersion = programs.present.sources.hash
    }
    if programs.present.scheduled.isEmpty { return }
    for row in try tx.schedules() {
      // A script that does not load keeps its row: its time comes once it is mended.
      guard let automation = programs.present.scheduled.first(where: { $0.name == row.automation }),
        let schedule = automation.trigger.schedule
      else { continue }
      if row.settledAt.since(now) > Self.mostAhead {
        try start(automation, schedule.rule, tx: tx, now: now)
        commands.append(
          .note("the clock was set back by more than \(Self.mostAhead): \(row.automation) goes by it from now on"))
      } else if let due = row.dueAt, due <= now {
        try fire(automation, schedule, row, due: due, tx: tx, now: now)
      }
    }
  }

  /// When the clock is to be looked at next.
  func nextDue(tx: any StoreTransaction) throws -> Instant? {
    let parked = try tx.nextDue()
    let present = programs.present.scheduled
    if present.isEmpty { return parked }
    let scheduled = try tx.schedules().filter { row in present.contains { $0.name == row.automation } }
    return (scheduled.compactMap(\.dueAt) + (parked.map { [$0] } ?? [])).min()
  }

  private func fire(
    _ automation: AutomationDeclaration, _ schedule: (rule: ScheduleRule, missed: MissedSchedules), _ row: ScheduleRow,
    due: Instant, tx: any StoreTransaction, now: Instant
  ) throws {
    let calendar = programs.present.calendar
    let recent = max(due, Instant(milliseconds: now.milliseconds - Self.mostBack.milliseconds))
    let times = [due] + calendar.times(schedule.rule, after: recent, through: now)
    let last = times.last ?? due
    let chosen = times.suffix(schedule.missed == .each ? Self.mostMissed : 1)
    let left = times.count - chosen.count
    do {
      try tx.savepoint {
        for time in chosen {
          try dispatcher.fire(automation, at: time, missed: time == chosen.first ? left : 0, tx: tx, now: now)
        }
      }
      if left > 0, schedule.missed == .each {
        commands.append(.note("\(automation.name): the last \(chosen.count) of \(times.count) missed times are run"))
      }
    } catch let fault as EngineFault {
      // Limits that let nothing run: nobody else's time is lost for it.
      commands.append(.note("\(automation.name) can't be started by the clock: \(fault.message)"))
    }
    var row = row
    row.settledAt = last
    row.dueAt = calendar.next(schedule.rule, after: max(last, now))
    try tx.write(row)
  }

  // MARK: The scripts' rules and the rows

  /// Makes the rows those of the present scripts. A rule that is new, or has changed, counts from now.
  private func readSchedules(tx: any StoreTransaction, now: Instant) throws {
    let version = programs.present
    let rows = try tx.schedules()
    for row in rows where !version.scheduled.contains(where: { $0.name == row.automation }) {
      if version.problems.contains(where: { $0.file == row.file }) { continue }
      try tx.deleteSchedule(of: row.automation)
    }
    for automation in version.scheduled {
      guard let rule = automation.trigger.schedule?.rule else { continue }
      guard let row = rows.first(where: { $0.automation == automation.name }), row.rule == Self.text(rule, version) else {
        try start(automation, rule, tx: tx, now: now)
        continue
      }
      if row.file != automation.file {
        var row = row
        row.file = automation.file
        try tx.write(row)
      }
    }
  }

  private func start(_ automation: AutomationDeclaration, _ rule: ScheduleRule, tx: any StoreTransaction, now: Instant) throws {
    try tx.write(
      ScheduleRow(
        automation: automation.name, file: automation.file, rule: Self.text(rule, programs.present), settledAt: now,
        dueAt: programs.present.calendar.next(rule, after: now)))
  }

  /// All that the times of a rule follow from.
  static func text(_ rule: ScheduleRule, _ version: WorkspaceVersion) -> String {
    let text = "\(rule), \(version.declaration.timeZone)"
    guard rule.usesWorkingDays else { return text }
    let days = version.declaration.workingDays
    let off = days.daysOff.sorted().map(\.description) + (days.alsaceMoselle ? ["Alsace-Moselle"] : [])
    return off.isEmpty ? text : "\(text), without \(off.joined(separator: " "))"
  }
}

extension WorkspaceVersion {
  /// When each automation with a schedule runs next, by its name. For one that no engine has seen yet: the first time
  /// after now.
  public func nextTimes(_ tx: any StoreTransaction, now: Instant) throws -> [String: Instant] {
    let rows = try scheduled.isEmpty ? [] : tx.schedules()
    var times: [String: Instant] = [:]
    for automation in scheduled {
      guard let rule = automation.trigger.schedule?.rule else { continue }
      let row = rows.first { $0.automation == automation.name && $0.rule == EngineCore.text(rule, self) }
      times[automation.name] = row.map(\.dueAt) ?? calendar.next(rule, after: now)
    }
    return times
  }
}

extension Dispatcher {
  /// Queues one automation because its time has come. The clock begins a new path.
  func fire(
    _ automation: AutomationDeclaration, at time: Instant, missed: Int, tx: any StoreTransaction, now: Instant
  ) throws {
    var transition = Transition(deal: RecordRef(.deal, 0), from: "", to: "", moved: false)
    let data = [ValueField("automation", .text(automation.name))] + Self.times(at: time, missed: missed)
    try react(
      "schedule", data: .object(data), topic: nil, deal: nil, cause: Cause(author: Author(actor: "clock")),
      automations: [automation], into: &transition, tx: tx, now: now)
  }

  /// What a script is told of the time that started it.
  static func times(at time: Instant, missed: Int) -> [ValueField] {
    [ValueField("at", .instant(time)), ValueField("missed", .integer(Int64(missed)))]
  }
}
