import CRM
import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Services

/// Counts from several threads.
private final class Counter: Sendable {
  private let count = Atomic(0)
  func increment() { count.add(1, ordering: .relaxed) }
  var value: Int { count.load(ordering: .relaxed) }
}

@Suite("Nothing leads out of the drive, and nothing is half written")
struct DriveDiskHostileTests {
  @Test(
    "A name that is no plain name is refused",
    arguments: [
      "", ".", "..", "a/b", "/", "/etc/passwd", "../outside", "a\u{0}b", ".coulisse-0123456789abcdef.part",
      String(repeating: "é", count: 128),
    ])
  func names(name: String) throws {
    let drive = try TestDrive()
    for path in [[name], ["A", name], [name, "A"]] {
      for failure in [
        driveFailure { try drive.disk.makeFolder(path) }, driveFailure { try drive.disk.write([1], to: path) },
        driveFailure { try drive.disk.read(path, limit: 10) }, driveFailure { try drive.disk.remove(path) },
        driveFailure { try drive.disk.entry(path) }, driveFailure { try drive.disk.list(path) },
      ] {
        #expect(failure?.kind == .permanent)
        #expect(failure?.message.utf8.contains(0) == false)
      }
    }
    #expect(try drive.everything().isEmpty && drive.outsideIsUntouched)
  }

  @Test("Folders too deep inside one another are refused")
  func depth() throws {
    let drive = try TestDrive()
    try drive.disk.makeFolder([String](repeating: String(repeating: "é", count: 50), count: 32))
    #expect(driveFailure { try drive.disk.makeFolder([String](repeating: "a", count: 33)) }?.kind == .permanent)
  }

  @Test(
    "Emoji, right-to-left text and decomposed letters are names like others",
    arguments: [
      "👩‍👩‍👧‍👦", "דנה כהן", "محمد", "Noe\u{301}mie", "a\nb", "-rf *", "~", "$(id)", " ", "\\",
      String(repeating: "中", count: 85),
    ])
  func unicode(name: String) throws {
    let drive = try TestDrive()
    try drive.disk.makeFolder([name])
    try drive.disk.write(bytes("x"), to: [name, name])
    #expect(try drive.disk.read([name, name], limit: 10).bytes == bytes("x"))
    #expect(try drive.disk.list([name]).map { Array($0.name.utf8) } == [Array(name.utf8)])
  }

  @Test("A symbolic link planted in the drive is neither followed nor replaced; one at the root is")
  func symbolicLinks() throws {
    let drive = try TestDrive()
    let links = FileManager.default
    try drive.disk.makeFolder(["A"])
    try drive.disk.write(bytes("x"), to: ["doc"])
    try links.createSymbolicLink(atPath: drive.inside + "/out", withDestinationPath: drive.outside)
    try links.createSymbolicLink(atPath: drive.inside + "/file", withDestinationPath: drive.outside + "/secret.txt")
    try links.createSymbolicLink(atPath: drive.inside + "/new", withDestinationPath: drive.outside + "/new.txt")
    try links.createSymbolicLink(atPath: drive.inside + "/in", withDestinationPath: "A")
    try links.createSymbolicLink(atPath: drive.inside + "/loop", withDestinationPath: "loop")
    for name in ["out", "in", "loop"] {
      for failure in [
        driveFailure { try drive.disk.write([1], to: [name, "x"]) },
        driveFailure { try drive.disk.writeNew([1], to: [name, "x"]) },
        driveFailure { try drive.disk.makeFolder([name, "x"]) }, driveFailure { try drive.disk.makeFolder([name]) },
        driveFailure { try drive.disk.read([name, "secret.txt"], limit: 100) },
        driveFailure { try drive.disk.remove([name, "secret.txt"]) }, driveFailure { try drive.disk.list([name]) },
        driveFailure { try drive.disk.entry([name, "x"]) },
      ] {
        #expect(failure?.kind == .permanent)
        #expect(failure?.message.contains("symbolic link") == true, "\(failure?.message ?? "no failure")")
      }
    }
    for name in ["file", "new"] {
      for failure in [
        driveFailure { try drive.disk.write([1], to: [name]) },
        driveFailure { try drive.disk.read([name], limit: 100) },
        driveFailure { try drive.disk.remove([name]) },
      ] {
        #expect(failure?.message.contains("symbolic link") == true, "\(failure?.message ?? "no failure")")
        #expect(failure?.message.contains("\"\(name)\"") == true)
      }
      #expect(try !drive.disk.writeNew([1], to: [name]))
      #expect(try drive.disk.entry([name])?.kind == .symbolicLink)
    }
    #expect(drive.outsideIsUntouched)
    #expect(try !drive.everything().contains { $0.hasSuffix(".part") })

    let way = drive.place.path("way")
    try links.createSymbolicLink(atPath: way, withDestinationPath: drive.inside)
    try DriveDisk(root: URL(fileURLWithPath: way)).write(bytes("y"), to: ["doc"])
    #expect(try drive.disk.read(["doc"], limit: 10).bytes == bytes("y"))
  }

  @Test("A folder that somebody exchanges for a link to elsewhere, at any moment, leads nowhere else")
  func exchangedFolder() throws {
    let drive = try TestDrive()
    try drive.disk.makeFolder(["A", "B"])
    let (folder, aside) = (drive.inside + "/A", drive.inside + "/aside")
    try FileManager.default.createDirectory(atPath: drive.outside + "/B", withIntermediateDirectories: false)
    let isOver = Atomic(false)
    let written = Counter()
    inParallel(3) { place in
      if place == 0 {
        for _ in 0..<3000 {
          rename(folder, aside)
          symlink(drive.outside, folder)
          unlink(folder)
          rename(aside, folder)
        }
        isOver.store(true, ordering: .relaxed)
        return
      }
      var turn = 0
      while !isOver.load(ordering: .relaxed) {
        turn += 1
        for path in [["A", "x\(place)"], ["A", "B", "x\(place)"]] {
          if (try? drive.disk.write(bytes("x"), to: path)) != nil { written.increment() }
          _ = try? drive.disk.writeNew(bytes("x"), to: path.dropLast() + ["n\(place)-\(turn % 50)"])
          _ = try? drive.disk.makeFolder(["A", "B", "f\(place)"])
        }
        // What `makeFolder` finds missing, it makes, and then the folder can't come back.
        if turn % 20 == 0 { _ = try? drive.disk.remove(["A", "x\(place)"]) }
      }
    }
    #expect(written.value > 0)
    #expect(try FileManager.default.contentsOfDirectory(atPath: drive.outside).sorted() == ["B", "secret.txt"])
    #expect(try FileManager.default.contentsOfDirectory(atPath: drive.outside + "/B").isEmpty)
  }

  @Test("A file where a folder is expected, a folder where a file is expected, a pipe: said clearly, and nothing hangs")
  func otherKinds() throws {
    let drive = try TestDrive()
    try drive.disk.write(bytes("x"), to: ["doc"])
    try drive.disk.makeFolder(["dir"])
    #expect(mkfifo(drive.inside + "/pipe", 0o600) == 0)
    for failure in [
      driveFailure { try drive.disk.makeFolder(["doc"]) }, driveFailure { try drive.disk.makeFolder(["doc", "x"]) },
      driveFailure { try drive.disk.write([1], to: ["doc", "x"]) }, driveFailure { try drive.disk.list(["doc"]) },
    ] {
      #expect(failure?.message.contains("\"doc\": expected a folder, found a file") == true)
    }
    for failure in [
      driveFailure { try drive.disk.write([1], to: ["dir"]) }, driveFailure { try drive.disk.read(["dir"], limit: 10) },
      driveFailure { try drive.disk.remove(["dir"]) },
    ] {
      #expect(failure?.message.contains("\"dir\"") == true && failure?.message.contains("a folder is there") == true)
    }
    for failure in [
      driveFailure { try drive.disk.write([1], to: ["pipe"]) },
      driveFailure { try drive.disk.read(["pipe"], limit: 10) },
      driveFailure { try drive.disk.remove(["pipe"]) },
    ] {
      #expect(failure?.message.contains("expected a file, found a pipe") == true)
    }
    for failure in [
      driveFailure { try drive.disk.write([1], to: []) }, driveFailure { try drive.disk.read([], limit: 10) },
      driveFailure { try drive.disk.remove([]) }, driveFailure { try drive.disk.read(["gone"], limit: 10) },
      driveFailure { try drive.disk.write([1], to: ["gone", "x"]) }, driveFailure { try drive.disk.list(["gone"]) },
    ] {
      #expect(failure?.kind == .permanent)
    }
    #expect(try drive.disk.read(["doc"], limit: 10).bytes == bytes("x"))
  }

  @Test("Of eight who write one new name at once, one succeeds, and its content stays")
  func newNameAtOnce() throws {
    let drive = try TestDrive()
    for turn in 0..<60 {
      let winners = Mutex<[Int]>([])
      inParallel(8) { place in
        let content = [UInt8](repeating: UInt8(place), count: 50_000)
        if (try? drive.disk.writeNew(content, to: ["doc \(turn)"])) == true { winners.withLock { $0.append(place) } }
      }
      let found = winners.withLock { $0 }
      #expect(found.count == 1)
      let read = try drive.disk.read(["doc \(turn)"], limit: 100_000).bytes
      #expect(read.count == 50_000 && read.allSatisfy { $0 == UInt8(found.first ?? 255) })
    }
    #expect(try drive.everything().count == 60)
  }

  @Test("Both of the system's ways to claim a name refuse one that is taken")
  func claims() throws {
    let drive = try TestDrive()
    let folder = try drive.disk.folder([])
    for claim in [NewName.byRenaming, NewName.byLinking] {
      try drive.disk.write(bytes("a"), to: ["a"])
      try drive.disk.write(bytes("b"), to: ["b"])
      #expect(claim("b", "a", folder) == EEXIST)
      #expect(try drive.disk.read(["b"], limit: 10).bytes == bytes("b"))
      #expect(claim("c", "a", folder) == 0)
      #expect(try drive.disk.list([]).map(\.name) == ["b", "c"])
      #expect(try drive.disk.remove(["c"]))
    }
  }

  @Test("Eight who make one folder at once all have it; eight who replace one file leave one of theirs, whole")
  func replacedAtOnce() throws {
    let drive = try TestDrive()
    let failures = Mutex<[String]>([])
    inParallel(8) { place in
      for turn in 0..<40 {
        do {
          try drive.disk.makeFolder(["A \(turn)", "B", "C"])
          try drive.disk.write([UInt8](repeating: UInt8(place), count: 40_000 + place), to: ["A \(turn)", "doc"])
        } catch {
          failures.withLock { $0.append("\(error)") }
        }
      }
    }
    #expect(failures.withLock { $0 } == [])
    for turn in 0..<40 {
      let read = try drive.disk.read(["A \(turn)", "doc"], limit: 100_000).bytes
      #expect(read.count == 40_000 + Int(read.first ?? 255) && read.allSatisfy { $0 == read.first })
    }
  }

  @Test("A document that is saved while it is read comes out as one version of it, or not at all for now")
  func changingFile() throws {
    let drive = try TestDrive()
    let size = 2_000_000
    try drive.disk.write([UInt8](repeating: 0, count: size), to: ["doc"])
    let isOver = Atomic(false)
    let (whole, torn) = (Counter(), Counter())
    let other = Mutex<[String]>([])
    inParallel(2) { place in
      if place == 0 {
        var version: UInt8 = 0
        while !isOver.load(ordering: .relaxed) {
          version &+= 1
          let content = [UInt8](repeating: version, count: size)
          let file = open(drive.inside + "/doc", O_WRONLY | O_CLOEXEC)
          for start in stride(from: 0, to: size, by: size / 4) {
            content.withUnsafeBytes { _ = pwrite(file, $0.baseAddress, size / 4, off_t(start)) }
          }
          close(file)
        }
        return
      }
      for _ in 0..<150 {
        do throws(ServiceFailure) {
          let read = try drive.disk.read(["doc"], limit: size).bytes
          let isWhole = read.count == size && read.allSatisfy { $0 == read[0] }
          (isWhole ? whole : torn).increment()
        } catch {
          let isExpected = error.isTransient && error.message.contains("\"doc\" was being changed each time")
          if !isExpected { other.withLock { $0.append(error.message) } }
        }
      }
      isOver.store(true, ordering: .relaxed)
    }
    #expect(torn.value == 0)
    print("Read while it is saved: \(whole.value) of 150")
    #expect(other.withLock { $0 } == [])
    #expect(driveFailure { try drive.disk.read(["doc"], limit: size) } == nil)
  }

  @Test("A document that an office program keeps open is read if it was not changed just now")
  func openFile() throws {
    let drive = try TestDrive()
    try drive.disk.write(bytes("x"), to: ["doc"])
    let file = open(drive.inside + "/doc", O_RDWR | O_CLOEXEC)
    defer { close(file) }
    let failure = driveFailure { try drive.disk.read(["doc"], limit: 10) }
    #expect(failure?.isTransient == true)
    let later = time(nil) + 10
    #expect(try drive.disk.read(["doc"], limit: 10, now: { later }).bytes == bytes("x"))
  }
}
