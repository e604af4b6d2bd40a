import Foundation

#if canImport(Glibc)
  import Glibc
#endif

/// What a workspace consists of, as one file that the system's tar makes: one file to sync, to rename and to carry
/// elsewhere, and any machine can look into it, with this program or without.
enum Archive {
  static let database = "coulisse.db"
  /// What people wrote, then what the program made.
  static let parts = ["workspace.lua", "scripts", "templates", "drive", "outbox"]

  /// Writes the workspace into the open file `target`.
  /// - Parameter folder: where the copy of the database is.
  /// - Throws: `CommandFault` in tar's words.
  static func write(_ root: URL, databaseIn folder: URL, to target: Int32) throws {
    var arguments = [
      "--create", "--file=-", "--format=pax",
      // Files that are just being written, and PDFs that can be made again.
      "--exclude=.coulisse-*.part", "--exclude=drive/./.papers/views",
      "--directory=\(folder.path)", database, "--directory=\(root.path)",
    ]
    for part in parts {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: root.appendingPathComponent(part).path, isDirectory: &isFolder)
      else { continue }
      // With the point, a folder that is a link to another disk is the folder, and not the link.
      arguments.append(isFolder.boolValue ? "\(part)/." : part)
    }
    let outcome = try run(arguments, output: target)
    // 1: a file changed while it was read. Somebody corrects a document: it is there, as it was read.
    guard outcome.status <= 1 else { throw CommandFault("tar failed: \(outcome.errors)") }
  }

  /// Unpacks into an empty folder.
  /// - Throws: `CommandFault` when it is no backup, or damaged.
  static func unpack(_ file: URL, into folder: URL) throws {
    let list = try run(["--list", "--file=\(file.path)"])
    guard list.status == 0 else {
      throw CommandFault("\(file.path) can't be read as a backup: \(list.errors); it is damaged, or another file")
    }
    let names = list.output.split(separator: "\n")
    guard names.contains(Substring(database)) else {
      throw CommandFault("\(file.path) is no backup of coulisse: it holds no \(database)")
    }
    let known = Set(parts + [database])
    if let strange = names.first(where: { !known.contains(String($0.prefix { $0 != "/" })) || $0.contains("../") }) {
      throw CommandFault("\(file.path) is no backup of coulisse: it holds \(Terminal.visible(String(strange)))")
    }
    let outcome = try run([
      "--extract", "--no-same-owner", "--no-same-permissions", "--file=\(file.path)", "--directory=\(folder.path)",
    ])
    guard outcome.status == 0 else { throw CommandFault("\(file.path) can't be unpacked: \(outcome.errors)") }
    try refuseLinks(in: folder, of: file)
  }

  /// A backup holds files and folders. A link would lead what is opened next to another place, a pipe would stop it.
  private static func refuseLinks(in folder: URL, of file: URL) throws {
    let paths = FileManager.default.enumerator(atPath: folder.path)?.allObjects as? [String] ?? []
    for path in paths {
      var facts = stat()
      let kind = lstat(folder.appendingPathComponent(path).path, &facts) == 0 ? facts.st_mode & S_IFMT : 0
      guard kind == S_IFREG || kind == S_IFDIR else {
        throw CommandFault(
          "\(file.path) is no backup of coulisse: \(Terminal.visible(path)) is neither a file nor a folder")
      }
      if kind == S_IFREG { _ = chmod(folder.appendingPathComponent(path).path, facts.st_mode & 0o777) }
    }
  }

  private static func run(
    _ arguments: [String], output: Int32? = nil
  ) throws -> (status: Int32, output: String, errors: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["tar"] + arguments
    // Names are bytes for it; its messages are ours to show.
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["LC_ALL": "C", "TAR_OPTIONS": "", "QUOTING_STYLE": "literal"]) { $1 }
    let messages = FileManager.default.temporaryDirectory.appendingPathComponent("coulisse-\(UUID().uuidString)")
    let listing = messages.appendingPathExtension("list")
    defer { for file in [messages, listing] { try? FileManager.default.removeItem(at: file) } }
    for file in [messages, listing] { try Data().write(to: file) }
    process.standardError = try FileHandle(forWritingTo: messages)
    if let output {
      process.standardOutput = FileHandle(fileDescriptor: output, closeOnDealloc: false)
    } else {
      process.standardOutput = try FileHandle(forWritingTo: listing)
    }
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    let status = process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
    let errors = String(decoding: (try? Data(contentsOf: messages)) ?? Data(), as: UTF8.self)
      .split(separator: "\n").prefix(3).joined(separator: "; ")
    return (status, String(decoding: (try? Data(contentsOf: listing)) ?? Data(), as: UTF8.self), errors)
  }
}

/// A folder beside a file or folder that is in the making, with a hidden name that says what it belongs to. Removed by
/// its maker; what a killed maker left is removed by the next one that makes the same thing.
final class Workshop {
  let folder: URL
  private let lock: Int32

  /// - Throws: `CommandFault` when it can't be made there.
  init(for target: URL) throws {
    let parent = target.deletingLastPathComponent()
    let prefix = ".\(target.lastPathComponent)."
    for name in (try? FileManager.default.contentsOfDirectory(atPath: parent.path)) ?? []
    where name.hasPrefix(prefix) && name.hasSuffix(".part") {
      Self.removeLeftover(parent.appendingPathComponent(name))
    }
    folder = parent.appendingPathComponent("\(prefix)\(UUID().uuidString).part")
    guard mkdir(folder.path, 0o700) == 0 else {
      throw CommandFault("nothing can be written in \(parent.path): \(String(cString: strerror(errno)))")
    }
    lock = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    // Held for as long as this process lives.
    _ = flock(lock, LOCK_EX | LOCK_NB)
  }

  deinit {
    try? FileManager.default.removeItem(at: folder)
    close(lock)
  }

  private static func removeLeftover(_ folder: URL) {
    let descriptor = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { try? FileManager.default.removeItem(at: folder) }
  }
}
