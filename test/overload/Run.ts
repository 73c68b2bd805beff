/**
 * An overload run: a Koinon of its own process and data is measured, then asked for several times as much as it can do, then
 * left alone. What is promised of that (P11) is a list of bounds, each of which holds or is broken: memory, what refusals
 * say, that what was accepted is in the journal once, the wait of those who are accepted, and that it is soon as before.
 */
import { nameUuid } from "#runtime/actor/Naming.ts"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import { type ChildProcess, fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { setTimeout as pause } from "node:timers/promises"
import { KoinonProcess } from "../chaos/KoinonProcess.ts"
import { entryNumber, type Heard, type Load, type Tally } from "./Generator.ts"

export interface Settings {
  readonly contacts: number
  /** How long the capacity is measured, and on how many connections. */
  readonly measureMs: number
  readonly measureConnections: number
  readonly overloadMs: number
  readonly connections: number
  /** Times the capacity that is asked for. */
  readonly factor: number
  readonly reportEveryMs: number
  /** Bytes that the process may hold. */
  readonly memoryMax: number
  /** Accepted writes may take so many times as long as while the capacity was measured; absent: not judged. */
  readonly slowerMax?: number
  /** It is as before by then. */
  readonly recoveryMaxMs: number
}

export interface Progress {
  readonly seconds: number
  readonly tally: Tally
  readonly memory: number
}

export interface Bound {
  readonly name: string
  readonly holds: boolean
  readonly found: string
}

export interface Report {
  readonly capacity: number
  readonly normal: Tally
  readonly whole: Tally
  readonly memoryMost: number
  readonly recoveryMs: number
  readonly bounds: ReadonlyArray<Bound>
}

const pollMs = 50
const memoryEveryMs = 250
const answerWithinMs = 5_000
/** Of what is asked before and after the load: so long only a fault takes. */
const patienceMs = 60_000
/** A machine that had much else to do as it was measured can do more now: then more is asked for, so many times. */
const triesMax = 4
const generatorTimeoutMs = 60_000
/** More than anybody can spend by the cent. */
const eurosAtFirst = 1_000_000
/** Contacts that are registered at once. */
const arrangingMax = 32
const readsPercent = 10
const listsPercent = 10

const headers = (koinon: KoinonProcess) => ({ api_key: koinon.apiKey, "content-type": "application/json" })

const post = (koinon: KoinonProcess, path: string, body: object) =>
  fetch(`${koinon.url}${path}`, {
    method: "POST",
    headers: headers(koinon),
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(patienceMs)
  })

/** Contacts with more in their wallets than anybody can spend, in the order in which they were asked for. */
export const arrange = async (koinon: KoinonProcess, count: number): Promise<ReadonlyArray<string>> => {
  const ids: Array<string> = []
  const register = async (each: number): Promise<void> => {
    const answer = await post(koinon, "/backoffice/v2/contacts", {
      type: "PERSON",
      first_name: "Eleni",
      last_name: `${each}`
    })
    if (!answer.ok) throw new Error(`a contact was answered ${answer.status} ${await answer.text()}`)
    const { id } = (await answer.json()) as { readonly id: string }
    const credit = { action: "CREDIT", amount: eurosAtFirst, currency_code: "EUR" }
    const credited = await post(koinon, `/backoffice/v2/wallets/${id}/journals`, credit)
    if (!credited.ok) throw new Error(`a credit was answered ${credited.status} ${await credited.text()}`)
    ids[each] = id
  }
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) await register(next++)
  }
  await Promise.all(Array.from({ length: arrangingMax }, lane))
  return ids
}

/** Bytes that the process holds, as it says itself: the operator's door is open under any load. */
const memoryOf = async (koinon: KoinonProcess): Promise<number> => {
  const answer = await fetch(`${koinon.url}/metrics`, { signal: AbortSignal.timeout(answerWithinMs) })
  return Number(/^koinon_memory_resident_bytes (\d+)/m.exec(await answer.text())?.[1])
}

const generate = (load: Load, progress: (tally: Tally) => void) =>
  new Promise<Extract<Heard, { readonly tag: "end" }>>((resolve, reject) => {
    const child: ChildProcess = fork(fileURLToPath(new URL("Generator.ts", import.meta.url)), {
      serialization: "advanced",
      execArgv: []
    })
    const late = setTimeout(() => {
      child.kill("SIGKILL")
      reject(new Error("the generator did not end"))
    }, load.durationMs + generatorTimeoutMs)
    const lastResort = (): void => void child.kill("SIGKILL")
    process.once("exit", lastResort)
    child.once("exit", (code) => {
      clearTimeout(late)
      process.removeListener("exit", lastResort)
      reject(new Error(`the generator ended with ${code}`))
    })
    child.on("message", (heard: Heard) => {
      if (heard.tag === "progress") return progress(heard.tally)
      resolve(heard)
      child.disconnect()
    })
    child.send(load)
  })

interface Booked {
  /** Of each write in the journal, the number of the entry it was answered with, in order. */
  readonly entries: Float64Array
  /** Taken from the wallets. */
  readonly cents: number
}

/** What the journal says was done to the wallets, and what the wallets hold. */
const booked = async (koinon: KoinonProcess, contacts: ReadonlyArray<string>): Promise<Booked> => {
  const url = await koinon.databaseUrl()
  const rows = await Effect.runPromise(
    PgConnection.make({ url, applicationName: "koinon overload" }).pipe(
      // The first command of a contact registered her, the second filled her wallet.
      Effect.flatMap((connection) =>
        connection.query(
          `SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY key ORDER BY at, id) AS place
             FROM command WHERE key = ANY($1::uuid[])) AS each WHERE place > 2`,
          [contacts]
        )
      ),
      Effect.map((result) => result.rows as ReadonlyArray<{ readonly id: string }>),
      Effect.scoped
    )
  )
  let cents = 0
  for (const id of contacts) {
    const answer = await fetch(`${koinon.url}/backoffice/v2/wallets/${id}`, { headers: headers(koinon) })
    const wallet = (await answer.json()) as { readonly total_balance: number }
    cents += Math.round((eurosAtFirst - wallet.total_balance) * 100)
  }
  return { entries: Float64Array.from(rows, ({ id }) => entryNumber(nameUuid("journal", id))).toSorted(), cents }
}

/** How many of the accepted are not in the journal, and how many were answered with an entry of another. */
const missing = (accepted: Float64Array, { entries }: Booked): { readonly lost: number; readonly twice: number } => {
  const sorted = accepted.toSorted()
  let [lost, twice, at] = [0, 0, 0]
  for (let each = 0; each < sorted.length; each++) {
    const entry = sorted[each] as number
    if (entry === sorted[each - 1]) twice += 1
    while (at < entries.length && (entries[at] as number) < entry) at += 1
    if (entries[at] !== entry) lost += 1
  }
  return { lost, twice }
}

/** Until it is ready, nobody has been turned away for a while, and a write takes as little as one did. */
const recovered = async (koinon: KoinonProcess, contact: string, withinMs: number): Promise<number> => {
  const startedAt = performance.now()
  while (performance.now() - startedAt < withinMs) {
    try {
      const ready = await fetch(`${koinon.url}/health/ready`, { signal: AbortSignal.timeout(answerWithinMs) })
      const { status } = (await ready.json()) as { readonly status: string }
      const askedAt = performance.now()
      const answer = await fetch(`${koinon.url}/backoffice/v2/wallets/${contact}`, { headers: headers(koinon) })
      await answer.arrayBuffer()
      const tookMs = performance.now() - askedAt
      if (status === "pass" && answer.status === 200 && tookMs <= answerWithinMs) return performance.now() - startedAt
    } catch {
      // Not yet.
    }
    await pause(pollMs)
  }
  return Number.POSITIVE_INFINITY
}

/** What was still under way as it was looked is booked in one place before the other. */
const balanced = async (koinon: KoinonProcess, contacts: ReadonlyArray<string>): Promise<Booked> => {
  const until = performance.now() + patienceMs
  while (true) {
    const books = await booked(koinon, contacts)
    if (books.cents === books.entries.length || performance.now() > until) return books
    await pause(pollMs)
  }
}

export const bound = (name: string, holds: boolean, found: string): Bound => ({ name, holds, found })
const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((all, count) => all + count, 0)

export const run = async (settings: Settings, watch: (progress: Progress) => void): Promise<Report> => {
  const { contacts: count, connections, factor, measureMs, overloadMs, memoryMax, slowerMax, recoveryMaxMs } = settings
  const koinon = await KoinonProcess.open()
  let memoryMost = 0
  let memory = 0
  const measure = async (): Promise<void> => {
    memory = await memoryOf(koinon).catch(() => memory)
    memoryMost = Math.max(memoryMost, memory)
  }
  const measuring = setInterval(() => void measure(), memoryEveryMs)
  try {
    const contacts = await arrange(koinon, count)
    const load = {
      port: Number(new URL(koinon.url).port),
      apiKey: koinon.apiKey,
      contacts,
      readsPercent,
      listsPercent,
      reportEveryMs: settings.reportEveryMs
    }
    const measured = { ...load, connections: settings.measureConnections, durationMs: measureMs }
    const before = await generate(measured, () => undefined)
    const normal = before.tally
    const beganAt = performance.now()
    const overload = (ratePerSecond: number) =>
      generate({ ...load, connections, durationMs: overloadMs, ratePerSecond }, (tally) =>
        watch({ seconds: Math.round((performance.now() - beganAt) / 1_000), tally, memory })
      )
    const refusalsOf = ({ limited, shed }: Tally): number => limited + shed
    let capacity = (sum(normal.accepted) * 1_000) / measureMs
    let { tally: whole, entries } = await overload(Math.round(capacity * factor))
    const answered = [before.entries, entries]
    for (let nth = 1; nth < triesMax && refusalsOf(whole) === 0; nth++) {
      capacity = Math.max(capacity, (sum(whole.accepted) * 1_000) / overloadMs)
      ;({ tally: whole, entries } = await overload(Math.round(capacity * factor)))
      answered.push(entries)
    }
    const recoveryMs = await recovered(koinon, contacts[0] ?? "", recoveryMaxMs)
    const books = await balanced(koinon, contacts)
    const all = Float64Array.from(answered.flatMap((each) => [...each]))
    const { lost, twice } = missing(all, books)

    const refusals = refusalsOf(whole)
    const megabytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`
    const bounds = [
      bound("memory stays below its cap", memoryMost > 0 && memoryMost < memoryMax, `${megabytes(memoryMost)} at most`),
      bound("what is too much is refused", refusals > 0, `${refusals} of ${whole.offered}`),
      bound("every refusal says why and when to come again", whole.oddities.length === 0, whole.oddities[0] ?? "all"),
      bound(
        "no request fails in another way",
        whole.failed + normal.failed === 0,
        `${whole.failed + normal.failed} did`
      ),
      bound("writes are still accepted", whole.accepted.write > 0, `${whole.accepted.write}`),
      bound(
        "what was accepted is in the journal, each once",
        lost === 0 && twice === 0,
        `${lost} lost, ${twice} twice`
      ),
      bound(
        "the wallets lack what the journal says",
        books.cents === books.entries.length,
        `${books.cents} of ${books.entries.length} cents`
      ),
      bound(
        `it is as before within ${recoveryMaxMs / 1_000} s`,
        recoveryMs <= recoveryMaxMs,
        `${(recoveryMs / 1_000).toFixed(1)} s`
      ),
      ...(slowerMax === undefined
        ? []
        : [
            bound(
              `accepted writes take at most ${slowerMax} times as long at p99`,
              whole.p99Ms <= slowerMax * normal.p99Ms,
              `${whole.p99Ms.toFixed(0)} ms, before ${normal.p99Ms.toFixed(0)} ms`
            )
          ])
    ]
    return { capacity, normal, whole, memoryMost, recoveryMs, bounds }
  } finally {
    clearInterval(measuring)
    await koinon.close({ keepData: false })
  }
}
