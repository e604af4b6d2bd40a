import CRM

/// Why the engine refuses or could not do what it was asked. The message is for the person who asked.
public struct EngineFault: Error, Sendable, CustomStringConvertible {
  public enum Kind: String, Sendable, Hashable {
    /// No such deal, stage, automation or run.
    case notFound
    /// The record is not in a state that allows this (a closed deal, a finished run).
    case refused
    /// A guard broke or spent its budget: the move did not happen, and that is a failure, not a rejection.
    case guardFailed
    /// A script that this needs does not load.
    case brokenScript
    /// A causal path that is too deep or goes in a circle.
    case loop
    /// The workspace itself can't be read.
    case workspace
  }

  public var kind: Kind
  public var message: String

  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  public var description: String { message }
}

/// Why a run ended badly, as it is kept with the run and shown by `runs show`.
public struct RunFault: Sendable, Hashable {
  /// `error`, `time_limit`, `memory_limit`, `host_call_limit`, `instruction_limit`, `diverged`, `cancelled`, `crash`.
  public var kind: String
  public var message: String
  public var script: String?
  public var line: Int?
  public var sourceLine: String?
  public var traceback: [String]

  public init(
    kind: String, message: String, script: String? = nil, line: Int? = nil, sourceLine: String? = nil,
    traceback: [String] = []
  ) {
    self.kind = kind
    self.message = message
    self.script = script
    self.line = line
    self.sourceLine = sourceLine
    self.traceback = traceback
  }

  /// The notation in the run's row.
  public var json: JSON {
    var members = [JSONMember("kind", .string(kind)), JSONMember("message", .string(message))]
    if let script { members.append(JSONMember("script", .string(script))) }
    if let line { members.append(JSONMember("line", .integer(Int64(line)))) }
    if let sourceLine { members.append(JSONMember("source_line", .string(sourceLine))) }
    if !traceback.isEmpty { members.append(JSONMember("traceback", .array(traceback.map { .string($0) }))) }
    return .object(members)
  }

  /// Reads what `json` wrote; anything else becomes a fault that shows it.
  public init(text: String) {
    let json = try? JSON(parsing: text)
    self.init(
      kind: json?["kind"]?.stringValue ?? "error", message: json?["message"]?.stringValue ?? text,
      script: json?["script"]?.stringValue, line: json?["line"]?.integerValue.map(Int.init),
      sourceLine: json?["source_line"]?.stringValue,
      traceback: json?["traceback"]?.arrayValue?.compactMap(\.stringValue) ?? [])
  }
}
