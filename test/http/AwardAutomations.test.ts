/** AWARD_GIVEN over a whole server: what an award sets off, once, and how the feed leads from the purchase to it and back. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { eventually } from "../support/Eventually.ts"
import { bodyOf } from "../support/HttpContacts.ts"
import { ended, greekMail, template } from "../support/Messages.ts"
import * as Shop from "../support/Shop.ts"
import * as TestServer from "../support/TestServer.ts"

const automations = "/backoffice/v2/automations"
const purchases = "/backoffice/v2/purchases"

interface Entry {
  readonly id: string
  readonly type: string
  readonly reason?: string
  readonly name?: string
  readonly amount?: number
  readonly links: Readonly<Record<string, string>>
  readonly cause?: Readonly<Record<string, unknown>>
}
interface Run {
  readonly state: string
  readonly event_id: string
  readonly contact: { readonly id: string }
}

const entries = Effect.fnUntraced(function* (id: string, query: string) {
  const server = yield* TestServer.TestServer
  const path = `/backoffice/v2/contacts/${id}/activities?size=200&${query}`
  return bodyOf(yield* server.request("GET", path), 200).content as ReadonlyArray<Entry>
})
const typesOf = (list: ReadonlyArray<Entry>) => list.map(({ type }) => type)
const make = Effect.fnUntraced(function* (body: object) {
  const server = yield* TestServer.TestServer
  return bodyOf(yield* server.request("POST", automations, body), 201).id as string
})
const runsOf = Effect.fnUntraced(function* (automation: string) {
  const server = yield* TestServer.TestServer
  const { content } = bodyOf(yield* server.request("GET", `${automations}/${automation}/runs`), 200)
  return content as ReadonlyArray<Run>
})
const completed = (automation: string, count: number) =>
  eventually(
    `${count} runs of ${automation} are completed`,
    Effect.map(runsOf(automation), (runs) => runs.filter(({ state }) => state === "COMPLETED").length >= count && runs)
  )
const give = Effect.fnUntraced(function* (id: string, body: object) {
  const server = yield* TestServer.TestServer
  return yield* Shop.made(server.request("POST", `/backoffice/v2/contacts/${id}/awards`, body))
})

/** Of an award of 5 euros or more for anything but a birthday. */
const large = [
  {
    conditions: [
      {
        type: "LAST",
        event: "FundsCredited",
        is: [
          { type: "COMPARISON", field: "amount", operator: "GREATER_OR_EQUAL", value: 5 },
          { type: "COMPARISON", field: "name", operator: "NOT_EQUAL", value: "Birthday" }
        ]
      }
    ]
  }
]
const call = { type: "ACTIVITY", activity_type: "CALL", subject: "Tell her of her points" }

layer(TestServer.layer)("what an award sets off", (it) => {
  it.effect(
    "AUT-1, AUT-6: AWARD_GIVEN runs once for each award that the filter lets through, and for no other credit",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer.TestServer
        const eleni = yield* Shop.person(server)
        const filtered = { trigger: "AWARD_GIVEN", filter: large, actions: [call] }
        const automation = yield* make({ name: "Large awards", ...filtered })
        // The last one: when its runs are there, those of all that came before are as well.
        const credits = yield* make({ name: "Any credit", trigger: "WALLET_CREDITED", actions: [call] })
        yield* Shop.credit(server, eleni, 50)
        yield* give(eleni.id, { name: "Points", amount: 4.99 })
        yield* give(eleni.id, { name: "Birthday", amount: 20 })
        const award = yield* give(eleni.id, { name: "Points", amount: 5 })
        const path = `/backoffice/v2/contacts/${eleni.id}/awards/${award.id}/actions`
        bodyOf(yield* server.request("POST", path, { action: "REVERSE" }), 200)
        yield* Shop.credit(server, eleni, 1)
        yield* completed(credits, 5)
        const runs = yield* completed(automation, 1)
        const [given] = yield* entries(eleni.id, `linked_to=${award.id}&type=wallet.credited`)
        assert.deepStrictEqual(
          runs.map(({ event_id: event, contact }) => [event, contact.id]),
          [[given?.id, eleni.id]]
        )
        const dry = { automation: filtered, from: 0 }
        for (let time = 0; time < 2; time++) {
          const { result } = bodyOf(yield* server.request("POST", `${automations}/dry_run`, dry), 200)
          assert.strictEqual(result.fired, 1, "AUT-10")
        }
        assert.lengthOf(yield* runsOf(automation), 1)
      })
  )

  it.effect("FED-1: leads from a purchase to its award, to the message that it set off, and back", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const eleni = yield* Shop.person(server)
      yield* Shop.credit(server, eleni, 20)
      const templateId = yield* template(server, { ...greekMail, purpose: "MANDATORY" })
      const thanks = yield* make({
        name: "Thanks",
        trigger: "AWARD_GIVEN",
        actions: [{ type: "COMMUNICATION", template_id: templateId, channel: "EMAIL", purpose: "MANDATORY" }]
      })
      const purchase = yield* Shop.made(server.request("POST", purchases, Shop.receipt(server, eleni)))
      const award = yield* give(eleni.id, { name: "Cashback", percent: 10, purchase_id: purchase.id })
      yield* completed(thanks, 1)
      const linked = yield* entries(eleni.id, `linked_to=${purchase.id}&order=ASC`)
      assert.includeMembers(typesOf(linked), ["purchase.paid", "wallet.credited", "communication.requested"])
      const given = linked.find(({ type }) => type === "wallet.credited")
      assert.deepInclude(given, { reason: "AWARD", name: "Cashback", amount: 1 })
      assert.deepStrictEqual(given?.links, { purchase_id: purchase.id, award_id: award.id })
      const message = linked.find(({ type }) => type === "communication.requested")
      assert.deepInclude(message?.cause, { chain: [thanks], event_id: given?.id, purchase_id: purchase.id })
      yield* ended(server, message?.links["communication_id"] ?? "", "COMPLETED")

      bodyOf(yield* server.request("POST", `${purchases}/${purchase.id}/cancel`, {}), 200)
      const both = yield* entries(eleni.id, `linked_to=${award.id}`)
      assert.deepStrictEqual(
        both.map(({ type, reason, links }) => [type, reason, links["purchase_id"]]),
        [
          ["wallet.debited", "AWARD_REVERSAL", purchase.id],
          ["wallet.credited", "AWARD", purchase.id]
        ]
      )
    })
  )

  it.effect("FED-1, SHR-7: one chain holds a shared purchase, its draw, the award for it and the message of that", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const [owner, member] = [yield* Shop.person(server), yield* Shop.person(server)]
      yield* Shop.credit(server, owner, 20)
      yield* Shop.share(server, owner, member)
      const templateId = yield* template(server, { ...greekMail, purpose: "MANDATORY" })
      const thanks = yield* make({
        name: "Thanks for sharing",
        trigger: "AWARD_GIVEN",
        actions: [{ type: "COMMUNICATION", template_id: templateId, channel: "EMAIL", purpose: "MANDATORY" }]
      })
      const purchase = yield* Shop.made(server.request("POST", purchases, Shop.receipt(server, member)))
      const award = yield* give(member.id, { name: "Cashback", percent: 10, purchase_id: purchase.id })
      yield* completed(thanks, 1)
      const linked = yield* entries(member.id, `linked_to=${purchase.id}&order=ASC`)
      const [paid] = linked
      const drawId = paid?.links["draw_id"] ?? ""
      assert.deepStrictEqual(
        [paid?.type, paid?.links],
        [
          "purchase.paid",
          { purchase_id: purchase.id, draw_id: drawId, counterpart_id: owner.id, community_id: owner.id }
        ]
      )
      const given = linked.find(({ type }) => type === "wallet.credited")
      assert.deepStrictEqual(given?.links, { purchase_id: purchase.id, award_id: award.id })
      const isOfRun = ({ cause }: Entry) => (cause?.["chain"] as ReadonlyArray<string> | undefined)?.includes(thanks)
      const messages = linked.filter(isOfRun)
      assert.deepStrictEqual(typesOf(messages), ["communication.requested"])
      assert.deepInclude(messages[0]?.cause, { event_id: given?.id, purchase_id: purchase.id })
      // The owner's own feed has her half of it, under the same purchase and the same draw.
      for (const link of [purchase.id, drawId]) {
        const drawn = yield* entries(owner.id, `linked_to=${link}`)
        assert.deepStrictEqual(
          drawn.map(({ type, reason, amount, links }) => [type, reason, amount, links]),
          [
            [
              "wallet.debited",
              "WALLET_SHARING",
              10,
              { purchase_id: purchase.id, draw_id: drawId, counterpart_id: member.id }
            ]
          ]
        )
      }
    })
  )
})
