/**
 * Since when it has been so who a contact is (names, mail, phone, all else of a profile). Every change of it is an event that
 * names what has changed and not to what: nothing personal stands among the events, and what it is now stands in her profile.
 * Which fields there are, and what of them is in an event, is read off the schema of a profile.
 *
 * Of custom fields, whose names are given to her as their values are, nothing is noted: they are all one field.
 */
import * as Equal from "effect/Equal"
import type { ContactUpdated } from "../contact/ContactEvent.ts"
import { Profile } from "../contact/Profile.ts"
import { type FactField, type FactForm, fieldsOf, objectFact, objectsOf, without } from "./FactForm.ts"

/** That names what has changed, and what had not been there before. */
export const profileChange = "ContactUpdated"
/** From which on she is what she is, unless it has changed. */
export const profileBegin = "ContactRegistered"

/** Of the event: what has changed, and what of that had not been there. */
export type Noted = "changed" | "added"

const isKeyed = ({ kind }: FactForm): boolean => kind === "RECORD"

/** Paths of what a field holds, and their forms; "demographics.date_of_birth". */
const within = (field: FactField): ReadonlyArray<readonly [path: string, form: FactForm]> =>
  field.form.kind === "STRUCT"
    ? field.form.fields.flatMap(within).map(([path, form]) => [`${field.name}.${path}`, form] as const)
    : [[field.name, field.form]]

const withoutDocuments = (field: FactField): FactField =>
  field.name === "demographics" && field.form.kind === "STRUCT"
    ? {
        ...field,
        form: { kind: "STRUCT", fields: without(field.form.fields, "passport", "id_details", "statutory_number") }
      }
    : field

/** A profile as it is asked for. */
export const profileForms: ReadonlyArray<FactField> = fieldsOf(objectsOf(Profile)).map(withoutDocuments)

const ofProfile = profileForms.filter(({ form }) => !isKeyed(form))
const asked = new Map(ofProfile.flatMap(within))

export const isOfProfile = (path: string): boolean => asked.has(path)

/** Whether a value of the field can be compared with one: it is no list and no date. */
export const isSingle = (path: string): boolean => {
  const kind = asked.get(path)?.kind
  return kind === "TEXT" || kind === "ENUM" || kind === "NUMBER" || kind === "BOOLEAN" || kind === "INSTANT"
}

export const profilePaths: ReadonlyArray<string> = [...asked.keys()]

export const notedAs = (state: "THERE" | "UNCHANGED" | undefined): Noted => (state === "THERE" ? "added" : "changed")

type Updated = typeof ContactUpdated.Type

type Names = Partial<Record<Noted, ReadonlyArray<string>>>

const namesOf = ({ changed, previous = {}, profile }: Updated): Names => {
  if (changed === undefined) return {}
  const names = { changed: [...changed], added: new Array<string>() }
  for (const field of ofProfile) {
    if (!changed.includes(field.name)) continue
    const [before, after] = [objectFact([field], previous), objectFact([field], profile)]
    for (const [path] of within(field)) {
      const [was, is] = [at(before, path), at(after, path)]
      if (Equal.equals(was, is)) continue
      if (path !== field.name) names.changed.push(path)
      if (was === undefined) names.added.push(path)
    }
  }
  return names
}

const found = new WeakMap<Updated, Names>()
/**
 * Of an update, the fields that it says have changed and what of them has; and what had not been there. The first ones did not
 * say: then nothing is named, and whoever asks takes it for a change of everything.
 */
export const namesOfChange = (event: Updated): Names => {
  const names = found.get(event) ?? namesOf(event)
  found.set(event, names)
  return names
}

const at = (facts: unknown, path: string): unknown =>
  path
    .split(".")
    .reduce<unknown>((value, name) => (value as { readonly [name: string]: unknown } | undefined)?.[name], facts)
