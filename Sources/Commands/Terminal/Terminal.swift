import CRM
import Foundation

#if canImport(Glibc)
  import Glibc
#endif

/// Data goes to standard output, messages to standard error.
enum Terminal {
  enum Channel: Int32 {
    case data = 1
    case errors = 2
  }

  enum Emphasis: String {
    case bold = "1"
    case red = "31"
    case green = "32"
    case yellow = "33"
  }

  /// Writes a line of data.
  /// - Throws: when it can't be written, so that a full disk is not taken for success.
  static func print(_ line: String) throws {
    try write(Array((line + "\n").utf8))
  }

  static func print(_ json: JSON) throws {
    try write(steady(json.bytes(pretty: isTerminal(.data))) + [UInt8(ascii: "\n")])
  }

  /// JSON in which the characters that could steer a terminal are escapes: the same document, and outside of ASCII they
  /// are nowhere but in strings.
  static func steady(_ json: [UInt8]) -> [UInt8] {
    guard json.contains(where: { $0 == 0x7F || $0 == 0xC2 || $0 == 0xE2 }) else { return json }
    var result: [UInt8] = []
    result.reserveCapacity(json.count)
    var place = 0
    while place < json.count {
      var code: Int?
      var length = 1
      if json[place] == 0x7F {
        code = 0x7F
      } else if json[place] == 0xC2, place + 1 < json.count, json[place + 1] < 0xA0 {
        code = Int(json[place + 1])
        length = 2
      } else if json[place] == 0xE2, place + 2 < json.count {
        let scalar = 0x2000 + Int(json[place + 1] & 0x3F) << 6 + Int(json[place + 2] & 0x3F)
        if (0x202A...0x202E).contains(scalar) || (0x2066...0x2069).contains(scalar) { code = scalar }
        length = 3
      }
      if let code {
        let digits = String(code, radix: 16)
        result += Array(("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8)
      } else {
        result += json[place..<place + length]
      }
      place += length
    }
    return result
  }

  static func write(_ bytes: [UInt8]) throws {
    do {
      try FileHandle.standardOutput.write(contentsOf: Data(bytes))
    } catch {
      throw CommandFault("standard output can't be written: \(words(of: error))")
    }
  }

  /// Writes a line for the person who watches. If that fails there is nobody to tell.
  static func note(_ line: String) {
    try? FileHandle.standardError.write(contentsOf: Data((line + "\n").utf8))
  }

  /// A warning of a script or of the program.
  static func warn(_ text: String) {
    note(emphasized("warning: ", .yellow, on: .errors) + visible(text))
  }

  static func isTerminal(_ channel: Channel) -> Bool { isatty(channel.rawValue) == 1 }

  /// The text with an emphasis, if the channel is a terminal whose owner wants colours (no-color.org).
  static func emphasized(_ text: String, _ emphasis: Emphasis, on channel: Channel) -> String {
    let environment = ProcessInfo.processInfo.environment
    guard isTerminal(channel), (environment["NO_COLOR"] ?? "").isEmpty, environment["TERM"] != "dumb" else {
      return text
    }
    return "\u{1B}[\(emphasis.rawValue)m\(text)\u{1B}[0m"
  }

  /// What an error says, without the wrapping that the system's own errors have.
  static func words(of error: any Error) -> String {
    if error is CocoaError || error is POSIXError {
      let error = error as NSError
      let all = [error, error.userInfo[NSUnderlyingErrorKey] as? NSError].compactMap(\.self)
      if let cause = all.first(where: { $0.domain == NSPOSIXErrorDomain }) {
        return String(cString: strerror(Int32(cause.code)))
      }
      let number: Int32? =
        switch CocoaError.Code(rawValue: error.code) {
        case .fileNoSuchFile, .fileReadNoSuchFile: ENOENT
        case .fileReadNoPermission, .fileWriteNoPermission: EACCES
        case .fileWriteOutOfSpace: ENOSPC
        case .fileWriteVolumeReadOnly: EROFS
        default: nil
        }
      return number.map { String(cString: strerror($0)) } ?? error.localizedDescription
    }
    return visible("\(error)", keepingLines: true)
  }

  /// Data that a terminal shows without being steered by it: control characters and those that turn the direction of
  /// writing become symbols. Everything else stays as it is.
  static func visible(_ text: String, keepingLines: Bool = false) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x0A where keepingLines: result.append(scalar)
      case 0..<0x20: result.append(Unicode.Scalar(0x2400 + scalar.value) ?? "\u{FFFD}")
      case 0x7F: result.append("\u{2421}")
      case 0x80..<0xA0, 0x202A...0x202E, 0x2066...0x2069: result.append("\u{FFFD}")
      default: result.append(scalar)
      }
    }
    return String(result)
  }
}
