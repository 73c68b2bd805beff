/**
 * (g) What a contact costs who stays in memory: a new runtime debits each of many contacts once, and the heap and outside
 * memory that are left after a full collection are divided among them. Code and fixed tables are warm before the first
 * reading, so only what each contact adds is counted.
 */
import * as Actors from "#runtime/actor/Actors.ts"
import * as Effect from "effect/Effect"
import { debitOf } from "./DurableCommands.ts"
import { BenchFailed } from "./Peer.ts"

const warmUpContacts = 500
const touchedAtOnce = 256
const collections = 4

const bytesInUse = Effect.gen(function* () {
  for (let index = 0; index < collections; index += 1) {
    globalThis.gc?.()
    // What a promise or a socket still holds is let go between collections.
    yield* Effect.sleep(20)
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
})

export const bytesEach = Effect.fnUntraced(function* (residentsFrom: number, count: number) {
  if (globalThis.gc === undefined)
    return yield* new BenchFailed({ message: "memory is measured with --expose-gc only" })
  const actors = yield* Actors.Actors
  const touch = (from: number, to: number) =>
    Effect.forEach(
      Array.from({ length: to - from }, (_, index) => residentsFrom + from + index),
      (number) =>
        Effect.mapError(actors.ask(debitOf(number)), ({ _tag }) => new BenchFailed({ message: `a debit: ${_tag}` })),
      { concurrency: touchedAtOnce, discard: true }
    )
  yield* touch(0, warmUpContacts)
  const residentBefore = actors.statistics().residentGroups
  const before = yield* bytesInUse
  yield* touch(warmUpContacts, count)
  const after = yield* bytesInUse
  const contacts = actors.statistics().residentGroups - residentBefore
  return { contacts, bytes: (after - before) / contacts }
})
