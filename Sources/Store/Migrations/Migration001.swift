import GRDB

/// The first schema. A migration never changes once it has been released: the next change is a file of its own.
///
/// Two things shape the tables. What belongs to one deal is kept together (`WITHOUT ROWID`, keys that begin with
/// the deal) and logs only grow at their end, because the pages that a transition touches are what it costs. And
/// what must never be false stands in the schema (one live quote a deal, no number twice, known statuses), because
/// a constraint also holds for the program that forgets it.
enum Migration001 {
  static let identifier = "001 records, events, runs"

  static func apply(_ db: Database) throws {
    try db.execute(sql: sql)
  }

  static var sql: String { records + documents + automation }

  /// Amounts are whole cents; quantities, rates and other exact decimals are millionths. `custom` is a JSON object
  /// of the fields that `workspace.lua` declares, in the exact notation of `Value`.
  private static let records = """
    CREATE TABLE counter (
      name TEXT PRIMARY KEY,
      value INTEGER NOT NULL CHECK (value >= 0)
    ) WITHOUT ROWID, STRICT;

    CREATE TABLE user (
      id INTEGER PRIMARY KEY,
      key TEXT UNIQUE,
      name TEXT NOT NULL CHECK (length(name) > 0),
      email TEXT NOT NULL CHECK (length(email) > 0),
      email_folded TEXT NOT NULL UNIQUE
    ) STRICT;

    CREATE TABLE organization (
      id INTEGER PRIMARY KEY,
      key TEXT UNIQUE,
      name TEXT NOT NULL CHECK (length(name) > 0),
      address TEXT,
      siret TEXT CHECK (siret IS NULL OR length(siret) = 14),
      vat_number TEXT,
      custom TEXT NOT NULL DEFAULT '{}'
    ) STRICT;

    CREATE TABLE person (
      id INTEGER PRIMARY KEY,
      key TEXT UNIQUE,
      first_name TEXT,
      last_name TEXT,
      email TEXT,
      job_title TEXT,
      address TEXT,
      organization_id INTEGER REFERENCES organization (id),
      custom TEXT NOT NULL DEFAULT '{}'
    ) STRICT;

    CREATE TABLE product (
      id INTEGER PRIMARY KEY,
      key TEXT UNIQUE,
      name TEXT NOT NULL CHECK (length(name) > 0),
      description TEXT,
      price INTEGER CHECK (price IS NULL OR price >= 0),
      vat_rate INTEGER CHECK (vat_rate IS NULL OR vat_rate BETWEEN 0 AND 100000000),
      sales_category TEXT,
      category TEXT,
      class TEXT,
      custom TEXT NOT NULL DEFAULT '{}'
    ) STRICT;

    CREATE TABLE pipeline (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL,
      folded TEXT NOT NULL UNIQUE,
      position INTEGER NOT NULL,
      retired INTEGER NOT NULL DEFAULT 0 CHECK (retired IN (0, 1))
    ) STRICT;

    CREATE TABLE stage (
      id INTEGER PRIMARY KEY,
      pipeline_id INTEGER NOT NULL REFERENCES pipeline (id),
      name TEXT NOT NULL,
      folded TEXT NOT NULL,
      position INTEGER NOT NULL,
      retired INTEGER NOT NULL DEFAULT 0 CHECK (retired IN (0, 1)),
      UNIQUE (pipeline_id, folded)
    ) STRICT;

    CREATE TABLE deal (
      id INTEGER PRIMARY KEY,
      key TEXT UNIQUE,
      title TEXT NOT NULL CHECK (length(title) > 0),
      pipeline_id INTEGER NOT NULL REFERENCES pipeline (id),
      stage_id INTEGER NOT NULL REFERENCES stage (id),
      status TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'won', 'lost')),
      archived INTEGER NOT NULL DEFAULT 0 CHECK (archived IN (0, 1)),
      owner_id INTEGER REFERENCES user (id),
      organization_id INTEGER REFERENCES organization (id),
      person_id INTEGER REFERENCES person (id),
      email TEXT,
      created_at INTEGER NOT NULL,
      closed_at INTEGER,
      custom TEXT NOT NULL DEFAULT '{}'
    ) STRICT;

    CREATE TABLE deal_line (
      deal_id INTEGER NOT NULL REFERENCES deal (id),
      position INTEGER NOT NULL CHECK (position > 0),
      product_id INTEGER NOT NULL REFERENCES product (id),
      quantity INTEGER NOT NULL CHECK (quantity > 0),
      price INTEGER CHECK (price IS NULL OR price >= 0),
      discount TEXT,
      PRIMARY KEY (deal_id, position)
    ) WITHOUT ROWID, STRICT;

    CREATE TABLE participant (
      deal_id INTEGER NOT NULL REFERENCES deal (id),
      position INTEGER NOT NULL CHECK (position > 0),
      person_id INTEGER NOT NULL REFERENCES person (id),
      PRIMARY KEY (deal_id, position)
    ) WITHOUT ROWID, STRICT;

    CREATE TABLE note (
      id INTEGER PRIMARY KEY,
      deal_id INTEGER NOT NULL REFERENCES deal (id),
      text TEXT NOT NULL,
      pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1)),
      created_at INTEGER NOT NULL,
      author TEXT NOT NULL
    );
    CREATE INDEX note_of_deal ON note (deal_id);
    """

  /// What the local services keep. A quote is live while `superseded` is 0, and then the only one of its deal
  /// (ALT-10); a quote that was replaced, refused or cancelled carries its own id there and makes room.
  private static let documents = """
    CREATE TABLE quote (
      id INTEGER PRIMARY KEY,
      number TEXT NOT NULL UNIQUE,
      deal_id INTEGER NOT NULL REFERENCES deal (id),
      superseded INTEGER NOT NULL DEFAULT 0,
      status TEXT NOT NULL CHECK (status IN ('draft', 'sent', 'accepted', 'refused', 'replaced', 'cancelled')),
      url TEXT NOT NULL,
      customer_name TEXT NOT NULL,
      customer_address TEXT,
      customer_siret TEXT,
      currency TEXT NOT NULL CHECK (length(currency) = 3),
      total_without_tax INTEGER NOT NULL,
      total_tax INTEGER NOT NULL,
      total INTEGER NOT NULL CHECK (total = total_without_tax + total_tax),
      fingerprint TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      CHECK ((status IN ('draft', 'sent', 'accepted')) = (superseded = 0))
    );
    CREATE UNIQUE INDEX quote_of_deal ON quote (deal_id, superseded);

    CREATE TABLE quote_line (
      quote_id INTEGER NOT NULL REFERENCES quote (id),
      position INTEGER NOT NULL CHECK (position > 0),
      product_id INTEGER NOT NULL REFERENCES product (id),
      description TEXT NOT NULL,
      quantity INTEGER NOT NULL CHECK (quantity > 0),
      price INTEGER NOT NULL CHECK (price >= 0),
      discount TEXT,
      vat_rate INTEGER NOT NULL CHECK (vat_rate BETWEEN 0 AND 100000000),
      total INTEGER NOT NULL,
      tax INTEGER NOT NULL,
      PRIMARY KEY (quote_id, position)
    ) WITHOUT ROWID, STRICT;

    CREATE TABLE card (
      id INTEGER PRIMARY KEY,
      effect_key TEXT NOT NULL UNIQUE,
      card_id TEXT NOT NULL UNIQUE,
      deal_id INTEGER NOT NULL REFERENCES deal (id),
      list TEXT NOT NULL,
      title TEXT NOT NULL,
      text TEXT NOT NULL,
      url TEXT NOT NULL,
      created_at INTEGER NOT NULL
    );
    CREATE INDEX card_of_deal ON card (deal_id);

    CREATE TABLE message (
      id INTEGER PRIMARY KEY,
      effect_key TEXT NOT NULL UNIQUE,
      recipient_id INTEGER NOT NULL REFERENCES user (id),
      deal_id INTEGER REFERENCES deal (id),
      text TEXT NOT NULL,
      created_at INTEGER NOT NULL
    );
    CREATE INDEX message_of_deal ON message (deal_id);
    """

  /// `history` is every change of every record, a row a record and segment, kept beside the record's other rows;
  /// a move is a change that also fills `stage_from` and `stage_to`, so it is the stage history too.
  ///
  /// A run's lane is its deal; `lane_order` is its place there (the run's id scaled, so that a wake-up finds room
  /// behind everything that is queued). `journal` has one row a segment; its `step_…` columns describe what ended it.
  private static let automation = """
    CREATE TABLE history (
      record_kind TEXT NOT NULL,
      record_id INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      at INTEGER NOT NULL,
      actor TEXT NOT NULL,
      run_id INTEGER,
      request TEXT,
      stage_from INTEGER REFERENCES stage (id),
      stage_to INTEGER REFERENCES stage (id),
      changes TEXT NOT NULL,
      PRIMARY KEY (record_kind, record_id, seq)
    ) WITHOUT ROWID, STRICT;

    CREATE TABLE event (
      id INTEGER PRIMARY KEY,
      name TEXT NOT NULL,
      deal_id INTEGER REFERENCES deal (id),
      data TEXT NOT NULL,
      actor TEXT NOT NULL,
      run_id INTEGER,
      origin INTEGER NOT NULL,
      path TEXT NOT NULL,
      at INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE origin (
      event_id INTEGER PRIMARY KEY REFERENCES event (id),
      runs INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE bundle (
      id INTEGER PRIMARY KEY,
      hash TEXT NOT NULL UNIQUE,
      files TEXT NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE run (
      id INTEGER PRIMARY KEY,
      deal_id INTEGER REFERENCES deal (id),
      event_id INTEGER NOT NULL REFERENCES event (id),
      bundle_id INTEGER NOT NULL REFERENCES bundle (id),
      automation TEXT NOT NULL,
      file TEXT NOT NULL,
      place INTEGER NOT NULL,
      origin INTEGER NOT NULL,
      path TEXT NOT NULL,
      status TEXT NOT NULL CHECK (status IN
        ('queued', 'running', 'waiting', 'retrying', 'succeeded', 'failed', 'cancelled')),
      lane_order INTEGER NOT NULL,
      segment INTEGER NOT NULL DEFAULT 0,
      attempts INTEGER NOT NULL DEFAULT 0,
      seed INTEGER NOT NULL,
      wake_topic TEXT,
      due_at INTEGER,
      error TEXT,
      warnings TEXT,
      printed TEXT,
      created_at INTEGER NOT NULL,
      finished_at INTEGER,
      CHECK (wake_topic IS NULL OR status = 'waiting'),
      CHECK ((status IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL))
    );
    CREATE INDEX run_of_deal ON run (deal_id, id);
    CREATE INDEX run_open ON run (status, lane_order) WHERE finished_at IS NULL;
    CREATE INDEX run_topic ON run (wake_topic) WHERE wake_topic IS NOT NULL;
    CREATE INDEX run_due ON run (due_at) WHERE due_at IS NOT NULL;

    CREATE TABLE journal (
      run_id INTEGER NOT NULL REFERENCES run (id),
      segment INTEGER NOT NULL,
      entries TEXT NOT NULL,
      step_kind TEXT CHECK (step_kind IN ('operation', 'wait')),
      step_name TEXT,
      step_key TEXT,
      step_hash TEXT,
      step_arguments TEXT,
      step_state TEXT CHECK (step_state IN ('begun', 'answered', 'failed')),
      step_answer TEXT,
      step_attempts INTEGER NOT NULL DEFAULT 0,
      begun_at INTEGER,
      answered_at INTEGER,
      PRIMARY KEY (run_id, segment),
      CHECK ((step_kind IS NULL) = (step_state IS NULL))
    ) WITHOUT ROWID, STRICT;
    """
}
