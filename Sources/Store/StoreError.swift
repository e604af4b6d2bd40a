/// What went wrong in the store: what was expected, what was found, and what to do about it.
public struct StoreError: Error, Sendable, CustomStringConvertible {
  public enum Kind: Sendable, Hashable {
    /// No record has this id or key.
    case notFound
    /// A value breaks a rule of the schema; nothing was written.
    case constraint
    /// Another process holds the database for longer than the busy time-out.
    case locked
    /// The file or its folder can't be written.
    case readOnly
    /// The file is no database, or is damaged.
    case corrupted
    /// The disk is full.
    case full
    /// The database was written by a newer version of the program.
    case newer
    /// SQLite rolled the whole transaction back, not just a savepoint: all of the group must be executed again.
    case transactionLost
    /// Everything else that SQLite reports.
    case other
  }

  public var kind: Kind
  public var message: String

  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  public var description: String { message }
}
