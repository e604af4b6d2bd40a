import GRDB

/// Folders, documents, requests for signatures, and outgoing mail.
///
/// A row stands for a file that is on disk already (it was written and synced first). The effect key of the step that
/// made it is unique, so a step that is repeated finds what it made.
enum Migration002 {
  static let identifier = "002 folders, documents, signatures, mail"

  static func apply(_ db: Database) throws {
    try db.execute(sql: sql)
  }

  /// `path` is relative to the drive, its parts divided by `/`. A client has one folder (ALT-116), a deal one open
  /// request for a signature (ALT-129); both stand in the schema, because a constraint also holds for the program that
  /// forgets it.
  static let sql = """
    CREATE TABLE folder (
      id INTEGER PRIMARY KEY,
      effect_key TEXT NOT NULL UNIQUE,
      parent_id INTEGER REFERENCES folder (id),
      person_id INTEGER UNIQUE REFERENCES person (id),
      name TEXT NOT NULL CHECK (length(name) > 0),
      path TEXT NOT NULL UNIQUE,
      created_at INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE document (
      id INTEGER PRIMARY KEY,
      effect_key TEXT NOT NULL UNIQUE,
      deal_id INTEGER REFERENCES deal (id),
      folder_id INTEGER REFERENCES folder (id),
      title TEXT NOT NULL CHECK (length(title) > 0),
      template TEXT,
      name TEXT NOT NULL CHECK (length(name) > 0),
      path TEXT NOT NULL UNIQUE,
      content_type TEXT NOT NULL,
      size INTEGER NOT NULL CHECK (size >= 0),
      sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
      created_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX document_of_deal ON document (deal_id) WHERE deal_id IS NOT NULL;
    CREATE INDEX document_of_folder ON document (folder_id) WHERE folder_id IS NOT NULL;

    CREATE TABLE signature_request (
      id INTEGER PRIMARY KEY,
      effect_key TEXT NOT NULL UNIQUE,
      deal_id INTEGER NOT NULL REFERENCES deal (id),
      document_id INTEGER NOT NULL REFERENCES document (id),
      title TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('sent', 'viewed', 'signed', 'declined', 'expired', 'cancelled')),
      signer_id INTEGER NOT NULL REFERENCES person (id),
      signer_name TEXT NOT NULL CHECK (length(signer_name) > 0),
      signer_email TEXT NOT NULL CHECK (length(signer_email) > 0),
      reason TEXT,
      signed_document_id INTEGER REFERENCES document (id),
      sent_at INTEGER NOT NULL,
      viewed_at INTEGER,
      closed_at INTEGER,
      CHECK ((state IN ('sent', 'viewed')) = (closed_at IS NULL)),
      CHECK ((state = 'signed') = (signed_document_id IS NOT NULL))
    ) STRICT;
    CREATE UNIQUE INDEX signature_open ON signature_request (deal_id) WHERE closed_at IS NULL;
    CREATE INDEX signature_of_deal ON signature_request (deal_id);

    CREATE TABLE email (
      id INTEGER PRIMARY KEY,
      effect_key TEXT NOT NULL UNIQUE,
      deal_id INTEGER REFERENCES deal (id),
      recipients TEXT NOT NULL,
      subject TEXT NOT NULL,
      text TEXT NOT NULL,
      path TEXT NOT NULL UNIQUE,
      created_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX email_of_deal ON email (deal_id) WHERE deal_id IS NOT NULL;
    """
}
