-- Webhooks: which delivery is which event of which contact, counted densely for each endpoint and contact, and how endpoints
-- fare. What is delivered, and how that went, stands in the outbox; a delivery leaves with its task.

CREATE TABLE webhook_delivery (
  -- Also the webhook-id under which it is sent.
  task         uuid     PRIMARY KEY REFERENCES outbox_task ON DELETE CASCADE,
  business     uuid     NOT NULL,
  endpoint     uuid     NOT NULL,
  -- The business itself, for what concerns no contact.
  contact      uuid     NOT NULL,
  sequence     bigint   NOT NULL,
  type         text     NOT NULL,
  -- Where the event stands in the journal; null for what is no event of it.
  shard        smallint,
  shard_offset bigint,
  at           bigint   NOT NULL
);
CREATE UNIQUE INDEX webhook_delivery_sequence ON webhook_delivery (business, endpoint, contact, sequence);
CREATE INDEX webhook_delivery_at ON webhook_delivery (business, endpoint, at, task);

-- The last number given for an endpoint and a contact. It outlives the deliveries, so that no number is given twice.
CREATE TABLE webhook_sequence (
  business uuid   NOT NULL,
  endpoint uuid   NOT NULL,
  contact  uuid   NOT NULL,
  last     bigint NOT NULL,
  PRIMARY KEY (business, endpoint, contact)
);

-- How far each shard has been turned into deliveries. It stays where it is when the projection is read from zero: what was
-- told once is not told again.
CREATE TABLE webhook_mark (
  shard        smallint PRIMARY KEY,
  shard_offset bigint   NOT NULL
);

CREATE TABLE webhook_health (
  business        uuid   NOT NULL,
  endpoint        uuid   NOT NULL,
  -- The first of the failures that no success has followed.
  failing_since   bigint,
  last_failure_at bigint,
  last_failure    text,
  -- When and why it was switched off by itself, until somebody switches it on.
  disabled_at     bigint,
  disabled_for    text,
  PRIMARY KEY (business, endpoint)
);

CREATE VIEW webhook_delivery_log AS
  SELECT d.*, t.state, t.attempts, t.failures, t.due_at, t.finished_at
  FROM webhook_delivery d JOIN outbox_task t ON t.id = d.task;
