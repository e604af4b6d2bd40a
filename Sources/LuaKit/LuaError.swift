/// Why a script failed. Kinds come from flags, never from the text of a message.
public struct LuaError: Error, CustomStringConvertible {
  public enum Kind: String, Sendable, Hashable {
    case syntax, runtime, timeLimit, memoryLimit, hostCallLimit, instructionLimit
    /// A host function threw a `LuaFatal` error.
    case fatal
    /// The host used the state in a way it can't be used; the message says which.
    case misuse
  }

  /// One level of the call stack, innermost first.
  public struct Frame: Sendable, Hashable, CustomStringConvertible {
    public var script: String?
    public var line: Int?
    public var function: String
    public init(script: String?, line: Int?, function: String) {
      self.script = script
      self.line = line
      self.function = function
    }
    public var description: String {
      guard let script else { return function }
      return "\(script)\(line.map { ":\($0)" } ?? ""): in \(function)"
    }
  }

  public var kind: Kind
  /// First line: "scripts/x.lua:12: text".
  public var message: String
  public var script: String?
  public var line: Int?
  /// The text of that line, without the space around it.
  public var sourceLine: String?
  public var traceback: [Frame]
  /// The Swift error that a host function threw, if its message came up unchanged.
  public var cause: (any Error)?

  public init(
    kind: Kind, message: String, script: String? = nil, line: Int? = nil, sourceLine: String? = nil,
    traceback: [Frame] = [], cause: (any Error)? = nil
  ) {
    self.kind = kind
    self.message = message
    self.script = script
    self.line = line
    self.sourceLine = sourceLine
    self.traceback = traceback
    self.cause = cause
  }

  static func misuse(_ message: String) -> LuaError { LuaError(kind: .misuse, message: message) }

  static var spent: LuaError {
    .misuse("the last run was ended by a budget or the host; reset the state or make a new one")
  }

  public var description: String { message }

  /// Message, source line and traceback, as a terminal shows them.
  public var report: String {
    var lines = [message]
    if let sourceLine { lines.append("    \(sourceLine)") }
    lines += traceback.map { "  \($0)" }
    return lines.joined(separator: "\n")
  }
}

/// A Swift error that ends the run: no `pcall` of a script can catch it. For what a script must not be
/// able to go on after, such as a cancellation.
public protocol LuaFatal: Error {}

/// An error for a script, with a message that speaks to its author. The line is put before it.
public struct LuaHostError: Error, CustomStringConvertible {
  public var message: String
  /// What stands in `LuaError.cause` if the message comes up unchanged.
  public var cause: (any Error)?
  public init(_ message: String, cause: (any Error)? = nil) {
    self.message = message
    self.cause = cause
  }
  public var description: String { message }
}
