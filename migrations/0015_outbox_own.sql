-- What a business has told its own people stands in the outbox among all that was sent to its contacts: what could not be
-- mailed is found by this.

CREATE INDEX outbox_task_own ON outbox_task (business, queue, position) 
  WHERE key = business AND origin IS NOT NULL;
