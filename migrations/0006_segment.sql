-- Segments: who is in which one, since when and why, when somebody has to be looked at again, and what each refresh did.
-- What a rule says can be computed again from the journal; who was imported, and the stream of changes, cannot.
-- Contacts are ids here: no personal data. Times are epoch milliseconds.

-- One row a segment: which version of its definition its members follow, and what is still to be done about it.
CREATE TABLE segment_state (
  business     uuid     NOT NULL,
  segment      uuid     NOT NULL,
  -- Of the business: the runner that holds it refreshes.
  shard        smallint NOT NULL,
  -- Null until it was computed for the first time.
  version      integer,
  -- Every commit is judged by it.
  live         boolean  NOT NULL DEFAULT false,
  -- Why it has to be looked at: DEFINITION, DEMAND or SCHEDULE; null: it has not.
  asked        text,
  -- Counts what was asked, so that nothing that is asked meanwhile is taken for done.
  asks         bigint   NOT NULL DEFAULT 0,
  asked_at     bigint,
  next_run_at  bigint,
  refreshed_at bigint,
  -- Of the last change in its stream; raised in the transaction that writes it, so positions appear in order.
  position     bigint   NOT NULL DEFAULT 0,
  failure      text,
  -- In a row; one that fails waits longer each time, unless it is asked for again.
  failures     integer  NOT NULL DEFAULT 0,
  retry_at     bigint,
  PRIMARY KEY (business, segment)
);
CREATE INDEX segment_state_asked ON segment_state (shard) WHERE asked IS NOT NULL;
CREATE INDEX segment_state_next_run ON segment_state (next_run_at) WHERE next_run_at IS NOT NULL;

-- Raised whenever the set of live segments of a business, or a version in force, changes.
CREATE TABLE segment_register (
  business uuid   PRIMARY KEY,
  stamp    bigint NOT NULL
);

-- A member by rule, by import, or both; a row with neither does not stay.
CREATE TABLE segment_member (
  business  uuid    NOT NULL,
  contact   uuid    NOT NULL,
  segment   uuid    NOT NULL,
  by_rule   boolean NOT NULL,
  by_import boolean NOT NULL,
  since     bigint  NOT NULL,
  PRIMARY KEY (business, segment, contact)
);
CREATE INDEX segment_member_contact ON segment_member (business, contact);

-- The stream of joins and leaves of each segment, dense from 1.
CREATE TABLE segment_change (
  business uuid     NOT NULL,
  segment  uuid     NOT NULL,
  position bigint   NOT NULL,
  id       uuid     NOT NULL,
  contact  uuid     NOT NULL,
  joined   boolean  NOT NULL,
  reason   text     NOT NULL,
  -- The type of the event, or the segment, that brought it about.
  because  text,
  at       bigint   NOT NULL,
  shard    smallint NOT NULL,
  cause    text,
  PRIMARY KEY (business, segment, position)
);
CREATE INDEX segment_change_contact ON segment_change (business, contact, segment, position);

-- A contact may enter or leave at this instant with no event: looked at no later than then.
CREATE TABLE segment_timer (
  business uuid     NOT NULL,
  contact  uuid     NOT NULL,
  segment  uuid     NOT NULL,
  shard    smallint NOT NULL,
  due_at   bigint   NOT NULL,
  PRIMARY KEY (business, contact, segment)
);
CREATE INDEX segment_timer_due ON segment_timer (due_at);
CREATE INDEX segment_timer_segment ON segment_timer (business, segment);

-- One row a refresh; one that failed gives way to the next.
CREATE TABLE segment_run (
  id         uuid    PRIMARY KEY,
  business   uuid    NOT NULL,
  segment    uuid    NOT NULL,
  version    integer NOT NULL,
  asked      text    NOT NULL,
  state      text    NOT NULL,
  started_at bigint  NOT NULL,
  ended_at   bigint,
  members    bigint,
  joined     bigint,
  departed   bigint,
  failure    text
);
CREATE INDEX segment_run_segment ON segment_run (business, segment, started_at);

-- What a run has found so far; taken over at its end in one transaction. Of no use after a crash: the run begins anew.
CREATE UNLOGGED TABLE segment_candidate (
  run     uuid    NOT NULL,
  contact uuid    NOT NULL,
  holds   boolean NOT NULL,
  due_at  bigint,
  PRIMARY KEY (run, contact)
);
