/**
 * What is known of a contact, and what changed of her, as somebody outside is told it: the fields of the catalogue under
 * their names, written as the API writes such values. Amounts are decimals of the currency that stands beside them, instants
 * RFC 3339; keys that are data stand as they were given. What the catalogue does not have is not told.
 */
import { rfc3339 } from "../projection/Rfc3339.ts"
import type { CommunityState } from "#domain/community/CommunityState.ts"
import type { ContactState } from "#domain/contact/ContactState.ts"
import { type Minor, toDecimal } from "#domain/shared/Money.ts"
import type { FactField, FactForm, FactObject, FactValue } from "#domain/segment/FactForm.ts"
import { changingFields, derivedFacts, derivedFields, stateFields } from "#domain/segment/Facts.ts"
import { peopleFields } from "#domain/segment/PeopleFacts.ts"
import type { ContactEvent } from "#domain/contact/ContactEvent.ts"
import * as Equal from "effect/Equal"

const publicValue = (form: FactForm, value: unknown, currency: string): FactValue => {
  switch (form.kind) {
    case "AMOUNT":
      return toDecimal(value as Minor, currency)
    case "INSTANT":
      return rfc3339(value as number)
    case "LIST":
      return (value as ReadonlyArray<unknown>).map((entry) => publicValue(form.of, entry, currency))
    case "RECORD":
      return Object.fromEntries(
        Array.from(form.entries(value), ([key, entry]) => [key, publicValue(form.of, entry, currency)])
      )
    case "STRUCT":
      return publicObject(form.fields, value, currency)
    case "DATE":
    case "MONTH_DAY":
    case "NAME_DAY":
      return { ...(value as FactObject) }
    case "TEXT":
    case "NUMBER":
    case "BOOLEAN":
    case "ENUM":
      return value as FactValue
  }
}

const publicObject = (fields: ReadonlyArray<FactField>, source: unknown, currency: string): FactObject =>
  Object.fromEntries(
    fields.flatMap(({ name, form, read }) => {
      const value = read(source)
      return value === undefined || value === null ? [] : [[name, publicValue(form, value, currency)]]
    })
  )

/** Of a contact as she is, or would be. */
export const publicProfile = (state: ContactState, community: CommunityState): FactObject => ({
  ...publicObject(stateFields, state, state.currency),
  ...publicObject(derivedFields, derivedFacts(state), state.currency),
  ...publicObject(peopleFields, community, state.currency)
})

/** What changed of a contact (AUT-9): names, and as far as it is known what it was before and what it is now. */
export interface Change {
  readonly changed: ReadonlyArray<string>
  readonly previous?: FactObject
  readonly current?: FactObject
}

type Updated = Extract<ContactEvent, { readonly _tag: "ContactUpdated" }>

const unlike = (fact: FactValue | undefined, other: FactValue | undefined): FactObject =>
  Object.fromEntries(
    Object.entries((fact ?? {}) as FactObject).filter(
      ([key, value]) => !Equal.equals(value, ((other ?? {}) as FactObject)[key])
    )
  )

/** Keys that are data are many: of those only what differs. */
const differing = (facts: FactObject, other: FactObject): FactObject =>
  facts["custom_fields"] === undefined
    ? facts
    : { ...facts, custom_fields: unlike(facts["custom_fields"], other["custom_fields"]) }

const updated = ({ changed, previous = {}, profile, ...settings }: Updated): Change | undefined => {
  if (changed === undefined) return undefined
  const fields = changingFields.filter(({ name }) => changed.includes(name))
  const [before, after] = [publicObject(fields, previous, ""), publicObject(fields, { ...settings, ...profile }, "")]
  return { changed, previous: differing(before, after), current: differing(after, before) }
}

/** Who she is, in part: personal, and kept nowhere but sealed. Events from before changes were told apart say nothing. */
export const publicChange = (event: ContactEvent): Change | undefined => {
  switch (event._tag) {
    case "ContactUpdated":
      return updated(event)
    case "OptOutChanged": {
      const name = event.channel === "EMAIL" ? "email_opt_out" : "sms_opt_out"
      return { changed: [name], previous: { [name]: !event.optedOut }, current: { [name]: event.optedOut } }
    }
    case "SpendBlockChanged": {
      const { blocked } = event
      return { changed: ["spend_blocked"], previous: { spend_blocked: !blocked }, current: { spend_blocked: blocked } }
    }
    case "TagsChanged": {
      const { tags, previous } = event
      const before = previous === undefined ? {} : { previous: { tags: previous } }
      return { changed: ["tags"], ...before, current: { tags } }
    }
    default:
      return undefined
  }
}
