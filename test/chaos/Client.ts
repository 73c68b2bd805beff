/**
 * Clients as they are: they send, they may hear nothing, and then they ask again with the same Idempotency-Key, sometimes
 * several times at once, until they know.
 */
import { setTimeout as pause } from "node:timers/promises"
import type { Chance } from "./Chance.ts"
import type { KoinonProcess } from "./KoinonProcess.ts"
import { describe, type Exchange, note, type Operation, type Record, verdictOf } from "./Operation.ts"

/** A client hangs up after that. Longer than Koinon takes to answer or to say that it cannot. */
const requestTimeoutMs = 12_000
const repetitionsAtOnceMax = 5
const repeatPauseMs = 50
/** After that an operation nobody answers is a finding. */
const answerTimeoutMs = 90_000

/** One request; `undefined` when no whole answer came. */
const send = async (
  koinon: KoinonProcess,
  { mark, path, body, token, namesItself = false }: Operation,
  prefersLater = false
): Promise<Exchange | undefined> => {
  try {
    const answer = await fetch(`${koinon.url}${path}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(namesItself ? {} : { "idempotency-key": mark }),
        ...(token === undefined ? { api_key: koinon.apiKey } : { authorization: `Bearer ${token}` }),
        ...(prefersLater ? { prefer: "respond-async" } : {})
      },
      body,
      signal: AbortSignal.timeout(requestTimeoutMs)
    })
    const text = await answer.text()
    return { status: answer.status, body: text, replayed: answer.headers.get("idempotency-replayed") === "true" }
  } catch {
    return undefined
  }
}

/** The first attempt: what most clients see. */
export const attempt = async (koinon: KoinonProcess, operation: Operation, round: number): Promise<Record> => {
  const record: Record = {
    operation,
    round,
    invokedAt: performance.now(),
    returnedAt: Number.POSITIVE_INFINITY,
    answer: undefined,
    accepted: false,
    sent: 0,
    oddities: []
  }
  note(record, await send(koinon, operation, operation.prefersLater))
  return record
}

/** Asks again, one to five times at once, until the fate of the operation is known. */
export const resolve = async (koinon: KoinonProcess, record: Record, chance: Chance): Promise<void> => {
  const deadline = performance.now() + answerTimeoutMs
  while (record.answer === undefined && performance.now() < deadline) {
    const repetitions = Array.from({ length: chance.integer(1, repetitionsAtOnceMax) }, async () =>
      note(record, await send(koinon, record.operation))
    )
    await Promise.all(repetitions)
    if (record.answer === undefined) await pause(repeatPauseMs)
  }
}

/** Asks once more for what was answered: the same answer has to come back, marked as one that was given before. */
export const replay = async (koinon: KoinonProcess, record: Record): Promise<void> => {
  const deadline = performance.now() + answerTimeoutMs
  let last: Exchange | undefined
  while (performance.now() < deadline) {
    const exchange = await send(koinon, record.operation)
    last = exchange ?? last
    const verdict = verdictOf(exchange)
    if (verdict !== "unknown") {
      note(record, exchange)
      if (verdict === "done" && exchange?.replayed !== true)
        record.oddities.push("its repetition was not marked as one")
      return
    }
    await pause(repeatPauseMs)
  }
  record.oddities.push(`its repetition got no other answer than ${last === undefined ? "none" : describe(last)}`)
}

/** Runs work on many things, a few at a time. */
export const inParallel = async <A>(
  things: ReadonlyArray<A>,
  concurrency: number,
  work: (thing: A) => Promise<void>
): Promise<void> => {
  let next = 0
  const worker = async (): Promise<void> => {
    for (let thing = things[next++]; thing !== undefined; thing = things[next++]) await work(thing)
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, things.length) }, worker))
}
