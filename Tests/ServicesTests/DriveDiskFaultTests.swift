import CRM
import Foundation
import Glibc
import TestSupport
import Testing

@testable import Services

@Suite("A drive that is full, read-only or refused, and a process that is killed while it writes")
struct DriveDiskFaultTests {
  @Test(
    "A full disk is transient, leaves nothing behind, and is over when there is space",
    .enabled(if: PrivateMounts.areAllowed))
  func full() throws {
    let drive = try TestDrive()
    try PrivateMounts.with(drive.inside, options: "size=1m") {
      try drive.disk.makeFolder(["A"])
      try drive.disk.write(bytes("old"), to: ["A", "doc"])
      let large = [UInt8](repeating: 1, count: 2 << 20)
      for failure in [
        driveFailure { try drive.disk.write(large, to: ["A", "doc"]) },
        driveFailure { try drive.disk.writeNew(large, to: ["A", "new"]) },
      ] {
        #expect(failure?.isTransient == true)
        #expect(failure?.message.contains("the disk is full; free some space") == true)
      }
      #expect(try drive.everything() == ["A", "A/doc"])
      #expect(try drive.disk.read(["A", "doc"], limit: 10).bytes == bytes("old"))
      #expect(try drive.disk.writeNew([UInt8](repeating: 1, count: 500_000), to: ["A", "new"]))
    }
    #expect(try drive.everything().isEmpty)
  }

  @Test("A disk without room for one more file or folder is full too", .enabled(if: PrivateMounts.areAllowed))
  func noMoreFiles() throws {
    let drive = try TestDrive()
    try PrivateMounts.with(drive.inside, options: "nr_inodes=5") {
      for name in ["a", "b", "c", "d"] { try drive.disk.makeFolder([name]) }
      #expect(driveFailure { try drive.disk.makeFolder(["e"]) }?.isTransient == true)
      #expect(driveFailure { try drive.disk.write([1], to: ["e"]) }?.isTransient == true)
      #expect(try drive.everything() == ["a", "b", "c", "d"])
    }
  }

  @Test("A read-only drive is permanent, says what to do, and can be read", .enabled(if: PrivateMounts.areAllowed))
  func readOnly() throws {
    let drive = try TestDrive()
    try PrivateMounts.with(drive.inside, options: "size=1m") {
      try drive.disk.makeFolder(["A"])
      try drive.disk.write(bytes("x"), to: ["A", "doc"])
      #expect(PrivateMounts.remountReadOnly(drive.inside))
      for failure in [
        driveFailure { try drive.disk.write([1], to: ["A", "doc"]) },
        driveFailure { try drive.disk.writeNew([1], to: ["A", "new"]) },
        driveFailure { try drive.disk.makeFolder(["B"]) }, driveFailure { try drive.disk.remove(["A", "doc"]) },
      ] {
        #expect(failure?.kind == .permanent)
        #expect(failure?.message.contains("the drive is read-only; mount it for writing") == true)
      }
      try drive.disk.makeFolder(["A"])
      #expect(try !drive.disk.writeNew([1], to: ["A", "doc"]))
      #expect(try drive.disk.read(["A", "doc"], limit: 10).bytes == bytes("x"))
      #expect(try drive.disk.removeLeftovers(before: Instant(milliseconds: .max)) == 0)
    }
  }

  @Test("Refused permission is permanent, and says what to do")
  func refused() throws {
    let drive = try TestDrive()
    try drive.disk.makeFolder(["A"])
    try drive.disk.makeFolder(["closed"])
    try drive.disk.write(bytes("x"), to: ["A", "doc"])
    try drive.disk.write(bytes("x"), to: ["A", "private"])
    try drive.disk.write(bytes("x"), to: ["A", "open"])
    for (path, mode) in [("A/private", 0o000), ("closed", 0o000), ("A", 0o555), ("", 0o555)] {
      #expect(chmod(drive.inside + "/" + path, mode_t(mode)) == 0)
    }
    func reopen() { for path in ["", "A", "closed"] { chmod(drive.inside + "/" + path, 0o755) } }
    defer { reopen() }
    try PrivateMounts.asNobody {
      for failure in [
        driveFailure { try drive.disk.write([1], to: ["A", "doc"]) },
        driveFailure { try drive.disk.writeNew([1], to: ["A", "new"]) },
        driveFailure { try drive.disk.makeFolder(["B"]) }, driveFailure { try drive.disk.remove(["A", "doc"]) },
        driveFailure { try drive.disk.read(["A", "private"], limit: 10) },
        driveFailure { try drive.disk.list(["closed"]) },
      ] {
        #expect(failure?.kind == .permanent)
        #expect(failure?.message.contains("permission is refused") == true, "\(failure?.message ?? "no failure")")
      }
      // Another user's file, just written: nobody can be held off, and two readings agree.
      let read = try drive.disk.read(["A", "open"], limit: 10)
      #expect(read.bytes == bytes("x"))
    }
    reopen()
    #expect(try drive.everything() == ["A", "A/doc", "A/open", "A/private", "closed"])
  }

  @Test("What may be over soon is transient, what stays is permanent; all say something")
  func kinds() throws {
    let disk = DriveDisk(root: URL(fileURLWithPath: "/nowhere"))
    for reason in [ENOSPC, EDQUOT, EIO, ESTALE, ENOTCONN, EMFILE, ETIMEDOUT] {
      #expect(disk.failure(reason, "\"a\"", "can't be written").isTransient)
    }
    for reason in [EROFS, EACCES, EPERM, ENOENT, EISDIR, ENOTDIR, ELOOP, ENAMETOOLONG, EINVAL, EFBIG, ENOTSUP, EXDEV] {
      let failure = disk.failure(reason, "\"a\"", "can't be written")
      #expect(failure.kind == .permanent)
      #expect(failure.message.hasPrefix("drive: \"a\" can't be written: ") && failure.message.utf8.count > 35)
    }
  }

  // MARK: Killed

  /// Set for a process that this test starts: the drive's root.
  private static let child = ProcessInfo.processInfo.environment["COULISSE_DRIVE_WRITER"]
  private static let size = 4_000_000

  @Test("A process that is killed while it writes leaves no half file under the final name")
  func killed() throws {
    let drive = try TestDrive()
    var random = SeededText(seed: testSeed("Killed writers"))
    var (turns, leftovers) = (0, 0)
    // Until some were hit in the middle of a file, however this machine spends its time.
    while turns < 8 || leftovers < 3 && turns < 100 {
      turns += 1
      let writer = Process()
      writer.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      writer.arguments = ["--testing-library", "swift-testing", "--filter", "DriveDiskFaultTests/writer"]
      writer.environment = ProcessInfo.processInfo.environment.merging(["COULISSE_DRIVE_WRITER": drive.inside]) { $1 }
      writer.standardOutput = FileHandle.nullDevice
      writer.standardError = FileHandle.nullDevice
      try writer.run()
      // It has begun when a temporary file or a document is there; then any moment will do.
      while writer.isRunning, try drive.everything().isEmpty { usleep(1000) }
      #expect(writer.isRunning, "the writer ended by itself")
      usleep(UInt32.random(in: 0...30_000, using: &random))
      kill(writer.processIdentifier, SIGKILL)
      writer.waitUntilExit()
      for entry in try drive.disk.list([]) {
        let read = try drive.disk.read([entry.name], limit: Self.size + 1)
        #expect(read.bytes.count == Self.size && read.bytes.allSatisfy { $0 == read.bytes[0] })
      }
      let removed = try drive.disk.removeLeftovers(before: Instant(milliseconds: .max))
      leftovers += removed
      #expect(removed <= 1)
      let names = try drive.disk.list([]).map(\.name)
      #expect(try drive.everything() == names)
      for entry in try drive.disk.list([]) { _ = try drive.disk.remove([entry.name]) }
    }
    #expect(leftovers > 0, "no kill hit a write, and nothing was tested")
    print("Killed writers: \(leftovers) of \(turns) in the middle of a file")
  }

  @Test("(the process that is killed)", .enabled(if: child != nil))
  func writer() throws {
    let disk = DriveDisk(root: URL(fileURLWithPath: try #require(Self.child)))
    var turn = 0
    while true {
      turn += 1
      let content = [UInt8](repeating: UInt8(turn % 200), count: Self.size)
      if turn % 2 == 0 {
        try disk.write(content, to: ["replaced"])
      } else {
        _ = try disk.writeNew(content, to: ["new \(turn % 16)"])
      }
    }
  }
}
