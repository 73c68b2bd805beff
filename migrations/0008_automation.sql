-- Automations: which runs there were and how they went, what of the journal was looked at, and what people have to do.
-- Contacts, runs and effects are ids here, reasons are words of ours: no personal data. Times are epoch milliseconds.

-- One row a run: an automation in one version, for one event.
CREATE TABLE automation_run (
  id          uuid     PRIMARY KEY,
  business    uuid     NOT NULL,
  contact     uuid     NOT NULL,
  automation  uuid     NOT NULL,
  version     integer  NOT NULL,
  trigger     text     NOT NULL,
  -- What set it off: a place in a stream, or the id of a change of a segment.
  event       text     NOT NULL,
  event_at    bigint   NOT NULL,
  -- The automations that led here, first to last.
  chain       text     NOT NULL,
  -- PENDING, RUNNING, WAITING, SKIPPED, COMPLETED, REJECTED or FAILED.
  state       text     NOT NULL,
  -- Why it was skipped, or what failed last.
  reason      text,
  -- Counted from 0: the one to be done next, and how many there are.
  next_action integer  NOT NULL,
  actions     integer  NOT NULL,
  -- The task of the outbox that does it, or did so last.
  task        uuid     NOT NULL,
  -- While it waits for an approval: what goes on afterwards. Nothing personal is in it.
  held        text,
  created_at  bigint   NOT NULL,
  changed_at  bigint   NOT NULL,
  ended_at    bigint
);
CREATE INDEX automation_run_automation ON automation_run (business, automation, created_at, id);
CREATE INDEX automation_run_contact ON automation_run (business, contact, created_at, id);
CREATE INDEX automation_run_state ON automation_run (business, state, created_at, id);

-- How far the journal was looked at. It outlives a rebuild of the projection: nothing is ever set off a second time.
CREATE TABLE automation_position (
  shard        smallint PRIMARY KEY,
  shard_offset bigint   NOT NULL
);

-- What a run has brought about and is still open (a message, an activity): what comes of it has the same cause.
CREATE TABLE automation_effect (
  business uuid NOT NULL,
  effect   text NOT NULL,
  cause    text NOT NULL,
  PRIMARY KEY (business, effect)
);

-- What people are to do for contacts: a view of the journal, without its words.
CREATE TABLE activity (
  business     uuid   NOT NULL,
  activity     text   NOT NULL,
  contact      uuid   NOT NULL,
  type         text   NOT NULL,
  -- OPEN, DONE or CANCELLED.
  state        text   NOT NULL,
  due_at       bigint,
  -- For sorting: what has no due date is due last.
  due_key      bigint NOT NULL,
  assignee     text,
  -- The run of the automation that scheduled it.
  run          text,
  scheduled_at bigint NOT NULL,
  closed_at    bigint,
  PRIMARY KEY (business, contact, activity)
);
CREATE INDEX activity_due ON activity (business, state, due_key, activity);
CREATE INDEX activity_assignee ON activity (business, assignee, state, due_key, activity);
