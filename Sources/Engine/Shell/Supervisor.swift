import Foundation

#if canImport(Glibc)
  import Glibc
#endif

/// Keeps an engine process alive: a run that kills or stalls it costs itself, and another process goes on with all
/// others. What executes scripts is never the process that was started to stay.
///
/// A signal that ends this process ends the engine. If this process is killed, the engine ends itself: its standard input
/// is a socket of which only this process has the other end.
public struct Supervisor {
  /// What was learned from the engines that died.
  struct Deaths {
    /// Runs in hand of engines that were killed from outside, one after the other.
    private var run: Int64 = 0
    private var count = 0

    /// An engine was killed from outside, which by itself says nothing of its run: only a run under which that happens
    /// again and again is to blame, for example because it makes the system run out of memory.
    /// - Returns: whether it is.
    mutating func convicts(_ inHand: Int64) -> Bool {
      guard inHand > 0 else {
        (run, count) = (0, 0)
        return false
      }
      if inHand != run { (run, count) = (inHand, 0) }
      count += 1
      guard count >= 3 else { return false }
      (run, count) = (0, 0)
      return true
    }
  }

  private let folder: WorkspaceFolder
  private let arguments: [String]
  private let say: (String) -> Void
  private var deaths = Deaths()

  /// - Parameters:
  ///   - arguments: of this same program, that make it the engine.
  ///   - say: where is told that an engine died.
  public init(_ folder: WorkspaceFolder, arguments: [String], say: @escaping (String) -> Void) {
    self.folder = folder
    self.arguments = arguments
    self.say = say
  }

  /// Starts engines until one ends by itself or a signal ends all of it.
  /// - Returns: the exit code of the last engine; after a signal this process ends by that signal instead.
  /// - Throws: `EngineFault` when no engine can be started.
  public mutating func run() throws(EngineFault) -> Int32 {
    // Taken one by one below, instead of being delivered: between two looks none is lost.
    var awaited = sigset_t()
    sigemptyset(&awaited)
    for signal in [SIGTERM, SIGINT, SIGHUP, SIGCHLD] { sigaddset(&awaited, signal) }
    pthread_sigmask(SIG_BLOCK, &awaited, nil)
    var quickDeaths = 0
    while true {
      let started = Date()
      let engine = try EngineProcess(arguments)
      switch wait(for: engine, awaited) {
      case .exited(let code) where code != RunInHand.stuckExitCode: return code
      case .exited: say("the engine ended itself, because a script was stuck; another one goes on")
      case .signalled(let signal) where [SIGTERM, SIGINT, SIGHUP].contains(signal): Self.end(by: signal)
      case .signalled(let signal):
        if signal == SIGKILL, let watch = try? RunInHand(path: folder.watchFile), deaths.convicts(watch.runID) {
          watch.convict()
        }
        say("the engine was ended by signal \(signal); another one goes on")
      }
      quickDeaths = Date().timeIntervalSince(started) < 10 ? quickDeaths + 1 : 0
      // Two in a row may be two bad runs; what dies on and on is not to fill the log.
      if quickDeaths > 2 { Self.rest(min(60, 1 << min(quickDeaths - 3, 6)), awaited) }
    }
  }

  /// A pause in which signals are minded all the same.
  private static func rest(_ seconds: Int, _ awaited: sigset_t) {
    var awaited = awaited
    sigdelset(&awaited, SIGCHLD)
    var time = timespec(tv_sec: seconds, tv_nsec: 0)
    let signal = sigtimedwait(&awaited, nil, &time)
    if signal > 0 { end(by: signal) }
  }

  private enum End {
    case exited(Int32)
    case signalled(Int32)
  }

  private func wait(for engine: EngineProcess, _ awaited: sigset_t) -> End {
    var awaited = awaited
    while true {
      var signal: Int32 = 0
      guard sigwait(&awaited, &signal) == 0 else { continue }
      if signal != SIGCHLD {
        kill(engine.pid, signal)
        _ = engine.end(waiting: true)
        Self.end(by: signal)
      }
      guard let status = engine.end(waiting: false) else { continue }
      let signalled = status & 0x7F
      return signalled == 0 ? .exited(status >> 8 & 0xFF) : .signalled(signalled)
    }
  }

  /// Ends this process as if it had never held the signal up.
  private static func end(by number: Int32) -> Never {
    signal(number, SIG_DFL)
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, number)
    raise(number)
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
    _exit(128 + number)
  }

  /// In the engine's process: ends it when its supervisor is gone, however that ended.
  public static func followSupervisor() {
    let thread = Thread {
      var byte: UInt8 = 0
      while true {
        let count = read(STDIN_FILENO, &byte, 1)
        if count > 0 || (count < 0 && errno == EINTR) { continue }
        kill(getpid(), SIGTERM)
        pause()
      }
    }
    thread.name = "lifeline"
    thread.start()
  }
}

/// An engine that was started, and the socket that tells it whether its supervisor lives.
private final class EngineProcess {
  let pid: pid_t
  private let lifeline: Int32

  init(_ arguments: [String]) throws(EngineFault) {
    var ends: [Int32] = [0, 0]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      throw EngineFault(.workspace, "the engine can't be started: \(String(cString: strerror(errno)))")
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO)
    // Signals are this process's to take; the engine's mask is empty.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    let words = ([CommandLine.arguments.first ?? "coulisse"] + arguments).map { strdup($0) }
    defer { for word in words { free(word) } }
    var pid: pid_t = 0
    let failure = posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, words + [nil], environ)
    close(ends[0])
    guard failure == 0 else {
      close(ends[1])
      throw EngineFault(.workspace, "the engine can't be started: \(String(cString: strerror(failure)))")
    }
    self.pid = pid
    lifeline = ends[1]
  }

  deinit { close(lifeline) }

  /// - Returns: its status as `waitpid` has it; nil while it lives.
  func end(waiting: Bool) -> Int32? {
    var status: Int32 = 0
    while true {
      let found = waitpid(pid, &status, waiting ? 0 : WNOHANG)
      if found == pid { return status }
      if found < 0, errno == EINTR { continue }
      return nil
    }
  }
}
