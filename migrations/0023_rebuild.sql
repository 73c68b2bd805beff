-- A view that is to be emptied and read again while the server serves: what was asked for, and how far each runner has come,
-- so that every runner hears of it and a restart in the middle of it goes on.

CREATE TABLE rebuild_asked (
  view     text   PRIMARY KEY,
  -- Counts the times that it was asked for.
  number   bigint NOT NULL,
  asked_at bigint NOT NULL
);

CREATE TABLE rebuild_told (
  view       text    NOT NULL,
  runner     uuid    NOT NULL,
  number     bigint  NOT NULL,
  -- Events still to be read, as of told_at.
  events     bigint  NOT NULL,
  done       boolean NOT NULL,
  told_at    bigint  NOT NULL,
  PRIMARY KEY (view, runner)
);
