import CFaultVFS
import Glibc

/// A disk in memory that breaks when it is told to: see `faultvfs.h`. Used by one thread.
public final class FaultDisk {
  /// What SQLite asks of a disk.
  public enum Operation: CaseIterable, Sendable {
    case read, write, sync, truncate, open, delete, lock

    fileprivate var code: fault_operation {
      switch self {
      case .read: FAULT_READ
      case .write: FAULT_WRITE
      case .sync: FAULT_SYNC
      case .truncate: FAULT_TRUNCATE
      case .open: FAULT_OPEN
      case .delete: FAULT_DELETE
      case .lock: FAULT_LOCK
      }
    }
  }

  /// How an operation fails.
  public enum Fault: Sendable {
    /// As on a disk that can't be read or written there.
    case broken
    case full
    /// As under another program's lock.
    case locked

    fileprivate var code: fault_kind {
      switch self {
      case .broken: FAULT_BROKEN
      case .full: FAULT_FULL
      case .locked: FAULT_BUSY
      }
    }
  }

  /// What a crash leaves of the writes that were not synced.
  public enum Loss: CaseIterable, Sendable {
    /// All of them: only the process died.
    case nothing
    /// None.
    case unsynced
    /// Any part of each.
    case torn

    fileprivate var code: fault_loss {
      switch self {
      case .nothing: FAULT_KEEP
      case .unsynced: FAULT_LOSE
      case .torn: FAULT_TEAR
      }
    }
  }

  /// Registered with SQLite once for the process; files on no such disk stay where they are.
  private static let isRegistered = fault_vfs_register() == 0

  private let disk: OpaquePointer
  private let name: String

  /// An empty disk.
  /// - Parameters:
  ///   - name: unique among the disks that live; without a dot.
  ///   - seed: of what a crash tears.
  /// - Throws: `SimulationFault` when there is no memory for it.
  public init(name: String, seed: UInt64) throws {
    guard Self.isRegistered, let made = fault_disk_make(name, seed) else {
      throw SimulationFault("the disk \(name) can't be made")
    }
    disk = made
    self.name = name
  }

  /// A disk with what is on another one now.
  public init(copying other: FaultDisk, name: String, seed: UInt64) throws {
    guard let made = fault_disk_copy(other.disk, name, seed) else {
      throw SimulationFault("the disk \(name) can't be made")
    }
    disk = made
    self.name = name
  }

  deinit { fault_disk_free(disk) }

  /// Where a database is on this disk.
  public var database: String { "\(name).db" }

  /// From the `nth` operation of a kind on, counted from now and from 1, so many of them fail.
  public func fail(_ operation: Operation, _ fault: Fault, nth: Int = 1, times: Int = 1) {
    fault_disk_fail(disk, operation.code, fault.code, Int64(nth), Int64(times))
  }

  /// Nothing fails any more.
  public func mend() { fault_disk_mend(disk) }

  /// How often an operation was asked for.
  public func count(_ operation: Operation) -> Int { Int(fault_disk_count(disk, operation.code)) }

  /// The power goes at the `nth` operation that changes the disk, counted from now; 0: at once.
  public func cutPower(at nth: Int) { fault_disk_cut_at(disk, Int64(nth)) }

  public var isOff: Bool { fault_disk_is_off(disk) }

  /// The disk is as a crash leaves it, and works again. Connections that were open are dead.
  public func restart(_ loss: Loss) { fault_disk_restart(disk, loss.code) }

  /// Bytes of the database's write-ahead log.
  public var logSize: Int { Int(fault_disk_size(disk, database + "-wal")) }

  /// Looks at the disk without disturbing it.
  func looking<T>(_ body: () throws -> T) rethrows -> T {
    fault_disk_pause(disk, true)
    defer { fault_disk_pause(disk, false) }
    return try body()
  }
}

/// Looks into a database from outside, with nothing of the program that writes it: what is true there is asked in SQL.
public final class Onlooker {
  fileprivate let database: OpaquePointer

  /// - Throws: `SimulationFault` when it can't be opened.
  public init(_ path: String) throws {
    guard let opened = fault_database_open(path) else { throw SimulationFault("\(path) can't be opened") }
    database = opened
  }

  deinit { fault_database_close(database) }

  /// The rows of a query, as texts.
  /// - Throws: `SimulationFault` with SQLite's reason.
  public func rows(_ sql: String) throws -> [[Substring]] {
    guard let text = fault_database_rows(database, sql) else {
      throw SimulationFault("\(String(cString: fault_database_message(database))), in: \(sql)")
    }
    defer { free(text) }
    if text.pointee == 0 { return [] }
    return String(cString: text).split(separator: "\u{1E}").map { row in
      row.split(separator: "\u{1F}", omittingEmptySubsequences: false).dropLast()
    }
  }
}

extension Onlooker {
  /// Executes a script of several statements, such as a dump.
  /// - Throws: `SimulationFault` with SQLite's reason.
  public func execute(_ script: String) throws {
    if !fault_database_execute(database, script) {
      throw SimulationFault(String(cString: fault_database_message(database)))
    }
  }
}

/// Something that must not be.
public struct SimulationFault: Error, Sendable, CustomStringConvertible {
  public var description: String

  public init(_ description: String) { self.description = description }
}
