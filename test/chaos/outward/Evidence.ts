/**
 * What there is to be seen after a run: the journal, told once more by its events; the rows that say who is in which segment,
 * which runs there were and what was to be delivered; and what mail server and receiver were really sent.
 */
import PostalMime from "postal-mime"
import { advance } from "../Audit.ts"
import { query } from "../Witness.ts"
import { Chronicle } from "./Chronicle.ts"
import type { Verdict } from "./Desk.ts"
import type { Kill, OutwardKoinon } from "./OutwardKoinon.ts"
import type { Standing } from "./Standing.ts"

export interface Change {
  readonly id: string
  readonly segment: string
  readonly position: number
  readonly contact: string
  readonly joined: boolean
}

export interface Run {
  readonly id: string
  readonly automation: string
  readonly event: string
  readonly contact: string
  readonly state: string
  readonly reason: string | null
}

export interface Mail {
  /** Epoch milliseconds. */
  readonly at: number
  readonly messageId: string
  readonly to: string
  /** All that a reader sees of it, and its date. */
  readonly said: string
}

export interface Hook {
  readonly id: string
  readonly text: string
  readonly isSigned: boolean
  readonly type: string
  readonly sequence: number
  readonly contact: string
  readonly position: string | undefined
  /** Of the run of an automation. */
  readonly run: string | undefined
}

export interface Evidence {
  readonly chronicle: Pick<
    Chronicle,
    "activities" | "calls" | "held" | "messages" | "people" | "strays" | "tags" | "told" | "updates"
  >
  readonly standing: Pick<Standing, "automations" | "changing" | "segments">
  readonly members: ReadonlyArray<{ readonly segment: string; readonly contact: string }>
  readonly changes: ReadonlyArray<Change>
  readonly runs: ReadonlyArray<Run>
  /** Runs that ended before one that stood before them in their lane. */
  readonly overtakings: number
  readonly planRuns: ReadonlyArray<{
    readonly id: string
    readonly state: string
    readonly recipients: number
    readonly requested: number
    readonly refused: number
  }>
  /** The last number that was given to each contact. */
  readonly numbers: ReadonlyMap<string, number>
  /** What of the outbox is not done, in words. */
  readonly undone: ReadonlyArray<string>
  readonly mails: ReadonlyArray<Mail>
  readonly hooks: ReadonlyArray<Hook>
  readonly kills: ReadonlyArray<Kill>
  /** On runs and on changes that waited for somebody. */
  readonly decisions: ReadonlyMap<string, Verdict>
  /** How many changes were asked for that wait for somebody. */
  readonly changesAsked: number
}

const overtaking = `SELECT count(*)::int AS count FROM (
  SELECT finished_at, lag(finished_at) OVER (PARTITION BY lane ORDER BY position) AS before
    FROM outbox_task WHERE queue = 'automation') AS t WHERE finished_at < before`
const notDone = `SELECT format('%s %s tasks of %s are %s', count(*), max(failures), queue, state) AS what
  FROM outbox_task WHERE state <> 'DONE' GROUP BY queue, state`

const mailsOf = (target: OutwardKoinon): Promise<ReadonlyArray<Mail>> =>
  Promise.all(
    target.mail.taken().map(async ({ at, to, raw }): Promise<Mail> => {
      const { messageId = "", subject, text, html, date } = await PostalMime.parse(raw)
      return { at, messageId, to: to.join(), said: JSON.stringify([to, subject, text, html, date]) }
    })
  )

const hooksOf = ({ received, unsigned }: OutwardKoinon): ReadonlyArray<Hook> =>
  received.map(({ id, text, body }): Hook => {
    const { type, sequence, contact_id: contact = "", position, data } = body
    const run = type === "automation.run" ? String(data["run_id"]) : undefined
    return { id, text, isSigned: !unsigned.has(id), type, sequence, contact, position, run }
  })

export const gather = async (target: OutwardKoinon): Promise<Evidence> => {
  const url = await target.databaseUrl()
  const chronicle = new Chronicle()
  await advance(target, chronicle)
  const numbers = await query<{ contact: string; last: number }>(
    url,
    `SELECT contact, last::int AS last FROM webhook_sequence WHERE endpoint = '${target.standing.endpoint}'`
  )
  const [overtaken] = await query<{ count: number }>(url, overtaking)
  return {
    chronicle,
    standing: target.standing,
    members: await query(url, "SELECT segment, contact FROM segment_member WHERE by_rule"),
    changes: await query(
      url,
      "SELECT id, segment, position::int AS position, contact, joined FROM segment_change ORDER BY segment, position"
    ),
    runs: await query(url, "SELECT id, automation, event, contact, state, reason FROM automation_run"),
    overtakings: overtaken?.count ?? 0,
    planRuns: await query(
      url,
      "SELECT id, state, recipients::int AS recipients, requested::int AS requested, refused::int AS refused FROM plan_run"
    ),
    numbers: new Map(numbers.map(({ contact, last }) => [contact, last])),
    undone: (await query<{ what: string }>(url, notDone)).map(({ what }) => what),
    mails: await mailsOf(target),
    hooks: hooksOf(target),
    kills: target.kills,
    decisions: target.desk.decisions,
    changesAsked: target.desk.changes
  }
}
