-- Why nobody decided, where somebody had to (AUT-3): one of a closed set of reasons, and the status that was answered.
ALTER TABLE prior_rejection ADD COLUMN failure text;
ALTER TABLE prior_rejection ADD COLUMN status integer;
