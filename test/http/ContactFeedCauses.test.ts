/**
 * The way through a join of a segment and through a message that was sent, from a purchase to what automations made of it
 * and back (FED-1).
 */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { eventually } from "../support/Eventually.ts"
import { bodyOf } from "../support/HttpContacts.ts"
import { greekMail, template } from "../support/Messages.ts"
import * as Shop from "../support/Shop.ts"
import * as TestServer from "../support/TestServer.ts"

interface Entry {
  readonly id: string
  readonly type: string
  readonly links: Readonly<Record<string, string>>
  readonly cause?: { readonly event_id?: string; readonly purchase_id?: string }
}

const entries = Effect.fnUntraced(function* (id: string, query: string) {
  const server = yield* TestServer.TestServer
  const path = `/backoffice/v2/contacts/${id}/activities?size=200&${query}`
  return bodyOf(yield* server.request("GET", path), 200).content as ReadonlyArray<Entry>
})
const once = (id: string, query: string) =>
  eventually(
    `the feed has ${query}`,
    Effect.map(entries(id, query), ([entry]) => entry)
  )
const typesOf = (list: ReadonlyArray<Entry>) => list.map(({ type }) => type).toSorted()

/** A live segment of those with a tag whose wallet holds less than 15 €. */
const poorer = Effect.fnUntraced(function* (tag: string) {
  const server = yield* TestServer.TestServer
  const conditions = [
    { type: "LIST", field: "tags", operator: "HAS_ANY", values: [tag] },
    { type: "COMPARISON", field: "wallet.balance", operator: "LESS", value: 15 }
  ]
  const body = { name: tag, sets: [{ conditions }], refresh: { mode: "LIVE" } }
  const { id } = yield* Shop.made(server.request("POST", "/backoffice/v2/segments", body))
  yield* eventually(
    "the segment is ready",
    Effect.map(
      server.request("GET", `/backoffice/v2/segments/${id}`),
      ({ body: read }) => read.membership.state === "READY"
    )
  )
  return id as string
})

/** Somebody with 20 € and a tag, known as such to whoever judges segments. */
const richer = Effect.fnUntraced(function* (tag: string) {
  const server = yield* TestServer.TestServer
  const who = yield* Shop.person(server)
  yield* Shop.credit(server, who, 20)
  const path = `/backoffice/v2/contacts/${who.id}`
  bodyOf(yield* server.request("PUT", `${path}/tags`, { add: [tag] }), 200)
  assert.deepStrictEqual(bodyOf(yield* server.request("GET", `${path}/segments`), 200).content, [])
  return who
})

const automation = Effect.fnUntraced(function* (name: string, body: object) {
  const server = yield* TestServer.TestServer
  return (yield* Shop.made(server.request("POST", "/backoffice/v2/automations", { name, ...body }))).id as string
})

layer(TestServer.layer)("the cause of an entry", (it) => {
  it.effect(
    "FED-1, SEG-4: leads from a purchase through the segment she joins by it to her mail and beyond, and back",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer.TestServer
        const segment = yield* poorer("chained")
        const templateId = yield* template(server, { ...greekMail, purpose: "MANDATORY" })
        const mail = { type: "COMMUNICATION", template_id: templateId, channel: "EMAIL", purpose: "MANDATORY" }
        yield* automation("Mail", { trigger: "SEGMENT_JOINED", segment_id: segment, actions: [mail] })
        const call = { type: "ACTIVITY", activity_type: "CALL" }
        yield* automation("Call", { trigger: "COMMUNICATION_COMPLETED", actions: [call] })
        const who = yield* richer("chained")
        const purchase = yield* Shop.made(server.request("POST", "/backoffice/v2/purchases", Shop.receipt(server, who)))
        const scheduled = yield* once(who.id, "type=activity.scheduled")
        const linked = yield* entries(who.id, `linked_to=${purchase.id}`)
        const told = ["activity.scheduled", "communication.requested", "purchase.paid", "segment.joined"]
        assert.deepStrictEqual(typesOf(linked), told)
        const [paid] = yield* entries(who.id, "type=purchase.paid")
        const [joined] = yield* entries(who.id, "type=segment.joined")
        const [requested] = yield* entries(who.id, "type=communication.requested")
        const [completed] = yield* entries(who.id, "type=communication.completed")
        assert.deepStrictEqual(joined?.links, {
          segment_id: segment,
          event_id: paid?.id ?? "",
          purchase_id: purchase.id
        })
        assert.isUndefined(joined?.cause)
        assert.deepInclude(requested?.cause, { event_id: joined?.id ?? "", purchase_id: purchase.id })
        assert.deepInclude(scheduled.cause, { event_id: completed?.id ?? "", purchase_id: purchase.id })
        const ofPaid = yield* entries(who.id, `linked_to=${paid?.id}`)
        assert.deepStrictEqual(typesOf(ofPaid), ["purchase.paid", "segment.joined"])
      })
  )

  it.effect(
    "FED-1, SHR-7: the owner joins by a draw, linked to the member's purchase; who joins by a tag to the tagging",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer.TestServer
        yield* poorer("drawn")
        const [owner, member] = [yield* richer("drawn"), yield* Shop.person(server)]
        yield* Shop.share(server, owner, member)
        const purchase = yield* Shop.made(
          server.request("POST", "/backoffice/v2/purchases", Shop.receipt(server, member))
        )
        const joined = yield* once(owner.id, "type=segment.joined")
        const [debited] = yield* entries(owner.id, "type=wallet.debited")
        assert.deepInclude(joined.links, { event_id: debited?.id, purchase_id: purchase.id })
        bodyOf(yield* server.request("PUT", `/backoffice/v2/contacts/${owner.id}/tags`, { remove: ["drawn"] }), 200)
        const left = yield* once(owner.id, "type=segment.left")
        const [untagged] = yield* entries(owner.id, "type=contact.tags_changed")
        assert.strictEqual(left.links["event_id"], untagged?.id)
        assert.notProperty(left.links, "purchase_id")
      })
  )

  it.effect("FED-1: of two purchases in one moment, she joined by the one that took her over the limit", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      yield* poorer("twice")
      const people = yield* Effect.replicateEffect(richer("twice"), 8)
      const buy = (who: Shop.Person) =>
        Shop.made(
          server.request("POST", "/backoffice/v2/purchases", {
            ...Shop.receipt(server, who),
            spend_request: { amount: 3 }
          })
        )
      const both = people.flatMap((who) => [buy(who), buy(who)])
      yield* Effect.all(both, { concurrency: both.length, discard: true })
      for (const { id } of people) {
        const joined = yield* once(id, "type=segment.joined")
        const [last, first] = yield* entries(id, "type=purchase.paid")
        assert.isDefined(first)
        assert.deepInclude(joined.links, { event_id: last?.id, purchase_id: last?.links["purchase_id"] })
      }
    })
  )
})
