/** SEG-1, SEG-3: since when it has been so who a contact is, told by events that hold nothing of it. */
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { contact } from "#domain/contact/Contact.ts"
import type { ContactEvent } from "#domain/contact/ContactEvent.ts"
import { initial } from "#domain/contact/ContactState.ts"
import type { Profile } from "#domain/contact/Profile.ts"
import { registerContact, updateContact } from "#domain/contact/Registration.ts"
import { initial as nobody } from "#domain/community/CommunityState.ts"
import { catalogue, locate } from "#domain/segment/Catalogue.ts"
import type { Scalar } from "#domain/segment/Condition.ts"
import { eventDocuments, profileDocument } from "#domain/segment/Facts.ts"
import { isOfProfile, profilePaths } from "#domain/segment/ProfileChanges.ts"
import { momentOf, sinceWhen } from "#domain/segment/Reference.ts"
import { registration, turnAt } from "../../support/Given.ts"

/** A contact who is registered at 1, and updated at 2, 3, and so on. */
const lived = (registered: Profile, ...updates: ReadonlyArray<Profile>) => {
  const events: Array<ContactEvent> = []
  let state = initial
  for (const [index, profile] of [registered, ...updates].entries()) {
    const turn = turnAt(index + 1)
    const judged =
      index === 0
        ? registerContact(state, registration("maria", { profile }), turn)
        : updateContact(state, { _tag: "UpdateContact", profile }, turn)
    if (Result.isFailure(judged)) throw new Error(JSON.stringify(judged.failure))
    for (const event of judged.success.events as ReadonlyArray<ContactEvent>) {
      events.push(event)
      state = contact.evolve(state, event)
    }
  }
  return { state, events }
}

const factsOf = ({ state, events }: ReturnType<typeof lived>) => ({
  profile: profileDocument({ id: "shop" }, state, nobody),
  events: events.flatMap((event, offset) =>
    eventDocuments({ event, row: { business: "shop", key: "maria", id: "maria", shard: 1, offset, at: event.at } })
  )
})

const since = (life: ReturnType<typeof lived>, field: string, what: Scalar | { readonly is: "THERE" | "UNCHANGED" }) =>
  sinceWhen(
    {
      type: "HAS_BEEN",
      field,
      ...(typeof what === "object" ? { state: what.is } : { value: what }),
      span: { amount: 1, unit: "DAYS" }
    },
    momentOf(factsOf(life), 1_000, () => undefined)
  )
const [there, unchanged] = [{ is: "THERE" }, { is: "UNCHANGED" }] as const

const person = { firstName: "Maria", lastName: "Georgiou" }

describe("since when it has been so who a contact is", () => {
  it("SEG-1: is since she was registered, unless it has changed or was not there", () => {
    const life = lived(
      { ...person, email: "one@example.com" },
      { email: "two@example.com" },
      { middleName: "Eleni" },
      { lastName: "Ioannou", email: "two@example.com" },
      { middleName: "Anna" }
    )
    assert.deepStrictEqual(
      [since(life, "email", unchanged), since(life, "email", there), since(life, "email", "two@example.com")],
      [2, 1, 2]
    )
    assert.isUndefined(since(life, "email", "one@example.com"))
    assert.deepStrictEqual([since(life, "middle_name", unchanged), since(life, "middle_name", there)], [5, 3])
    assert.deepStrictEqual([since(life, "first_name", unchanged), since(life, "last_name", there)], [1, 1])
    assert.strictEqual(since(life, "last_name", "Ioannou"), 4)
    assert.deepStrictEqual(
      [since(life, "company_name", there), since(life, "company_name", unchanged)],
      [undefined, undefined]
    )
  })

  it("SEG-1: is told apart for what a part of her profile holds, and of a date", () => {
    const dateOfBirth = { year: 1990, month: 1, day: 2 }
    const life = lived(
      { ...person, demographics: { gender: "FEMALE" } },
      { demographics: { dateOfBirth } },
      { demographics: { nameDay: { month: 5, day: 21 }, dateOfBirth } },
      { demographics: { dateOfBirth: { ...dateOfBirth, day: 3 } } }
    )
    assert.strictEqual(since(life, "demographics.gender", "FEMALE"), 1)
    assert.deepStrictEqual(
      [since(life, "demographics.date_of_birth", unchanged), since(life, "demographics.date_of_birth", there)],
      [4, 2]
    )
    assert.strictEqual(since(life, "demographics.name_day", unchanged), 3)
  })

  it("SEG-1: of updates that did not say what they changed, is since the last of them at the latest", () => {
    const { state, events } = lived({ ...person, email: "one@example.com" }, { middleName: "Eleni" })
    const old = events.map((event): ContactEvent => {
      if (event._tag !== "ContactUpdated") return event
      const { changed: _, previous: __, ...rest } = event
      return rest
    })
    assert.strictEqual(since({ state, events: old }, "email", unchanged), 2)
    assert.strictEqual(since({ state, events: old }, "email", there), 2)
    assert.strictEqual(since({ state, events }, "email", unchanged), 1)
  })

  it("PII-1: stands among what happened without anything of who she is or was", () => {
    const life = lived(
      { ...person, email: "one@example.com" },
      { email: "two@example.com", customFields: [{ key: "secret key", value: "secret" }] }
    )
    const { events } = factsOf(life)
    const said = JSON.stringify(events)
    for (const secret of ["Maria", "Georgiou", "example.com", "secret"]) assert.notInclude(said, secret)
    assert.deepInclude(events[1], { changed: ["email", "custom_fields"], added: [] })
  })

  it("SEG-1: can be asked of whatever a profile has, but custom fields and identity documents", () => {
    for (const path of profilePaths) assert.isDefined(locate(catalogue.fields, path), path)
    for (const path of ["email", "phone.number", "demographics.date_of_birth", "company_profile.industry_id"]) {
      assert.isTrue(isOfProfile(path), path)
    }
    for (const path of ["custom_fields", "demographics.passport.number", "wallet.balance", "consent"]) {
      assert.isFalse(isOfProfile(path), path)
    }
  })
})
