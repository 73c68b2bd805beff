-- What the activity feed follows from an effect back to its cause, where the journal does not say it: a join or leave to the
-- event that it is put down to, and a run to the one whose message, activity or change set it off. Null where there is none,
-- and in rows of before.

-- A place in a stream, as in `automation_run.event`.
ALTER TABLE segment_change ADD COLUMN event text;
ALTER TABLE automation_run ADD COLUMN caused_by text;
