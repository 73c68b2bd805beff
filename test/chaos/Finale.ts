/**
 * What is tried once, when the rounds are over: the lane is blocked (P15), every view is rebuilt and compared with the live
 * one (P9), rows of a copy of the database are torn (P14), and the witness is heard about every commit (P5).
 */
import { execFile } from "node:child_process"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import * as Redacted from "effect/Redacted"
import type { Nemesis } from "./Nemesis.ts"
import { Judge } from "./Promises.ts"
import type { Run } from "./Run.ts"
import { ServeProcess } from "./ServeProcess.ts"
import { blockCommits, query, testimony } from "./Witness.ts"
import type { World } from "./World.ts"
import { compareRebuilt } from "./RebuiltViews.ts"

const repository = fileURLToPath(new URL("../../", import.meta.url))
const stallMs = 6_000
const healthPollMs = 100
const greenTimeoutMs = 30_000
const requestTimeoutMs = 40_000
const rebuildTimeoutMs = 120_000
const tornMax = 10
const copy = "torn"

/** Each view, with what its rebuilding is asked for by. */
const views = {
  contact_directory: ["contact_directory"],
  catalogue: ["catalogue_product", "catalogue_classification"]
} as const

interface Health {
  readonly status: number
  readonly lane: string
}

const healthOf = async (door: string): Promise<Health | undefined> => {
  try {
    const answer = await fetch(`${door}/health/ready`, { signal: AbortSignal.timeout(requestTimeoutMs) })
    const { checks } = (await answer.json()) as {
      readonly checks: ReadonlyArray<{ readonly name: string; readonly status: string; readonly reason: string }>
    }
    const failed = checks.filter(({ status }) => status === "fail").map(({ name, reason }) => `${name}: ${reason}`)
    return { status: answer.status, lane: failed.join("; ") }
  } catch {
    return undefined
  }
}

/** P15: while nobody can commit, every door says so and why; and no more when it is over. */
const stall = async (it: Run, target: Nemesis, judge: Judge): Promise<void> => {
  const reds = new Map<string, string>()
  await it.during(it.rounds.length, async () => {
    const until = performance.now() + stallMs
    await blockCommits(target.runners.url(), async () => {
      while (performance.now() < until) {
        for (const door of target.doors()) {
          const health = await healthOf(door)
          if (health?.status === 503 && health.lane.includes("lane:")) reds.set(door, health.lane)
        }
        await pause(healthPollMs)
      }
    })
  })
  for (const door of target.doors()) {
    judge.expect("P15", reds.has(door) ? undefined : `${door} did not turn red in ${stallMs} ms without a commit`)
    const deadline = performance.now() + greenTimeoutMs
    let health = await healthOf(door)
    while (health?.status !== 200 && performance.now() < deadline) {
      await pause(healthPollMs)
      health = await healthOf(door)
    }
    judge.expect("P15", health?.status === 200 ? undefined : `${door} stays red: ${health?.lane}`)
  }
}

const environmentOf = (target: Nemesis, database?: string): Record<string, string> => ({
  DATABASE_URL: Redacted.value(target.runners.url(database)),
  KOINON_MASTER_SECRET: target.runners.secret,
  KOINON_BOOTSTRAP_API_KEY: target.apiKey,
  KOINON_DATA_DIR: join(target.dataDirectory, "finale"),
  PORT: "0"
})

/** P9, while no runner is up. */
const rebuild = async (target: Nemesis, judge: Judge): Promise<void> => {
  const url = target.runners.url()
  for (const [view, tables] of Object.entries(views)) {
    for (const table of tables) await query(url, `CREATE TABLE chaos.${table} AS SELECT * FROM public.${table}`)
    await promisify(execFile)(process.execPath, ["src/main.ts", "rebuild", view], {
      cwd: repository,
      env: { ...process.env, ...environmentOf(target) },
      timeout: rebuildTimeoutMs
    })
    for (const table of tables) {
      const { live, different } = await compareRebuilt(url, table)
      judge.expect("P9", different === 0 ? undefined : `${table}: ${different} of ${live} rows differ`, live)
    }
  }
}

const walletOf = async (door: string, apiKey: string, id: string) => {
  const answer = await fetch(`${door}/backoffice/v2/wallets/${id}`, {
    headers: { api_key: apiKey },
    signal: AbortSignal.timeout(requestTimeoutMs)
  })
  return { status: answer.status, body: await answer.text() }
}

/** One character in the middle of the text is another one. */
const flipped = "overlay(body placing chr(ascii(substr(body, length(body) / 2, 1)) # 1) from length(body) / 2 for 1)"

/** P14, on a copy that a Koinon of its own serves. */
const tear = async (
  target: Nemesis,
  judge: Judge,
  before: ReadonlyMap<string, { readonly status: number; readonly body: string }>
): Promise<void> => {
  await query(target.runners.url("postgres"), `CREATE DATABASE ${copy} TEMPLATE koinon`)
  const url = target.runners.url(copy)
  const snapshots = await query<{ readonly id: string }>(
    url,
    `SELECT id FROM snapshot WHERE aggregate = 2 AND id = ANY('{${[...before.keys()].join(",")}}') LIMIT ${tornMax}`
  )
  const tornSnapshots = snapshots.map(({ id }) => id)
  const tornStreams = [...before.keys()].filter((id) => !tornSnapshots.includes(id)).slice(0, tornMax)
  const list = (ids: ReadonlyArray<string>) => `id = ANY('{${ids.join(",")}}'::uuid[]) AND aggregate = 2`
  await query(url, `UPDATE snapshot SET body = ${flipped} WHERE ${list(tornSnapshots)}`)
  await query(url, `DELETE FROM snapshot WHERE ${list(tornStreams)}`)
  // Any event of the stream will do: each is needed for the fold.
  await query(
    url,
    `UPDATE event e SET body = ${flipped} WHERE ${list(tornStreams)} AND seq =
       (SELECT 1 + (max(seq) / 2) FROM event o WHERE o.id = e.id AND o.aggregate = e.aggregate)`
  )
  const koinon = new ServeProcess({ environment: environmentOf(target, copy) })
  try {
    await koinon.start()
    for (const id of tornSnapshots) {
      const { status, body } = await walletOf(koinon.url, target.apiKey, id)
      const isSame = status >= 500 || body === before.get(id)?.body
      judge.expect("P14", isSame ? undefined : `behind a torn snapshot ${id} was served as ${status} ${body}`)
    }
    for (const id of tornStreams) {
      const { status, body } = await walletOf(koinon.url, target.apiKey, id)
      judge.expect("P14", status >= 500 ? undefined : `with a torn event ${id} was served as ${status} ${body}`)
    }
  } finally {
    await koinon.kill()
  }
}

/** P5, of every event so far. */
export const hearWitness = async (it: Run, target: Nemesis): Promise<void> => {
  const judge = new Judge(it.findings, it.rounds.length)
  const { events, strangers } = await testimony(target.runners.url())
  judge.expect("P5", undefined, events)
  for (const what of strangers) judge.found("P5", what)
}

export const finale = async (it: Run, target: Nemesis, world: World): Promise<void> => {
  const judge = new Judge(it.findings, it.rounds.length)
  await stall(it, target, judge)
  const wallets = new Map<string, { readonly status: number; readonly body: string }>()
  for (const { id } of world.people) wallets.set(id, await walletOf(target.door(), target.apiKey, id))
  await hearWitness(it, target)
  await target.runners.stopRunners()
  await rebuild(target, judge)
  await tear(target, judge, wallets)
}
