/**
 * The durable side of a turn: applies a decision to the actors it was made on and encodes all of it as one unit. Either
 * everything is applied, or, if anything in the decision is wrong, nothing is and the fault is thrown.
 */
import type { Event } from "#domain/Event.ts"
import type { Refusal } from "#domain/Refusal.ts"
import type { Decision, Judgement, Message, Settlement, Timer } from "#domain/shared/Decision.ts"
import * as Result from "effect/Result"
import type { Codec, Outcome } from "../journal/Codec.ts"
import { aggregateOf } from "../journal/Kinds.ts"
import { atOnce, type ClaimRow, type EventRow, type InboxRow, type Unit } from "../journal/Unit.ts"
import type { Trace } from "../observability/Trace.ts"
import type { DataKey, Sealer } from "../privacy/Sealer.ts"
import { claimRow, messageId, timerId } from "./Naming.ts"
import type { Pending } from "./Pending.ts"
import { shardOf } from "./Placement.ts"
import type { Resident } from "./Resident.ts"

/** A snapshot is due after so many events: no more of them are folded when an actor wakes. */
const snapshotEvents = 100

export interface SnapshotDue extends Pick<Resident, "aggregate" | "id" | "seq" | "state"> {}

export interface InboxItem {
  readonly row: InboxRow
  readonly command: Pending["command"]
  readonly isTimer: boolean
}

/** A durable turn, for those who listen to commits. */
export interface CommittedTurn {
  readonly business: string
  readonly key: string
  readonly shard: number
  readonly events: ReadonlyArray<{ readonly event: Event; readonly row: EventRow }>
  /** Messages and timers that are now in the inbox. */
  readonly inbox: ReadonlyArray<InboxItem>
  readonly settles: ReadonlyArray<Settlement>
  readonly snapshots: ReadonlyArray<SnapshotDue>
  readonly dataKey: DataKey | undefined
  /** Values taken and given up, as they are stored. */
  readonly takes: ReadonlyArray<ClaimRow>
  readonly releases: ReadonlyArray<ClaimRow>
  /** Where it is traced: its turn, and once it is durable its commit. */
  trace?: Trace | undefined
}

/** Where the turn takes place. */
export interface Place {
  readonly codec: Codec
  readonly sealer: Sealer["Service"]
  readonly business: string
  readonly key: string
  readonly shard: number
  readonly at: number
  readonly dataKey: DataKey | undefined
  /** The data key was made for this turn and has to be stored with it. */
  readonly dataKeyIsNew: boolean
}

export interface Encoded {
  readonly unit: Unit
  readonly turn: CommittedTurn
  /** `undefined` when the command was left open. */
  readonly outcome: Outcome | undefined
  /** The actors that were written to. */
  readonly written: ReadonlyArray<Resident>
}

const nothing: Decision = { events: [], answer: undefined }

const outcomeOf = (judgement: Judgement): Outcome | undefined => {
  if (Result.isFailure(judgement)) return Result.fail<Refusal>(judgement.failure)
  return judgement.success.answer === undefined ? undefined : Result.succeed(judgement.success.answer)
}

const noItems: ReadonlyArray<InboxItem> = []

const inboxOf = (
  place: Place,
  messages: ReadonlyArray<Message>,
  timers: ReadonlyArray<Timer>
): ReadonlyArray<InboxItem> => {
  if (messages.length === 0 && timers.length === 0) return noItems
  const { business, codec, key, at, dataKey } = place
  const rowOf = (id: string, to: string, command: string, deliverAt: number): InboxRow => ({
    id,
    business,
    key: to,
    shard: shardOf(to),
    command,
    deliverAt,
    at
  })
  return [
    ...messages.map(({ id, to, command }) => {
      const name = messageId(business, id)
      // To another contact: sealed by nobody's key, so it must hold nothing personal, or encoding refuses it.
      return { row: rowOf(name, to, codec.command(command, undefined, name), atOnce), command, isTimer: false }
    }),
    ...timers.map((timer) => {
      const name = timerId(key, timer.name, timer.at)
      const { command } = timer
      return { row: rowOf(name, key, codec.command(command, dataKey, name), timer.at), command, isTimer: true }
    })
  ]
}

/** Folds the events into the actors and encodes them. */
const apply = (place: Place, events: ReadonlyArray<Event>, actors: ReadonlyArray<Resident>) =>
  events.map((event) => {
    const aggregate = aggregateOf(event)
    const actor = actors.find((each) => each.aggregate === aggregate)
    if (actor === undefined) throw new Error(`${event._tag} belongs to an aggregate that its decider did not ask for`)
    actor.state = actor.aggregate.evolve(actor.state, event)
    actor.seq += 1
    const { business, key, shard, at } = place
    const row = { business, key, aggregate: actor.aggregate.code, id: actor.id, seq: actor.seq, shard, offset: 0, at }
    return { event, row: place.codec.event(event, row, place.dataKey) }
  })

export const encode = (
  place: Place,
  pending: Pending,
  judgement: Judgement,
  actors: ReadonlyArray<Resident>
): Encoded => {
  const { codec, sealer, business, key, shard, at, dataKey } = place
  const decision = Result.isSuccess(judgement) ? judgement.success : nothing
  const outcome = outcomeOf(judgement)
  const before = actors.map((actor) => ({ actor, state: actor.state, seq: actor.seq }))
  try {
    const events = apply(place, decision.events, actors)
    const inbox = inboxOf(place, decision.messages ?? [], decision.timers ?? [])
    const takes = (decision.takes ?? []).map((claim) => claimRow(sealer, business, key, claim))
    const releases = (decision.releases ?? []).map((claim) => claimRow(sealer, business, key, claim))
    const settles = decision.settles ?? []
    const written = before.filter(({ actor, seq }) => actor.seq > seq).map(({ actor }) => actor)
    const unit: Unit = {
      business,
      key,
      shard,
      command: {
        id: pending.id,
        business,
        key,
        fingerprint: pending.fingerprint,
        outcome: outcome === undefined ? null : codec.outcome(outcome, dataKey, pending.id),
        at
      },
      events: events.map(({ row }) => row),
      inbox: inbox.map(({ row }) => row),
      done: pending.fromInbox ? pending.id : undefined,
      settles: settles.map((settled) => ({
        id: settled.commandId,
        outcome: codec.outcome(settled.outcome, dataKey, settled.commandId)
      })),
      takes,
      releases,
      dataKey: place.dataKeyIsNew && dataKey !== undefined ? sealer.wrap(business, key, dataKey) : undefined
    }
    const snapshots = written.filter((actor) => actor.seq - actor.snapshotSeq >= snapshotEvents).map(snapshotOf)
    return {
      unit,
      outcome,
      written,
      turn: { business, key, shard, events, inbox, settles, snapshots, dataKey, takes, releases }
    }
  } catch (fault) {
    for (const { actor, state, seq } of before) Object.assign(actor, { state, seq })
    throw fault
  }
}

/** States are immutable: a reference is a snapshot, encoded after the commit. */
export const snapshotOf = (actor: Resident): SnapshotDue => {
  actor.snapshotSeq = actor.seq
  return { aggregate: actor.aggregate, id: actor.id, seq: actor.seq, state: actor.state }
}
