import { DatabaseSync } from 'node:sqlite'
import { MeshError } from '../mesh/errors.ts'
import { crcOf } from './columns.ts'
import { digestOf, digestTriggers, sealOfCount } from './digests.ts'
import { SEALED, SEALED_TABLES } from './sealed.ts'

/** What `holdings` has to say, by what is there. A migration uses it: it is never changed. */
export const COUNT_HOLDINGS = `
  SELECT instance, sum(entries) AS entries, sum(bytes) AS bytes, sum(conversations) AS conversations FROM (
    SELECT instance, count(*) AS entries, sum(length(envelope) + 512) AS bytes, 0 AS conversations FROM inbox NOT INDEXED GROUP BY instance
    UNION ALL SELECT instance, 0, 0, count(*) FROM windows GROUP BY instance
  ) GROUP BY instance`

/** Each step takes the schema from the number before to its own. A released step is never changed. */
const MIGRATIONS: ReadonlyArray<{ version: number; up: (database: DatabaseSync) => void }> = [
  { version: 1, up: createTables },
  { version: 2, up: addAcquaintance },
  { version: 3, up: addLateTruth },
  { version: 4, up: sealRows }
]

const NEWEST = MIGRATIONS.at(-1)?.version ?? 0

/**
 * The schema version of the file, 0 for a new one. Reads only, so a file that is not ours stays as it is.
 *
 * @throws MeshError `store_failed` for a version that this program does not know
 */
export function readVersion(database: DatabaseSync): number {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
  if (version > NEWEST) {
    throw new MeshError('store_failed', {
      detail: `the database has schema version ${version}, this program knows up to ${NEWEST}: use the newer program again`
    })
  }
  return version
}

/** What stands in the schema, by name. SQLite writes the text anew when a table is changed, and each version of it may set spaces and quotes otherwise. */
function schemaOf(database: DatabaseSync): Map<string, string> {
  const rows = database.prepare('SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL').all()
  return new Map(rows.map(row => [String(row['name']), String(row['sql']).replace(/[\s"`[\]]/g, '')]))
}

/**
 * Whether everything of ours stands in the schema as it was written: a flipped bit in there makes an index that leaves rows out. What somebody else
 * added counts for nothing.
 */
export function hasOwnSchema(database: DatabaseSync): boolean {
  const model = new DatabaseSync(':memory:')
  try {
    migrate(model)
    const actual = schemaOf(database)
    return [...schemaOf(model)].every(([name, sql]) => actual.get(name) === sql)
  } finally {
    model.close()
  }
}

/** Brings the file to the newest version, each step in a transaction of its own together with its number. */
export function migrate(database: DatabaseSync): void {
  const current = readVersion(database)
  for (const { version, up } of MIGRATIONS) {
    if (version <= current) continue
    database.exec('BEGIN IMMEDIATE')
    try {
      up(database)
      database.exec(`PRAGMA user_version = ${version}`)
      database.exec('COMMIT')
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }
}

/**
 * `place` counts insertions and so gives "oldest first". Names of states and kinds are checked where rows are read, not
 * here: a later kind needs no new table.
 */
function createTables(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE meta (
      key TEXT PRIMARY KEY,
      value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE outbox (
      place INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      instance TEXT NOT NULL,
      peer TEXT NOT NULL,
      epoch TEXT NOT NULL,
      conversation TEXT NOT NULL,
      seq INTEGER NOT NULL,
      kind TEXT NOT NULL,
      in_reply_to TEXT,
      envelope BLOB NOT NULL,
      hash BLOB NOT NULL,
      state TEXT NOT NULL,
      reason TEXT,
      created_ms INTEGER NOT NULL,
      expires_ms INTEGER NOT NULL,
      idempotency_key TEXT,
      session TEXT,
      reply_id TEXT
    ) STRICT;
    -- A skip stands beside the row whose seq it takes.
    CREATE UNIQUE INDEX outbox_seq ON outbox (instance, epoch, conversation, seq, (kind = 'skip'));
    CREATE UNIQUE INDEX outbox_idempotency_key ON outbox (idempotency_key) WHERE idempotency_key IS NOT NULL;
    CREATE INDEX outbox_queued ON outbox (instance, place) WHERE state = 'queued';
    CREATE INDEX outbox_unsettled ON outbox (instance, place) WHERE state IN ('queued', 'received');
    CREATE INDEX outbox_expiry ON outbox (expires_ms) WHERE state IN ('queued', 'received');
    CREATE INDEX outbox_ended ON outbox (expires_ms) WHERE state NOT IN ('queued', 'received');

    -- Outlives the rows, so a seq is never given twice within an epoch.
    CREATE TABLE sequences (
      instance TEXT NOT NULL,
      epoch TEXT NOT NULL,
      conversation TEXT NOT NULL,
      last_seq INTEGER NOT NULL,
      PRIMARY KEY (instance, epoch, conversation)
    ) STRICT, WITHOUT ROWID;

    -- What waits per instance, skips apart, kept by triggers: it is asked for before each send, and a rollback must take
    -- it back too.
    CREATE TABLE loads (
      instance TEXT PRIMARY KEY,
      entries INTEGER NOT NULL,
      bytes INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER outbox_enter AFTER INSERT ON outbox WHEN new.state = 'queued' AND new.kind <> 'skip' BEGIN
      INSERT INTO loads VALUES (new.instance, 1, length(new.envelope))
        ON CONFLICT DO UPDATE SET entries = entries + 1, bytes = bytes + excluded.bytes;
    END;
    CREATE TRIGGER outbox_leave AFTER UPDATE OF state ON outbox
      WHEN old.state = 'queued' AND new.state <> 'queued' AND old.kind <> 'skip' BEGIN
      UPDATE loads SET entries = entries - 1, bytes = bytes - length(old.envelope) WHERE instance = old.instance;
      DELETE FROM loads WHERE instance = old.instance AND entries = 0;
    END;
    CREATE TRIGGER outbox_delete AFTER DELETE ON outbox WHEN old.state = 'queued' AND old.kind <> 'skip' BEGIN
      UPDATE loads SET entries = entries - 1, bytes = bytes - length(old.envelope) WHERE instance = old.instance;
      DELETE FROM loads WHERE instance = old.instance AND entries = 0;
    END;

    CREATE TABLE inbox (
      place INTEGER PRIMARY KEY,
      id TEXT NOT NULL,
      instance TEXT NOT NULL,
      peer TEXT NOT NULL,
      epoch TEXT NOT NULL,
      conversation TEXT NOT NULL,
      seq INTEGER NOT NULL,
      kind TEXT NOT NULL,
      in_reply_to TEXT,
      envelope BLOB NOT NULL,
      hash BLOB NOT NULL,
      received_ms INTEGER NOT NULL,
      state TEXT NOT NULL,
      reason TEXT,
      attempt INTEGER NOT NULL,
      verified INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX inbox_id ON inbox (instance, id);
    CREATE UNIQUE INDEX inbox_seq ON inbox (instance, epoch, conversation, seq);
    CREATE INDEX inbox_state ON inbox (state, place);
    CREATE INDEX inbox_ended ON inbox (received_ms) WHERE state IN ('replied', 'done', 'unknown', 'rejected');

    -- Every seq below next_seq was dispatched to its end: it is a duplicate even when its row is gone.
    CREATE TABLE windows (
      instance TEXT NOT NULL,
      epoch TEXT NOT NULL,
      conversation TEXT NOT NULL,
      next_seq INTEGER NOT NULL,
      moved_ms INTEGER NOT NULL,
      PRIMARY KEY (instance, epoch, conversation)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE trust (
      place INTEGER PRIMARY KEY,
      instance TEXT NOT NULL UNIQUE,
      peers TEXT NOT NULL,
      level TEXT NOT NULL,
      petname TEXT,
      since_ms INTEGER NOT NULL,
      how TEXT NOT NULL,
      revision INTEGER NOT NULL,
      tombstone INTEGER NOT NULL,
      checksum INTEGER NOT NULL
    ) STRICT;
  `)
}

/** How strangers become peers, what their messages may cost, and what the owner is told of it. */
function addAcquaintance(database: DatabaseSync): void {
  database.exec(`
    CREATE TABLE tickets (
      place INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      epoch TEXT NOT NULL,
      secret BLOB NOT NULL,
      created_ms INTEGER NOT NULL,
      expires_ms INTEGER NOT NULL,
      uses INTEGER NOT NULL,
      used_by TEXT NOT NULL,
      petname TEXT,
      checksum INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE contacts (
      place INTEGER PRIMARY KEY,
      instance TEXT NOT NULL,
      -- A word, so that no flipped bit turns a stranger's wish into one of ours.
      direction TEXT NOT NULL,
      epoch TEXT NOT NULL,
      peer TEXT NOT NULL,
      label TEXT NOT NULL,
      purpose TEXT NOT NULL,
      address TEXT NOT NULL,
      created_ms INTEGER NOT NULL,
      state TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX contacts_instance ON contacts (instance, direction);

    -- A number is never given twice: it is used again after rows were pruned.
    CREATE TABLE turns (
      turn INTEGER PRIMARY KEY AUTOINCREMENT,
      instance TEXT NOT NULL,
      conversation TEXT NOT NULL,
      root TEXT NOT NULL,
      at_ms INTEGER NOT NULL,
      characters INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX turns_time ON turns (at_ms);
    CREATE INDEX turns_root ON turns (root);

    -- The same for its ids: what comes later is never below what was read.
    CREATE TABLE notices (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      at_ms INTEGER NOT NULL,
      subject TEXT NOT NULL,
      text TEXT NOT NULL,
      about TEXT,
      shown INTEGER NOT NULL,
      read INTEGER NOT NULL
    ) STRICT;
  `)
}

/**
 * What was told of a message after its sender had gone on. What ended before counts as told: nobody is to hear of a month at once.
 */
function addLateTruth(database: DatabaseSync): void {
  database.exec(`
    -- The state of which the session that sent it was told last.
    ALTER TABLE outbox ADD COLUMN told TEXT;
    -- When it was told that by a sentence of which nobody knows whether it was read, until it looks for itself.
    ALTER TABLE outbox ADD COLUMN news_ms INTEGER;
    -- What the owner was told last: 'waits', 'ended' or 'arrived'.
    ALTER TABLE outbox ADD COLUMN said TEXT;
    -- The owner need not see it again: of a rejected or expired one.
    ALTER TABLE outbox ADD COLUMN dismissed INTEGER NOT NULL DEFAULT 0;
    -- The peer has said that it stores it: how it ends here does not take that back.
    ALTER TABLE outbox ADD COLUMN reached INTEGER NOT NULL DEFAULT 0;
    UPDATE outbox SET reached = 1 WHERE state IN ('received', 'delivered', 'answered');
    UPDATE outbox SET told = state, said = 'ended', dismissed = 1 WHERE state IN ('rejected', 'expired');
    UPDATE outbox SET told = state WHERE state IN ('delivered', 'answered') AND session IS NOT NULL;

    CREATE INDEX outbox_overdue ON outbox (created_ms) WHERE state = 'queued' AND said IS NULL AND kind <> 'skip';
    CREATE INDEX outbox_dead ON outbox (place)
      WHERE state IN ('rejected', 'expired') AND dismissed = 0 AND kind <> 'skip';
    CREATE INDEX outbox_end_unsaid ON outbox (place)
      WHERE state IN ('rejected', 'expired') AND said IS NOT 'ended' AND kind <> 'skip';
    CREATE INDEX outbox_arrival_unsaid ON outbox (place)
      WHERE state IN ('received', 'delivered', 'answered') AND said IN ('waits', 'ended');
    CREATE INDEX outbox_news ON outbox (news_ms) WHERE news_ms IS NOT NULL;
    CREATE INDEX outbox_untold ON outbox (place)
      WHERE session IS NOT NULL AND state IN ('delivered', 'answered', 'rejected', 'expired') AND told IS NOT state;
  `)
}

/** What is kept of a peer is counted, every row gets a checksum, and what is found damaged has a place where it is kept for a look. */
function sealRows(database: DatabaseSync): void {
  database.exec(`
    -- What is kept of each instance, kept by triggers: it is asked for before each commit. A row counts 512 bytes more than its envelope.
    CREATE TABLE holdings (
      instance TEXT PRIMARY KEY,
      entries INTEGER NOT NULL,
      bytes INTEGER NOT NULL,
      conversations INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO holdings ${COUNT_HOLDINGS};
    CREATE TRIGGER inbox_enter AFTER INSERT ON inbox BEGIN
      INSERT INTO holdings VALUES (new.instance, 1, length(new.envelope) + 512, 0)
        ON CONFLICT DO UPDATE SET entries = entries + 1, bytes = bytes + excluded.bytes;
    END;
    CREATE TRIGGER inbox_leave AFTER DELETE ON inbox BEGIN
      UPDATE holdings SET entries = entries - 1, bytes = bytes - length(old.envelope) - 512 WHERE instance = old.instance;
      DELETE FROM holdings WHERE instance = old.instance AND entries = 0 AND conversations = 0;
    END;
    CREATE TRIGGER windows_enter AFTER INSERT ON windows BEGIN
      INSERT INTO holdings VALUES (new.instance, 0, 0, 1) ON CONFLICT DO UPDATE SET conversations = conversations + 1;
    END;
    CREATE TRIGGER windows_leave AFTER DELETE ON windows BEGIN
      UPDATE holdings SET conversations = conversations - 1 WHERE instance = old.instance;
      DELETE FROM holdings WHERE instance = old.instance AND entries = 0 AND conversations = 0;
    END;
    CREATE INDEX inbox_oldest ON inbox (instance, place) WHERE state IN ('replied', 'done', 'unknown', 'rejected');
    CREATE INDEX windows_moved ON windows (moved_ms);

    CREATE TABLE damaged (
      place INTEGER PRIMARY KEY,
      at_ms INTEGER NOT NULL,
      source TEXT NOT NULL,
      -- The row as JSON, blobs in hexadecimal.
      content TEXT NOT NULL
    ) STRICT;

    -- How many transactions were committed since: a file beside the database knows it too. The sums are those of digests.ts.
    CREATE TABLE commits (
      only INTEGER PRIMARY KEY CHECK (only = 1),
      count INTEGER NOT NULL,
      checksum INTEGER NOT NULL,
      granted INTEGER NOT NULL,
      counted INTEGER NOT NULL
    ) STRICT;
  `)
  // Last of all: it covers every column that this step adds.
  for (const table of SEALED_TABLES) {
    const columns: readonly string[] = SEALED[table]
    database.exec(`ALTER TABLE ${table} ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0`)
    const name = `seal_${table}`
    database.function(name, { varargs: true, directOnly: true }, (...values) =>
      crcOf(Object.fromEntries(columns.map((column, index) => [column, values[index] ?? null])), columns)
    )
    database.exec(`UPDATE ${table} SET checksum = ${name}(${columns.join(', ')})`)
  }
  database.exec(`
    INSERT INTO commits VALUES (1, 0, ${sealOfCount(0)}, ${digestOf('granted')}, ${digestOf('counted')});${digestTriggers()}
  `)
}
