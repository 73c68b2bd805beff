-- Messages that end: what a provider calls the reason, and since when they may be forgotten. Contacts who move: from where.

ALTER TABLE communication ADD COLUMN reason_code text;

-- When it was asked for, epoch milliseconds. The default serves runners that do not name it yet.
ALTER TABLE plan_send ADD COLUMN at bigint NOT NULL DEFAULT (extract(epoch FROM now()) * 1000)::bigint;
UPDATE plan_send p SET at = c.created_at FROM communication c WHERE c.business = p.business AND c.id = p.communication;
CREATE INDEX plan_send_over ON plan_send (at) WHERE state <> 'PENDING';

CREATE INDEX communication_over ON communication (ended_at) WHERE ended_at IS NOT NULL;

-- Where she lived before, and when she moved, epoch milliseconds: her day may have been over where she went.
ALTER TABLE contact_anniversary ADD COLUMN former_zone text COLLATE "C";
ALTER TABLE contact_anniversary ADD COLUMN moved_at bigint;
CREATE INDEX contact_anniversary_moved ON contact_anniversary (business, moved_at) WHERE moved_at IS NOT NULL;
