/**
 * What is known of a contact, as conditions, templates and exports see it: one document of what she is now and one for
 * each thing that happened to her. Both follow from the schemas of the state and the events, less what nobody may ask for:
 * codes and tokens that open a wallet, cards, identity documents, the domain's own bookkeeping. Documents of events hold
 * nothing personal. They are clear text: they live only where erasure reaches.
 */
import { Device } from "../contact/Device.ts"
import type * as SchemaAST from "effect/SchemaAST"
import * as Schema from "effect/Schema"
import type { CommunityState } from "../community/CommunityState.ts"
import { ContactState } from "../contact/ContactState.ts"
import { nameDayIn } from "../contact/NameDays.ts"
import { Identity, type Profile } from "../contact/Profile.ts"
import type { Event } from "../Event.ts"
import type { Business } from "../organisation/Business.ts"
import { startOfDay } from "../shared/CalendarDate.ts"
import { Minor } from "../shared/Money.ts"
import { balance, nextExpiry } from "../wallet/Wallet.ts"
import { CustomReadings, customReadings } from "./CustomReadings.ts"
import { eventForms } from "./EventForms.ts"
import {
  fieldsOf,
  hoisted,
  objectFact,
  objectsOf,
  type FactField,
  type FactForm,
  type FactObject,
  type FactValue,
  without
} from "./FactForm.ts"
import { haveSamePeople, peopleFields } from "./PeopleFacts.ts"
import { profileForms } from "./ProfileChanges.ts"
import { fold, isPlain } from "./TextFold.ts"

export type { FactValue } from "./FactForm.ts"

/** `_id` is the contact's. `folded` holds the text fields once more, as text conditions compare them. */
export interface ProfileDocument {
  readonly _id: string
  readonly business: string
  readonly [field: string]: FactValue
}

/** `_id` is "shard/offset"; `sequence` orders the events of one contact. */
export interface EventDocument {
  readonly _id: string
  readonly business: string
  readonly contact: string
  readonly type: string
  readonly at: number
  readonly sequence: number
  readonly [field: string]: FactValue
}

export interface ContactFacts {
  readonly profile: ProfileDocument
  /** Oldest first. */
  readonly events: ReadonlyArray<EventDocument>
}

/** The fields of the struct as they are asked for, less those that stand in parts of their own or may not be asked for. */
export const ownFacts = (ast: SchemaAST.Objects): ReadonlyArray<FactField> =>
  without(
    fieldsOf(ast),
    "profile",
    "identity",
    "lots",
    "expired_lots",
    "interactions",
    "memberships",
    "tokens",
    "dynamic_code",
    "devices",
    "communications",
    "counted_sends",
    "timers",
    "business_time_zone"
  )
const readingFacts = fieldsOf(objectsOf(CustomReadings)).map((field) => ({
  ...field,
  read: (profile: unknown) => field.read(customReadings(profile as Profile))
}))
const profileFacts = [...profileForms, ...readingFacts]
const identityFacts = without(fieldsOf(objectsOf(Identity)), "wallet_code", "cards", "gift_passes")

/** All of them as they are asked for: who she is stands at the top, not below `profile`. */
export const stateFacts = (ast: SchemaAST.Objects): ReadonlyArray<FactField> => [
  ...ownFacts(ast),
  ...hoisted("profile", profileFacts),
  ...hoisted("identity", identityFacts)
]

/** What an update can change, to be read from the settings and the profile side by side. */
export const changingFields: ReadonlyArray<FactField> = [
  ...fieldsOf(objectsOf(ContactState)).filter(({ name }) =>
    ["language_code", "time_zone", "email_opt_out", "sms_opt_out"].includes(name)
  ),
  ...profileFacts
]

/** What is not in the state as it is asked for. */
const DerivedFacts = Schema.Struct({
  /** When the last date with an interaction that counted began (INT-1). */
  lastInteractionAt: Schema.optionalKey(Schema.Int),
  /** NAM-1: of a person, as she has said it, else as her first name has it; `feast` names one that moves with Easter. */
  nameDay: Schema.optionalKey(
    Schema.Struct({
      month: Schema.optionalKey(Schema.Int),
      day: Schema.optionalKey(Schema.Int),
      feast: Schema.optionalKey(Schema.String)
    })
  ),
  wallet: Schema.Struct({
    balance: Minor,
    balanceByPocket: Schema.Record(Schema.String, Minor),
    balanceByPool: Schema.Record(Schema.String, Minor),
    lots: Schema.Int,
    nextExpiryAt: Schema.optionalKey(Schema.Int)
  }),
  /** Of others, as she is invited to them or in them. */
  communities: Schema.Array(
    Schema.Struct({
      owner: Schema.String,
      relationshipId: Schema.String,
      state: Schema.Literals(["PENDING", "ACCEPTED"]),
      sharing: Schema.Boolean
    })
  ),
  /** Without what tells them apart: that would let a message reach them. */
  devices: Schema.Array(Schema.Struct({ platform: Device.fields.platform, registeredAt: Schema.Int }))
})

const walletFacts = ({ lots }: ContactState): (typeof DerivedFacts.Type)["wallet"] => {
  const pools = new Set(lots.flatMap(({ poolId }) => (poolId === undefined ? [] : [poolId])))
  const nextExpiryAt = nextExpiry(lots)
  return {
    balance: balance(lots),
    balanceByPocket: {
      BUSINESS: balance(lots, "BUSINESS"),
      BUSINESS_COMMERCE: balance(lots, "BUSINESS_COMMERCE")
    },
    balanceByPool: Object.fromEntries(Array.from(pools, (pool) => [pool, balance(lots, undefined, pool)])),
    lots: lots.length,
    ...(nextExpiryAt !== undefined && { nextExpiryAt })
  }
}

/** What most events leave as it is: the next state has the very same object, and so what is made of it. */
const lasting = <Source extends object, Made>(make: (source: Source) => Made): ((source: Source) => Made) => {
  const made = new WeakMap<Source, { readonly of: Made }>()
  return (source) => {
    const known = made.get(source) ?? { of: make(source) }
    made.set(source, known)
    return known.of
  }
}

const nameDayFact = lasting(nameDayIn)

export const derivedFacts = (state: ContactState): typeof DerivedFacts.Type => {
  const { days, olderCount, olderLastDay } = state.interactions
  const lastDay = days.at(-1) ?? (olderCount > 0 ? olderLastDay : undefined)
  const nameDay = state.type === "PERSON" ? nameDayFact(state.profile) : undefined
  return {
    ...(nameDay !== undefined && { nameDay }),
    ...(lastDay !== undefined && { lastInteractionAt: startOfDay(lastDay, state.businessTimeZone) }),
    wallet: walletFacts(state),
    communities: state.memberships.flatMap(({ ownerId, relationshipId, state, sharing }) =>
      state === "PENDING" || state === "ACCEPTED" ? [{ owner: ownerId, relationshipId, state, sharing }] : []
    ),
    devices: state.devices.map(({ platform, registeredAt }) => ({ platform, registeredAt }))
  }
}

export const ownFields = ownFacts(objectsOf(ContactState))
/** To be read from the state, and from what is derived of it. */
export const stateFields = stateFacts(objectsOf(ContactState))
export const derivedFields = fieldsOf(objectsOf(DerivedFacts))
/** Every field of a profile document that can be asked for. */
export const profileFields: ReadonlyArray<FactField> = [...stateFields, ...derivedFields, ...peopleFields]

/** The texts among the facts, folded, in the same places. */
const foldedFact = (form: FactForm, fact: FactValue | undefined): FactValue | undefined => {
  if (fact === undefined || fact === null) return undefined
  if (form.kind === "TEXT") return fold(fact as string)
  if (form.kind === "STRUCT") return foldedFacts(form.fields, fact as FactObject)
  if (form.kind === "RECORD" && form.of.kind === "TEXT") {
    return Object.fromEntries(Object.entries(fact).map(([key, text]) => [key, fold(text as string)]))
  }
  return form.kind === "LIST" && form.of.kind === "STRUCT" ? foldedEntries(form.of.fields, fact) : undefined
}
/** The texts of an event or an entry of which more than the case goes; it holds no structs. */
const foldedTexts = (fields: ReadonlyArray<FactField>, facts: FactObject): { readonly folded?: FactObject } => {
  const texts = fields.filter(({ name }) => typeof facts[name] === "string" && !isPlain(facts[name]))
  const folded = texts.length === 0 ? {} : foldedFacts(texts, facts)
  return Object.keys(folded).length === 0 ? {} : { folded }
}
/** All of the entries, if any of them has such a text. */
const foldedEntries = (fields: ReadonlyArray<FactField>, fact: FactValue): FactValue | undefined => {
  const entries = (fact as ReadonlyArray<FactObject>).map((entry) => ({ ...entry, ...foldedTexts(fields, entry) }))
  return entries.some((entry) => "folded" in entry) ? entries : undefined
}
const foldedFacts = (fields: ReadonlyArray<FactField>, facts: FactObject): FactObject => {
  const folded: { [name: string]: FactValue } = {}
  for (const { name, form } of fields) {
    const text = foldedFact(form, facts[name])
    if (text !== undefined && (typeof text === "string" || Object.keys(text as object).length > 0)) folded[name] = text
  }
  return folded
}

interface Part {
  readonly facts: FactObject
  readonly folded: FactObject
}
const partOf =
  (fields: ReadonlyArray<FactField>) =>
  (source: object): Part => {
    const facts = objectFact(fields, source)
    return { facts, folded: foldedFacts(fields, facts) }
  }
const ownPart = partOf(ownFields)
const profilePart = lasting(partOf(profileFacts))
const identityPart = lasting(partOf(identityFacts))
const derivedPart = partOf(derivedFields)
const makePeoplePart = partOf(peopleFields)
/** By the terms of the first of her people, which a draw leaves as they are: a thousand others are not made anew for it. */
const peopleParts = new WeakMap<object, { readonly of: CommunityState; readonly part: Part }>()
const peoplePart = (community: CommunityState): Part => {
  const { terms } = community.relations[0] ?? {}
  const known = terms && peopleParts.get(terms)
  if (known !== undefined && haveSamePeople(known.of, community)) return known.part
  const part = makePeoplePart(community)
  if (terms !== undefined) peopleParts.set(terms, { of: community, part })
  return part
}

/** Of a contact, and of the community that she owns. An amount of 2^53 minor units or more stands as the most below it. */
export const profileDocument = (
  business: Pick<Business, "id">,
  state: ContactState,
  community: CommunityState
): ProfileDocument => {
  const [own, profile] = [ownPart(state), profilePart(state.profile)]
  const [identity, other] = [identityPart(state.identity), derivedPart(derivedFacts(state))]
  const people = peoplePart(community)
  return {
    ...own.facts,
    ...profile.facts,
    ...identity.facts,
    ...other.facts,
    ...people.facts,
    folded: { ...own.folded, ...profile.folded, ...identity.folded, ...other.folded, ...people.folded },
    _id: state.id,
    business: business.id
  }
}

/** As `Committed` of the projections has it. */
export interface CommittedEvent {
  readonly event: Event
  readonly row: {
    readonly business: string
    readonly key: string
    /** Of the stream that the event stands in. */
    readonly id: string
    readonly shard: number
    readonly offset: number
    readonly at: number
  }
}

/** None for an event of the business itself. An amount of 2^53 minor units or more stands as the most below it. */
export const eventDocuments = ({ event, row }: CommittedEvent): ReadonlyArray<EventDocument> => {
  const form = eventForms.get(event._tag)
  if (form === undefined) return []
  const { business, key, id, shard, offset, at } = row
  const facts = objectFact(form.fields, event)
  const document = {
    ...facts,
    _id: `${shard}/${offset}`,
    business,
    contact: key,
    type: form.type,
    at,
    sequence: offset
  }
  // The first reversals did not say of which award they were: they stand in its stream.
  return [event._tag === "AwardReversed" ? { award_id: id, ...document } : document]
}

/** As a store keeps it that is asked for texts: `folded` holds its texts of which more than the case goes. */
export const foldedEvent = (document: EventDocument): EventDocument => {
  const form = eventForms.get(document.type)
  return form === undefined ? document : { ...document, ...foldedTexts(form.fields, document) }
}
