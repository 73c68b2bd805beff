-- The runners that are there: what each says of itself every few seconds, for people who look. Nothing is decided by it;
-- who may write a shard is in shard_epoch, and who should hold one is the cluster's business.

CREATE TABLE runner (
  id                   uuid    PRIMARY KEY,
  -- Where other runners reach it; null for one that is alone.
  address              text,
  version              text    NOT NULL,
  started_at           bigint  NOT NULL,
  seen_at              bigint  NOT NULL,
  shards               integer NOT NULL,
  resident_groups      integer NOT NULL,
  -- Units decided and not yet durable, and since when the commit under way is under way.
  units_waiting        integer NOT NULL,
  commit_since         bigint
);
