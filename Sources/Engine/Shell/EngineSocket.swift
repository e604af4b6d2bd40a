import CRM
import Foundation

#if canImport(Glibc)
  import Glibc
#endif

/// The holder's Unix socket: a line of JSON asks, a line of JSON answers. Only the owner of the workspace's folder
/// can reach it.
enum EngineSocket {
  /// A path of any length fits: the folder is named by its descriptor.
  private static func withAddress<T>(
    _ folder: WorkspaceFolder, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> T
  ) throws -> T {
    let directory = open(folder.state.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw EngineFault(.workspace, "\(folder.state.path) can't be opened") }
    defer { close(directory) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let path = Array("/proc/self/fd/\(directory)/engine.sock".utf8)
    withUnsafeMutableBytes(of: &address.sun_path) { bytes in
      for (place, byte) in path.enumerated() where place < bytes.count - 1 { bytes[place] = byte }
    }
    return try withUnsafePointer(to: &address) { pointer in
      try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        try body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }

  /// Asks the holder.
  /// - Returns: nil when nobody listens, or the holder ended before it answered: then the caller looks at the lock
  ///   again, and asks again with the same request id.
  /// - Throws: `EngineFault` as the holder answered it.
  static func ask(_ folder: WorkspaceFolder, _ request: EngineRequest) throws -> EngineAnswer? {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    guard try withAddress(folder, { connect(descriptor, $0, $1) }) == 0 else { return nil }
    guard send(line: request.json.text(pretty: false), descriptor), let text = receiveLine(descriptor, atMost: .max) else { return nil }
    let json = try JSON(parsing: text)
    if let fault = json["fault"] {
      throw EngineFault(
        fault["kind"]?.stringValue.flatMap(EngineFault.Kind.init(rawValue:)) ?? .refused,
        fault["message"]?.stringValue ?? "")
    }
    return EngineAnswer(json: json["answer"] ?? .null)
  }

  /// Whether an engine listens.
  /// - Throws: when that can't be found out.
  static func isServed(_ folder: WorkspaceFolder) throws -> Bool {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else {
      throw EngineFault(.workspace, "no socket can be made: \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    return try withAddress(folder) { connect(descriptor, $0, $1) } == 0
  }

  /// Listens until the process ends; each caller has a thread of its own, which waits for the engine.
  static func serve(_ folder: WorkspaceFolder, _ engine: EngineThread) throws {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    if descriptor >= 0 { unlink(folder.state.appendingPathComponent("engine.sock").path) }
    let before = umask(0o077)
    let bound = try withAddress(folder) { bind(descriptor, $0, $1) }
    umask(before)
    guard descriptor >= 0, bound == 0, listen(descriptor, 64) == 0 else {
      if descriptor >= 0 { close(descriptor) }
      throw EngineFault(.workspace, "the engine's socket can't be made: \(String(cString: strerror(errno)))")
    }
    let thread = Thread {
      while true {
        let caller = accept(descriptor, nil, nil)
        if caller < 0 {
          if errno == EINTR || errno == ECONNABORTED { continue }
          usleep(50_000)
          continue
        }
        Thread.detachNewThread { answer(caller, engine) }
      }
    }
    thread.name = "socket"
    thread.start()
  }

  static func close(_ folder: WorkspaceFolder) {
    unlink(folder.state.appendingPathComponent("engine.sock").path)
  }

  private static func close(_ descriptor: Int32) { Glibc.close(descriptor) }

  private static func answer(_ descriptor: Int32, _ engine: EngineThread) {
    defer { close(descriptor) }
    guard let text = receiveLine(descriptor) else { return }
    var reply: JSON
    do {
      let answer = try engine.perform(EngineRequest(json: JSON(parsing: text)))
      reply = .object([JSONMember("answer", answer.json)])
    } catch is EngineEnded {
      return  // Nothing was answered: the caller looks at the lock, and asks again.
    } catch {
      let kind = (error as? EngineFault)?.kind ?? .refused
      reply = .object([
        JSONMember(
          "fault",
          .object([JSONMember("kind", .string(kind.rawValue)), JSONMember("message", .string("\(error)"))]))
      ])
    }
    _ = send(line: reply.text(pretty: false), descriptor)
  }

  private static func send(line: String, _ descriptor: Int32) -> Bool {
    let bytes = Array((line + "\n").utf8)
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return false }
      sent += count
    }
    return true
  }

  /// At most 1 MB: nobody who speaks this protocol says more.
  private static func receiveLine(_ descriptor: Int32, atMost limit: Int = 1 << 20) -> [UInt8]? {
    var line: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while line.count < limit {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return nil }
      if let end = buffer[..<count].firstIndex(of: 0x0A) { return line + buffer[..<end] }
      line += buffer[..<count]
    }
    return nil
  }
}
