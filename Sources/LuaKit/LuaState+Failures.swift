import CLuaShim

/// From a failure in the shim to a `LuaError`: place, source line, frames and cause.
extension LuaState {
  func kind(_ code: Int32) -> LuaError.Kind {
    switch Int(code) {
    case CLK_KIND_TIME: .timeLimit
    case CLK_KIND_MEMORY: .memoryLimit
    case CLK_KIND_HOST_CALLS: .hostCallLimit
    case CLK_KIND_INSTRUCTIONS: .instructionLimit
    case CLK_KIND_FATAL: .fatal
    case CLK_KIND_SYNTAX: .syntax
    case CLK_KIND_MISUSE: .misuse
    default: .runtime
    }
  }

  /// The error of the last call that failed; its message is in the parcel.
  func failure() -> LuaError {
    let bytes: [UInt8] = if case .string(let string)? = decodeAll().first { string.bytes } else { [] }
    let frames = traceback()
    let kind = kind(clk_failure_kind(run))
    let place = frames.first { $0.line != nil }
    var error = LuaError(kind: kind, message: "", traceback: frames)
    switch kind {
    case .runtime, .syntax, .misuse:
      error.message = String(decoding: bytes, as: UTF8.self)
      error.cause = causes.last { $0.message == bytes }?.error
      if let (script, line) = prefix(of: error.message) {
        (error.script, error.line) = (script, line)
      } else {
        (error.script, error.line) = (place?.script, place?.line)
      }
    default:
      (error.script, error.line) = (place?.script, place?.line)
      var text = budgetText(kind)
      if kind == .fatal, let fatal {
        error.cause = fatal
        text = message(of: fatal)
      }
      error.message = place.map { "\($0.script ?? "?"):\($0.line ?? 0): \(text)" } ?? text
    }
    if let script = error.script, let line = error.line { error.sourceLine = sourceLine(script, line) }
    return error
  }

  private func budgetText(_ kind: LuaError.Kind) -> String {
    switch kind {
    case .timeLimit: "the run has used up its time of \(limits.seconds ?? 0) s"
    case .memoryLimit: "the run needs more memory than its limit of \(Self.size(limits.memoryBytes))"
    case .hostCallLimit: "the run has made more than the \(limits.hostCalls ?? 0) calls to the host it may make"
    case .instructionLimit: "the run has executed more than the \(limits.instructions ?? 0) instructions it may use"
    default: "the run was ended by the host"
    }
  }

  /// Splits "scripts/x.lua:12: text", for the scripts this state knows.
  private func prefix(of message: String) -> (String, Int)? {
    for (shown, source) in sources where message.hasPrefix(shown + ":") {
      let rest = message.dropFirst(shown.count + 1)
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      if let line = Int(digits), rest.dropFirst(digits.count).hasPrefix(":") { return (source.name, line) }
    }
    return nil
  }

  /// The name under which the library shows a source: its last 56 bytes behind "..." if it is long.
  private func shown(_ name: String) -> String {
    let bytes = Array(name.utf8)
    return bytes.count <= 59 ? name : "..." + String(decoding: bytes.suffix(56), as: UTF8.self)
  }

  func remember(_ source: LuaSource) { sources[shown(source.name)] = source }

  func sourceLine(_ script: String, _ line: Int) -> String? {
    guard line > 0, let source = sources[shown(script)] else { return nil }
    let lines = source.bytes.split(separator: UInt8(ascii: "\n"), maxSplits: line, omittingEmptySubsequences: false)
    guard line <= lines.count else { return nil }
    let text = String(decoding: lines[line - 1].prefix(200), as: UTF8.self)
    let isSpace = { (c: Character) in c == " " || c == "\t" || c == "\r" }
    var trimmed = text.drop(while: isSpace)
    while let last = trimmed.last, isSpace(last) { trimmed.removeLast() }
    return String(trimmed)
  }

  func position(_ thread: OpaquePointer) -> (script: String, line: Int)? {
    var buffer: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
    var line: Int32 = 0
    let name: String? = withUnsafeMutableBytes(of: &buffer) { raw in
      guard let base = raw.baseAddress?.assumingMemoryBound(to: CChar.self),
        let shown = clk_position(thread, base, &line)
      else { return nil }
      return String(cString: shown)
    }
    guard let name else { return nil }
    return (sources[name]?.name ?? name, Int(line))
  }

  private func traceback() -> [LuaError.Frame] {
    (0..<clk_frame_count(run)).compactMap { index in
      guard let frame = clk_frame_at(run, index)?.pointee else { return nil }
      let shown = withUnsafeBytes(of: frame.source) { raw in
        String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
      }
      if frame.host >= 0 { return .init(script: nil, line: nil, function: functionName(frame.host)) }
      if frame.defined < 0 { return .init(script: nil, line: nil, function: "a library function") }
      let script = sources[shown]?.name ?? shown
      return .init(
        script: script, line: frame.line > 0 ? Int(frame.line) : nil,
        function: functionTitle(script, Int(frame.defined)))
    }
  }

  /// A function is named by the text of its definition: asking the library for a name has quadratic corners.
  private func functionTitle(_ script: String, _ defined: Int) -> String {
    if defined == 0 { return "main chunk" }
    if var text = sourceLine(script, defined)?[...] {
      if text.hasPrefix("local ") { text = text.dropFirst(6) }
      if text.hasPrefix("function ") {
        let name = text.dropFirst(9).prefix { $0.isLetter || $0.isNumber || "_.:".contains($0) }
        if !name.isEmpty { return "function '\(name)'" }
      }
    }
    return "function at line \(defined)"
  }

  /// The text a thrown error has for a script.
  func message(of error: any Error) -> String {
    switch error {
    case let error as LuaHostError: error.message
    case let error as LuaError: error.message
    default: String(describing: error)
    }
  }

  /// As a person reads it.
  private static func size(_ bytes: Int) -> String {
    bytes >= 1 << 20 && bytes % (1 << 20) == 0 ? "\(bytes >> 20) MB" : "\(bytes) bytes"
  }
}
