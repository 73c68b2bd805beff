/**
 * How long the tables keep what is over, and the pruner that lets go of the rest: every runner looks at intervals, in
 * statements of at most a thousand rows, and passes over rows that another has in hand, so any number may do it at once.
 * What is still under way stays, however old. Outbox, what messages say and audit of rejections are pruned where they are
 * written; the journal never is, so a view that is rebuilt has what is old again until the next look.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

const dayMs = 24 * 60 * 60_000

/** Runs of automations, since they ended: a quarter is looked back upon; that nothing runs twice does not depend on them. */
const automationRunMs = 90 * dayMs
/** What a message has as its cause, since it was asked for: it is sent or given up within days, and then tells so itself. */
const messageEffectMs = 90 * dayMs
/** Refreshes of segments, since they ended: nobody acts on them. */
const segmentRunMs = 90 * dayMs
/** Joins and leaves: the same day a year ago can be asked for. Who is in is not forgotten by it, nor since when. */
const segmentChangeMs = 400 * dayMs
/** Answers to requests for deliveries again: as long as the deliveries. */
const webhookReplayMs = 30 * dayMs
/** Held changes, since they were decided: a year can be audited; the journal has them for ever. */
const heldCommandMs = 400 * dayMs
/** Runs of plans that are over, since they were due: a yearly one can be compared with the last. */
export const planRunMs = 400 * dayMs
/** What became of each message of a plan, since it was asked for: never before the run that counts it. */
const planSendMs = planRunMs
/** What became of messages, since they ended: who got what a year ago can be told, though no longer in its words. */
const communicationMs = 400 * dayMs

/** Rows of one statement. */
const rowsMax = 1_000
const intervalMs = 10 * 60_000

const rowsOf = (table: string, where: string, instant: string): string =>
  `DELETE FROM ${table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${table} WHERE ${where} AND ${instant} < $1::bigint ` +
  `ORDER BY ${instant} LIMIT $2::integer FOR UPDATE SKIP LOCKED)) AND ${where} RETURNING 1`

/**
 * The next changes of one segment: a leave goes, and with each change whatever came before it of the same contact. The last
 * join of a member stays, for it is how she was one.
 */
const nextChanges =
  "WITH chosen AS (SELECT s.business, s.segment, s.pruned_to FROM segment_state s WHERE (SELECT c.at FROM segment_change c " +
  "WHERE c.business = s.business AND c.segment = s.segment AND c.position > s.pruned_to ORDER BY c.position LIMIT 1) " +
  "< $1::bigint LIMIT 1 FOR UPDATE OF s SKIP LOCKED), " +
  "next AS (SELECT c.* FROM chosen s CROSS JOIN LATERAL (SELECT * FROM segment_change c WHERE c.business = s.business " +
  "AND c.segment = s.segment AND c.position > s.pruned_to ORDER BY c.position LIMIT $2::integer) c), " +
  "old AS (SELECT * FROM next WHERE position < coalesce((SELECT min(position) FROM next WHERE at >= $1::bigint), " +
  "9223372036854775807)), " +
  "latest AS (SELECT DISTINCT ON (contact) * FROM old ORDER BY contact, position DESC), " +
  "gone AS (DELETE FROM segment_change c USING latest l WHERE c.business = l.business AND c.segment = l.segment " +
  "AND c.contact = l.contact AND c.position < l.position + CASE WHEN l.joined THEN 0 ELSE 1 END), " +
  "moved AS (UPDATE segment_state s SET pruned_to = o.last, pruned_before = greatest(s.pruned_before, $1::bigint) " +
  "FROM (SELECT business, segment, max(position) AS last FROM old GROUP BY business, segment) o " +
  "WHERE s.business = o.business AND s.segment = o.segment) SELECT 1 FROM old"

/** Each with how long it keeps, since when, and whether a step that was not full is the last. */
const rules = [
  { keptMs: automationRunMs, text: rowsOf("automation_run", "ended_at IS NOT NULL", "ended_at"), isFullToGoOn: true },
  {
    keptMs: messageEffectMs,
    text: rowsOf("automation_effect", "effect LIKE 'communication/%'", "at"),
    isFullToGoOn: true
  },
  { keptMs: segmentRunMs, text: rowsOf("segment_run", "ended_at IS NOT NULL", "ended_at"), isFullToGoOn: true },
  { keptMs: heldCommandMs, text: rowsOf("held_command", "decided_at IS NOT NULL", "decided_at"), isFullToGoOn: true },
  {
    keptMs: planRunMs,
    text: rowsOf("plan_run", "state IN ('DONE', 'MISSED', 'CANCELLED')", "due_at"),
    isFullToGoOn: true
  },
  { keptMs: planSendMs, text: rowsOf("plan_send", "state <> 'PENDING'", "at"), isFullToGoOn: true },
  { keptMs: communicationMs, text: rowsOf("communication", "ended_at IS NOT NULL", "ended_at"), isFullToGoOn: true },
  { keptMs: webhookReplayMs, text: rowsOf("webhook_replay", "true", "at"), isFullToGoOn: true },
  // One segment at a time.
  { keptMs: segmentChangeMs, text: nextChanges, isFullToGoOn: false }
]

export class Retention extends Context.Service<
  Retention,
  {
    /** Lets go of everything that is due to; the pruner does so by itself at intervals. */
    readonly prune: Effect.Effect<void, SqlError>
  }
>()("koinon/runtime/Retention") {}

const make = Effect.gen(function* () {
  const sql = yield* SqlClient
  const clock = yield* Clock.Clock
  const apply = ({ keptMs, text, isFullToGoOn }: (typeof rules)[number]) =>
    Effect.suspend(() => sql.unsafe(text, [BigInt(clock.currentTimeMillisUnsafe() - keptMs), rowsMax])).pipe(
      Effect.repeat({ while: ({ length }) => (isFullToGoOn ? length === rowsMax : length > 0) })
    )
  const prune = Effect.forEach(rules, apply, { discard: true })
  yield* prune.pipe(
    Effect.catch((error) => Effect.logWarning("what is old stays for now", error._tag)),
    Effect.delay(intervalMs),
    Effect.forever,
    Effect.forkScoped
  )
  return Retention.of({ prune })
})

export const layer: Layer.Layer<Retention, never, SqlClient> = Layer.effect(Retention, make)
