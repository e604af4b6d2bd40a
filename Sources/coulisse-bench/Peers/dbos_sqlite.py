#!/usr/bin/env python3
"""W1 with DBOS Transact on SQLite: a workflow of one step that does the rows of a transition in the application's own
database, with DBOS's system database beside it. Both durable (WAL, FULL sync).

    dbos_sqlite.py DEALS [FOLDER]
"""

import logging
import os
import shutil
import sqlite3
import sys
import tempfile
import threading
import time

from peer import serve

try:
    import dbos
    from dbos import DBOS
    from sqlalchemy import event
    from sqlalchemy.engine import Engine
except ImportError:
    sys.exit("dbos_sqlite.py: dbos is not installed; pip install dbos")

SCHEMA = """
CREATE TABLE organization (id INTEGER PRIMARY KEY, name TEXT NOT NULL, siret TEXT);
CREATE TABLE person (id INTEGER PRIMARY KEY, first_name TEXT, last_name TEXT, email TEXT);
CREATE TABLE product (id INTEGER PRIMARY KEY, name TEXT NOT NULL, price INTEGER, vat_rate INTEGER);
CREATE TABLE deal (id INTEGER PRIMARY KEY, title TEXT NOT NULL, stage_id INTEGER NOT NULL, organization_id INTEGER,
  person_id INTEGER, custom TEXT NOT NULL);
CREATE TABLE deal_line (deal_id INTEGER, position INTEGER, product_id INTEGER, quantity INTEGER,
  PRIMARY KEY (deal_id, position)) WITHOUT ROWID;
CREATE TABLE quote (id INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE, deal_id INTEGER NOT NULL, status TEXT NOT NULL,
  url TEXT NOT NULL, customer_name TEXT NOT NULL, total INTEGER NOT NULL);
CREATE INDEX quote_of_deal ON quote (deal_id);
CREATE TABLE quote_line (quote_id INTEGER, position INTEGER, product_id INTEGER, description TEXT, quantity INTEGER,
  price INTEGER, PRIMARY KEY (quote_id, position)) WITHOUT ROWID;
CREATE TABLE event (id INTEGER PRIMARY KEY, name TEXT NOT NULL, deal_id INTEGER, data TEXT NOT NULL, actor TEXT, at INTEGER);
CREATE TABLE run (id INTEGER PRIMARY KEY, deal_id INTEGER, event_id INTEGER NOT NULL, automation TEXT, status TEXT);
CREATE INDEX run_of_deal ON run (deal_id, id);
"""

PRAGMAS = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 10000;"


@event.listens_for(Engine, "connect")
def durable(connection, _):
    """DBOS's own database as durable as ours."""
    connection.execute("PRAGMA synchronous = FULL")


class Application:
    def __init__(self, path, deals):
        self.path = path
        self.own = threading.local()
        db = sqlite3.connect(path)
        db.executescript(PRAGMAS + SCHEMA)
        some = deals // 10 + 1
        db.executemany("INSERT INTO organization VALUES (?, ?, '73282932000074')", ((i, f"Organization {i}") for i in range(1, some + 1)))
        db.executemany("INSERT INTO person VALUES (?, 'Person', ?, ?)", ((i, f"Number {i}", f"p{i}@client.example") for i in range(1, some + 1)))
        db.execute("INSERT INTO product VALUES (1, 'EDLC', 180000, 20000000)")
        custom = '{"hours_total":{"$decimal":"49"},"place":"Paris","promo":"[EDLC_001]"}'
        db.executemany("INSERT INTO deal VALUES (?, ?, 1, ?, ?, ?)",
                       ((i, f"Deal {i}", i % some + 1, i % some + 1, custom) for i in range(1, deals + 1)))
        db.executemany("INSERT INTO deal_line VALUES (?, ?, 1, 1000000)", ((i, p) for i in range(1, deals + 1) for p in (1, 2)))
        db.commit()
        db.close()

    def connection(self):
        db = getattr(self.own, "db", None)
        if db is None:
            db = self.own.db = sqlite3.connect(self.path, isolation_level=None)
            db.executescript(PRAGMAS)
        return db

    def transition(self, deal):
        db = self.connection()
        db.execute("BEGIN IMMEDIATE")
        try:
            title, organization, person, custom = db.execute(
                "SELECT title, organization_id, person_id, custom FROM deal WHERE id = ?", (deal,)).fetchone()
            if "promo" not in custom:
                raise ValueError("Promo is empty")
            client, _ = db.execute("SELECT name, siret FROM organization WHERE id = ?", (organization,)).fetchone()
            db.execute("SELECT first_name, last_name, email FROM person WHERE id = ?", (person,)).fetchone()
            lines = db.execute(
                "SELECT l.position, l.product_id, l.quantity, p.name, p.price FROM deal_line l JOIN product p"
                " ON p.id = l.product_id WHERE l.deal_id = ? ORDER BY l.position", (deal,)).fetchall()
            quote = db.execute(
                "INSERT INTO quote (number, deal_id, status, url, customer_name, total)"
                " VALUES ('D-2026-' || (SELECT COALESCE(MAX(id), 0) + 1 FROM quote), ?, 'draft', 'coulisse://quotes', ?, 432000)",
                (deal, client)).lastrowid
            for position, product, quantity, name, price in lines:
                db.execute("INSERT INTO quote_line VALUES (?, ?, ?, ?, ?, ?)", (quote, position, product, name, quantity, price))
            db.execute("UPDATE deal SET stage_id = 2, custom = ? WHERE id = ?",
                       (custom[:-1] + f',"quote_number":"D-2026-{quote}","quote_url":"coulisse://quotes/D-2026-{quote}"}}', deal))
            moved = db.execute("INSERT INTO event (name, deal_id, data, actor, at) VALUES ('deal.moved', ?, '{}', 'user:bench', 0)",
                               (deal,)).lastrowid
            db.execute("INSERT INTO run (deal_id, event_id, automation, status) VALUES (?, ?, 'w1', 'succeeded')", (deal, moved))
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise


def main():
    deals = int(sys.argv[1])
    folder = tempfile.mkdtemp(prefix="coulisse-dbos-", dir=sys.argv[2] if len(sys.argv) > 2 else None)
    try:
        application = Application(os.path.join(folder, "application.db"), deals)
        logging.disable(logging.CRITICAL)
        DBOS(config={"name": "transitions", "system_database_url": "sqlite:///" + os.path.join(folder, "system.db")})

        @DBOS.step()
        def step(deal):
            application.transition(deal)

        @DBOS.workflow()
        def transition(deal):
            step(deal)

        DBOS.launch()
        step_size = int(deals * 0.618) | 1
        turn = iter(range(10 ** 9))

        def round_of(clients, transitions):
            mine = [[next(turn) * step_size % deals + 1 for _ in range(transitions // clients)] for _ in range(clients)]
            threads = [threading.Thread(target=lambda ids: [transition(i) for i in ids], args=(ids,)) for ids in mine]
            begun = time.perf_counter()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return time.perf_counter() - begun

        version = getattr(dbos, "__version__", "")
        serve(f"DBOS Transact {version} on SQLite".replace("  ", " "), round_of)
        DBOS.destroy()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


main()
