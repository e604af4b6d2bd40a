import CRM

#if canImport(Glibc)
  import Glibc
#endif

/// Why the Python process did not answer.
enum PressFault: Error {
  /// It could not be started, or is not fit to work: what to say.
  case unusable(String)
  /// It ended, or its answer was no frame: what is known about it.
  case died(String)
  /// The time was up; it is still running.
  case overdue
  /// It answers that the request is wrong, and is well.
  case refused(String)
}

/// One Python process and the socket to it. Whoever owns it is the only one who uses it: not Sendable.
///
/// The socket is one of a pair; the other is the child's stdin and stdout. Ours is closed when this process ends,
/// however it ends, and the child's watcher sees that. A socket, not pipes: `MSG_NOSIGNAL` keeps a dead child from
/// killing us by SIGPIPE, whatever the program does about that signal.
final class PressProcess {
  private let pid: pid_t
  private let socket: Int32
  /// The child's stderr. Its last bytes say why it died; there is no other use for them.
  private let complaints: Int32
  private var lastWords: [UInt8] = []
  private var complaintsEnded = false
  private var isReaped = false
  private var isEnded = false
  private let answerLimit: Int

  /// Starts Python. It is ready when its first frame has been received.
  init(_ location: PrintShop.Location, limits: PrintShop.Limits) throws(PressFault) {
    answerLimit = limits.answerBytes
    let channel = try Self.pair()
    let errors: (ours: Int32, theirs: Int32)
    do throws(PressFault) {
      errors = try Self.pair()
    } catch {
      close(channel.ours)
      close(channel.theirs)
      throw error
    }
    let spawned = Self.spawn(location, limits: limits, channel: channel.theirs, complaints: errors.theirs)
    close(channel.theirs)
    close(errors.theirs)
    let child: pid_t
    do throws(PressFault) {
      child = try spawned.get()
    } catch {
      close(channel.ours)
      close(errors.ours)
      throw error
    }
    pid = child
    socket = channel.ours
    complaints = errors.ours
  }

  deinit { end() }

  /// Two connected sockets. CLOEXEC from the start: a child that another thread starts meanwhile must not inherit our
  /// end, or the press would outlive us.
  private static func pair() throws(PressFault) -> (ours: Int32, theirs: Int32) {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      throw .unusable("no socket can be had: \(systemError(errno))")
    }
    return (ends[0], ends[1])
  }

  private static func spawn(
    _ location: PrintShop.Location, limits: PrintShop.Limits, channel: Int32, complaints: Int32
  ) -> Result<pid_t, PressFault> {
    // Above 2, so that no descriptor is overwritten before it is copied, should ours have begun with a closed stdin.
    let channel = fcntl(channel, F_DUPFD_CLOEXEC, 3)
    let complaints = fcntl(complaints, F_DUPFD_CLOEXEC, 3)
    defer {
      close(channel)
      close(complaints)
    }
    guard channel >= 0, complaints >= 0 else { return .failure(.unusable("no descriptors are left")) }

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, channel, 0)
    posix_spawn_file_actions_adddup2(&actions, channel, 1)
    posix_spawn_file_actions_adddup2(&actions, complaints, 2)

    // An empty mask, default handlers, and a group of its own: Ctrl-C in the terminal is ours, not the child's.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

    let arguments = [
      location.python, location.script, "--memory", "\(limits.memoryMegabytes)",
      "--input", "\(limits.requestBytes)", "--output", "\(limits.answerBytes)",
    ]
    var child: pid_t = 0
    let code = withCStrings(arguments) { arguments in
      withCStrings(environment()) { environment in
        posix_spawn(&child, location.python, &actions, &attributes, arguments, environment)
      }
    }
    guard code == 0 else {
      return .failure(.unusable("\(location.python) can't be started: \(systemError(code))"))
    }
    return .success(child)
  }

  /// What the child gets of the environment: nothing that changes how Python works, but what fontconfig needs for its
  /// cache. One hash seed, so that nothing in a PDF depends on the order of a set.
  private static func environment() -> [String] {
    var variables = [
      "PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "PYTHONUTF8=1", "PYTHONHASHSEED=0", "PYTHONNOUSERSITE=1",
      "PYTHONSAFEPATH=1", "MALLOC_ARENA_MAX=1",
    ]
    for name in ["HOME", "XDG_CACHE_HOME", "TMPDIR"] {
      if let value = getenv(name) { variables.append("\(name)=\(String(cString: value))") }
    }
    return variables
  }

  // MARK: Talking

  /// Whether it can take a request: it lives, and has said nothing unasked.
  var isQuiet: Bool {
    var state = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    return poll(&state, 1, 0) == 0
  }

  /// Sends `request` (nothing, to hear the first frame) and waits for the answer, at most so many seconds.
  func exchange(_ request: PressFrame?, seconds: Double) throws(PressFault) -> PressFrame {
    let deadline = ContinuousClock.now + .seconds(seconds)
    let outgoing = request?.encoded() ?? []
    var sent = 0
    var reader = PressFrameReader(partsLimit: answerLimit)
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let left = ContinuousClock.now.duration(to: deadline)
      guard left > .zero else { throw .overdue }
      var states = [
        pollfd(fd: socket, events: Int16(sent < outgoing.count ? POLLIN | POLLOUT : POLLIN), revents: 0),
        // An end of stderr that was closed would be ready for ever: the negative number makes poll ignore it.
        pollfd(fd: complaintsEnded ? -1 : complaints, events: Int16(POLLIN), revents: 0),
      ]
      // Rounded up: a poll of 0 ms would spin through the last millisecond.
      let wait = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000 + 1
      guard poll(&states, 2, Int32(clamping: wait)) >= 0 else {
        if errno == EINTR { continue }
        throw .died("poll: \(systemError(errno))")
      }
      if states[1].revents != 0 { hearComplaints(&chunk) }
      if states[0].revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 {
        if let frame = try receive(&reader, &chunk) { return frame }
      }
      if states[0].revents & Int16(POLLOUT) != 0 { try send(outgoing, &sent) }
    }
  }

  private func send(_ bytes: [UInt8], _ sent: inout Int) throws(PressFault) {
    let count = bytes.withUnsafeBytes { bytes in
      Glibc.send(
        socket, bytes.baseAddress.map { $0 + sent }, bytes.count - sent,
        Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
    }
    if count >= 0 {
      sent += count
    } else if errno != EAGAIN, errno != EINTR {
      throw .died(obituary())
    }
  }

  private func receive(_ reader: inout PressFrameReader, _ chunk: inout [UInt8]) throws(PressFault) -> PressFrame? {
    let count = recv(socket, &chunk, min(chunk.count, reader.wanted), Int32(MSG_DONTWAIT))
    if count < 0, errno == EAGAIN || errno == EINTR { return nil }
    guard count > 0 else { throw .died(obituary()) }
    do throws(PressFrameReader.Garbled) {
      return try reader.take(chunk[..<count])
    } catch {
      throw .died("its answer is not one of documents.py: \(error.reason)")
    }
  }

  /// Keeps the last bytes of stderr.
  private func hearComplaints(_ chunk: inout [UInt8]) {
    let count = read(complaints, &chunk, chunk.count)
    guard count > 0 else {
      complaintsEnded = count == 0 || errno != EINTR
      return
    }
    lastWords += chunk[..<count]
    if lastWords.count > 4096 { lastWords.removeFirst(lastWords.count - 4096) }
  }

  // MARK: The end

  /// Ends the process hard and waits for it, so that no zombie stays. May be called again.
  func end() {
    guard !isEnded else { return }
    isEnded = true
    if !isReaped {
      kill(pid, SIGKILL)
      // ECHILD, not EINTR: the program ignores SIGCHLD, and the system has reaped it.
      while waitpid(pid, nil, 0) < 0, errno == EINTR {}
      isReaped = true
    }
    close(socket)
    close(complaints)
  }

  /// How it ended, in words. It has closed its socket, so it is dead or about to be: that is waited for, but not long,
  /// as a broken one may live on.
  private func obituary() -> String {
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    var state = pollfd(fd: complaints, events: Int16(POLLIN), revents: 0)
    while !complaintsEnded, poll(&state, 1, 500) > 0 { hearComplaints(&chunk) }
    var words = "it closed its output"
    for _ in 0..<50 where !isReaped {
      var status: Int32 = 0
      guard waitpid(pid, &status, WNOHANG) == pid else {
        usleep(10_000)
        continue
      }
      isReaped = true
      let signal = status & 0x7F
      words = signal == 0 ? "exit code \(status >> 8 & 0xFF)" : "killed by signal \(signal)"
    }
    let said = String(decoding: lastWords, as: UTF8.self).split(whereSeparator: \.isNewline).last
    return said.map { "\(words); it said \(quoted(String($0)))" } ?? words
  }
}

/// What the system calls an error.
private func systemError(_ code: Int32) -> String { String(cString: strerror(code)) }

/// Calls `body` with the texts as the array of C strings that exec wants.
private func withCStrings<R>(_ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R) -> R {
  var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) }
  defer { for pointer in pointers { free(pointer) } }
  pointers.append(nil)
  return body(pointers)
}
