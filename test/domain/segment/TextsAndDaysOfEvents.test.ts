/**
 * SEG-1, SEG-3: texts and anniversaries of what happened and of the entries of lists. Case and accents do not matter; an
 * instant is kept on its day of the year in the contact's zone, from the midnight on at which that day begins there.
 */
import { assert, describe, it } from "@effect/vitest"
import { initial as nobody } from "#domain/community/CommunityState.ts"
import type { ContactEvent } from "#domain/contact/ContactEvent.ts"
import { type ContactState, initial } from "#domain/contact/ContactState.ts"
import { catalogue } from "#domain/segment/Catalogue.ts"
import type { Anniversary, Condition, Filter } from "#domain/segment/Condition.ts"
import { dependsOn } from "#domain/segment/Dependencies.ts"
import { compile } from "#domain/segment/Evaluate.ts"
import { type ContactFacts, eventDocuments, foldedEvent, profileDocument } from "#domain/segment/Facts.ts"
import { isIn } from "#domain/segment/Reference.ts"
import { objectionTo } from "#domain/segment/TypeCheck.ts"

const at = (text: string): number => Date.parse(text)
const now = at("2026-11-22T10:00:00Z")

const factsOf = (state: Partial<ContactState>, ...events: ReadonlyArray<ContactEvent>): ContactFacts => ({
  profile: profileDocument({ id: "shop" }, { ...initial, id: "maria", timeZone: "Europe/Nicosia", ...state }, nobody),
  events: events.flatMap((event, offset) =>
    eventDocuments({ event, row: { business: "shop", key: "maria", id: "maria", shard: 1, offset, at: event.at } })
  )
})

const purchase = (organisationId: string, at: number): ContactEvent => ({
  _tag: "PurchasePaid",
  purchaseId: `p-${at}`,
  organisationId,
  currency: "EUR",
  total: 100n,
  counts: true,
  at
})

/** Her first purchase was late in the evening of the 21st in Greenwich, and so on the 22nd where she is. */
const maria = factsOf(
  {
    registeredAt: at("2024-02-29T12:00:00Z"),
    openActivities: [{ id: "a", type: "Κλήση", dueAt: at("2027-01-05T09:00:00Z") }]
  },
  purchase("Λήδρας 5", at("2024-11-21T23:30:00Z")),
  purchase("Ονασαγόρου", at("2026-06-01T10:00:00Z"))
)

const verdict = (condition: Condition, instant = now) => {
  const sets = [{ conditions: [condition] }]
  assert.isUndefined(objectionTo(sets, catalogue, () => false))
  const { holds, until } = compile(sets)(maria, instant, () => undefined)
  assert.strictEqual(
    isIn(sets, maria, instant, () => undefined),
    holds
  )
  return { holds, until }
}
const any = (...where: ReadonlyArray<Filter>): Condition => ({ type: "ANY", field: "open_activities", where })
const some = (...where: ReadonlyArray<Filter>): Condition => ({
  type: "COUNT",
  event: "PurchasePaid",
  where,
  operator: "GREATER",
  value: 0
})
const text = (field: string, operator: "IS" | "CONTAINS" | "ENDS_WITH" | "MATCHES", value: string): Filter => ({
  type: "TEXT",
  field,
  operator,
  value
})
const kept = (field: string, operator: Anniversary["operator"], value?: number): Anniversary => ({
  type: "ANNIVERSARY",
  field,
  operator,
  ...(value !== undefined && { value })
})

describe("a text of an event or an entry", () => {
  it.each<readonly [Condition, boolean]>([
    [some(text("organisation_id", "CONTAINS", "ΛΗΔΡΑΣ")), true],
    [some(text("organisation_id", "IS", "ληδρασ 5")), true],
    [some(text("organisation_id", "ENDS_WITH", "ΑΓΌΡΟΥ")), true],
    [some(text("organisation_id", "CONTAINS", "akropoli")), false],
    [some(text("organisation_id", "MATCHES", String.raw`^Λήδρας \d$`)), true],
    [some(text("organisation_id", "MATCHES", "^λήδρας")), false],
    [some(text("shared_month", "CONTAINS", "2026")), false],
    [{ type: "LAST", event: "PurchasePaid", is: [text("organisation_id", "CONTAINS", "ληδρα")] }, false],
    [{ type: "FIRST", event: "PurchasePaid", is: [text("organisation_id", "CONTAINS", "ληδρα")] }, true],
    [any(text("type", "IS", "κληση")), true],
    [any(text("assignee", "IS", "nikos")), false]
  ])("SEG-1: %j is %s", (condition, holds) => {
    assert.deepStrictEqual(verdict(condition), { holds, until: undefined })
  })

  it("stands folded beside it only where more than its case goes", () => {
    const [first] = maria.events.map(foldedEvent)
    assert.deepStrictEqual(first?.["folded"], { organisation_id: "ληδρασ 5" })
    const entries = maria.profile["folded"] as unknown as { readonly open_activities: unknown }
    assert.deepStrictEqual(entries.open_activities, [
      { id: "a", type: "Κλήση", due_at: at("2027-01-05T09:00:00Z"), folded: { type: "κληση" } }
    ])
  })
})

describe("the anniversary of an instant", () => {
  it("SEG-3: begins and ends at midnight in the contact's zone", () => {
    const condition = some(kept("at", "TODAY"))
    const [begins, ends] = [at("2026-11-21T22:00:00Z"), at("2026-11-22T22:00:00Z")]
    assert.isTrue(dependsOn([{ conditions: [condition] }]).time)
    assert.deepStrictEqual(verdict(condition, begins - 1), { holds: false, until: begins })
    assert.deepStrictEqual(verdict(condition, begins), { holds: true, until: ends })
    assert.isFalse(verdict(condition, ends).holds)
  })

  it("SEG-3: of an entry is waited for, and of the registration on a leap day kept on the 28th", () => {
    const due = any(kept("due_at", "IN_NEXT_DAYS", 7))
    const week = at("2026-12-28T22:00:00Z")
    assert.deepStrictEqual(verdict(due), { holds: false, until: week })
    assert.isTrue(verdict(due, week).holds)
    const registered = kept("registered_at", "TODAY")
    assert.isTrue(verdict(registered, at("2027-02-28T10:00:00Z")).holds)
    assert.isFalse(verdict(registered, at("2028-02-28T10:00:00Z")).holds)
    assert.isTrue(verdict(registered, at("2028-02-29T10:00:00Z")).holds)
  })

  it("depends on the contact's zone as every date does, also one that is compared with an instant", () => {
    const born: Condition = { type: "DATE", field: "demographics.date_of_birth", operator: "BEFORE", at: 0 }
    assert.deepInclude(dependsOn([{ conditions: [born] }]), { time: false, calendar: true })
    const named: Condition = { type: "EXISTENCE", field: "demographics.date_of_birth", exists: true }
    assert.deepInclude(dependsOn([{ conditions: [named] }]), { time: false, calendar: false })
  })

  it("in a month that is named changes with no time", () => {
    const condition: Condition = { type: "LAST", event: "PurchasePaid", is: [kept("at", "IN_MONTH", 6)] }
    assert.deepStrictEqual(verdict(condition), { holds: true, until: undefined })
    assert.deepInclude(dependsOn([{ conditions: [condition] }]), { time: false, calendar: true })
  })
})
