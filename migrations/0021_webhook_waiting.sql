-- A join or a leave of a segment is told to endpoints after the event that caused it. Until that has its number, it waits here.

CREATE TABLE webhook_waiting (
  -- In the order in which those of one contact came.
  number       bigint   GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- Names it for ever, as what is told.
  name         text     NOT NULL,
  business     uuid     NOT NULL,
  contact      uuid     NOT NULL,
  type         text     NOT NULL,
  segment      text     NOT NULL,
  reason       text     NOT NULL,
  at           bigint   NOT NULL,
  -- Of the contact, and up to where events have to be told first: never less than what waits before it for the same contact.
  shard        smallint NOT NULL,
  shard_offset bigint   NOT NULL
);
CREATE INDEX webhook_waiting_contact ON webhook_waiting (contact);
