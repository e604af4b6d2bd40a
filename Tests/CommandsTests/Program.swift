import CRM
import Foundation
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// The program as it was built, run as a person runs it: a process of its own, exit code, output and messages.
enum Program {
  /// Beside the test bundle.
  static let path: String = {
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let places = [own, CommandLine.arguments[0]] + CommandLine.arguments.filter { $0.hasSuffix(".xctest") }
    let folders = places.map { URL(fileURLWithPath: $0).deletingLastPathComponent() }
    let tree = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let found = (folders + [tree.appendingPathComponent(".build/debug")])
      .map { $0.appendingPathComponent("coulisse").path }.first { FileManager.default.isExecutableFile(atPath: $0) }
    guard let found else { fatalError("coulisse is not beside the tests; build it with: swift build --build-tests") }
    return found
  }()

  /// Runs it to its end.
  static func run(
    _ arguments: [String], in folder: URL, input: [UInt8] = [], environment: [String: String] = [:]
  ) throws -> Outcome {
    try Running(path, arguments, in: folder, input: input, environment: environment).wait()
  }
}

/// What a process answered.
struct Outcome: CustomStringConvertible {
  /// The exit code, or 128 and the signal that ended it.
  var status: Int32
  var out: String
  var errors: String

  var description: String { "exit \(status)\n--- output\n\(out)--- messages\n\(errors)" }
  var lines: [String] { out.split(separator: "\n").map(String.init) }
  /// The output as JSON; an issue, and null, if it is none.
  var json: JSON {
    do {
      return try JSON(parsing: out)
    } catch {
      Issue.record("no JSON (\(error)): \(self)")
      return .null
    }
  }
}

/// Other tests copy files at this moment; a child that held those open would seem to be writing them. What is not open
/// is passed over.
func closeInherited(_ actions: inout posix_spawn_file_actions_t) {
  for descriptor: Int32 in 3..<512 { posix_spawn_file_actions_addclose(&actions, descriptor) }
}

/// A process under way. Its output goes into files without a name, so that it never waits for a reader.
final class Running {
  let pid: pid_t
  private let output: Int32
  private let messages: Int32
  private var status: Int32?

  init(
    _ path: String, _ arguments: [String], in folder: URL, input: [UInt8] = [], environment: [String: String] = [:]
  ) throws {
    // Closed on exec, and handed over one by one: other tests start processes at the same time.
    let stdin = Self.nameless()
    output = Self.nameless()
    messages = Self.nameless()
    defer { close(stdin) }
    var written = 0
    while written < input.count {
      written += input[written...].withUnsafeBytes { max(0, write(stdin, $0.baseAddress, $0.count)) }
    }
    lseek(stdin, 0, SEEK_SET)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (place, descriptor) in [stdin, output, messages].enumerated() {
      posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(place))
    }
    closeInherited(&actions)
    // The thread of a test may have signals blocked, and a child would inherit that.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var (none, all) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    var variables = ProcessInfo.processInfo.environment
    for name in ["NO_COLOR", "TERM"] { variables[name] = nil }
    variables["LC_ALL"] = "C.UTF-8"
    variables.merge(environment) { $1 }
    let words = (["sh", "-c", "cd \"$0\" && exec \"$@\"", folder.path, path] + arguments).map { strdup($0) }
    let settings = variables.map { strdup("\($0.key)=\($0.value)") }
    defer { for text in words + settings { free(text) } }
    var child: pid_t = 0
    let fault = posix_spawn(&child, "/bin/sh", &actions, &attributes, words + [nil], settings + [nil])
    try #require(fault == 0, "\(path) can't be started: \(String(cString: strerror(fault)))")
    pid = child
  }

  deinit {
    if status == nil {
      kill(pid, SIGKILL)
      _ = reap(0)
    }
    close(output)
    close(messages)
  }

  /// Its answer when it has ended. One that hangs is ended after some minutes, which is no measure of anything.
  func wait() -> Outcome {
    var turns = 0
    while !reap(WNOHANG) {
      usleep(turns < 200 ? 1_000 : 10_000)
      turns += 1
      if turns == 12_000 {
        kill(pid, SIGKILL)
        Issue.record("process \(pid) hangs; it was ended")
      }
    }
    return soFar
  }

  var hasEnded: Bool { reap(WNOHANG) }

  /// Whether it stands still, by SIGSTOP.
  var isStopped: Bool {
    let state = (try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)) ?? ""
    return state.split(separator: ")").last?.hasPrefix(" T") == true
  }

  /// What it has written until now.
  var soFar: Outcome {
    Outcome(status: status ?? -1, out: Self.text(of: output), errors: Self.text(of: messages))
  }

  func send(_ signal: Int32) { kill(pid, signal) }

  private func reap(_ flags: Int32) -> Bool {
    if status != nil { return true }
    var word: Int32 = 0
    guard waitpid(pid, &word, flags) == pid else { return false }
    status = word & 0x7F == 0 ? (word >> 8) & 0xFF : 128 + (word & 0x7F)
    return true
  }

  private static func nameless() -> Int32 {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("coulisse-\(UUID().uuidString)").path
    defer { unlink(path) }
    return open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
  }

  private static func text(of descriptor: Int32) -> String {
    var facts = stat()
    fstat(descriptor, &facts)
    var bytes = [UInt8](repeating: 0, count: Int(facts.st_size))
    let count = pread(descriptor, &bytes, bytes.count, 0)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }
}
