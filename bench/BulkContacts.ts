/**
 * Many contacts at once for (h) and (i): the commands of `World` are judged by the domain's own deciders and encoded as a
 * turn encodes them, and the units go to the journal many to a commit. What is read later is what Koinon writes; left
 * out are the actors in between. Two commits are under way at a time, so that both processors are at work.
 */
import type { Business } from "#domain/organisation/Business.ts"
import { assumedAbsent } from "#runtime/actor/Resident.ts"
import { timeOrderedUuid } from "#runtime/actor/Naming.ts"
import { allShards, shardOf } from "#runtime/actor/Placement.ts"
import { encode, type Place } from "#runtime/actor/Turn.ts"
import { Codec } from "#runtime/journal/Codec.ts"
import { Journal } from "#runtime/journal/Journal.ts"
import { deciderOf } from "#runtime/journal/Kinds.ts"
import type { Unit } from "#runtime/journal/Unit.ts"
import { Sealer } from "#runtime/privacy/Sealer.ts"
import type { Command } from "#domain/Command.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { randomUUID } from "node:crypto"
import { BenchFailed } from "./Peer.ts"
import { businessId, commandsOfContact, contactId } from "./World.ts"

const contactsToACommit = 1_000
const commitsAtOnce = 2

/** What one contact's commands make durable, in order. Throws when one of them is refused. */
const unitsOf = (codec: Codec, sealer: Sealer["Service"], business: Business, number: number, at: number) => {
  const key = contactId(number)
  const dataKey = sealer.makeDataKey()
  const actors = new Map<string, ReturnType<typeof assumedAbsent>>()
  const actorOf = (kind: string, id: string) => {
    const actor = actors.get(kind) ?? assumedAbsent(kind, id)
    actors.set(kind, actor)
    return actor
  }
  const unitOf = (command: Command, index: number): Unit => {
    const id = timeOrderedUuid(at)
    const decider = deciderOf(command)
    const needed = Object.entries(decider.needs(command, key)).map(([kind, stream]) => actorOf(kind, stream))
    const states = Object.fromEntries(needed.map((actor) => [actor.aggregate.kind, actor.state]))
    const judgement = decider.decide(states, command, { at, key, commandId: id, business })
    if (Result.isFailure(judgement)) throw new Error(`${command._tag}: ${judgement.failure._tag}`)
    const shard = shardOf(key)
    const place: Place = { codec, sealer, business: businessId, key, shard, at, dataKey, dataKeyIsNew: index === 0 }
    const pending = {
      id,
      fingerprint: "",
      command,
      deadlineAt: Number.POSITIVE_INFINITY,
      fromInbox: false,
      reply: () => undefined,
      attempts: 0,
      place: 0
    }
    return encode(place, pending, judgement, needed).unit
  }
  return commandsOfContact(sealer, number).map(unitOf)
}

/** Contacts with numbers from `from` on, registered and funded. Nobody else may write to the journal meanwhile. */
export const writeContacts = Effect.fnUntraced(
  function* (business: Business, from: number, count: number) {
    const journal = yield* Journal
    const sealer = yield* Sealer
    const clock = yield* Clock.Clock
    const codec = new Codec(sealer)
    const runner = randomUUID()
    const holds = yield* journal.takeOver(runner, allShards)
    const offsets = new Map(holds.map(({ shard, lastOffset }) => [shard, lastOffset]))
    const epochs = new Map(holds.map(({ shard, epoch }) => [shard, epoch]))

    const commitFrom = (first: number) =>
      Effect.suspend(() => {
        const at = clock.currentTimeMillisUnsafe()
        const units: Array<Unit> = []
        const shards = new Set<number>()
        for (let number = first; number < Math.min(first + contactsToACommit, from + count); number += 1) {
          for (const unit of unitsOf(codec, sealer, business, number, at)) {
            let offset = offsets.get(unit.shard) ?? 0
            for (const event of unit.events) event.offset = ++offset
            offsets.set(unit.shard, offset)
            shards.add(unit.shard)
            units.push(unit)
          }
        }
        const fence = [...shards].toSorted((a, b) => a - b).map((shard) => [shard, epochs.get(shard) ?? 0] as const)
        return journal.commit({ id: randomUUID(), runner, at, fence, units })
      })
    const firsts = Array.from(
      { length: Math.ceil(count / contactsToACommit) },
      (_, index) => from + index * contactsToACommit
    )
    yield* Effect.forEach(firsts, commitFrom, { concurrency: commitsAtOnce, discard: true })
  },
  Effect.mapError((error) => new BenchFailed({ message: `contacts could not be written: ${error._tag}` }))
)
