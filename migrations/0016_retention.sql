-- What nobody asks for any more leaves in small steps; here is what it is found by, and how far that has come.

CREATE INDEX automation_run_ended ON automation_run (ended_at) WHERE ended_at IS NOT NULL;

-- When it began. The default serves runners that do not name it yet.
ALTER TABLE automation_effect ADD COLUMN at bigint NOT NULL DEFAULT (extract(epoch FROM now()) * 1000)::bigint;
CREATE INDEX automation_effect_message ON automation_effect (at) WHERE effect LIKE 'communication/%';

CREATE INDEX segment_run_ended ON segment_run (ended_at) WHERE ended_at IS NOT NULL;

-- The stream of changes is dense behind `pruned_to`. Up to there, of each contact at most the join stands by which she still
-- was a member, so that membership at any instant from `pruned_before` on can be told.
ALTER TABLE segment_state ADD COLUMN pruned_to bigint NOT NULL DEFAULT 0;
ALTER TABLE segment_state ADD COLUMN pruned_before bigint NOT NULL DEFAULT 0;

CREATE INDEX held_command_decided ON held_command (decided_at) WHERE decided_at IS NOT NULL;

CREATE INDEX plan_run_over ON plan_run (due_at) WHERE state IN ('DONE', 'MISSED', 'CANCELLED');

-- What a request to send deliveries again was answered, so that its repetition is not another one.
CREATE TABLE webhook_replay (
  id          uuid   PRIMARY KEY,
  business    uuid   NOT NULL,
  fingerprint text   NOT NULL,
  answer      text   NOT NULL,
  at          bigint NOT NULL
);
CREATE INDEX webhook_replay_at ON webhook_replay (at);
