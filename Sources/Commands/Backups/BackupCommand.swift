import ArgumentParser
import CRM
import Engine
import Foundation
import Store

#if canImport(Glibc)
  import Glibc
#endif

struct BackupCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup", abstract: "Copy the whole workspace into one file, while an engine works or not.",
    discussion: """
      The file is a tar archive of database, drive, outbox, scripts, templates and workspace.lua. It appears under its \
      name when it is complete and on the disk, or not at all.

        coulisse backup ../shop-monday.tar
        coulisse backup /mnt/backup/shop.tar --force
      """)

  @OptionGroup var shared: SharedOptions
  @Flag(name: .long, help: "Overwrite the file if it is there.") var force = false
  @Argument(help: "The file to write.") var file: String

  func run() throws {
    let workspace = try shared.open()
    let target = URL(fileURLWithPath: file).standardizedFileURL
    try refuseTaken(target)
    let workshop = try Workshop(for: target)
    try workspace.read { _ in }  // Makes the database of a workspace that has none yet.

    // The database first: each of its rows stands for a file that was there before it, and files aren't removed. So all
    // that the copy knows of is still to come.
    let store = try Store(path: workspace.folder.database, mode: .readOnly, currency: workspace.declaration.currency)
    let copy = workshop.folder.appendingPathComponent(Archive.database)
    try store.backup(to: copy.path)
    let audit = try PaperAudit(
      database: copy.path, root: workspace.folder.root, currency: workspace.declaration.currency)

    let archive = workshop.folder.appendingPathComponent("archive")
    let descriptor = open(archive.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw fault(target) }
    defer { close(descriptor) }
    try Archive.write(workspace.folder.root, databaseIn: workshop.folder, to: descriptor)
    guard fsync(descriptor) == 0 else { throw fault(target) }
    var facts = stat()
    fstat(descriptor, &facts)
    try place(archive, at: target)
    try Disk.sync(target.deletingLastPathComponent())

    if !shared.json { audit.tell() }
    if shared.json {
      try Terminal.print(
        JSON.object(
          [JSONMember("file", .string(target.path)), JSONMember("bytes", .integer(Int64(facts.st_size)))]
            + audit.members))
    } else {
      try Terminal.print(
        "wrote \(Terminal.visible(target.path)): \(facts.st_size) bytes, "
          + "\(audit.documents) documents, \(audit.emails) e-mails")
    }
  }

  private func refuseTaken(_ target: URL) throws {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: target.path, isDirectory: &isFolder) else { return }
    if isFolder.boolValue {
      throw CommandFault("\(target.path) is a folder; name a file, like \(target.path)/shop.tar")
    }
    if !force { throw CommandFault("\(target.path) is there already; name another file, or overwrite it with --force") }
  }

  /// Gives the archive its name. Without --force a file that came there meanwhile is left alone.
  private func place(_ archive: URL, at target: URL) throws {
    let failed = force ? rename(archive.path, target.path) != 0 : link(archive.path, target.path) != 0
    if !failed { return }
    if !force, errno == EEXIST { try refuseTaken(target) }
    // A file system without links: a moment remains in which somebody could put a file there.
    if !force, errno == EPERM || errno == ENOTSUP || errno == ENOSYS, access(target.path, F_OK) != 0,
      rename(archive.path, target.path) == 0
    {
      return
    }
    throw fault(target)
  }

  private func fault(_ target: URL) -> CommandFault {
    CommandFault("\(target.path) can't be written: \(String(cString: strerror(errno)))")
  }
}
