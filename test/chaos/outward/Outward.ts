/**
 * The end of a run that looks at what leaves for the world: it waits for quiet, judges all there is to be seen, has every
 * view read again from the journal, and judges once more: the same rows (P9), and nothing told to anybody a second time.
 */
import { setTimeout as pause } from "node:timers/promises"
import { backlog } from "../Audit.ts"
import { Judge } from "../Promises.ts"
import { type Report, type Run, run, type Settings, type Watch } from "../Run.ts"
import { query } from "../Witness.ts"
import { gather } from "./Evidence.ts"
import { OutwardKoinon } from "./OutwardKoinon.ts"
import { population } from "./Standing.ts"
import { differences } from "./StoredDocuments.ts"
import { judge, type Tally } from "./Verdicts.ts"
import { compareRebuilt } from "../RebuiltViews.ts"

/** What failed a few times waits for minutes. */
const quietWithinMs = 15 * 60_000
/** Nothing may have changed for so long. */
const stableMs = 3_000
const pollMs = 250

/**
 * Each view, with the rows that have to be the same afterwards. The segment store has none: its documents are compared
 * whichever views are rebuilt, for it is filled anew whenever the process starts.
 */
const views: Readonly<Record<string, ReadonlyArray<string>>> = {
  live_segments: ["segment_member", "segment_change"],
  automations: ["automation_run"],
  activity: ["activity"],
  held_commands: ["held_command"],
  contact_tags: ["contact_tag", "tagged_contact"],
  communication: ["communication"],
  contact_directory: ["contact_directory"],
  catalogue: ["catalogue_product", "catalogue_classification"],
  plan_sends: ["plan_send"],
  anniversaries: ["contact_anniversary"]
}
/** What was told stays told, whatever is rebuilt. */
const records = ["webhook_delivery", "webhook_sequence"]

export interface Outward extends Tally {
  readonly kills: Readonly<Record<string, number>>
  /** Kills in a chosen instant: as a mail was taken, as a webhook arrived, at a point of a mail. */
  readonly aimed: number
  readonly campaigns: number
  /** From the end of the load until nothing was under way any more. */
  readonly quietAfterMs: number
}

const restless = `SELECT
  (SELECT count(*) FROM event)::text || '/' || (SELECT count(*) FROM outbox_task)::text || '/' ||
  (SELECT count(*) FROM segment_change)::text || '/' || (SELECT count(*) FROM automation_run)::text AS state,
  ((SELECT count(*) FROM outbox_task WHERE state = 'WAITING') +
   (SELECT count(*) FROM webhook_waiting) +
   (SELECT count(*) FROM segment_state WHERE asked IS NOT NULL) +
   (SELECT count(*) FROM plan_run WHERE state = 'SENDING' OR (state = 'WAITING' AND due_at <= $NOW)))::int AS open`

/** Until nothing is under way and nothing has changed for a while; or for too long, which the judge will see. */
const quiet = async (target: OutwardKoinon): Promise<number> => {
  const began = performance.now()
  let last = ""
  let since = began
  while (performance.now() - began < quietWithinMs) {
    const url = await target.databaseUrl()
    const [row] = await query<{ state: string; open: number }>(url, restless.replace("$NOW", String(Date.now())))
    const left = await backlog(target)
    const isOpen = row === undefined || row.open + left.due + left.open > 0
    if (isOpen || row.state !== last) {
      last = row?.state ?? ""
      since = performance.now()
    } else if (performance.now() - since >= stableMs) break
    await pause(pollMs)
  }
  return performance.now() - began
}

/** Whoever reads is shown what was committed before, so views have followed by then. */
const readThrough = async (target: OutwardKoinon): Promise<void> => {
  const { automations, endpoint, segments } = target.standing
  await target.ask("GET", `/backoffice/v2/automations/${automations[0]}/runs?size=1`)
  await target.ask("GET", `/backoffice/v2/segments/${segments.rich}/members?size=1`)
  await target.ask("GET", `/backoffice/v2/webhooks/${endpoint}/deliveries?size=1`)
}

/** P9, and that a rebuild tells nobody anything. */
const rebuild = async (target: OutwardKoinon, by: Judge, wanted: ReadonlyArray<string>): Promise<void> => {
  const tables = [...wanted.flatMap((view) => views[view] ?? []), ...records]
  const before = await target.databaseUrl()
  const [mails, hooks] = [target.mail.taken().length, target.received.length]
  await query(before, "CREATE SCHEMA chaos")
  for (const table of tables) await query(before, `CREATE TABLE chaos.${table} AS SELECT * FROM public.${table}`)
  const documents = await target.storedDocuments()
  await target.rebuild(wanted)
  await readThrough(target)
  await quiet(target)
  for (const { collection, live, different } of differences(documents, await target.storedDocuments())) {
    const told = `filled anew, ${different} of ${live} ${collection} of the segment store differ`
    by.expect("P9", different === 0 && live > 0 ? undefined : told, live)
  }
  const url = await target.databaseUrl()
  for (const table of tables) {
    const { live, different } = await compareRebuilt(url, table)
    const name = table === "segment_member" || table === "segment_change" ? "SEG-4" : "P9"
    by.expect(name, different === 0 ? undefined : `rebuilt, ${different} of ${live} rows of ${table} differ`, live)
  }
  const more = target.mail.taken().length - mails + target.received.length - hooks
  by.expect("P9", more === 0 ? undefined : `${more} mails and webhooks were sent because views were rebuilt`)
}

const allViews: ReadonlyArray<string> = Object.keys(views)

/** Everything is up, and all that was asked for has had its effect. */
const comeToRest = async (target: OutwardKoinon): Promise<number> => {
  await target.mend()
  await target.campaignsAsked()
  await target.desk.over()
  await readThrough(target)
  let quietAfterMs = await quiet(target)
  // What was approved goes on.
  while ((await target.desk.decideAll()) > 0) quietAfterMs += await quiet(target)
  return quietAfterMs
}

const finale = async (
  it: Run,
  target: OutwardKoinon,
  quietAfterMs: number,
  wanted: ReadonlyArray<string>
): Promise<Outward> => {
  const by = new Judge(it.findings, it.rounds.length)
  const campaigns = await target.campaignsAsked()
  const evidence = await gather(target)
  const tally = judge(evidence, by)
  if (tally.planRuns !== campaigns)
    by.found("AUT-12", `${campaigns} runs were asked for, and there are ${tally.planRuns}`)
  await rebuild(target, by, wanted)
  const victims = ["process", "store", "mail", "database"] as const
  const kills = Object.fromEntries(victims.map((victim) => [victim, target.killsOf(victim)]))
  return { ...tally, kills, aimed: target.aimed, campaigns, quietAfterMs: Math.round(quietAfterMs) }
}

const linesOf = (outward: Outward): ReadonlyArray<string> => {
  const counts = (of: Readonly<Record<string, number>>): string =>
    Object.entries(of)
      .map(([name, count]) => `${name} ${count}`)
      .join(", ")
  const { messages, completed, rejected, mails, mailsTakenTwice, webhooks, webhookRepetitions } = outward
  return [
    `killed: ${counts(outward.kills)}; ${outward.aimed} of them in a chosen instant`,
    `${messages} messages: ${completed} sent, ${counts(rejected)} · ${mails} mails taken, ${mailsTakenTwice} messages more than once`,
    `${webhooks} webhooks, and ${webhookRepetitions} repetitions · ${outward.joins} joins, ${outward.leaves} leaves`,
    `${outward.runs} runs of automations, ${outward.planRuns} of a plan · ${outward.activities} activities · approvals: ${counts(outward.decided)} · at rest after ${Math.round(outward.quietAfterMs / 1_000)} s`
  ]
}

/** For this: a load that leaves room on a machine for mails, webhooks and all that comes back of them. */
export const outwardPace = { keys: 24, clients: 4, operationsMax: 60, killWithinMs: 1_500, impatient: 0.2 } as const

export interface OutwardReport extends Report {
  readonly outward: Outward
}

/** Rounds until so many were killed. */
export const runOutward = async (
  kills: number,
  settings: Omit<Settings, "rounds">,
  watch: Watch,
  wanted: ReadonlyArray<string> = allViews
): Promise<OutwardReport> => {
  const target = await OutwardKoinon.begin()
  const told: Array<Outward> = []
  let quietAfterMs = 0
  const report = await run(target, { ...settings, rounds: kills }, watch, {
    population,
    isEnough: () => target.kills.length >= kills,
    quiet: async () => {
      quietAfterMs = await comeToRest(target)
    },
    finale: async (it) => void told.push(await finale(it, target, quietAfterMs, wanted))
  })
  const [outward] = told
  if (outward === undefined) throw new Error("the run came to no end")
  return { ...report, outward, outwards: linesOf(outward) }
}
