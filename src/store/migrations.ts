import type { DatabaseSync } from 'node:sqlite'
import { MeshError } from '../mesh/errors.ts'

/** Each step takes the schema from the number before to its own. A released step is never changed. */
const MIGRATIONS: ReadonlyArray<{ version: number; up: (database: DatabaseSync) => void }> = [
  { version: 1, up: createTables },
  { version: 2, up: addAcquaintance }
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
