/// What is wrong with a value, said to the person who entered it: what was expected, what was found,
/// how to write it. One sentence or two, no trailing line break.
public struct ValueFault: Error, Hashable, Sendable, CustomStringConvertible {
  public var message: String

  public init(_ message: String) {
    self.message = message
  }

  public var description: String { message }
}

/// Quotes what a person entered for an error message: shortened, on one line, told apart from the sentence.
func quoted(_ text: String) -> String {
  var shown = ""
  var count = 0
  for scalar in text.unicodeScalars {
    if count == 60 {
      shown += "…"
      break
    }
    switch scalar {
    case "\n": shown += "\\n"
    case "\r": shown += "\\r"
    case "\t": shown += "\\t"
    case "\"": shown += "\\\""
    default:
      if scalar.value < 0x20 || scalar.value == 0x7F {
        shown += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        shown.unicodeScalars.append(scalar)
      }
    }
    count += 1
  }
  return "\"\(shown)\""
}
