-- The journal: what was decided, by whom it may be written, and what is still to be done.
-- Append-only except for the inbox (rows leave when they are done) and the outcome of a command left open.
-- Times are epoch milliseconds. Bodies are JSON text; personal fields inside them are sealed by the application.

-- One row a shard: the runner that holds it raised the epoch, and every commit checks it (the fence).
CREATE TABLE shard_epoch (
  shard smallint PRIMARY KEY,
  epoch bigint   NOT NULL,
  owner uuid     NOT NULL
);

-- One row a commit: answers "did my commit happen?" after a lost connection.
CREATE TABLE batch (
  id     uuid   PRIMARY KEY,
  runner uuid   NOT NULL,
  at     bigint NOT NULL
);
CREATE INDEX batch_at ON batch (at);

-- One row a command: the same id has one outcome. A null outcome is a command that a later turn settles.
CREATE TABLE command (
  id          uuid   PRIMARY KEY,
  business    uuid   NOT NULL,
  key         uuid   NOT NULL,
  fingerprint text   NOT NULL,
  outcome     text,
  at          bigint NOT NULL
);
CREATE INDEX command_at ON command USING brin (at);

-- A stream is (id, aggregate); its sequence is dense. (shard, shard_offset) is dense in commit order: a reader with a
-- cursor per shard never misses a row that committed late.
CREATE TABLE event (
  id           uuid     NOT NULL,
  aggregate    smallint NOT NULL,
  seq          integer  NOT NULL,
  business     uuid     NOT NULL,
  key          uuid     NOT NULL,
  shard        smallint NOT NULL,
  shard_offset bigint   NOT NULL,
  type         text     NOT NULL,
  version      smallint NOT NULL,
  body         text     NOT NULL,
  checksum     bigint   NOT NULL,
  at           bigint   NOT NULL,
  PRIMARY KEY (id, aggregate, seq)
);
CREATE UNIQUE INDEX event_shard_offset ON event (shard, shard_offset);
-- All businesses at a glance: the streams that are a business itself.
CREATE INDEX event_business ON event (id) WHERE id = business AND seq = 1;

-- What is still to be done: accepted commands, messages between actors, timers. A row leaves in the commit that does it.
CREATE TABLE inbox (
  id         uuid     PRIMARY KEY,
  position   bigint   GENERATED ALWAYS AS IDENTITY,
  business   uuid     NOT NULL,
  key        uuid     NOT NULL,
  shard      smallint NOT NULL,
  command    text     NOT NULL,
  deliver_at bigint   NOT NULL,
  -- Set when the turn that judged it threw: parked for an operator, never retried in a loop.
  failure    text
);
CREATE INDEX inbox_deliver_at ON inbox (deliver_at, position);

-- Who holds a value that only one may hold. The value is a keyed hash.
CREATE TABLE claim (
  scope    uuid  NOT NULL,
  kind     text  NOT NULL,
  hash     bytea NOT NULL,
  business uuid  NOT NULL,
  holder   uuid  NOT NULL,
  PRIMARY KEY (scope, kind, hash)
);

-- A fold kept to start from: never trusted without its checksum, never needed.
CREATE TABLE snapshot (
  business      uuid     NOT NULL,
  id            uuid     NOT NULL,
  aggregate     smallint NOT NULL,
  seq           integer  NOT NULL,
  state_version smallint NOT NULL,
  body          text     NOT NULL,
  checksum      bigint   NOT NULL,
  PRIMARY KEY (id, aggregate)
);

-- The key that seals what the journal holds about one contact, wrapped by the business's key. Gone means erased.
CREATE TABLE data_key (
  key      uuid  PRIMARY KEY,
  business uuid  NOT NULL,
  wrapped  bytea NOT NULL
);

-- How far each projection has read each shard; moves in the transaction of the rows it wrote.
CREATE TABLE projection_cursor (
  projection   text     NOT NULL,
  shard        smallint NOT NULL,
  shard_offset bigint   NOT NULL,
  PRIMARY KEY (projection, shard)
);

-- One row: a keyed hash that only the master secret of this installation gives.
CREATE TABLE installation (
  singleton    boolean PRIMARY KEY DEFAULT true CHECK (singleton),
  master_check text    NOT NULL
);
