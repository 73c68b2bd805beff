/**
 * The whole domain in memory, as a runtime would drive it and nothing more: turns on the states of one key, messages and
 * timers that wait until somebody delivers them, each command id done once, claims held by one contact. Time stands
 * still until it is moved. A test reads what is journalled and answered, or looks at a state.
 */
import * as Result from "effect/Result"
import { AwardEvent, type AwardState } from "#domain/award/Award.ts"
import type { Answer } from "#domain/Answer.ts"
import type { Command } from "#domain/Command.ts"
import { CommunityEvent } from "#domain/community/CommunityEvent.ts"
import type { CommunityState } from "#domain/community/CommunityState.ts"
import { ContactEvent } from "#domain/contact/ContactEvent.ts"
import type { ContactState } from "#domain/contact/ContactState.ts"
import { aggregates, deciders } from "#domain/Domain.ts"
import type { Event } from "#domain/Event.ts"
import type { Business } from "#domain/organisation/Business.ts"
import { PurchaseEvent } from "#domain/purchase/PurchaseEvent.ts"
import type { PurchaseState } from "#domain/purchase/PurchaseState.ts"
import type { Refusal } from "#domain/Refusal.ts"
import type { Aggregate, Decider } from "#domain/shared/Aggregate.ts"
import type { Claim, Decision, Message, Timer } from "#domain/shared/Decision.ts"

type Kind = keyof typeof aggregates
type Outcome = Result.Result<Answer, Refusal> | "open"

/** An event with the key whose turn it was decided in. */
export interface Entry {
  readonly key: string
  readonly event: Event
}

/** Each part of the domain is typed for itself; driven together, they are known by their tags. */
const folds = aggregates as unknown as Record<Kind, Aggregate<string, unknown, Event>>
const judges = deciders as unknown as ReadonlyArray<Decider<Record<string, unknown>, Command>>

const kindOf = new Map<string, Kind>()
for (const [kind, union] of [
  ["contact", ContactEvent],
  ["community", CommunityEvent],
  ["purchase", PurchaseEvent],
  ["award", AwardEvent]
] as const) {
  for (const member of union.members) kindOf.set(member.fields._tag.schema.literal, kind)
}

const deciderOf = (command: Command) => {
  const judge = judges.find((each) => each.commands.includes(command._tag))
  if (judge === undefined) throw new Error(`nobody judges ${command._tag}`)
  return judge
}

export class DomainWorld {
  now: number
  business: Business
  readonly journal: Array<Entry> = []
  /** Not delivered yet, in the order in which they were sent. */
  readonly messages: Array<Message> = []
  readonly delivered: Array<Message> = []
  private timers: Array<Timer & { readonly key: string }> = []
  private readonly states = new Map<string, unknown>()
  private readonly outcomes = new Map<string, Outcome>()
  private readonly holders = new Map<string, string>()
  private counter = 0

  /** The business is there already; what a test changes of it holds from the next turn on. */
  constructor(business: Business, now: number) {
    this.business = business
    this.now = now
  }

  contact(id: string) {
    return this.state("contact", id) as ContactState
  }
  community(ownerId: string) {
    return this.state("community", ownerId) as CommunityState
  }
  purchase(id: string) {
    return this.state("purchase", id) as PurchaseState
  }

  award(id: string) {
    return this.state("award", id) as AwardState
  }

  /** A new id on each call. */
  id(name: string): string {
    this.counter += 1
    return `${name}-${this.counter}`
  }

  /** One turn; nothing that it sends is delivered yet. */
  ask(key: string, command: Command, commandId = this.id("command")): Outcome {
    const known = this.outcomes.get(`${key}/${commandId}`)
    if (known !== undefined) return known
    const outcome = this.turn(key, command, commandId)
    this.outcomes.set(`${key}/${commandId}`, outcome)
    return outcome
  }

  /** One turn and all that follows from it: the final outcome. */
  run(key: string, command: Command, commandId = this.id("command")): Result.Result<Answer, Refusal> {
    this.ask(key, command, commandId)
    this.settle()
    const outcome = this.outcomes.get(`${key}/${commandId}`)
    if (outcome === undefined || outcome === "open") throw new Error(`${command._tag} was left open`)
    return outcome
  }

  outcome(key: string, commandId: string): Outcome | undefined {
    return this.outcomes.get(`${key}/${commandId}`)
  }

  /** The commands that still wait for their last word. */
  get open(): ReadonlyArray<string> {
    return [...this.outcomes].flatMap(([id, outcome]) => (outcome === "open" ? [id] : []))
  }

  /** Delivers one message, in any order. */
  deliver(index: number): void {
    const [message] = this.messages.splice(index, 1)
    if (message === undefined) return
    this.delivered.push(message)
    this.ask(message.to, message.command, message.id)
  }

  /** Delivers once more what was delivered before. */
  redeliver(index: number): void {
    const message = this.delivered[index]
    if (message !== undefined) this.ask(message.to, message.command, message.id)
  }

  settle(): void {
    while (this.messages.length > 0) this.deliver(0)
  }

  /** Moves time on; timers come at their instant. */
  passUntil(at: number): void {
    for (;;) {
      const due = this.timers.filter((timer) => timer.at <= at).toSorted((left, right) => left.at - right.at)[0]
      if (due === undefined) break
      this.timers = this.timers.filter((timer) => timer !== due)
      this.now = Math.max(this.now, due.at)
      this.ask(due.key, due.command, this.id(due.name))
    }
    this.now = at
  }

  /** Moves time on while no timer comes: a runner that was down. */
  sleepUntil(at: number): void {
    this.now = at
  }

  /** The events of one key since a position of the journal. */
  events(key: string, from = 0): ReadonlyArray<Event> {
    return this.journal.slice(from).flatMap((entry) => (entry.key === key ? [entry.event] : []))
  }

  private state(kind: Kind, id: string): unknown {
    return this.states.get(`${kind}/${id}`) ?? folds[kind].initial
  }

  private turn(key: string, command: Command, commandId: string): Outcome {
    const judge = deciderOf(command)
    const ids = judge.needs(command, key)
    const states = Object.fromEntries(Object.entries(ids).map(([kind, id]) => [kind, this.state(kind as Kind, id)]))
    const judgement = judge.decide(states, command, { at: this.now, key, commandId, business: this.business })
    if (Result.isFailure(judgement)) return Result.fail(judgement.failure)
    const decision = judgement.success
    const taken = (decision.takes ?? []).find((claim) => (this.holders.get(claimKey(claim)) ?? key) !== key)
    if (taken !== undefined) return Result.fail({ _tag: "AlreadyTaken", kind: taken.kind })
    this.commit(key, decision, (kind) => ids[kind] ?? key)
    return decision.answer === undefined ? "open" : Result.succeed(decision.answer)
  }

  private commit(key: string, decision: Decision, idOf: (kind: Kind) => string): void {
    for (const claim of decision.releases ?? []) this.holders.delete(claimKey(claim))
    for (const claim of decision.takes ?? []) this.holders.set(claimKey(claim), key)
    for (const event of decision.events) {
      const kind = kindOf.get(event._tag)
      if (kind === undefined) throw new Error(`${event._tag} belongs to no aggregate`)
      const id = idOf(kind)
      this.states.set(`${kind}/${id}`, folds[kind].evolve(this.state(kind, id), event))
      this.journal.push({ key, event })
    }
    this.messages.push(...(decision.messages ?? []))
    this.timers.push(...(decision.timers ?? []).map((timer) => ({ ...timer, key })))
    for (const { commandId, outcome } of decision.settles ?? []) this.outcomes.set(`${key}/${commandId}`, outcome)
  }

  /** Who is found by a value, as the door would look it up. */
  holder(claim: Claim): string | undefined {
    return this.holders.get(claimKey(claim))
  }
}

const claimKey = ({ kind, value, scope }: Claim): string => `${scope}/${kind}/${value}`
