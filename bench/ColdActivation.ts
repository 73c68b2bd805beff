/**
 * (f) How long the first look at a contact takes who is in the journal and not in memory: a new runtime over the same
 * journal reads contacts one by one. Half of them are the wallets of (c), with as long a history as those runs left, the
 * other half has a registration and one credit.
 */
import * as Actors from "#runtime/actor/Actors.ts"
import * as Effect from "effect/Effect"
import { percentile } from "./Loop.ts"
import { businessId, contactId, wallets } from "./World.ts"

/** Read before, so that what is measured is activation and not the compiler. */
const warmUpContacts = 100

export const readCold = Effect.fnUntraced(function* (count: number, residentsFrom: number) {
  const actors = yield* Actors.Actors
  const busy = Math.min(wallets, count >> 1)
  const numbers = Array.from({ length: count + warmUpContacts }, (_, index) =>
    // Alternating; the last ones of the quiet kind come first and warm up.
    index < warmUpContacts
      ? residentsFrom + count + index
      : index % 2 === 0 && index >> 1 < busy
        ? index >> 1
        : residentsFrom + index
  )
  const latencies: Array<number> = []
  for (const [index, number] of numbers.entries()) {
    const startedAt = performance.now()
    yield* actors.read(businessId, contactId(number), "contact")
    if (index >= warmUpContacts) latencies.push(performance.now() - startedAt)
  }
  const sorted = Float64Array.from(latencies).toSorted()
  return { contacts: count, p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99), maxMs: sorted.at(-1) ?? 0 }
})
