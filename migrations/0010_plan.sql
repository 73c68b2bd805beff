-- Plans: their runs with who is still to be written to, what became of each message, and on which days contacts are
-- remembered. Runs and recipients are not in the journal; the other two are views of it and can be rebuilt.
-- Times are epoch milliseconds.

-- Which businesses have plans: the stream of a business's plans is named for the business.
CREATE INDEX event_plan ON event (id) WHERE aggregate = 9 AND seq = 1;

-- One row a run of a plan. What it sends is written down when it is due, so that it ends as it began.
CREATE TABLE plan_run (
  id         uuid     PRIMARY KEY,
  business   uuid     NOT NULL,
  plan       uuid     NOT NULL,
  -- Of the business: the runner that holds it does the run.
  shard      smallint NOT NULL,
  -- Names the run among those of its plan: there is one for each occurrence.
  key        text     NOT NULL,
  -- Runs of one series write to nobody twice: those of one local day in several zones.
  series     text     NOT NULL,
  version    integer  NOT NULL,
  name       text     NOT NULL,
  template   uuid     NOT NULL,
  channel    text     NOT NULL,
  purpose    text     NOT NULL,
  segments   uuid[]   NOT NULL,
  priority   integer  NOT NULL,
  -- BIRTHDAY or NAME_DAY: of the members, those who keep it on that local day in that zone. Null: all of them.
  occasion   text,
  day        integer,
  time_zone  text,
  -- WAITING for its recipients, SENDING, DONE, MISSED its time, CANCELLED with its plan.
  state      text     NOT NULL,
  due_at     bigint   NOT NULL,
  started_at bigint,
  ended_at   bigint,
  recipients bigint   NOT NULL DEFAULT 0,
  -- Of the last recipient who was dealt with.
  position   bigint   NOT NULL DEFAULT 0,
  requested  bigint   NOT NULL DEFAULT 0,
  refused    bigint   NOT NULL DEFAULT 0,
  UNIQUE (business, plan, key)
);
CREATE INDEX plan_run_open ON plan_run (shard) WHERE state IN ('WAITING', 'SENDING');
CREATE INDEX plan_run_due ON plan_run (business, plan, due_at, id);

-- Whom a run is for, fixed when it starts (SEG-7); gone once dealt with.
CREATE TABLE plan_recipient (
  run      uuid   NOT NULL,
  position bigint NOT NULL,
  contact  uuid   NOT NULL,
  PRIMARY KEY (run, position)
);

-- A view of the journal: what became of each message of a plan. Ids and words of ours, nothing personal.
CREATE TABLE plan_send (
  communication uuid    PRIMARY KEY,
  business      uuid    NOT NULL,
  plan          uuid    NOT NULL,
  run_key       text    NOT NULL,
  -- PENDING, COMPLETED or REJECTED, then with the reason.
  state         text    NOT NULL,
  reason        text,
  viewed        boolean NOT NULL DEFAULT false,
  clicked       boolean NOT NULL DEFAULT false
);
CREATE INDEX plan_send_run ON plan_send (business, plan, run_key);

-- A view of the journal, in the clear: on which days of the year a person is remembered, month * 100 + day.
CREATE TABLE contact_anniversary (
  business  uuid     NOT NULL,
  contact   uuid     NOT NULL,
  time_zone text     COLLATE "C" NOT NULL,
  birthday  smallint,
  -- As she has said herself.
  name_day  smallint,
  -- The feast of her first name, where she has not.
  feast     text,
  PRIMARY KEY (business, contact)
);
CREATE INDEX contact_anniversary_birthday ON contact_anniversary (business, time_zone, birthday);
CREATE INDEX contact_anniversary_name_day ON contact_anniversary (business, time_zone, name_day);
CREATE INDEX contact_anniversary_feast ON contact_anniversary (business, time_zone, feast);
