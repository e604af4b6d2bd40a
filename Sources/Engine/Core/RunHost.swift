import CRM
import Scripting
import Services
import Store

/// The world as a run's script sees it. Three layers in one place, because each call goes through all of them: what
/// earlier segments asked is answered from the journal (replay), the rest is done on the records of the present
/// transaction, and what was answered is noted for the next replay.
final class RunHost: ScriptHost {
  /// What suspended the script.
  enum Suspension {
    case step(JournalRow.Step, OperationCall, StepOptions, firstFailure: ServiceFailure?)
    /// The step was begun by an earlier execution; it is in the journal already.
    case unanswered(JournalRow.Step, StepOptions)
    case wait(WaitTarget, Parking)
    /// The wait was begun by an earlier execution, and is not over.
    case stillWaiting(Parking)
  }

  unowned let core: EngineCore
  let version: WorkspaceVersion
  var run: RunRow
  var tx: any StoreTransaction
  var now: Instant
  let author: Author
  /// What the present segment asked so far.
  var entries: [JournalEntry] = []
  var suspension: Suspension?
  /// How often each operation was asked with the same arguments so far, over all segments: what tells the keys of equal
  /// steps apart. The key of a step does not depend on what else the script asks, so a changed script keeps it.
  var occurrences: [String: Int] = [:]
  /// Bytes that the host keeps for the present segment: fields, notes, warnings, the journal.
  private var keptBytes = 0
  private var replay: ReplayCursor

  init(
    core: EngineCore, version: WorkspaceVersion, run: RunRow, journal: [JournalRow], tx: any StoreTransaction,
    now: Instant
  ) throws {
    self.core = core
    self.version = version
    self.run = run
    // The script says it all again, at the same places, as the journal is replayed.
    self.run.warnings = []
    self.run.printed = []
    self.tx = tx
    self.now = now
    author = Cause.run(run).author
    replay = try ReplayCursor(journal)
  }

  /// The script is executed to the end of its journal and no further.
  var isOnlyReplayed = false

  /// What the journal has and the script did not ask for again, in words; nil when it asked for all.
  var leftInJournal: String? {
    replay.isAtEnd ? nil : "the script ends where the journal has \(replay.nextWords)"
  }

  /// Steps whose answers came from the journal: each segment of a replay has the budget that it had the first time.
  private(set) var replayed = 0

  /// Called between two segments of a script that stayed in memory.
  func beginSegment(tx: any StoreTransaction, now: Instant, run: RunRow) {
    self.tx = tx
    self.now = now
    self.run = run
    entries.removeAll(keepingCapacity: true)
    keptBytes = 0
    suspension = nil
  }

  func perform(_ call: HostCall) throws -> HostAnswer {
    // A script that could not be suspended where it asked (inside a comparator) goes on: what it asked is void.
    suspension = nil
    if !replay.isAtEnd { return try answerFromJournal(call) }
    if isOnlyReplayed { throw ReplayIsOver() }
    do {
      return try live(call)
    } catch let noted as NotedFailure {
      throw noted.failure
    } catch let failure as HostFailure {
      throw note(call, failure)
    } catch let fault as EngineFault {
      throw note(call, HostFailure(fault.kind == .loop ? .loop : .permanent, fault.message))
    } catch let error as StoreError where error.kind == .constraint || error.kind == .notFound {
      throw note(call, HostFailure(.permanent, error.message))
    } catch let fault as ValueFault {
      throw note(call, HostFailure(.permanent, fault.message))
    }
  }

  private func note(_ call: HostCall, _ failure: HostFailure) -> HostFailure {
    entries.append(JournalEntry(tag: JournalEntry.tag(call), answer: .null, failure: failure))
    return failure
  }

  func answered(_ call: HostCall, _ value: Value, step: JournalEntry.FusedStep? = nil) -> HostAnswer {
    entries.append(JournalEntry(tag: JournalEntry.tag(call), answer: value, failure: nil, step: step))
    return .value(value)
  }

  // MARK: Replay

  private func answerFromJournal(_ call: HostCall) throws -> HostAnswer {
    if case .log(let text) = call { return say(text) }
    if case .operation(let service, let name, _, _) = call,
      version.services[service]?.declaration.operation(name)?.kind == .pure
    {
      return try live(call)
    }
    let tag = JournalEntry.tag(call)
    switch try replay.next() {
    case .entry(let entry):
      guard entry.tag == tag else { throw diverged(recorded: entry.tag, asked: tag) }
      if let step = entry.step {
        _ = nextKey(tag, argumentsHash(call) ?? "")
        if let hash = argumentsHash(call), hash != step.hash {
          throw diverged(recorded: "\(tag) with \(step.arguments.summary)", asked: "\(tag) with other arguments")
        }
      }
      run.warnings += entry.warnings
      if case .warn(let text) = call { run.warnings.append(text) }
      if let failure = entry.failure { throw failure }
      return .value(entry.answer)
    case .step(let step):
      replayed += 1
      _ = core.watch?.begin(runID: run.id)  // And the watchdog gives each of them its time.
      let name = step.kind == .operation ? tag : JournalEntry.tag(call)
      guard step.name == name else { throw diverged(recorded: step.name, asked: name) }
      if step.kind == .operation {
        _ = nextKey(tag, argumentsHash(call) ?? "")
        if let hash = argumentsHash(call), hash != step.hash {
          throw diverged(recorded: "\(tag) with \(step.arguments.summary)", asked: "\(tag) with other arguments")
        }
      }
      switch step.state {
      case .answered: return .value(step.answer)
      case .failed: throw FailureCodec.failure(step.answer)
      case .begun:
        if case .wait(let target, _) = call { return try goOnWaiting(step, target) }
        suspension = .unanswered(step, try Self.options(call))
        return .suspended
      }
    }
  }

  /// Of the arguments as the script gave them: a record counts as itself, whatever has become of its fields.
  private func argumentsHash(_ call: HostCall) -> String? {
    guard case .operation(_, _, let arguments, _) = call else { return nil }
    return StableHash.of(.list(arguments))
  }

  private func diverged(recorded: String, asked: String) -> HostFailure {
    HostFailure(
      .diverged,
      "the script no longer does what its journal says: the journal has \(recorded), the script asks \(asked). "
        + "Start it over with: coulisse runs retry \(run.id) --restart")
  }

  // MARK: Live

  private func live(_ call: HostCall) throws -> HostAnswer {
    let access = RecordAccess(tx: tx)
    switch call {
    case .get(let ref, let field):
      let value = try access.get(ref, field)
      if case .text(let text) = value { try keep(text) } else { try keep() }
      return answered(call, value)
    case .find(let kind, let criteria):
      let found = try access.find(kind, criteria)
      if case .list(let records) = found { try keep(bytes: 16 * records.count) }
      return answered(call, found)
    case .fetch(let kind, let name):
      return answered(call, try access.fetch(kind, name))
    case .now:
      return answered(call, .instant(now))
    case .set(let ref, let field, let value):
      if let tell = core.mode.tell, let old = try tx.value(ref, field), old != value {
        tell("set \(try name(ref)), \(field): \(old.summary) → \(value.summary)")
      }
      if case .text(let text) = value { try keep(text) } else { try keep() }
      try tx.set(ref, field, value, author: author, at: now)
      // The script gets nothing back; the value is for whoever reads the journal.
      return answered(call, value.shortened)
    case .create(let kind, let fields):
      for case .text(let text) in fields.map(\.value) { try keep(text) }
      return answered(call, .record(try create(kind, fields)))
    case .move(let deal, let stage, let from):
      return try change(call, deal, .move(stage: stage, from: from))
    case .close(let deal, let status):
      return try change(call, deal, .close(status))
    case .reject:
      throw HostFailure(.misuse, "reject is for guards (on.before_enter, on.before_won); here use error(\"…\")")
    case .warn(let text):
      try keep(text)
      run.warnings.append(text)
      return answered(call, .null)
    case .log(let text):
      core.mode.tell?("print: \(text)")
      return say(text)
    case .operation(let service, let name, let arguments, let options):
      return try operation(call, service, name, arguments, options)
    case .wait(let target, let timeout):
      return try wait(call, target, timeout)
    }
  }

  /// As a person names it: by the importer's key, else by id.
  private func name(_ ref: RecordRef) throws -> String {
    "\(ref.kind.words) \(try tx.record(ref)?.key ?? String(ref.id))"
  }

  private func create(_ kind: RecordKind, _ fields: [ValueField]) throws -> RecordRef {
    if kind == .product {
      core.mode.tell?("add a product: \(fields.first { $0.name == "name" }?.value.summary ?? "")")
      return try tx.insert(.product, fields, author: author, at: now)
    }
    guard kind == .note else {
      throw HostFailure(.misuse, "a script can add notes and products; \(kind.phrase) is made by import or by hand")
    }
    core.mode.tell?("add a note: \(fields.first { $0.name == "text" }?.value.summary ?? "")")
    return try tx.insert(
      .note, fields + [ValueField("created_at", .instant(now)), ValueField("author", .text(author.actor))],
      author: author, at: now)
  }

  /// A move inside a run: guards at once, in a savepoint of its own; a rejection raises at the call; the runs that it
  /// causes queue behind this one.
  private func change(_ call: HostCall, _ deal: RecordRef, _ change: TransitionChange) throws -> HostAnswer {
    let transition = try core.undoing {
      try tx.savepoint { try core.dispatcher.transition(deal, change, cause: .run(run), tx: tx, now: now) }
    }
    if !transition.rejected.isEmpty {
      throw HostFailure(
        .rejected, "the move to \"\(transition.to)\" was rejected: " + transition.rejected.joined(separator: "; "),
        reasons: transition.rejected)
    }
    if let tell = core.mode.tell, transition.moved {
      tell("\(try name(deal)): \(transition.from) → \(transition.to), \(try tx.value(deal, "status")?.plainText ?? "")")
    }
    run.warnings += transition.warnings
    core.followed.add(transition.runs, causedBy: run)
    entries.append(
      JournalEntry(
        tag: JournalEntry.tag(call), answer: .boolean(transition.moved), failure: nil, warnings: transition.warnings))
    return .value(.boolean(transition.moved))
  }

  /// Keeps a printed line for whoever looks at the run; a chatty script keeps its first ones.
  private func say(_ text: String) -> HostAnswer {
    if run.printed.count < Self.printedLimit { run.printed.append(String(text.prefix(4000))) }
    return .value(.null)
  }

  private static let printedLimit = 200

  /// What a script makes its host keep counts against its memory.
  func keep(_ text: String = "") throws { try keep(bytes: text.utf8.count) }

  private func keep(bytes: Int) throws {
    keptBytes += 64 + bytes
    let limit = version.declaration.limits.memoryMegabytes
    if keptBytes > limit << 20 { throw HostMemoryFault(megabytes: limit) }
  }
}

/// A script made its host keep more than the run may hold. No script catches it.
struct HostMemoryFault: Error {
  var megabytes: Int
}

/// A failure that is in the entries already, with its step.
struct NotedFailure: Error {
  var failure: HostFailure
}
