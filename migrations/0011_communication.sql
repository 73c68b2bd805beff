-- Messages to contacts: a view of what was asked for and what became of it, and beside it what each of them says. The view
-- follows the journal and can be rebuilt; it names nobody. What was said, and to which address, is sealed under the data key
-- of the contact, written before it is sent, so that it is sent again word for word, and forgotten after a while.

CREATE TABLE communication (
  business      uuid    NOT NULL,
  id            uuid    NOT NULL,
  contact       uuid    NOT NULL,
  plan          text,
  plan_run      text,
  template      text    NOT NULL,
  -- The plan's or the automation's name.
  name          text    NOT NULL,
  channel       text    NOT NULL,
  purpose       text    NOT NULL,
  -- PENDING, COMPLETED or REJECTED.
  state         text    NOT NULL,
  reason        text,
  -- What took it: MAIL, SMS, PUSH, IN_APP or OUTBOX.
  gateway       text,
  language      text,
  created_at    bigint  NOT NULL,
  updated_at    bigint  NOT NULL,
  authorized_at bigint,
  ended_at      bigint,
  viewed_at     bigint,
  clicked_at    bigint,
  archived      boolean NOT NULL DEFAULT false,
  PRIMARY KEY (business, id)
);
CREATE INDEX communication_of_contact ON communication (business, contact, created_at, id);
CREATE INDEX communication_of_business ON communication (business, created_at, id);
CREATE INDEX communication_in_outbox ON communication (business, created_at, id) WHERE gateway = 'OUTBOX';

CREATE TABLE communication_body (
  business        uuid   NOT NULL,
  communication   uuid   NOT NULL,
  contact         uuid   NOT NULL,
  sealed          text   NOT NULL,
  at              bigint NOT NULL,
  forget_at       bigint NOT NULL,
  -- What a provider has said of it since: its own name for the message, and how far it has got.
  provider_id     text,
  provider_status text,
  provider_at     bigint,
  PRIMARY KEY (business, communication)
);
CREATE INDEX communication_body_forgotten ON communication_body (forget_at);
