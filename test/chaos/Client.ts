/**
 * Clients as they are: they send, they may hear nothing, and then they ask again with the same Idempotency-Key, sometimes
 * several times at once, until they know.
 */
import { setTimeout as pause } from "node:timers/promises"
import type { Chance } from "./Chance.ts"
import { type Bearer, describe, type Exchange, note, type Operation, type Record, verdictOf } from "./Operation.ts"
import type { Doors } from "./Target.ts"

/** A client hangs up after that. Longer than Koinon takes to answer or to say that it cannot. */
const requestTimeoutMs = 12_000
const repetitionsAtOnceMax = 5
const repeatPauseMs = 50
/** After that an operation nobody answers is a finding. */
const answerTimeoutMs = 180_000

/** A token of now, from the door that did not like the old one. */
const renew = async (url: string, apiKey: string, bearer: Bearer): Promise<boolean> => {
  const answer = await fetch(`${url}/backoffice/v2/contacts/${bearer.id}/access_token`, {
    method: "POST",
    headers: { "content-type": "application/json", api_key: apiKey },
    body: "{}",
    signal: AbortSignal.timeout(requestTimeoutMs)
  })
  const fresh = (await answer.json()) as { readonly access_token?: string }
  if (!answer.ok || fresh.access_token === undefined) return false
  bearer.token = fresh.access_token
  return true
}

/** One request; `undefined` when no whole answer came. */
const send = async (
  doors: Doors,
  { mark, path, body, bearer, namesItself = false }: Operation,
  prefersLater = false
): Promise<Exchange | undefined> => {
  const url = doors.door()
  const once = async (): Promise<Exchange> => {
    const answer = await fetch(`${url}${path}`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(namesItself ? {} : { "idempotency-key": mark }),
        ...(bearer === undefined ? { api_key: doors.apiKey } : { authorization: `Bearer ${bearer.token}` }),
        ...(prefersLater ? { prefer: "respond-async" } : {})
      },
      body,
      signal: AbortSignal.timeout(requestTimeoutMs)
    })
    const text = await answer.text()
    return { status: answer.status, body: text, replayed: answer.headers.get("idempotency-replayed") === "true" }
  }
  try {
    const exchange = await once()
    if (exchange.status !== 401 || bearer === undefined) return exchange
    return (await renew(url, doors.apiKey, bearer)) ? await once() : undefined
  } catch {
    return undefined
  }
}

/** The first attempt: what most clients see. */
export const attempt = async (doors: Doors, operation: Operation, round: number): Promise<Record> => {
  const record: Record = {
    operation,
    round,
    invokedAt: performance.now(),
    returnedAt: Number.POSITIVE_INFINITY,
    answer: undefined,
    acceptedAt: undefined,
    sent: 0,
    oddities: []
  }
  note(record, await send(doors, operation, operation.prefersLater))
  return record
}

/** Asks again, one to five times at once, until the fate of the operation is known or nobody wants to know it any more. */
export const resolve = async (doors: Doors, record: Record, chance: Chance, over?: AbortSignal): Promise<void> => {
  const deadline = performance.now() + answerTimeoutMs
  const goesOn = (): boolean => over?.aborted !== true && performance.now() < deadline
  while (record.answer === undefined && goesOn()) {
    const repetitions = Array.from({ length: chance.integer(1, repetitionsAtOnceMax) }, async () =>
      note(record, await send(doors, record.operation))
    )
    await Promise.all(repetitions)
    if (record.answer === undefined) await pause(repeatPauseMs)
  }
}

/** Asks once more for what was answered: the same answer has to come back, marked as one that was given before. */
export const replay = async (doors: Doors, record: Record): Promise<void> => {
  const deadline = performance.now() + answerTimeoutMs
  let last: Exchange | undefined
  while (performance.now() < deadline) {
    const exchange = await send(doors, record.operation)
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

/** P7: asks for something else under the same key, until it is told that it may not. */
export const alter = async (doors: Doors, record: Record): Promise<string | undefined> => {
  const { operation } = record
  const asked = JSON.parse(operation.body) as { readonly amount: number }
  const other = { ...operation, body: JSON.stringify({ ...asked, amount: Math.round(asked.amount * 100 + 1) / 100 }) }
  const deadline = performance.now() + answerTimeoutMs
  while (performance.now() < deadline) {
    const exchange = await send(doors, other)
    if (verdictOf(exchange) !== "unknown" && exchange !== undefined) {
      return exchange.status === 422 ? undefined : `for another amount it was answered ${describe(exchange)}`
    }
    await pause(repeatPauseMs)
  }
  return "for another amount it was not answered"
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
