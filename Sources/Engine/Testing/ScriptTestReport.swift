import CRM
import Scripting

/// What became of a workspace's script tests.
public struct ScriptTestReport: Sendable {
  /// Why a test, or the loading of a file, failed.
  public struct Failure: Sendable, Hashable {
    /// `scripts/x_test.lua:12: expected 1, found 2`
    public var message: String
    public var script: String?
    public var line: Int?
    public var sourceLine: String?
    public var traceback: [String]
  }

  /// One `it`.
  public struct Case: Sendable {
    /// The titles of its `describe` blocks and its own, joined by " › ".
    public var name: String
    public var line: Int?
    /// Nil when it passed.
    public var failure: Failure?
    /// What it printed, a line each.
    public var printed: [String]
    public var milliseconds: Double

    public var passed: Bool { failure == nil }
  }

  /// One file.
  public struct Suite: Sendable {
    /// `scripts/x_test.lua`
    public var file: String
    public var cases: [Case]
    /// Set when the file does not load; it has no cases then.
    public var failure: Failure?

    public var failedCount: Int { cases.count { !$0.passed } + (failure == nil ? 0 : 1) }
  }

  /// By path; files of which the filter left nothing are not among them.
  public var suites: [Suite]

  public init(suites: [Suite]) { self.suites = suites }

  public var passedCount: Int { suites.reduce(0) { $0 + $1.cases.count(where: \.passed) } }
  /// Failed tests, and files that do not load.
  public var failedCount: Int { suites.reduce(0) { $0 + $1.failedCount } }
  public var passed: Bool { failedCount == 0 }
}

extension ScriptTestReport.Failure {
  init(_ failure: ScriptFailure) {
    self.init(
      message: failure.message, script: failure.script, line: failure.line, sourceLine: failure.sourceLine,
      traceback: failure.traceback)
  }

  init(_ error: any Error, in file: String) {
    if let failure = error as? ScriptFailure {
      self.init(failure)
    } else {
      self.init(message: "\(error)", script: file, line: nil, sourceLine: nil, traceback: [])
    }
  }

  /// Message, source line and traceback, a line each; later lines are indented.
  fileprivate var lines: [String] {
    var lines = message.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if let sourceLine { lines.append("    \(sourceLine)") }
    // A single frame says no more than the message does.
    if traceback.count > 1 { lines += traceback.map { "  \($0)" } }
    return lines
  }
}

// MARK: As text

extension ScriptTestReport {
  /// A line for each test, what went wrong under it, and the count at the end.
  public var text: String {
    var lines: [String] = []
    for suite in suites {
      lines.append(suite.file)
      if let failure = suite.failure {
        lines.append("  ✗ does not load")
        lines += failure.lines.map { "      \($0)" }
      }
      for test in suite.cases {
        lines.append("  \(test.passed ? "✓" : "✗") \(test.name)")
        lines += (test.failure?.lines ?? []).map { "      \($0)" }
        lines += test.printed.map { "      | \($0)" }
      }
    }
    lines.append(summary)
    return lines.joined(separator: "\n") + "\n"
  }

  /// `12 passed, 1 failed`
  public var summary: String { "\(passedCount) passed, \(failedCount) failed" }
}

// MARK: For programs

extension ScriptTestReport {
  public var json: JSON {
    .object([
      JSONMember("passed", .integer(Int64(passedCount))), JSONMember("failed", .integer(Int64(failedCount))),
      JSONMember("suites", .array(suites.map(\.json))),
    ])
  }

  /// The XML that build servers read.
  public var junit: String {
    var lines = [
      #"<?xml version="1.0" encoding="UTF-8"?>"#,
      "<testsuites tests=\"\(passedCount + failedCount)\" failures=\"\(failedCount)\">",
    ]
    for suite in suites {
      let count = suite.cases.count + (suite.failure == nil ? 0 : 1)
      lines.append(
        "  <testsuite name=\"\(XML.escaped(suite.file))\" tests=\"\(count)\" failures=\"\(suite.failedCount)\">")
      if let failure = suite.failure { add("does not load", suite.file, 0, failure, &lines) }
      for test in suite.cases { add(test.name, suite.file, test.milliseconds, test.failure, &lines) }
      lines.append("  </testsuite>")
    }
    lines.append("</testsuites>")
    return lines.joined(separator: "\n") + "\n"
  }

  private func add(
    _ name: String, _ file: String, _ milliseconds: Double, _ failure: Failure?, _ lines: inout [String]
  ) {
    let seconds = (milliseconds / 1000 * 1e6).rounded() / 1e6
    let head = "    <testcase name=\"\(XML.escaped(name))\" classname=\"\(XML.escaped(file))\" time=\"\(seconds)\""
    guard let failure else { return lines.append(head + "/>") }
    lines.append(head + ">")
    let body = XML.escaped(failure.lines.joined(separator: "\n"))
    lines.append("      <failure message=\"\(XML.escaped(failure.message))\">\(body)</failure>")
    lines.append("    </testcase>")
  }
}

extension ScriptTestReport.Suite {
  fileprivate var json: JSON {
    var members = [JSONMember("file", .string(file)), JSONMember("cases", .array(cases.map(\.json)))]
    if let failure { members.append(JSONMember("failure", failure.json)) }
    return .object(members)
  }
}

extension ScriptTestReport.Case {
  fileprivate var json: JSON {
    var members = [
      JSONMember("name", .string(name)), JSONMember("line", line.map { .integer(Int64($0)) } ?? .null),
      JSONMember("passed", .bool(passed)),
      JSONMember("milliseconds", .number("\((milliseconds * 1000).rounded() / 1000)")),
    ]
    if !printed.isEmpty { members.append(JSONMember("printed", .array(printed.map { .string($0) }))) }
    if let failure { members.append(JSONMember("failure", failure.json)) }
    return .object(members)
  }
}

extension ScriptTestReport.Failure {
  fileprivate var json: JSON {
    .object([
      JSONMember("message", .string(message)), JSONMember("script", script.map { .string($0) } ?? .null),
      JSONMember("line", line.map { .integer(Int64($0)) } ?? .null),
      JSONMember("source_line", sourceLine.map { .string($0) } ?? .null),
      JSONMember("traceback", .array(traceback.map { .string($0) })),
    ])
  }
}

private enum XML {
  /// For text and quoted attributes. XML 1.0 has no way to write most control characters, so they are shown as a
  /// replacement; a line break in an attribute would become a blank.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\n": result += "&#10;"
      case "\t": result += "&#9;"
      case "\r": result += "&#13;"
      default:
        let isWritable = scalar.value >= 0x20 && scalar.value != 0xFFFE && scalar.value != 0xFFFF
        result.unicodeScalars.append(isWritable ? scalar : "\u{FFFD}")
      }
    }
    return result
  }
}
