#!/usr/bin/env python3
"""W1 on PostgreSQL: the stage is updated, and a PL/pgSQL trigger does the rest in the same commit. Synchronous commit, a
server of its own in a temporary folder, on a socket only; pgbench is the caller.

    postgresql.py DEALS [FOLDER]
"""

import glob
import os
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
import time

from peer import serve

SCHEMA = """
CREATE TABLE organization (id bigint PRIMARY KEY, name text NOT NULL, address text, siret text, vat_number text);
CREATE TABLE person (id bigint PRIMARY KEY, first_name text, last_name text, email text, job_title text,
  organization_id bigint REFERENCES organization);
CREATE TABLE product (id bigint PRIMARY KEY, name text NOT NULL, price bigint, vat_rate bigint);
CREATE TABLE deal (id bigint PRIMARY KEY, title text NOT NULL, pipeline_id bigint NOT NULL, stage_id bigint NOT NULL,
  status text NOT NULL, owner_id bigint, organization_id bigint REFERENCES organization,
  person_id bigint REFERENCES person, email text, created_at bigint NOT NULL, custom jsonb NOT NULL);
CREATE TABLE deal_line (deal_id bigint REFERENCES deal, position int, product_id bigint REFERENCES product,
  quantity bigint NOT NULL, price bigint, discount text, PRIMARY KEY (deal_id, position));
CREATE TABLE quote (id bigserial PRIMARY KEY, number text NOT NULL UNIQUE, deal_id bigint NOT NULL REFERENCES deal,
  superseded bigint NOT NULL DEFAULT 0, status text NOT NULL, url text NOT NULL, customer_name text NOT NULL,
  currency text NOT NULL, total_without_tax bigint NOT NULL, total_tax bigint NOT NULL, total bigint NOT NULL,
  fingerprint text NOT NULL, created_at bigint NOT NULL);
CREATE UNIQUE INDEX quote_of_deal ON quote (deal_id, superseded);
CREATE TABLE quote_line (quote_id bigint REFERENCES quote, position int, product_id bigint NOT NULL,
  description text NOT NULL, quantity bigint NOT NULL, price bigint NOT NULL, vat_rate bigint NOT NULL,
  total bigint NOT NULL, tax bigint NOT NULL, PRIMARY KEY (quote_id, position));
CREATE TABLE event (id bigserial PRIMARY KEY, name text NOT NULL, deal_id bigint REFERENCES deal, data text NOT NULL,
  actor text NOT NULL, at bigint NOT NULL);
CREATE TABLE run (id bigserial PRIMARY KEY, deal_id bigint REFERENCES deal, event_id bigint NOT NULL REFERENCES event,
  automation text NOT NULL, status text NOT NULL, created_at bigint NOT NULL, finished_at bigint);
CREATE INDEX run_of_deal ON run (deal_id, id);
CREATE SEQUENCE quote_number;
CREATE SEQUENCE turn;

CREATE FUNCTION w1() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  client organization%ROWTYPE;
  contact person%ROWTYPE;
  item record;
  total bigint := 0;
  tax bigint := 0;
  lines int := 0;
  quote_number text;
  quote_id bigint;
  event_id bigint;
BEGIN
  IF NEW.custom ->> 'promo' IS NULL THEN RAISE EXCEPTION 'Promo is empty'; END IF;
  SELECT * INTO STRICT client FROM organization WHERE id = NEW.organization_id;
  SELECT * INTO STRICT contact FROM person WHERE id = NEW.person_id;
  quote_number := 'D-2026-' || nextval('quote_number');
  INSERT INTO quote (number, deal_id, status, url, customer_name, currency, total_without_tax, total_tax, total,
    fingerprint, created_at)
  VALUES (quote_number, NEW.id, 'draft', 'coulisse://quotes/' || quote_number, client.name, 'EUR', 360000, 72000, 432000,
    'cafe', 1767600000000) RETURNING id INTO quote_id;
  FOR item IN SELECT l.position, l.product_id, l.quantity, p.name, p.price, p.vat_rate
    FROM deal_line l JOIN product p ON p.id = l.product_id WHERE l.deal_id = NEW.id ORDER BY l.position
  LOOP
    lines := lines + 1;
    INSERT INTO quote_line VALUES (quote_id, item.position, item.product_id, item.name, item.quantity, item.price,
      item.vat_rate, item.price, item.price / 5);
  END LOOP;
  IF lines <> 2 THEN RAISE EXCEPTION 'two lines expected for %', client.name; END IF;
  NEW.custom := NEW.custom || jsonb_build_object('quote_number', quote_number,
    'quote_url', 'coulisse://quotes/' || quote_number, 'place', 'Lyon');
  INSERT INTO event (name, deal_id, data, actor, at) VALUES ('deal.moved', NEW.id,
    '{"from":"Qualifié","to":"Créer documents"}', 'user:bench', 1767600000000) RETURNING id INTO event_id;
  INSERT INTO run (deal_id, event_id, automation, status, created_at, finished_at)
  VALUES (NEW.id, event_id, 'w1', 'succeeded', 1767600000000, 1767600000000);
  RETURN NEW;
END $$;
CREATE TRIGGER w1 BEFORE UPDATE OF stage_id ON deal FOR EACH ROW EXECUTE FUNCTION w1();
"""

FILL = """
INSERT INTO organization SELECT i, 'Organization ' || i, NULL, '73282932000074' FROM generate_series(1, {some}) i;
INSERT INTO person SELECT i, 'Person', 'Number ' || i, 'p' || i || '@client.example', NULL, i FROM generate_series(1, {some}) i;
INSERT INTO product VALUES (1, 'EDLC', 180000, 20000000);
INSERT INTO deal SELECT i, 'Deal ' || i, 1, 1, 'open', 1, i % {some} + 1, i % {some} + 1, 'deal' || i || '@shop.example',
  1767600000000, '{{"hours_total":{{"$decimal":"49"}},"place":"Paris","promo":"[EDLC_001]"}}' FROM generate_series(1, {deals}) i;
INSERT INTO deal_line SELECT i, position, 1, 1000000 FROM generate_series(1, {deals}) i, generate_series(1, 2) position;
"""


def tool(name):
    places = sorted(glob.glob("/usr/lib/postgresql/*/bin/" + name), reverse=True)
    found = places[0] if places else shutil.which(name)
    if not found:
        sys.exit(f"postgresql.py: {name} is not installed; on Debian: apt-get install postgresql")
    return found


def main():
    deals = int(sys.argv[1])
    parent = sys.argv[2] if len(sys.argv) > 2 else None
    # The server refuses to be root.
    account = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    as_user = {"user": account, "group": pwd.getpwnam(account).pw_gid} if os.geteuid() == 0 else {}
    folder = tempfile.mkdtemp(prefix="coulisse-pg-", dir=parent)
    shutil.chown(folder, account)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    server = None
    try:
        subprocess.run([tool("initdb"), "-D", folder + "/data", "-A", "trust", "-U", "bench", "-E", "UTF8", "--no-locale"],
                       check=True, **as_user, **quiet)
        server = subprocess.Popen(
            [tool("postgres"), "-D", folder + "/data", "-k", folder, "-c", "listen_addresses=", "-c", "synchronous_commit=on",
             "-c", "fsync=on", "-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB", "-c", "logging_collector=off"],
            **as_user, **quiet)
        address = ["-h", folder, "-U", "bench"]
        ready = [tool("pg_isready"), *address, "-d", "postgres", "-q"]
        for _ in range(300):
            if subprocess.run(ready, cwd=folder).returncode == 0:
                break
            if server.poll() is not None:
                sys.exit("postgresql.py: the server ended while it started")
            time.sleep(0.1)
        fill = FILL.format(deals=deals, some=deals // 10 + 1)
        subprocess.run([tool("psql"), *address, "-d", "postgres", "-q", "-v", "ON_ERROR_STOP=1"],
                       input=SCHEMA + fill + "VACUUM ANALYZE; CHECKPOINT;", text=True, check=True, cwd=folder,
                       stdout=subprocess.DEVNULL)
        # Each deal is moved once; the next ones are taken at random places, as people would.
        step = int(deals * 0.618) | 1
        while common(step, deals) != 1:
            step += 2
        script = folder + "/w1.sql"
        with open(script, "w") as file:
            file.write(f"UPDATE deal SET stage_id = 2 WHERE id = (SELECT nextval('turn') * {step} % {deals} + 1);\n")

        def round_of(clients, transitions):
            out = subprocess.run(
                [tool("pgbench"), *address, "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(2, clients)),
                 "-t", str(transitions // clients), "-f", script, "postgres"],
                check=True, capture_output=True, text=True, cwd=folder).stdout
            failed = re.search(r"number of failed transactions: (\d+)", out)
            if failed and failed.group(1) != "0":
                sys.exit("postgresql.py: transactions failed")
            return transitions / float(re.search(r"tps = ([\d.]+) \(without initial", out).group(1))

        serve("PostgreSQL, PL/pgSQL trigger", round_of)
    finally:
        if server and server.poll() is None:
            server.terminate()
            server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def common(a, b):
    return a if b == 0 else common(b, a % b)


main()
