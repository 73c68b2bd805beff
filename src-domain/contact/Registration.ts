/**
 * How a contact comes to be and changes: registration, update, and the media that identify it. Every value that must be
 * unique is taken, and an old one released, in the decision that writes it down (IDN-1..3, UNQ-3, UNQ-5, CIM-1..3).
 */
import * as Equal from "effect/Equal"
import * as Result from "effect/Result"
import { isJudged } from "../automation/PriorTo.ts"
import type { Refusal } from "../Refusal.ts"
import type { Judgement, Turn } from "../shared/Decision.ts"
import { except, identityClaims, isSame, mediaClaims, profileClaims } from "./Claims.ts"
import type { AddIdentifiers, RegisterContact, UpdateContact } from "./ContactCommand.ts"
import type { ContactUpdated } from "./ContactEvent.ts"
import type { ContactState } from "./ContactState.ts"
import { initial } from "./ContactState.ts"
import type { Identity, Profile } from "./Profile.ts"
import {
  merged,
  objectionToIdentity,
  objectionToMedia,
  objectionToProfile,
  objectionToTimeZone,
  tidied,
  withMedia
} from "./ProfileRules.ts"

type Register = typeof RegisterContact.Type
type Update = typeof UpdateContact.Type
type Add = typeof AddIdentifiers.Type

/** AUT-4: what was judged of the command before its turn. */
const verdictsOf = ({ judgedBy = [] }: Register | Update) => (judgedBy.length > 0 ? { judgedBy } : {})

/** CTC-1: English unless set; ISO 639-2 as the self-service description has it. */
const defaultLanguageCode = "ENG"

export const registerContact = (contact: ContactState, command: Register, turn: Turn): Judgement => {
  const { contactId, type, countryOfAgreement, languageCode, emailOptOut, smsOptOut, optOutBy } = command
  if (contact.id !== "") return Result.fail({ _tag: "ContactAlreadyRegistered", id: contact.id })
  const profile = tidied(command.profile)
  const identity: Identity = { ...command.identity, ...withMedia(initial.identity, command.identity) }
  const objection =
    objectionToProfile(type, profile) ?? objectionToTimeZone(command.timeZone) ?? objectionToIdentity(identity)
  if (objection !== undefined) return Result.fail(objection)
  if (!isJudged(contact, command, turn.business)) return Result.fail({ _tag: "AutomationsChanged" })
  const { code, referralCode, walletCode } = identity
  const { country, currency, timeZone: businessTimeZone } = turn.business
  const timeZone = command.timeZone ?? businessTimeZone
  const isOptedOut = emailOptOut === true || smsOptOut === true
  return Result.succeed({
    events: [
      {
        _tag: "ContactRegistered",
        contactId,
        type,
        countryOfAgreement: countryOfAgreement ?? country,
        languageCode: languageCode ?? defaultLanguageCode,
        currency,
        timeZone,
        ...(timeZone !== businessTimeZone && { businessTimeZone }),
        emailOptOut: emailOptOut ?? false,
        smsOptOut: smsOptOut ?? false,
        ...(isOptedOut && optOutBy !== undefined && { optOutBy }),
        profile,
        identity,
        ...verdictsOf(command),
        at: turn.at
      }
    ],
    takes: [...identityClaims(identity), ...profileClaims(profile)],
    answer: { _tag: "ContactRegisteredAnswer", contactId, identity: { code, referralCode, walletCode } }
  })
}

/** IDN-1, IDN-3: what can never change may be repeated. */
const objectionToChange = (contact: ContactState, command: Update): Refusal | undefined => {
  const { type, code, referralCode } = command
  if (type !== undefined && type !== contact.type) return { _tag: "ImmutableField", field: "type" }
  if (code !== undefined && !isSame("code", code, contact.identity.code)) {
    return { _tag: "ImmutableField", field: "code" }
  }
  if (referralCode !== undefined && !isSame("referral_code", referralCode, contact.identity.referralCode)) {
    return { _tag: "ImmutableField", field: "referral_code" }
  }
  return undefined
}

/** The settings that differ from what is there. */
const changesOf = (contact: ContactState, command: Update): Partial<typeof ContactUpdated.Type> => {
  const { languageCode, timeZone, emailOptOut, smsOptOut } = command
  return {
    ...(languageCode === undefined || languageCode === contact.languageCode ? {} : { languageCode }),
    ...(timeZone === undefined || timeZone === contact.timeZone ? {} : { timeZone }),
    ...(emailOptOut === undefined || emailOptOut === contact.emailOptOut ? {} : { emailOptOut }),
    ...(smsOptOut === undefined || smsOptOut === contact.smsOptOut ? {} : { smsOptOut })
  }
}

const apiName = (field: string): string => field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** AUT-9: the names of what changed, and what it was before. */
const differenceOf = (
  contact: ContactState,
  changes: Partial<typeof ContactUpdated.Type>,
  profile: Profile
): Pick<typeof ContactUpdated.Type, "changed" | "previous" | "before"> => {
  const before: Readonly<Record<string, unknown>> = { ...contact, ...contact.profile }
  const after: Readonly<Record<string, unknown>> = { ...profile }
  const fields = Object.keys({ ...contact.profile, ...profile }).filter(
    (field) => !Equal.equals(before[field], after[field])
  )
  const changed = [...Object.keys(changes), ...fields]
  const known = changed
    .filter((field) => before[field] !== undefined)
    .map((field): [string, unknown] => [field, before[field]])
  const settings = known.filter(([field]) => field in changes)
  return {
    changed: changed.map(apiName),
    previous: Object.fromEntries(known),
    ...(settings.length > 0 && { before: Object.fromEntries(settings) })
  }
}

export const updateContact = (contact: ContactState, command: Update, turn: Turn): Judgement => {
  const answer = { _tag: "Done", id: contact.id } as const
  const profile = merged(contact.profile, command.profile)
  const objection =
    objectionToChange(contact, command) ??
    objectionToProfile(contact.type, profile) ??
    objectionToTimeZone(command.timeZone)
  if (objection !== undefined) return Result.fail(objection)
  const changes = changesOf(contact, command)
  if (Object.keys(changes).length === 0 && Equal.equals(profile, contact.profile)) {
    return Result.succeed({ events: [], answer })
  }
  if (!isJudged(contact, command, turn.business)) return Result.fail({ _tag: "AutomationsChanged" })
  const [before, after] = [profileClaims(contact.profile), profileClaims(profile)]
  return Result.succeed({
    events: [
      {
        _tag: "ContactUpdated",
        ...changes,
        profile,
        ...differenceOf(contact, changes, profile),
        ...verdictsOf(command),
        at: turn.at
      }
    ],
    takes: except(after, before),
    releases: except(before, after),
    answer
  })
}

export const addIdentifiers = (contact: ContactState, command: Add, turn: Turn): Judgement => {
  const answer = { _tag: "Done", id: contact.id } as const
  const identity: Identity = { ...contact.identity, ...withMedia(contact.identity, command.identity) }
  const objection = objectionToMedia(identity)
  if (objection !== undefined) return Result.fail(objection)
  const takes = except(mediaClaims(identity), mediaClaims(contact.identity))
  if (takes.length === 0) return Result.succeed({ events: [], answer })
  return Result.succeed({ events: [{ _tag: "IdentifiersAdded", identity, at: turn.at }], takes, answer })
}
