import CRM

/// The world of a script test: what a script sees, and the means to act on it from outside as a person, a clock or a
/// failing service would.
public protocol ScriptTestHost: ScriptHost {
  /// Carries out one command of a test.
  /// - Throws: anything; it is raised in the test at the call, with its description as the message.
  func perform(_ call: ScriptTestCall) throws -> Value
}

/// What a test can do beside what a script can.
public enum ScriptTestCall: Hashable, Sendable {
  /// `move(deal, stage)`, and all that follows until nothing more happens at the present time. Answers
  /// `{ moved, rejected, warnings, runs, failure, crashed }`.
  case move(RecordRef, stage: String)
  /// `win(deal)`, `lose(deal)`, `reopen(deal)`: likewise.
  case close(RecordRef, DealStatus)
  /// `run(automation, deal)`: on demand; without a deal for what concerns none.
  case run(String, RecordRef?)
  /// `sign(request)`, `decline(request, reason)`, `view(request)`: what a signer does.
  case signer(RecordRef, SignatureState, reason: String?)
  /// `content(document)`: its text, as it is on the drive now.
  case content(RecordRef)
  /// `retry(run)`: takes a failed run up again, also when the deal has later runs.
  case retry(Int64)
  /// `clock.advance "61 days"`: through every moment at which something is due.
  case advance(TimeSpan)
  /// `clock.set "2026-03-28 12:00"`: as if no engine had been at work meanwhile; what is due by then happens late.
  case set(Instant)
  /// `engine.crash_at(3)`: the next action loses the engine after its third commit or answered step.
  case crash(at: Int64)
  /// `sent.messages()` and its like: all records of one kind that services made.
  case sent(RecordKind)
  /// `board.fails_with("timeout", 2, { operation = …, after = true })`.
  case failure(service: String, fault: String, times: Int64, operation: String?, after: Bool)
  /// `fixture.deal { … }`: imports one deal with the records that are nested in it; answers the deal.
  case fixture(Value)
}
