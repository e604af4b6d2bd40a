import CRM
import Foundation
import Glibc
import Services
import TestSupport
import Testing

/// A drive in a folder of its own, beside which there is another folder that it must never reach.
struct TestDrive {
  let place: TemporaryFolder
  let disk: DriveDisk
  var outside: String { place.path("outside") }
  var inside: String { disk.root.path }

  init() throws {
    place = try TemporaryFolder()
    disk = DriveDisk(root: place.url.appendingPathComponent("drive"))
    try disk.makeRoot()
    try place.write("outside/secret.txt", "secret")
  }

  /// All that is under the root, temporary files too.
  func everything() throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: inside).sorted()
  }

  var outsideIsUntouched: Bool {
    (try? FileManager.default.contentsOfDirectory(atPath: outside)) == ["secret.txt"]
      && (try? String(contentsOfFile: outside + "/secret.txt", encoding: .utf8)) == "secret"
  }
}

/// The failure of what `body` does; nil when it does it.
func driveFailure<T>(_ body: () throws -> T) -> ServiceFailure? {
  do {
    _ = try body()
    return nil
  } catch {
    return error as? ServiceFailure
  }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite("The drive's folder on the disk (ALT-114)")
struct DriveDiskTests {
  @Test("Folders are made with those above them, and made again without harm (ALT-115, ALT-117)")
  func folders() throws {
    let drive = try TestDrive()
    for _ in 0..<2 {
      try drive.disk.makeFolder(["Noémie d’Arc", "Documents générés"])
      try drive.disk.makeFolder(["Noémie d’Arc", "Fin"])
    }
    let entries = try drive.disk.list(["Noémie d’Arc"])
    #expect(entries.map(\.name) == ["Documents générés", "Fin"])
    #expect(entries.allSatisfy { $0.kind == .folder })
    #expect(try drive.disk.entry(["Noémie d’Arc", "Fin"])?.kind == .folder)
    #expect(try drive.disk.entry([])?.kind == .folder)
    #expect(try drive.disk.entry(["Nobody", "Fin"]) == nil)
  }

  @Test("A file is written, read, replaced, placed beside and removed")
  func files() throws {
    let drive = try TestDrive()
    let path = ["A", "Devis 🌻.pdf"]
    try drive.disk.makeFolder(["A"])
    try drive.disk.write(bytes("one"), to: path)
    let first = try drive.disk.read(path, limit: 100)
    #expect(first.bytes == bytes("one") && first.entry.size == 3 && first.entry.name == "Devis 🌻.pdf")
    try drive.disk.write(bytes("second"), to: path)
    let second = try drive.disk.read(path, limit: 100)
    #expect(second.bytes == bytes("second") && second.entry.inode != first.entry.inode)
    // Under the first free name, which is the one that says the same, if it is nobody else's.
    let name = DriveName("Signed", extension: "pdf", fallback: "x")
    #expect(try drive.disk.place(bytes("second"), as: name, in: []) == "Signed.pdf")
    #expect(try drive.disk.place(bytes("second"), as: name, in: []) == "Signed.pdf")
    #expect(try drive.disk.place(bytes("third"), as: name, in: []) == "Signed (2).pdf")
    #expect(try drive.disk.place(bytes("second"), as: name, in: []) { $0 == ["Signed.pdf"] } == "Signed (3).pdf")
    #expect(try drive.disk.read(["Signed.pdf"], limit: 100).bytes == bytes("second"))
    for name in ["Signed (2).pdf", "Signed (3).pdf"] { #expect(try drive.disk.remove([name])) }
    #expect(try drive.disk.remove(path))
    #expect(try !drive.disk.remove(path))
    #expect(try drive.everything() == ["A", "Signed.pdf"])
    try drive.disk.write([], to: ["empty"])
    #expect(try drive.disk.read(["empty"], limit: 0).bytes == [])
    let large = [UInt8](repeating: 7, count: 3_000_001)
    try drive.disk.write(large, to: ["large"])
    #expect(try drive.disk.read(["large"], limit: large.count).bytes == large)
  }

  @Test("A new file never takes the place of another")
  func newFiles() throws {
    let drive = try TestDrive()
    #expect(try drive.disk.writeNew(bytes("mine"), to: ["a"]))
    #expect(try !drive.disk.writeNew(bytes("yours"), to: ["a"]))
    try drive.disk.makeFolder(["b"])
    #expect(try !drive.disk.writeNew(bytes("yours"), to: ["b"]))
    #expect(try drive.disk.read(["a"], limit: 100).bytes == bytes("mine"))
    #expect(try drive.everything() == ["a", "b"])
  }

  @Test("A large file is not read past its limit")
  func limit() throws {
    let drive = try TestDrive()
    try drive.disk.write(bytes("12345"), to: ["a"])
    let failure = driveFailure { try drive.disk.read(["a"], limit: 4) }
    #expect(failure?.kind == .permanent)
    #expect(failure?.message.contains("\"a\": expected at most 4 bytes, found 5") == true)
    // A file that has no size to tell beforehand.
    #expect(driveFailure { try DriveDisk(root: URL(fileURLWithPath: "/proc/self")).read(["status"], limit: 10) } != nil)
  }

  @Test("A root that is missing is told as such, since the disk may not be there; it is made when asked for")
  func missingRoot() throws {
    let folder = try TemporaryFolder()
    let disk = DriveDisk(root: folder.url.appendingPathComponent("not/yet"))
    let failure = driveFailure { try disk.makeFolder(["A"]) }
    #expect(failure?.kind == .permanent)
    #expect(failure?.message.contains("/not/yet is missing") == true && failure?.message.contains("mount") == true)
    try disk.makeRoot()
    try disk.makeRoot()
    try disk.makeFolder(["A"])
    try folder.write("file", "x")
    #expect(
      driveFailure { try DriveDisk(root: folder.url.appendingPathComponent("file")).list([]) }?.kind == .permanent)
    try FileManager.default.createSymbolicLink(atPath: folder.path("nowhere"), withDestinationPath: "gone/there")
    for path in ["file", "file/x", "nowhere", "nowhere/x/y"] {
      let failure = driveFailure { try DriveDisk(root: folder.url.appendingPathComponent(path)).makeRoot() }
      #expect(failure?.kind == .permanent, "\(path)")
    }
  }

  @Test("The hash of a content is SHA-256 in hexadecimal digits")
  func hash() {
    #expect(
      ContentHash.sha256(bytes("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }

  @Test("Temporary files of dead processes are removed: only ours, only old ones, only those without a writer")
  func leftovers() throws {
    let drive = try TestDrive()
    try drive.disk.makeFolder(["A", "B"])
    let ours = ".coulisse-0123456789abcdef.part"
    let old = [
      "A/\(ours)", "A/B/\(ours)", "A/.coulisse-0123456789abcdeg.part", "A/.coulisse-.part", "A/x.part", "A/doc",
    ]
    let locked = "A/.coulisse-1111111111111111.part"
    for path in old + [ours, locked] { try Data("x".utf8).write(to: drive.disk.root.appendingPathComponent(path)) }
    for path in old + [locked] {
      try FileManager.default.setAttributes(
        [.modificationDate: Date(timeIntervalSince1970: 1_000_000_000)], ofItemAtPath: drive.inside + "/" + path)
    }
    try drive.disk.makeFolder(["A", "folder"])
    try FileManager.default.createSymbolicLink(
      atPath: drive.inside + "/A/link", withDestinationPath: drive.outside)
    try drive.place.write("outside/\(ours)", "x")
    let writer = open(drive.inside + "/" + locked, O_RDWR | O_CLOEXEC)
    defer { close(writer) }
    #expect(flock(writer, LOCK_EX) == 0)
    let removed = try drive.disk.removeLeftovers(before: Instant(milliseconds: 1_500_000_000_000))
    #expect(removed == 2)
    let left = try drive.everything()
    #expect(left.contains(ours) && left.contains(locked) && left.contains("A/x.part") && left.contains("A/doc"))
    #expect(!left.contains("A/\(ours)") && !left.contains("A/B/\(ours)"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: drive.outside).count == 2)
    // Nobody sees them in the drive.
    #expect(try !drive.disk.list([]).contains { $0.name == ours })
  }
}
