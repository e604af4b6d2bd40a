BEGIN TRANSACTION;
CREATE TABLE bundle (
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  files TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
INSERT INTO "bundle" VALUES(1,'c30672c93d442e2498bb94ec82a1381b6a281fc8c881b7653e742cb525c6cdae','{"scripts/offer.lua":"-- What a journal may have in it: values of all kinds, a refused move, fused effects, a step, a wait.\non.enter(\"Proposition\", function (deal)\n  local drawn, order, begun = math.random(1000000), {}, now()\n  for key in pairs { b = 2, a = 1, [3] = \"c\" } do order[#order + 1] = tostring(key) end\n  deal.drawn = table.concat(order, \" \") .. \" \" .. drawn\n  local card = board.create_card(deal, { list = \"À faire\", title = deal.title, text = \"à faire\" })\n  local elsewhere = \"Ailleurs\"\n  local moved = pcall(function () deal:move_to(elsewhere) end)\n  mail.send { to = \"floriane@altitude.example\", subject = \"Offre\", text = \"Carte \" .. card.id }\n  chat.send(\"floriane@altitude.example\", \"Carte \" .. card.id)\n  local again = math.random(1000000)\n  local answer = wait(deal:becomes(\"won\"), \"600 days\")\n  deal:add_note(string.format(\"%s, %s, %s\", answer.state, deal.drawn == \"3 a b \" .. drawn, again ~= drawn))\n  deal:add_note(string.format(\"%s, %s\", now() > begun, moved))\nend, { name = \"offer\" })\n\non.enter(\"Proposition\", function (deal) deal:add_note(\"second\") end, { name = \"second\" })\n\non.enter(\"Confirmé\", function (deal)\n  sleep(\"3 days\")\n  deal:add_note(\"slept\")\nend, { name = \"nap\" })\n","workspace.lua":"-- The workspace from which the golden journals come.\nreturn {\n  seller = { name = \"Altitude\" },\n  currency = \"EUR\",\n  time_zone = \"Europe/Paris\",\n  pipelines = { { name = \"Ventes\", stages = { \"Qualifié\", \"Proposition\", \"Confirmé\" } } },\n  fields = { deal = { { key = \"drawn\", label = \"Tiré\", type = \"text\" } } },\n}\n"}',1795553580068);
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
INSERT INTO "card" VALUES(1,'deal:1/card','C1',1,'À faire','Affaire waiting','à faire','coulisse://cards/C1',1795553580068);
INSERT INTO "card" VALUES(2,'deal:3/card','C2',3,'À faire','Affaire running','à faire','coulisse://cards/C2',1795553580977);
INSERT INTO "card" VALUES(3,'deal:4/card','C3',4,'À faire','Affaire answered','à faire','coulisse://cards/C3',1795553581354);
INSERT INTO "card" VALUES(4,'deal:5/card','C4',5,'À faire','Affaire retrying','à faire','coulisse://cards/C4',1795553582086);
CREATE TABLE counter (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL CHECK (value >= 0)
) WITHOUT ROWID, STRICT;
INSERT INTO "counter" VALUES('card',4);
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
INSERT INTO "deal" VALUES(1,'waiting','Affaire waiting',1,2,'open',0,1,NULL,NULL,NULL,1795553578695,NULL,'{"drawn":"3 a b 455768"}');
INSERT INTO "deal" VALUES(2,'sleeping','Affaire sleeping',1,3,'open',0,1,NULL,NULL,NULL,1795553579013,NULL,'{}');
INSERT INTO "deal" VALUES(3,'running','Affaire running',1,2,'open',0,1,NULL,NULL,NULL,1795553579258,NULL,'{"drawn":"3 a b 631446"}');
INSERT INTO "deal" VALUES(4,'answered','Affaire answered',1,2,'open',0,1,NULL,NULL,NULL,1795553579497,NULL,'{"drawn":"3 a b 135284"}');
INSERT INTO "deal" VALUES(5,'retrying','Affaire retrying',1,2,'open',0,1,NULL,NULL,NULL,1795553579772,NULL,'{"drawn":"3 a b 711775"}');
CREATE TABLE deal_line (
  deal_id INTEGER NOT NULL REFERENCES deal (id),
  position INTEGER NOT NULL CHECK (position > 0),
  product_id INTEGER NOT NULL REFERENCES product (id),
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  price INTEGER CHECK (price IS NULL OR price >= 0),
  discount TEXT,
  PRIMARY KEY (deal_id, position)
) WITHOUT ROWID, STRICT;
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
INSERT INTO "email" VALUES(1,'run:1/mail.send/78029540ccf7f26b/1',1,'["floriane@altitude.example"]','Offre','Carte C1','d06cb9cbbda3cd18.eml',1795553580068);
INSERT INTO "email" VALUES(2,'run:6/mail.send/f61e2e14c0ef020d/1',4,'["floriane@altitude.example"]','Offre','Carte C3','b5bdfc0f0c737b21.eml',1795553581354);
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
INSERT INTO "event" VALUES(1,'deal.moved',1,'{"$object":[["from","Qualifié"],["to","Proposition"]]}','account:root',NULL,1,'',1795553580068);
INSERT INTO "event" VALUES(2,'deal.moved',2,'{"$object":[["from","Qualifié"],["to","Confirmé"]]}','account:root',NULL,2,'',1795553580547);
INSERT INTO "event" VALUES(3,'deal.moved',3,'{"$object":[["from","Qualifié"],["to","Proposition"]]}','account:root',NULL,3,'',1795553580977);
INSERT INTO "event" VALUES(4,'deal.moved',4,'{"$object":[["from","Qualifié"],["to","Proposition"]]}','account:root',NULL,4,'',1795553581354);
INSERT INTO "event" VALUES(5,'deal.moved',5,'{"$object":[["from","Qualifié"],["to","Proposition"]]}','account:root',NULL,5,'',1795553582086);
CREATE TABLE folder (
  id INTEGER PRIMARY KEY,
  effect_key TEXT NOT NULL UNIQUE,
  parent_id INTEGER REFERENCES folder (id),
  person_id INTEGER UNIQUE REFERENCES person (id),
  name TEXT NOT NULL CHECK (length(name) > 0),
  path TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
INSERT INTO "grdb_migrations" VALUES('001 records, events, runs');
INSERT INTO "grdb_migrations" VALUES('002 folders, documents, signatures, mail');
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
INSERT INTO "history" VALUES('deal',1,1,1795553578695,'account:root',NULL,NULL,NULL,NULL,'{"title":[null,"Affaire waiting"],"key":[null,"waiting"],"owner":[null,{"$record":"user:1"}],"pipeline":[null,{"$record":"pipeline:1"}],"stage":[null,{"$record":"stage:1"}],"status":[null,"open"],"archived":[null,false],"created_at":[null,{"$instant":"2026-11-24T20:52:58.695Z"}]}');
INSERT INTO "history" VALUES('deal',1,2,1795553580068,'account:root',NULL,'0B2BDBE7-3833-4E02-BA37-75D6C4264547',1,2,'{"stage":[{"$record":"stage:1"},{"$record":"stage:2"}]}');
INSERT INTO "history" VALUES('deal',1,3,1795553580068,'automation:offer',1,NULL,NULL,NULL,'{"drawn":[null,"3 a b 455768"]}');
INSERT INTO "history" VALUES('deal',2,1,1795553579013,'account:root',NULL,NULL,NULL,NULL,'{"title":[null,"Affaire sleeping"],"key":[null,"sleeping"],"owner":[null,{"$record":"user:1"}],"pipeline":[null,{"$record":"pipeline:1"}],"stage":[null,{"$record":"stage:1"}],"status":[null,"open"],"archived":[null,false],"created_at":[null,{"$instant":"2026-11-24T20:52:59.013Z"}]}');
INSERT INTO "history" VALUES('deal',2,2,1795553580547,'account:root',NULL,'C8ABC64A-AE39-46A8-88BF-080F8E9EC747',1,3,'{"stage":[{"$record":"stage:1"},{"$record":"stage:3"}]}');
INSERT INTO "history" VALUES('deal',3,1,1795553579258,'account:root',NULL,NULL,NULL,NULL,'{"title":[null,"Affaire running"],"key":[null,"running"],"owner":[null,{"$record":"user:1"}],"pipeline":[null,{"$record":"pipeline:1"}],"stage":[null,{"$record":"stage:1"}],"status":[null,"open"],"archived":[null,false],"created_at":[null,{"$instant":"2026-11-24T20:52:59.258Z"}]}');
INSERT INTO "history" VALUES('deal',3,2,1795553580977,'account:root',NULL,'CED70E39-2B00-416B-8AA8-2AF63EEA0C1B',1,2,'{"stage":[{"$record":"stage:1"},{"$record":"stage:2"}]}');
INSERT INTO "history" VALUES('deal',3,3,1795553580977,'automation:offer',4,NULL,NULL,NULL,'{"drawn":[null,"3 a b 631446"]}');
INSERT INTO "history" VALUES('deal',4,1,1795553579497,'account:root',NULL,NULL,NULL,NULL,'{"title":[null,"Affaire answered"],"key":[null,"answered"],"owner":[null,{"$record":"user:1"}],"pipeline":[null,{"$record":"pipeline:1"}],"stage":[null,{"$record":"stage:1"}],"status":[null,"open"],"archived":[null,false],"created_at":[null,{"$instant":"2026-11-24T20:52:59.497Z"}]}');
INSERT INTO "history" VALUES('deal',4,2,1795553581354,'account:root',NULL,'43D873FA-393E-43C0-BCE3-B21F804B9C68',1,2,'{"stage":[{"$record":"stage:1"},{"$record":"stage:2"}]}');
INSERT INTO "history" VALUES('deal',4,3,1795553581354,'automation:offer',6,NULL,NULL,NULL,'{"drawn":[null,"3 a b 135284"]}');
INSERT INTO "history" VALUES('deal',5,1,1795553579772,'account:root',NULL,NULL,NULL,NULL,'{"title":[null,"Affaire retrying"],"key":[null,"retrying"],"owner":[null,{"$record":"user:1"}],"pipeline":[null,{"$record":"pipeline:1"}],"stage":[null,{"$record":"stage:1"}],"status":[null,"open"],"archived":[null,false],"created_at":[null,{"$instant":"2026-11-24T20:52:59.772Z"}]}');
INSERT INTO "history" VALUES('deal',5,2,1795553582086,'account:root',NULL,'D68F7778-9252-4F4F-9898-062097C98652',1,2,'{"stage":[{"$record":"stage:1"},{"$record":"stage:2"}]}');
INSERT INTO "history" VALUES('deal',5,3,1795553582086,'automation:offer',8,NULL,NULL,NULL,'{"drawn":[null,"3 a b 711775"]}');
INSERT INTO "history" VALUES('note',1,1,1795553580138,'automation:second',2,NULL,NULL,NULL,'{"deal":[null,{"$record":"deal:1"}],"text":[null,"second"],"pinned":[null,false],"created_at":[null,{"$instant":"2026-11-24T20:53:00.138Z"}],"author":[null,"automation:second"]}');
INSERT INTO "history" VALUES('user',1,1,1795553578389,'account:root',NULL,NULL,NULL,NULL,'{"key":[null,"floriane"],"name":[null,"Floriane Baillon"],"email":[null,"floriane@altitude.example"]}');
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
INSERT INTO "journal" VALUES(1,0,'[["now",{"$instant":"2026-11-24T20:53:00.068Z"}],["set deal.drawn","3 a b 455768"],["get deal.title","Affaire waiting"],["board.create_card",{"$object":[["id","C1"],["url","coulisse://cards/C1"],["list","À faire"],["title","Affaire waiting"],["text","à faire"]]},null,{"key":"deal:1/card","hash":"529076c4a51c75f6","arguments":{"$object":[["deal",1],["title","Affaire waiting"],["text","à faire"],["list","À faire"]]},"effect":true}],["move Ailleurs",null,{"kind":"permanent","message":"there is no stage \"Ailleurs\"; the stages are \"Qualifié\", \"Proposition\", \"Confirmé\"","reasons":[]}]]','operation','mail.send','run:1/mail.send/78029540ccf7f26b/1','78029540ccf7f26b','{"$object":[["deal",1],["to",["floriane@altitude.example"]],["cc",[]],["bcc",[]],["subject","Offre"],["text","Carte C1"],["attachments",[]]]}','answered','{"$record":"email:1"}',1,1795553580068,1795553580133);
INSERT INTO "journal" VALUES(1,1,'[["chat.send",{"$object":[["id","M1"]]},null,{"key":"run:1/chat.send/b0b040f1cb4e1210/1","hash":"b0b040f1cb4e1210","arguments":{"$object":[["email","floriane@altitude.example"],["text","Carte C1"]]},"effect":true}]]','wait','wait deal:1 won','run:1/wait:2','','{"$object":[["until",{"$instant":"2028-07-16T20:53:00.133Z"}]]}','begun','null',0,1795553580133,NULL);
INSERT INTO "journal" VALUES(2,0,'[["create note",{"$record":"note:1"}]]',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL);
INSERT INTO "journal" VALUES(3,0,'[]','wait','sleep','run:3/wait:1','','{"$object":[["until",{"$instant":"2026-11-27T20:53:00.547Z"}]]}','begun','null',0,1795553580547,NULL);
INSERT INTO "journal" VALUES(4,0,'[["now",{"$instant":"2026-11-24T20:53:00.977Z"}],["set deal.drawn","3 a b 631446"],["get deal.title","Affaire running"],["board.create_card",{"$object":[["id","C2"],["url","coulisse://cards/C2"],["list","À faire"],["title","Affaire running"],["text","à faire"]]},null,{"key":"deal:3/card","hash":"ff5dc82045f08da8","arguments":{"$object":[["deal",3],["title","Affaire running"],["text","à faire"],["list","À faire"]]},"effect":true}],["move Ailleurs",null,{"kind":"permanent","message":"there is no stage \"Ailleurs\"; the stages are \"Qualifié\", \"Proposition\", \"Confirmé\"","reasons":[]}]]','operation','mail.send','run:4/mail.send/1eb352b9c9879dfe/1','1eb352b9c9879dfe','{"$object":[["deal",3],["to",["floriane@altitude.example"]],["cc",[]],["bcc",[]],["subject","Offre"],["text","Carte C2"],["attachments",[]]]}','begun','null',0,1795553580977,NULL);
INSERT INTO "journal" VALUES(6,0,'[["now",{"$instant":"2026-11-24T20:53:01.354Z"}],["set deal.drawn","3 a b 135284"],["get deal.title","Affaire answered"],["board.create_card",{"$object":[["id","C3"],["url","coulisse://cards/C3"],["list","À faire"],["title","Affaire answered"],["text","à faire"]]},null,{"key":"deal:4/card","hash":"e8ed3e7dac48f047","arguments":{"$object":[["deal",4],["title","Affaire answered"],["text","à faire"],["list","À faire"]]},"effect":true}],["move Ailleurs",null,{"kind":"permanent","message":"there is no stage \"Ailleurs\"; the stages are \"Qualifié\", \"Proposition\", \"Confirmé\"","reasons":[]}]]','operation','mail.send','run:6/mail.send/f61e2e14c0ef020d/1','f61e2e14c0ef020d','{"$object":[["deal",4],["to",["floriane@altitude.example"]],["cc",[]],["bcc",[]],["subject","Offre"],["text","Carte C3"],["attachments",[]]]}','begun','null',0,1795553581354,NULL);
INSERT INTO "journal" VALUES(8,0,'[["now",{"$instant":"2026-11-24T20:53:02.086Z"}],["set deal.drawn","3 a b 711775"],["get deal.title","Affaire retrying"],["board.create_card",{"$object":[["id","C4"],["url","coulisse://cards/C4"],["list","À faire"],["title","Affaire retrying"],["text","à faire"]]},null,{"key":"deal:5/card","hash":"490473ae29fccbf3","arguments":{"$object":[["deal",5],["title","Affaire retrying"],["text","à faire"],["list","À faire"]]},"effect":true}],["move Ailleurs",null,{"kind":"permanent","message":"there is no stage \"Ailleurs\"; the stages are \"Qualifié\", \"Proposition\", \"Confirmé\"","reasons":[]}]]','operation','mail.send','run:8/mail.send/8d3689dd30b2fc78/1','8d3689dd30b2fc78','{"$object":[["deal",5],["to",["floriane@altitude.example"]],["cc",[]],["bcc",[]],["subject","Offre"],["text","Carte C4"],["attachments",[]]]}','begun','null',0,1795553582086,NULL);
CREATE TABLE message (
  id INTEGER PRIMARY KEY,
  effect_key TEXT NOT NULL UNIQUE,
  recipient_id INTEGER NOT NULL REFERENCES user (id),
  deal_id INTEGER REFERENCES deal (id),
  text TEXT NOT NULL,
  created_at INTEGER NOT NULL
);
INSERT INTO "message" VALUES(1,'run:1/chat.send/b0b040f1cb4e1210/1',1,1,'Carte C1',1795553580133);
CREATE TABLE note (
  id INTEGER PRIMARY KEY,
  deal_id INTEGER NOT NULL REFERENCES deal (id),
  text TEXT NOT NULL,
  pinned INTEGER NOT NULL DEFAULT 0 CHECK (pinned IN (0, 1)),
  created_at INTEGER NOT NULL,
  author TEXT NOT NULL
);
INSERT INTO "note" VALUES(1,1,'second',0,1795553580138,'automation:second');
CREATE TABLE organization (
  id INTEGER PRIMARY KEY,
  key TEXT UNIQUE,
  name TEXT NOT NULL CHECK (length(name) > 0),
  address TEXT,
  siret TEXT CHECK (siret IS NULL OR length(siret) = 14),
  vat_number TEXT,
  custom TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE TABLE origin (
  event_id INTEGER PRIMARY KEY REFERENCES event (id),
  runs INTEGER NOT NULL
) STRICT;
CREATE TABLE participant (
  deal_id INTEGER NOT NULL REFERENCES deal (id),
  position INTEGER NOT NULL CHECK (position > 0),
  person_id INTEGER NOT NULL REFERENCES person (id),
  PRIMARY KEY (deal_id, position)
) WITHOUT ROWID, STRICT;
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
CREATE TABLE pipeline (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  folded TEXT NOT NULL UNIQUE,
  position INTEGER NOT NULL,
  retired INTEGER NOT NULL DEFAULT 0 CHECK (retired IN (0, 1))
) STRICT;
INSERT INTO "pipeline" VALUES(1,'Ventes','ventes',1,0);
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
INSERT INTO "run" VALUES(1,1,1,1,'offer','scripts/offer.lua',0,1,'offer@deal:1','waiting',1048576,2,0,-7580783566967003831,'deal:1/status/won',1847393580133,NULL,NULL,NULL,1795553580068,NULL);
INSERT INTO "run" VALUES(2,1,1,1,'second','scripts/offer.lua',1,1,'second@deal:1','succeeded',2097152,0,0,1977962287049340413,NULL,NULL,NULL,NULL,NULL,1795553580068,1795553580138);
INSERT INTO "run" VALUES(3,2,2,1,'nap','scripts/offer.lua',2,2,'nap@deal:2','waiting',3145728,1,0,480742893158801309,NULL,1,NULL,NULL,NULL,1795553580547,NULL);
INSERT INTO "run" VALUES(4,3,3,1,'offer','scripts/offer.lua',0,3,'offer@deal:3','running',4194304,1,0,-2992330404023090236,NULL,NULL,NULL,NULL,NULL,1795553580977,NULL);
INSERT INTO "run" VALUES(5,3,3,1,'second','scripts/offer.lua',1,3,'second@deal:3','queued',5242880,0,0,4775803410096988504,NULL,NULL,NULL,NULL,NULL,1795553580977,NULL);
INSERT INTO "run" VALUES(6,4,4,1,'offer','scripts/offer.lua',0,4,'offer@deal:4','queued',6291456,1,0,1559572086799823553,NULL,NULL,NULL,NULL,NULL,1795553581354,NULL);
INSERT INTO "run" VALUES(7,4,4,1,'second','scripts/offer.lua',1,4,'second@deal:4','queued',7340032,0,0,-3655756099097631701,NULL,NULL,NULL,NULL,NULL,1795553581354,NULL);
INSERT INTO "run" VALUES(8,5,5,1,'offer','scripts/offer.lua',0,5,'offer@deal:5','retrying',8388608,1,1,5099069756213166443,NULL,1,NULL,NULL,NULL,1795553582086,NULL);
INSERT INTO "run" VALUES(9,5,5,1,'second','scripts/offer.lua',1,5,'second@deal:5','queued',9437184,0,0,-5670513874406423540,NULL,NULL,NULL,NULL,NULL,1795553582086,NULL);
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
CREATE TABLE stage (
  id INTEGER PRIMARY KEY,
  pipeline_id INTEGER NOT NULL REFERENCES pipeline (id),
  name TEXT NOT NULL,
  folded TEXT NOT NULL,
  position INTEGER NOT NULL,
  retired INTEGER NOT NULL DEFAULT 0 CHECK (retired IN (0, 1)),
  UNIQUE (pipeline_id, folded)
) STRICT;
INSERT INTO "stage" VALUES(1,1,'Qualifié','qualifie',1,0);
INSERT INTO "stage" VALUES(2,1,'Proposition','proposition',2,0);
INSERT INTO "stage" VALUES(3,1,'Confirmé','confirme',3,0);
CREATE TABLE user (
  id INTEGER PRIMARY KEY,
  key TEXT UNIQUE,
  name TEXT NOT NULL CHECK (length(name) > 0),
  email TEXT NOT NULL CHECK (length(email) > 0),
  email_folded TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO "user" VALUES(1,'floriane','Floriane Baillon','floriane@altitude.example','floriane@altitude.example');
CREATE INDEX note_of_deal ON note (deal_id);
CREATE UNIQUE INDEX quote_of_deal ON quote (deal_id, superseded);
CREATE INDEX card_of_deal ON card (deal_id);
CREATE INDEX message_of_deal ON message (deal_id);
CREATE INDEX run_of_deal ON run (deal_id, id);
CREATE INDEX run_open ON run (status, lane_order) WHERE finished_at IS NULL;
CREATE INDEX run_topic ON run (wake_topic) WHERE wake_topic IS NOT NULL;
CREATE INDEX run_due ON run (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX document_of_deal ON document (deal_id) WHERE deal_id IS NOT NULL;
CREATE INDEX document_of_folder ON document (folder_id) WHERE folder_id IS NOT NULL;
CREATE UNIQUE INDEX signature_open ON signature_request (deal_id) WHERE closed_at IS NULL;
CREATE INDEX signature_of_deal ON signature_request (deal_id);
CREATE INDEX email_of_deal ON email (deal_id) WHERE deal_id IS NOT NULL;
COMMIT;
