/**
 * Sentences for tests of the domain: `given(history).when(command).journals(events)`. History is events or commands that
 * were judged before; every judgement is folded at once, as a turn would. Values that every such test needs, a business
 * and a registered contact, are here too.
 */
import { assert } from "@effect/vitest"
import * as Result from "effect/Result"
import type { Answer } from "#domain/Answer.ts"
import type { Event } from "#domain/Event.ts"
import type { Refusal } from "#domain/Refusal.ts"
import type { RegisterContact } from "#domain/contact/ContactCommand.ts"
import type { ContactEvent } from "#domain/contact/ContactEvent.ts"
import type { Business } from "#domain/organisation/Business.ts"
import { initial } from "#domain/organisation/Business.ts"
import type { Aggregate, Decider } from "#domain/shared/Aggregate.ts"
import type { Claim, Decision, Judgement, Message, Settlement, Timer, Turn } from "#domain/shared/Decision.ts"

const minuteMs = 60_000
const hourMs = 60 * minuteMs
export const dayMs = 24 * hourMs

/** Noon of Sunday 22 November 2026 in Nicosia, which is two hours before UTC in winter. */
export const noon = Date.UTC(2026, 10, 22, 10, 0)

/** A small business in Cyprus: two merchants with a venue each, one of them in another zone, and pools of each kind. */
export const bakery: Business = {
  ...initial,
  id: "bakery",
  name: "Zygos Bakeries",
  serviceOwnerId: "koinon",
  organisations: {
    koinon: { id: "koinon", type: "SERVICE_OWNER", name: "Koinon" },
    bakery: { id: "bakery", type: "BUSINESS", name: "Zygos Bakeries", parentId: "koinon" },
    north: { id: "north", type: "MERCHANT", name: "Zygos North", parentId: "bakery" },
    south: { id: "south", type: "MERCHANT", name: "Zygos South", parentId: "bakery" },
    ledra: { id: "ledra", type: "VENUE", name: "Ledra Street", parentId: "north" },
    london: { id: "london", type: "VENUE", name: "Green Lanes", parentId: "south", timeZone: "Europe/London" }
  },
  pools: {
    any: pool({ id: "any" }),
    coffee: pool({ id: "coffee", skus: ["coffee"] }),
    bread: pool({ id: "bread", skus: ["bread", "pie"] }),
    north: pool({ id: "north", organisationIds: ["north"] }),
    sunday: pool({ id: "sunday", timings: [{ day: 1, startTime: "08:00", endTime: "12:30" }] }),
    opened: pool({ id: "opened", needsActivation: true }),
    month: pool({ id: "month", validityDays: 30 })
  }
}

function pool(conditions: Partial<Business["pools"][string]> & { readonly id: string }): Business["pools"][string] {
  return { name: conditions.id, organisationIds: [], skus: [], timings: [], needsActivation: false, ...conditions }
}

/** The turn of one command; each gets an id of its own unless one is given. */
export const turnAt = (at: number, overrides: Partial<Turn> = {}): Turn => ({
  at,
  key: "",
  commandId: `command-${at}`,
  business: bakery,
  ...overrides
})

export const registration = (
  contactId: string,
  overrides: Partial<typeof RegisterContact.Type> = {}
): typeof RegisterContact.Type => ({
  _tag: "RegisterContact",
  contactId,
  type: "PERSON",
  profile: { firstName: "Eleni", lastName: "Georgiou" },
  identity: {
    code: `C-${contactId}`,
    referralCode: "ELENI2",
    walletCode: "1234567890123456",
    loyaltyIdentifiers: [],
    cards: [],
    giftPasses: []
  },
  ...overrides
})

/** The fact of a registration, in the business above. */
export const registered = (
  contactId: string,
  overrides: Partial<Extract<ContactEvent, { _tag: "ContactRegistered" }>> = {}
): ContactEvent => {
  const { type, profile, identity } = registration(contactId)
  return {
    _tag: "ContactRegistered",
    contactId,
    type,
    countryOfAgreement: bakery.country,
    languageCode: "ENG",
    currency: bakery.currency,
    timeZone: bakery.timeZone,
    emailOptOut: false,
    smsOptOut: false,
    profile,
    identity,
    at: noon - 365 * dayMs,
    ...overrides
  }
}

/** A credit as it stands in the journal; the lot has the same name. */
export const credited = (
  lotId: string,
  amount: bigint,
  overrides: Partial<Extract<ContactEvent, { _tag: "FundsCredited" }>> = {}
): ContactEvent => ({
  _tag: "FundsCredited",
  lotId,
  pocket: overrides.poolId === undefined ? "BUSINESS" : "BUSINESS_COMMERCE",
  amount,
  currency: bakery.currency,
  reason: "MANUAL_JOURNAL",
  counts: false,
  at: noon - dayMs,
  ...overrides
})

// oxlint-disable-next-line typescript/no-explicit-any -- an aggregate of any event: which one an event belongs to is found by its tag
type AnyAggregate<State> = Aggregate<string, State, any>
type Aggregates<States> = { readonly [Kind in keyof States]: AnyAggregate<States[Kind]> }

const tagsOf = <State>(aggregate: AnyAggregate<State>): ReadonlySet<string> => {
  const schema = aggregate.Event as unknown as { readonly members: ReadonlyArray<{ readonly fields: TagField }> }
  return new Set(schema.members.map((member) => member.fields._tag.schema.literal))
}
interface TagField {
  readonly _tag: { readonly schema: { readonly literal: string } }
}

/** What one command came to. Each method asserts one thing and returns the same outcome, so that they chain. */
export interface Outcome<States> {
  readonly states: States
  readonly judgement: Judgement
  /** The decision; fails the test if it was refused. */
  readonly decision: Decision
  /** Exactly these events, in this order. */
  readonly journals: (...events: ReadonlyArray<Event>) => Outcome<States>
  readonly journalsTags: (...tags: ReadonlyArray<Event["_tag"]>) => Outcome<States>
  readonly refuses: (refusal: Refusal) => Outcome<States>
  readonly refusesTag: (tag: Refusal["_tag"]) => Outcome<States>
  readonly answers: (answer: Answer | undefined) => Outcome<States>
  readonly takes: (...claims: ReadonlyArray<Claim>) => Outcome<States>
  readonly releases: (...claims: ReadonlyArray<Claim>) => Outcome<States>
  readonly sends: (...messages: ReadonlyArray<Message>) => Outcome<States>
  readonly arms: (...timers: ReadonlyArray<Timer>) => Outcome<States>
  readonly settles: (...settlements: ReadonlyArray<Settlement>) => Outcome<States>
  readonly leaves: (check: (states: States) => void) => Outcome<States>
}

export interface Given<States, Command> {
  readonly states: States
  /** The same history with more of it: a command that was judged and accepted. */
  readonly after: (command: Command, turn?: Turn) => Given<States, Command>
  readonly when: (command: Command, turn?: Turn) => Outcome<States>
}

const outcome = <States>(states: States, judgement: Judgement): Outcome<States> => {
  const accepted = (): Decision => {
    if (Result.isFailure(judgement)) assert.fail(`refused: ${JSON.stringify(judgement.failure, withBigInts)}`)
    return judgement.success
  }
  const refusal = (): Refusal => {
    if (Result.isSuccess(judgement)) assert.fail(`accepted: ${JSON.stringify(judgement.success, withBigInts)}`)
    return judgement.failure
  }
  const self: Outcome<States> = {
    states,
    judgement,
    get decision() {
      return accepted()
    },
    journals: (...events) => (assert.deepStrictEqual(accepted().events, events), self),
    journalsTags: (...tags) => {
      const journalled = accepted().events.map((event) => event._tag)
      assert.deepStrictEqual(journalled, tags)
      return self
    },
    refuses: (expected) => (assert.deepStrictEqual(refusal(), expected), self),
    refusesTag: (tag) => (assert.strictEqual(refusal()._tag, tag), self),
    answers: (answer) => (assert.deepStrictEqual(accepted().answer, answer), self),
    takes: (...claims) => (assert.deepStrictEqual(accepted().takes ?? [], claims), self),
    releases: (...claims) => (assert.deepStrictEqual(accepted().releases ?? [], claims), self),
    sends: (...messages) => (assert.deepStrictEqual(accepted().messages ?? [], messages), self),
    arms: (...timers) => (assert.deepStrictEqual(accepted().timers ?? [], timers), self),
    settles: (...settlements) => (assert.deepStrictEqual(accepted().settles ?? [], settlements), self),
    leaves: (check) => (check(states), self)
  }
  return self
}

const withBigInts = (_key: string, value: unknown): unknown => (typeof value === "bigint" ? `${value}n` : value)

/** The words `given … when …` for one decider over the aggregates that it judges on. */
export const scenario = <States extends object, Command extends { readonly _tag: string }>(
  decider: Decider<States, Command>,
  aggregates: Aggregates<States>
): { readonly given: (...history: ReadonlyArray<Event>) => Given<States, Command> } => {
  const kinds = (Object.keys(aggregates) as Array<keyof States>).map((kind) => ({
    kind,
    aggregate: aggregates[kind],
    tags: tagsOf(aggregates[kind])
  }))
  const fold = (states: States, events: ReadonlyArray<Event>): States =>
    events.reduce((folded, event) => {
      const found = kinds.find(({ tags }) => tags.has(event._tag))
      if (found === undefined) throw new Error(`no aggregate of this scenario has the event ${event._tag}`)
      return { ...folded, [found.kind]: found.aggregate.evolve(folded[found.kind], event) }
    }, states)
  const from = (states: States): Given<States, Command> => {
    const when = (command: Command, turn: Turn = turnAt(noon)): Outcome<States> => {
      const judgement = decider.decide(states, command, turn)
      return outcome(Result.isSuccess(judgement) ? fold(states, judgement.success.events) : states, judgement)
    }
    const after = (command: Command, turn?: Turn): Given<States, Command> => {
      const judged = when(command, turn)
      return judged.decision && from(judged.states)
    }
    return { states, when, after }
  }
  const empty = Object.fromEntries(kinds.map(({ kind, aggregate }) => [kind, aggregate.initial])) as States
  return { given: (...history) => from(fold(empty, history)) }
}
