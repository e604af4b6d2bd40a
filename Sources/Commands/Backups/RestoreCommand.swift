import ArgumentParser
import CRM
import Engine
import Foundation
import Services
import Scripting
import Store

#if canImport(Glibc)
  import Glibc
#endif

struct RestoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "restore", abstract: "Make a workspace from a backup.",
    discussion: """
      Into a new or empty folder; or, with --force and when no engine works on it, in the place of this workspace, \
      whose folder is kept beside. The backup is unpacked and checked first: then the folder is there as a whole, or \
      as it was.

        coulisse restore shop-monday.tar --into shop
        coulisse restore ../shop-monday.tar --force
      """)

  @OptionGroup var shared: SharedOptions
  @Option(name: .long, help: ArgumentHelp("The folder. (default: this workspace)", valueName: "dir")) var into: String?
  @Flag(name: .long, help: "In the place of a workspace that is there; and even if the backup lacks documents.")
  var force = false
  @Argument(help: "The file that \"coulisse backup\" wrote.") var file: String

  func run() throws {
    let archive = URL(fileURLWithPath: file).standardizedFileURL
    let target = URL(fileURLWithPath: into ?? shared.workspace ?? ".").standardizedFileURL
    guard FileManager.default.isReadableFile(atPath: archive.path) else {
      throw CommandFault("\(archive.path) can't be read; check that it is there and that you may read it")
    }
    let present = try presentWorkspace(target)
    // Held to the end: while it is ours no engine begins.
    let lock = try present.map(Self.lock)
    defer { withExtendedLifetime(lock) {} }

    let workshop = try Workshop(for: target)
    let new = workshop.folder.appendingPathComponent("workspace")
    try FileManager.default.createDirectory(at: new, withIntermediateDirectories: false)
    chmod(new.path, present == nil ? 0o755 : try Self.mode(of: target))
    try Archive.unpack(archive, into: new)
    let audit = try check(new)
    if let present { try carryOver(from: present, into: new) }
    try Disk.syncTree(new)
    let kept = try place(new, at: target, isThere: present != nil)
    try Disk.sync(target.deletingLastPathComponent())

    if !shared.json { audit.tell() }
    if shared.json {
      return try Terminal.print(
        JSON.object(
          [
            JSONMember("workspace", .string(target.path)),
            JSONMember("previous", kept.map { .string($0.path) } ?? .null),
          ] + audit.members))
    }
    try Terminal.print(
      "restored \(Terminal.visible(target.path)): \(audit.documents) documents, \(audit.emails) e-mails")
    if let kept {
      try Terminal.print("  what was there is in \(Terminal.visible(kept.path))")
      Terminal.note("a shell that was in the folder is in the old one: cd \(ShellWord.quoted(target.path))")
    }
  }

  /// The workspace whose place the backup takes; nil for a new or an empty folder.
  private func presentWorkspace(_ target: URL) throws -> WorkspaceFolder? {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: target.path, isDirectory: &isFolder) else { return nil }
    guard isFolder.boolValue else { throw CommandFault("\(target.path) is a file; name a new or empty folder") }
    let names = try FileManager.default.contentsOfDirectory(atPath: target.path)
    if names.isEmpty { return nil }
    guard names.contains("workspace.lua") else {
      throw CommandFault(
        "\(target.path) is not empty and no workspace (it holds \(names.sorted()[0])); name a new or empty folder")
    }
    guard force else {
      throw CommandFault(
        "\(target.path) is a workspace already; name a new folder with --into DIR, "
          + "or put the backup in its place with --force")
    }
    return try WorkspaceFolder(target)
  }

  private static func lock(_ folder: WorkspaceFolder) throws -> EngineLock {
    if let lock = try EngineLock.take(folder, wait: false) { return lock }
    throw CommandFault(
      "an engine works on \(folder.root.path); end it first (coulisse work, a service), "
        + "or name a new folder with --into DIR")
  }

  private static func mode(of folder: URL) throws -> mode_t {
    var facts = stat()
    guard stat(folder.path, &facts) == 0 else { return 0o755 }
    return facts.st_mode & 0o7777
  }

  /// - Throws: `CommandFault` when the backup is damaged, or lacks documents and that is not wanted.
  private func check(_ new: URL) throws -> PaperAudit {
    let path = new.appendingPathComponent(Archive.database).path
    do {
      let faults = try Store(path: path, mode: .readWrite).integrityFaults()
      guard faults.isEmpty else { throw CommandFault(faults.prefix(3).joined(separator: "; ")) }
    } catch {
      throw CommandFault("the database in \(file) is damaged: \(error). Nothing was restored; try an earlier backup")
    }
    let audit = try PaperAudit(database: path, root: new, currency: try WorkspaceFolder(new).declaration().currency)
    if !audit.missing.isEmpty, !force {
      let names = audit.missing.prefix(5).joined(separator: ", ")
      let more = audit.missing.count > 5 ? " and \(audit.missing.count - 5) more" : ""
      throw CommandFault(
        "\(file) lacks files that its database names: \(names)\(more). Restore what there is with --force")
    }
    return audit
  }

  /// What lies in the folder and is part of no backup stays in it; and the new folder's lock is the old one's, so that
  /// who waits for the one has the other.
  private func carryOver(from folder: WorkspaceFolder, into new: URL) throws {
    let files = FileManager.default
    let state = folder.state.lastPathComponent
    for name in try files.contentsOfDirectory(atPath: folder.root.path)
    where !Archive.parts.contains(name) && !name.hasPrefix(Archive.database) && name != state {
      try files.copyItem(
        at: folder.root.appendingPathComponent(name), to: new.appendingPathComponent(name))
    }
    let newState = new.appendingPathComponent(state)
    try files.createDirectory(at: newState, withIntermediateDirectories: false)
    try files.linkItem(
      at: URL(fileURLWithPath: folder.lockFile),
      to: newState.appendingPathComponent(URL(fileURLWithPath: folder.lockFile).lastPathComponent))
  }

  /// - Returns: where the workspace that was there is now.
  private func place(_ new: URL, at target: URL, isThere: Bool) throws -> URL? {
    guard isThere else {
      // Takes the place of an empty folder too, and of no other.
      if rename(new.path, target.path) == 0 { return nil }
      throw CommandFault("\(target.path) can't be made: \(String(cString: strerror(errno)))")
    }
    // Under the name that the old one is to have, before it is the old one: so whatever ends this process, the old one
    // is never in a folder that somebody clears away.
    let kept = try freeName(beside: target, for: new)
    let reason = RenameCall.rename(kept.path, to: target.path, .exchange)
    if reason == 0 { return kept }
    try? FileManager.default.removeItem(at: kept)
    throw CommandFault(
      "\(target.path) can't be replaced in one step (\(String(cString: strerror(reason)))), "
        + "as where it is a disk of its own; restore into a new folder with --into DIR")
  }

  /// Moves the new workspace to the name under which the old one is to be kept.
  private func freeName(beside target: URL, for new: URL) throws -> URL {
    let stamp = OpenWorkspace.now.description.filter { $0.isNumber || $0 == "T" }.prefix(15)
    let name = "\(target.lastPathComponent).before-restore-\(stamp)"
    var reason: Int32 = EEXIST
    for number in 1...100 {
      let place = target.deletingLastPathComponent()
        .appendingPathComponent(number == 1 ? name : "\(name)-\(number)")
      // A name that is taken, be it by an empty folder, is not ours.
      if access(place.path, F_OK) == 0 { continue }
      if rename(new.path, place.path) == 0 { return place }
      reason = errno
    }
    throw CommandFault("\(name) can't be made beside \(target.path): \(String(cString: strerror(reason)))")
  }
}
