/**
 * What the database itself saw: triggers note who took which shard, and for each event which runner's commit wrote it and
 * who held its shard at that instant. They run under the locks of the commit, so P5 is judged on every event ever written,
 * and not on what the runners believe.
 */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"

/** One statement on a connection of its own. */
export const query = <Row>(url: Redacted.Redacted, text: string): Promise<ReadonlyArray<Row>> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const connection = yield* PgConnection.make({ url, applicationName: "koinon chaos" })
        return (yield* connection.query(text)).rows as ReadonlyArray<unknown> as ReadonlyArray<Row>
      })
    )
  )

const install = `
CREATE SCHEMA chaos;
CREATE TABLE chaos.taken (number bigserial PRIMARY KEY, shard smallint, epoch bigint, owner uuid, role name);
CREATE TABLE chaos.batch (transaction xid8 PRIMARY KEY, runner uuid);
CREATE TABLE chaos.event (
  shard smallint, shard_offset bigint, transaction xid8, owner uuid, PRIMARY KEY (shard, shard_offset)
);
CREATE FUNCTION chaos.takes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO chaos.taken (shard, epoch, owner, role) VALUES (NEW.shard, NEW.epoch, NEW.owner, session_user);
  RETURN NULL;
END $$;
CREATE FUNCTION chaos.commits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO chaos.batch VALUES (pg_current_xact_id(), NEW.runner);
  RETURN NULL;
END $$;
CREATE FUNCTION chaos.writes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO chaos.event SELECT NEW.shard, NEW.shard_offset, pg_current_xact_id(), owner
    FROM public.shard_epoch WHERE shard = NEW.shard;
  RETURN NULL;
END $$;
INSERT INTO chaos.taken (shard, epoch, owner, role) SELECT shard, epoch, owner, 'runner_1' FROM shard_epoch;
CREATE TRIGGER chaos_takes AFTER INSERT OR UPDATE ON shard_epoch FOR EACH ROW EXECUTE FUNCTION chaos.takes();
CREATE TRIGGER chaos_commits AFTER INSERT ON batch FOR EACH ROW EXECUTE FUNCTION chaos.commits();
CREATE TRIGGER chaos_writes AFTER INSERT ON event FOR EACH ROW EXECUTE FUNCTION chaos.writes();
`

/** Once, when the tables are there and one runner is up. */
export const watch = async (url: Redacted.Redacted): Promise<void> => {
  await query(url, `DO $do$ BEGIN EXECUTE $text$${install}$text$; END $do$`)
}

/** The shards that the runner who signs in with that role holds now, and under which id. */
export const shardsOf = (url: Redacted.Redacted, role: string) =>
  query<{ readonly shard: number; readonly owner: string }>(
    url,
    `SELECT shard::int AS shard, owner FROM shard_epoch WHERE owner IN (SELECT owner FROM chaos.taken WHERE role = '${role}')`
  )

/** Whether nobody holds a shard under the id any more. */
export const isReplaced = async (url: Redacted.Redacted, owners: ReadonlyArray<string>): Promise<boolean> => {
  const list = owners.map((owner) => `'${owner}'`).join(", ")
  const rows = await query(url, `SELECT 1 FROM shard_epoch WHERE owner IN (${list}) LIMIT 1`)
  return rows.length === 0
}

export interface Testimony {
  /** Events whose writer and holder are known. */
  readonly events: number
  /** In words: events that somebody wrote who did not hold their shard. */
  readonly strangers: ReadonlyArray<string>
}

export const testimony = async (url: Redacted.Redacted): Promise<Testimony> => {
  const [all] = await query<{ readonly events: number }>(url, "SELECT count(*)::int AS events FROM chaos.event")
  const rows = await query<{ readonly what: string }>(
    url,
    `SELECT format('event %s of shard %s was committed by runner %s, and %s held it', e.shard_offset, e.shard,
       coalesce(b.runner::text, 'nobody'), e.owner) AS what
     FROM chaos.event e LEFT JOIN chaos.batch b USING (transaction)
     WHERE b.runner IS DISTINCT FROM e.owner LIMIT 20`
  )
  return { events: all?.events ?? 0, strangers: rows.map(({ what }) => what) }
}

/** While the work goes on nobody can commit an event. */
export const blockCommits = (url: Redacted.Redacted, work: () => Promise<void>): Promise<void> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const connection = yield* PgConnection.make({ url, applicationName: "koinon chaos" })
        yield* connection.query("BEGIN")
        yield* connection.query("LOCK TABLE event IN EXCLUSIVE MODE")
        yield* Effect.promise(work)
        yield* connection.query("ROLLBACK")
      })
    )
  )
