import CBaseline
import Engine
import Foundation
import Store

/// What the program costs as a process, from nothing to the answer, and while it waits.
enum Processes {
  static func measure() throws {
    let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    let program = own.deletingLastPathComponent().appendingPathComponent("coulisse")
    guard FileManager.default.isExecutableFile(atPath: program.path) else {
      print("\nProcesses: not measured, \(program.path) is not built")
      return
    }
    print("\nThe program")
    let shop = try BenchShop(deals: 10_000, script: Transitions.script)
    defer { shop.remove() }
    let workspace = ["--workspace", shop.folder.path]
    try coldStart(program, "10,000 deals, one script", ["run", "w1#2", "--deal", "42", "--dry-run"] + workspace)
    let example = shop.folder.appendingPathComponent("altitude").path
    if try run(program, ["init", example, "--example", "altitude"]) == 0 {
      try coldStart(
        program, "the example with all its scripts",
        ["run", "thank_referrer", "--deal", "groupe", "--dry-run", "--workspace", example])
    }
    var pid = try start(program, ["work"] + workspace)
    defer { if pid > 0 { end(&pid) } }
    Thread.sleep(forTimeInterval: 2)
    let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
    let resident = status.split(separator: "\n").first { $0.hasPrefix("VmRSS") }
    let words = resident?.split(whereSeparator: \.isWhitespace) ?? []
    let kilobytes = words.count > 1 ? Double(words[1]) ?? 0 : 0
    print(String(format: "  %5.1f MB  idle `work`, resident", kilobytes / 1024))
  }

  private static func coldStart(_ program: URL, _ name: String, _ arguments: [String]) throws {
    var times: [Double] = []
    for _ in 0..<21 {
      var status: Int32 = 0
      let time = try seconds { status = try run(program, arguments) }
      if status == 0 { times.append(time * 1000) }
    }
    print(String(format: "  %5.1f ms  cold start of run --dry-run: ", median(times)) + name)
  }

  private static func run(_ program: URL, _ arguments: [String]) throws -> Int32 {
    var pid = try start(program, arguments)
    return wait(&pid)
  }

  /// Started and waited for as a shell does it: Foundation's own process class looks for the end now and then only.
  private static func start(_ program: URL, _ arguments: [String]) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for descriptor: Int32 in [1, 2] { posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0) }
    let words = ([program.path] + arguments).map { strdup($0) }
    defer { for word in words { free(word) } }
    var pid: pid_t = 0
    guard posix_spawn(&pid, program.path, &actions, nil, words + [nil], environ) == 0 else {
      throw BenchError(description: "\(program.path) can't be started")
    }
    return pid
  }

  private static func end(_ pid: inout pid_t) {
    kill(pid, SIGTERM)
    _ = wait(&pid)
  }

  private static func wait(_ pid: inout pid_t) -> Int32 {
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
    pid = 0
    return status
  }
}
