-- Runs that wait for an approval are found beside held changes, by whom they wait for, and do not wait for ever.

-- Of the approval that a run waits for, or waited for last. Epoch milliseconds.
ALTER TABLE automation_run
  ADD COLUMN assignee   text,
  ADD COLUMN held_at    bigint,
  ADD COLUMN expires_at bigint,
  ADD COLUMN decided_at bigint;

-- Those that wait already have their days from now on.
UPDATE automation_run SET held_at = changed_at,
  expires_at = (extract(epoch FROM now()) * 1000)::bigint + 7::bigint * 24 * 3600 * 1000
  WHERE state = 'WAITING';

CREATE INDEX automation_run_held ON automation_run (business, held_at, id) WHERE held_at IS NOT NULL;
-- Few of the many wait at a time, and their list is the one that is looked at.
CREATE INDEX automation_run_pending ON automation_run (business, held_at, id)
  WHERE held_at IS NOT NULL AND state = 'WAITING';
CREATE INDEX held_command_pending ON held_command (business, held_at, id) WHERE state = 'PENDING';
CREATE INDEX automation_run_expires ON automation_run (expires_at) WHERE state = 'WAITING';
-- All runs of a business, whatever their automation and state.
CREATE INDEX automation_run_created ON automation_run (business, created_at, id);

-- What somebody is to decide, or did: changes that are held, and runs, among them those that never waited, of which `held_at`
-- is null: a condition in here would keep PostgreSQL from reading a page in the order of the indexes, so whoever reads gives it.
-- `is_pending` says of the state what an index can serve.
CREATE VIEW approval AS
  SELECT business, id, 'REQUEST' AS type, contact, trigger, held_by, command, NULL::text AS assignee, state,
    held_at, expires_at, decided_at, state = 'PENDING' AS is_pending
  FROM held_command
  UNION ALL
  SELECT business, id, 'RUN', contact, trigger,
    jsonb_build_array(jsonb_build_object('automationId', automation, 'version', version)), NULL::uuid, assignee,
    CASE WHEN state = 'WAITING' THEN 'PENDING' WHEN state <> 'REJECTED' THEN 'APPROVED'
      WHEN reason = 'LAPSED' THEN 'LAPSED' ELSE 'REJECTED' END,
    held_at, expires_at, decided_at, state = 'WAITING'
  FROM automation_run;
