/**
 * The checker of histories (P6): it follows the journal commit by commit, judges every command again with the domain's own
 * `decide` on the state that the journal has at that place, and expects what the unit says: the same events, the same
 * outcome, the same messages. Because events carry their sequence, the order is known and nothing has to be searched.
 * Beside it the books of the kill loop are kept (P3, P4, P10), and who holds which shard (P5) and value.
 */
import type { Event } from "#domain/Event.ts"
import type { Command } from "#domain/Command.ts"
import type { Business } from "#domain/organisation/Business.ts"
import { initial as noBusiness } from "#domain/organisation/Business.ts"
import type { Refusal } from "#domain/Refusal.ts"
import type { Judgement, Message } from "#domain/shared/Decision.ts"
import { messageId, timerId } from "#runtime/actor/Naming.ts"
import { Codec, type Outcome } from "#runtime/journal/Codec.ts"
import { aggregateOf, aggregateOfKind, deciderOf } from "#runtime/journal/Kinds.ts"
import type { Batch, CommandRow, EventRow, Unit } from "#runtime/journal/Unit.ts"
import type { DataKey, Sealer } from "#runtime/privacy/Sealer.ts"
import type { Store } from "#runtime/storage/JournalMemory.ts"
import * as Result from "effect/Result"
import { isDeepStrictEqual } from "node:util"
import { Fold } from "../chaos/Fold.ts"

export const oracles = {
  P1: "an answered command is in the journal, with that answer",
  P2: "no command takes effect twice, and none that nobody asked for",
  P3: "no wallet below zero, no month above its limit, at any prefix of the journal",
  P4: "money is conserved",
  P5: "only the owner of a shard writes to it, and its sequences are dense",
  P6: "every unit and every answer is what the domain decides at that place of the journal",
  P7: "the same id for something else is refused",
  P8: "accepted work finishes, and everybody is answered",
  P9: "a view rebuilt from the journal equals the live one",
  P10: "a shared purchase ends paid or fully undone",
  P16: "clocks cannot break limits: the time of a stream never goes back, a draw counts in its month",
  UNQ: "a unique value has one holder"
} as const
export type Oracle = keyof typeof oracles
export const isOracle = (name: string): name is Oracle => name in oracles

/** What an oracle saw: the first one ends the story. */
export type Accuse = (oracle: Oracle, what: string) => void

interface Known {
  readonly to: string
  readonly command: Command
  readonly fingerprint: string
}

interface Stream {
  readonly states: ReadonlyArray<unknown>
}

const monthsOf = new Map<number, string>()
const hourMs = 3_600_000
const zone = new Intl.DateTimeFormat("en-CA", { timeZone: "Europe/Nicosia", year: "numeric", month: "2-digit" })
/** The month in Nicosia, by another calendar than the domain's. Zones change on the hour. */
const monthOf = (at: number): string => {
  const hour = Math.floor(at / hourMs)
  let month = monthsOf.get(hour)
  if (month === undefined) {
    month = zone.format(at).slice(0, 7)
    monthsOf.set(hour, month)
  }
  return month
}

export class Model {
  readonly fold = new Fold()
  readonly #codec: Codec
  readonly #sealer: Sealer["Service"]
  readonly #store: Store
  readonly #accuse: Accuse
  readonly #keys = new Map<string, DataKey>()
  #streams = new Map<string, Stream>()
  /** Who took which shard last, by runner id. */
  readonly #owners = new Map<number, string>()
  /** What clients may ask for, by id: one of several that share an id. */
  readonly #asked = new Map<string, Array<Known>>()
  /** Messages and timers that some turn decided. */
  #sent = new Map<string, Known>()
  /** The outcome of every command that was judged; `undefined` while it is open. */
  #outcomes = new Map<string, Outcome | undefined>()
  #timers = new Set<string>()
  #places = new Map<string, { readonly way: string; readonly place: number }>()
  /** By sender and receiver: the place of the latest message that is done. */
  #arrived = new Map<string, number>()
  #seqs = new Map<string, number>()
  #lastAt = new Map<string, number>()
  #holders = new Map<string, string>()
  #formerHolders = new Map<string, Set<string>>()
  #taken: Array<readonly [row: EventRow, event: Event]> = []
  #business: Business = noBusiness
  #lastRead: readonly [text: string, outcome: Outcome | undefined] = ["", undefined]

  constructor(store: Store, sealer: Sealer["Service"], accuse: Accuse) {
    this.#store = store
    this.#sealer = sealer
    this.#codec = new Codec(sealer)
    this.#accuse = accuse
  }

  /** The same history so far over a copy of its store. */
  over(store: Store, accuse: Accuse): Model {
    const copy = new Model(store, this.#sealer, accuse)
    for (const [key, dataKey] of this.#keys) copy.#keys.set(key, dataKey)
    copy.#streams = new Map(this.#streams)
    copy.#sent = new Map(this.#sent)
    copy.#outcomes = new Map(this.#outcomes)
    copy.#timers = new Set(this.#timers)
    copy.#places = new Map(this.#places)
    copy.#arrived = new Map(this.#arrived)
    copy.#seqs = new Map(this.#seqs)
    copy.#lastAt = new Map(this.#lastAt)
    copy.#holders = new Map(this.#holders)
    copy.#formerHolders = new Map([...this.#formerHolders].map(([name, all]) => [name, new Set(all)]))
    copy.#business = this.#business
    copy.#taken = [...this.#taken]
    for (const [row, event] of this.#taken) copy.fold.take(row, event)
    return copy
  }

  asked(id: string, to: string, command: Command, fingerprint: string): void {
    const all = this.#asked.get(id) ?? []
    this.#asked.set(id, [...all, { to, command, fingerprint }])
  }

  tookOver(runner: string, shards: ReadonlyArray<number>): void {
    for (const shard of shards) this.#owners.set(shard, runner)
  }

  ownerOf(shard: number): string | undefined {
    return this.#owners.get(shard)
  }

  /** States by sequence: 0 is before the first event. */
  statesOf(kind: string, id: string): ReadonlyArray<unknown> {
    return this.#streams.get(`${kind}/${id}`)?.states ?? [aggregateOfKind(kind).initial]
  }

  isJudged(id: string): boolean {
    return this.#outcomes.has(id)
  }

  outcomeOf(id: string): Outcome | undefined {
    return this.#outcomes.get(id)
  }

  /** Of the first aggregate judged, after the turn. */
  seqOf(id: string): number | undefined {
    return this.#seqs.get(id)
  }

  dataKeyOf(key: string): DataKey | undefined {
    const known = this.#keys.get(key)
    if (known !== undefined) return known
    const wrapped = this.#store.dataKeys.get(key)
    if (wrapped === undefined) return undefined
    const dataKey = this.#sealer.unwrap(wrapped.business, key, wrapped.wrapped)
    this.#keys.set(key, dataKey)
    return dataKey
  }

  /** A batch is in the journal. */
  committed(batch: Batch): void {
    const judged: Array<string> = []
    for (const unit of batch.units) {
      if (this.#owners.get(unit.shard) !== batch.runner) {
        this.#accuse("P5", `a unit of shard ${unit.shard} was committed by a runner that had lost it`)
      }
      if (unit.command !== undefined) judged.push(...this.#judge(unit))
      else {
        for (const row of unit.inbox) {
          const known = this.#asked.get(row.id)?.[0]
          if (known !== undefined) this.#sent.set(row.id, { ...known, fingerprint: "" })
        }
      }
    }
    for (const id of judged) this.#compareOutcome(id)
    this.#compareBooks()
  }

  #judge(unit: Unit): ReadonlyArray<string> {
    const row = unit.command
    if (row === undefined) return []
    const { id, key, at } = row
    const known = this.#asked.get(id)?.find(({ fingerprint }) => fingerprint === row.fingerprint) ?? this.#sent.get(id)
    if (known === undefined || known.to !== key) {
      this.#accuse("P2", `a command that nobody asked for was committed: ${id}`)
      return []
    }
    const { command } = known
    const name = command._tag
    this.#compareOrder(id)
    if (this.#outcomes.has(id)) this.#accuse("P2", `${name} was committed a second time`)
    const decider = deciderOf(command)
    const needs = Object.entries(decider.needs(command, key))
    const back = Math.max(...needs.map(([kind, of]) => this.#lastAt.get(`${kind}/${of}`) ?? 0)) - at
    if (back > 0) this.#accuse("P16", `${name} is judged ${back} ms before what it is judged on`)
    const states = Object.fromEntries(needs.map(([kind, of]) => [kind, this.statesOf(kind, of).at(-1)]))
    let judgement = decider.decide(states, command, { at, key, commandId: id, business: this.#business })
    const outcome = this.#read(row)
    if (this.#wasTaken(outcome, judgement, key)) judgement = Result.fail(outcome.failure)
    const judged = [id]
    if (Result.isFailure(judgement)) {
      this.#outcomes.set(id, Result.fail(judgement.failure))
      this.#compareEvents(name, unit, [], needs)
      return judged
    }
    const { events, answer, messages = [], timers = [], settles = [], takes = [], releases = [] } = judgement.success
    this.#outcomes.set(id, answer === undefined ? undefined : Result.succeed(answer))
    for (const settled of settles) {
      this.#outcomes.set(settled.commandId, settled.outcome)
      judged.push(settled.commandId)
    }
    for (const message of messages) {
      this.#send(messageId(unit.business, message.id), key, message)
    }
    for (const timer of timers) {
      const timerName = timerId(key, timer.name, timer.at)
      this.#timers.add(timerName)
      this.#sent.set(timerName, { to: key, command: timer.command, fingerprint: "" })
    }
    for (const { scope, kind, value } of releases) {
      const claim = `${scope}/${kind}/${value}`
      if (this.#holders.get(claim) === key) this.#holders.delete(claim)
    }
    for (const { scope, kind, value } of takes) {
      const claim = `${scope}/${kind}/${value}`
      const holder = this.#holders.get(claim)
      if (holder !== undefined) this.#accuse("UNQ", `${name} took a ${kind} that somebody holds`)
      this.#holders.set(claim, key)
      this.#formerHolders.set(claim, (this.#formerHolders.get(claim) ?? new Set()).add(key))
    }
    this.#compareEvents(name, unit, events, needs)
    this.#seqs.set(id, this.statesOf(...(needs[0] as [string, string])).length - 1)
    return judged
  }

  #read({ id, key, outcome }: CommandRow): Outcome | undefined {
    if (outcome === null) return undefined
    const [text, known] = this.#lastRead
    if (text === outcome) return known
    const read = this.#codec.readOutcome(outcome, this.dataKeyOf(key), id)
    this.#lastRead = [outcome, read]
    return read
  }

  #send(id: string, from: string, message: Message): void {
    if (this.#sent.has(id)) return
    this.#sent.set(id, { ...message, fingerprint: "" })
    this.#places.set(id, { way: `${from}/${message.to}`, place: this.#places.size })
  }

  /** Messages from one key to another are done in the order in which they were sent. */
  #compareOrder(id: string): void {
    const sent = this.#places.get(id)
    if (sent === undefined) return
    const before = this.#arrived.get(sent.way) ?? -1
    if (sent.place < before) this.#accuse("P8", `${this.nameOf(id)} was overtaken by a message that was sent after it`)
    this.#arrived.set(sent.way, Math.max(before, sent.place))
  }

  /** A value that somebody else holds, or held when it was tried, is refused for that. */
  #wasTaken(
    outcome: Outcome | undefined,
    judgement: Judgement,
    key: string
  ): outcome is Result.Failure<never, Refusal> {
    if (outcome === undefined || Result.isSuccess(outcome) || Result.isFailure(judgement)) return false
    const { failure } = outcome
    if (failure._tag !== "AlreadyTaken") return false
    return (judgement.success.takes ?? []).some(({ scope, kind, value }) => {
      const former = this.#formerHolders.get(`${scope}/${kind}/${value}`) ?? new Set()
      return kind === failure.kind && [...former].some((holder) => holder !== key)
    })
  }

  #compareEvents(
    name: string,
    unit: Unit,
    events: ReadonlyArray<Event>,
    needs: ReadonlyArray<readonly [string, string]>
  ): void {
    if (events.length !== unit.events.length) {
      this.#accuse("P6", `${name} has ${unit.events.length} events in the journal, and should have ${events.length}`)
      return
    }
    for (const [index, row] of unit.events.entries()) {
      const event = events[index] as Event
      const aggregate = aggregateOf(event)
      const id = needs.find(([kind]) => kind === aggregate.kind)?.[1] ?? ""
      const stored = this.#codec.readEvent(row, this.dataKeyOf(unit.key))
      if (row.id !== id || !isDeepStrictEqual(stored, event)) {
        this.#accuse("P6", `${name} is in the journal with ${stored._tag} where the domain decides ${event._tag}`)
      }
      const states = this.statesOf(aggregate.kind, id)
      if (row.seq !== states.length)
        this.#accuse("P5", `${aggregate.kind} goes from ${states.length - 1} to ${row.seq}`)
      const state = aggregate.evolve(states.at(-1), event)
      this.#lastAt.set(`${aggregate.kind}/${id}`, row.at)
      this.#streams.set(`${aggregate.kind}/${id}`, { states: [...states, state] })
      if (aggregate.kind === "business") this.#business = state as Business
      if (event._tag === "DrawCounted" && event.month !== monthOf(event.at)) {
        this.#accuse("P16", `a draw of ${monthOf(event.at)} counts in ${event.month}`)
      }
      this.#taken.push([row, stored])
      this.fold.take(row, stored)
    }
  }

  /** What the journal says now of a command is what the domain decided. */
  #compareOutcome(id: string): void {
    const row = this.#store.commands.get(id)
    const outcome = this.#outcomes.get(id)
    const stored = row === undefined ? undefined : this.#read(row)
    if (row === undefined || !isDeepStrictEqual(plain(stored), plain(outcome))) {
      this.#accuse(
        "P6",
        `${this.nameOf(id)} has the outcome ${tagOf(stored)}, and the domain decides ${tagOf(outcome)}`
      )
    }
  }

  #compareBooks(): void {
    const [fault] = this.fold.faults
    if (fault !== undefined) this.#accuse(fault.includes("goes from") ? "P5" : "P3", fault)
    const { credits, debits, inTransit } = this.fold.books
    let held = 0n
    for (const [, minor] of this.fold.wallets()) held += minor
    if (credits - debits !== held + inTransit) {
      this.#accuse("P4", `${credits} came in and ${debits} went out, but ${held} are held and ${inTransit} under way`)
    }
  }

  /** Whether it stands for later of its own will. */
  isTimer(id: string): boolean {
    return this.#timers.has(id)
  }

  /** Commands that nothing has settled. */
  get openCount(): number {
    let count = 0
    for (const outcome of this.#outcomes.values()) if (outcome === undefined) count += 1
    return count
  }

  /** What a command is, by its id. */
  nameOf(id: string): string | undefined {
    return (this.#asked.get(id)?.[0] ?? this.#sent.get(id))?.command._tag
  }

  /** Messages that were decided and neither done nor waiting; timers too. */
  lost(): ReadonlyArray<string> {
    return [...this.#sent].flatMap(([id, { command }]) =>
      this.#outcomes.has(id) || this.#store.inbox.has(id) ? [] : [command._tag]
    )
  }
}

/** An outcome as a value that can be compared. */
export const plain = (outcome: Outcome | undefined): unknown => {
  if (outcome === undefined) return undefined
  return Result.isSuccess(outcome) ? { answer: outcome.success } : { refusal: outcome.failure }
}

export const tagOf = (outcome: Outcome | undefined): string => {
  if (outcome === undefined) return "open"
  return Result.isSuccess(outcome) ? outcome.success._tag : outcome.failure._tag
}
