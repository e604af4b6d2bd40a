/// What a command can't do, in words for the person at the terminal.
struct CommandFault: Error, CustomStringConvertible {
  var description: String

  init(_ message: String) { description = message }
}
