-- The outbox: effects on the world that are still to be had, written in the transaction of whatever calls for them, and the
-- record of how they went. Bodies and records are sealed under the data key of the contact whom they are about, so that
-- erasing her makes them unreadable, or under a key of the business.

CREATE TABLE outbox_task (
  -- Named by whoever enqueues: the same id is one task, however often it is enqueued, and what receivers tell twins by.
  id               uuid     PRIMARY KEY,
  -- The order of enqueueing, which is the order within a lane.
  position         bigint   GENERATED ALWAYS AS IDENTITY,
  queue            text     NOT NULL,
  business         uuid     NOT NULL,
  -- Decides the shard, and with it the runner.
  key              uuid     NOT NULL,
  shard            smallint NOT NULL,
  -- Made of queue, business, key and the name of the lane.
  lane             uuid     NOT NULL,
  body             text     NOT NULL,
  -- The body as it was enqueued, once it has changed.
  origin           text,
  -- WAITING, DONE, DEAD or CANCELLED.
  state            text     NOT NULL DEFAULT 'WAITING',
  -- Grows with every change: who settles has to have seen the last one.
  version          integer  NOT NULL DEFAULT 0,
  enqueued_at      bigint   NOT NULL,
  due_at           bigint   NOT NULL,
  attempts         integer  NOT NULL DEFAULT 0,
  -- Attempts that failed since it was enqueued or taken up again, and when the first of those began.
  failures         integer  NOT NULL DEFAULT 0,
  failing_since    bigint,
  finished_at      bigint
);
CREATE INDEX outbox_task_due ON outbox_task (queue, due_at, position) WHERE state = 'WAITING';
CREATE INDEX outbox_task_lane ON outbox_task (lane, position) WHERE state = 'WAITING';
CREATE INDEX outbox_task_dead ON outbox_task (business, queue, position) WHERE state = 'DEAD';
CREATE INDEX outbox_task_listed ON outbox_task (business, queue, position);
CREATE INDEX outbox_task_finished ON outbox_task (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE outbox_attempt (
  task       uuid    NOT NULL REFERENCES outbox_task ON DELETE CASCADE,
  number     integer NOT NULL,
  business   uuid    NOT NULL,
  started_at bigint  NOT NULL,
  ended_at   bigint  NOT NULL,
  -- DONE, RETRY, CONTINUE or DEAD.
  outcome    text    NOT NULL,
  -- What there is to say of it, sealed.
  detail     text    NOT NULL,
  PRIMARY KEY (task, number)
);
