-- Commands that wait for approval (AUT-5), as the back office lists them: a view of the journal. What they say is sealed in
-- the journal and is not here.
CREATE TABLE held_command (
  business   uuid   NOT NULL,
  id         uuid   NOT NULL,
  contact    uuid   NOT NULL,
  -- The request that waits: its operation.
  command    uuid   NOT NULL,
  trigger    text   NOT NULL,
  held_by    jsonb  NOT NULL,
  state      text   NOT NULL,
  held_at    bigint NOT NULL,
  expires_at bigint NOT NULL,
  decided_at bigint,
  PRIMARY KEY (business, id)
);
CREATE INDEX held_command_held_at ON held_command (business, held_at, id);

-- What prior-to automations turned away (AUT-3): the one trace that such a command leaves. Nothing of what it said is here,
-- and not who it was about if she does not exist. The latest of a business are kept.
CREATE TABLE prior_rejection (
  business      uuid    NOT NULL,
  id            uuid    NOT NULL,
  at            bigint  NOT NULL,
  trigger       text    NOT NULL,
  automation    text    NOT NULL,
  version       integer NOT NULL,
  verdict       text    NOT NULL,
  contact       uuid,
  PRIMARY KEY (business, id)
);
CREATE INDEX prior_rejection_at ON prior_rejection (business, at, id);
