/** The activity feed over a real server, and what the back office keeps of a contact beside who she is. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bodyOf, pointersOf } from "../support/HttpContacts.ts"
import * as Shop from "../support/Shop.ts"
import * as TestServer from "../support/TestServer.ts"

const contacts = "/backoffice/v2/contacts"

interface Entry {
  readonly id: string
  readonly type: string
  readonly at: number
  readonly links: Readonly<Record<string, string>>
  readonly state?: string
}

layer(TestServer.layer)("the activity feed", (it) => {
  const feed = Effect.fnUntraced(function* (id: string, query = "") {
    const server = yield* TestServer.TestServer
    return bodyOf(yield* server.request("GET", `${contacts}/${id}/activities${query}`), 200)
  })
  const entries = (id: string, query = "") =>
    Effect.map(feed(id, query), ({ content }) => content as ReadonlyArray<Entry>)

  it.effect("FED-1: shows a purchase, the draw that paid it and its end at both contacts, linked by their ids", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const [owner, member] = [yield* Shop.person(server), yield* Shop.person(server)]
      yield* Shop.credit(server, owner, 100)
      yield* Shop.share(server, owner, member)
      const purchase = yield* Shop.made(
        server.request("POST", "/backoffice/v2/purchases", Shop.receipt(server, member))
      )
      bodyOf(yield* server.request("POST", `/backoffice/v2/purchases/${purchase.id}/cancel`, {}), 200)
      const [paid] = yield* entries(member.id, "?type=purchase.paid")
      const draw = paid?.links["draw_id"] ?? ""
      assert.deepStrictEqual(
        { ...paid, id: undefined, at: undefined },
        {
          id: undefined,
          at: undefined,
          type: "purchase.paid",
          state: "POSTED",
          amount: 10,
          currency_code: "EUR",
          organisation: { id: server.storeId, name: "Main store" },
          links: { purchase_id: purchase.id, draw_id: draw, counterpart_id: owner.id, community_id: owner.id }
        }
      )
      const typesOf = (list: ReadonlyArray<Entry>) => list.map(({ type }) => type)
      assert.deepStrictEqual(typesOf(yield* entries(owner.id, `?linked_to=${draw}`)), [
        "wallet.returned",
        "wallet.debited"
      ])
      assert.deepStrictEqual(typesOf(yield* entries(member.id, `?linked_to=${purchase.id}`)), [
        "purchase.reversed",
        "purchase.paid"
      ])
      const all = yield* entries(member.id, "?size=200")
      assert.deepStrictEqual(typesOf(all), [
        "contact.interaction_state_changed",
        "purchase.reversed",
        "contact.interaction_state_changed",
        "purchase.paid",
        "contact.membership_changed",
        "contact.registered"
      ])
      assert.deepStrictEqual((yield* entries(member.id, "?size=200&order=ASC")).toReversed(), all)
    })
  )

  it.effect("FED-1: pages by cursor without gap or repetition, by types and by period", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const who = yield* Shop.person(server)
      for (let amount = 1; amount <= 5; amount++) yield* Shop.credit(server, who, amount)
      const all = yield* entries(who.id, "?size=200")
      const paged: Array<Entry> = []
      let cursor = ""
      do {
        const page = yield* feed(who.id, `?size=2${cursor}`)
        paged.push(...page.content)
        cursor = page.paging.has_more ? `&cursor=${page.paging.next_cursor}` : ""
      } while (cursor !== "")
      assert.deepStrictEqual(paged, all)
      assert.strictEqual(new Set(all.map(({ id }) => id)).size, all.length)
      const credits = yield* feed(who.id, "?type=wallet.credited,wallet.debited&include_total=true&size=1")
      assert.strictEqual(credits.paging.total, 5)
      const at = all[0]?.at ?? 0
      assert.deepStrictEqual(yield* entries(who.id, `?at[gt]=${at}`), [])
      assert.strictEqual((yield* entries(who.id, `?at[lte]=${at}&size=200`)).length, all.length)
      const get = (query: string) => server.request("GET", `${contacts}/${who.id}/activities?${query}`)
      assert.deepStrictEqual(pointersOf(yield* get("type=wallet.stolen")), ["/type"])
      assert.deepStrictEqual(pointersOf(yield* get("cursor=abc")), ["cursor"])
      assert.deepStrictEqual(pointersOf(yield* get("kind=wallet.credited")), ["/kind"])
    })
  )

  it.effect("FED-1: tells nothing of tokens and codes, and what people wrote only under text", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const who = yield* Shop.person(server)
      const token = bodyOf(
        yield* server.requestAs(who.token, "POST", `/self-service/v2/contacts/${who.id}/tokens`, { intent: "SPEND" }),
        200
      )
      const journal = { action: "CREDIT", amount: 3, currency_code: "EUR", notes: "για τα γενέθλιά της" }
      bodyOf(yield* server.request("POST", `/backoffice/v2/wallets/${who.id}/journals`, journal), 201)
      const found = yield* feed(who.id, "?size=200")
      const text = JSON.stringify(found)
      for (const secret of [token.value, token.alternative_token, token.id, who.code, who.walletCode, who.email]) {
        assert.notInclude(text, secret)
      }
      assert.deepStrictEqual(found.content[0].text, { notes: "για τα γενέθλιά της" })
    })
  )

  it.effect("CON-3, MKT-1: holds the tags, the consent and the opt-outs that the back office wrote down", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const who = yield* Shop.person(server)
      const path = `${contacts}/${who.id}`
      const put = (what: string, body: object) => server.request("PUT", `${path}/${what}`, body)
      assert.deepStrictEqual(bodyOf(yield* put("tags", { add: ["gold", "baker"] }), 200), { id: who.id })
      bodyOf(yield* put("tags", { add: ["vip"], remove: ["gold"] }), 200)
      bodyOf(yield* put("consent", { state: "WITHDRAWN" }), 409)
      bodyOf(yield* put("consent", { state: "ACCEPTED", form: { version: "3", hash: "9f" } }), 200)
      bodyOf(yield* put("communication_preferences", { email_opt_out: true, sms_opt_out: true }), 200)
      bodyOf(yield* put("communication_preferences", { sms_opt_out: false }), 200)
      bodyOf(yield* put("communication_preferences", {}), 400)
      bodyOf(yield* put("tags", { add: [" gold"] }), 400)
      assert.deepStrictEqual(pointersOf(yield* put("consent", { state: "MAYBE" })), ["/state"])
      const body = bodyOf(yield* server.request("GET", path), 200)
      assert.deepStrictEqual(
        (body.tags as ReadonlyArray<string>).toSorted((left, right) => left.localeCompare(right)),
        ["baker", "vip"]
      )
      assert.deepStrictEqual(body.consent, { state: "ACCEPTED" })
      assert.deepStrictEqual([body.email_opt_out, body.sms_opt_out], [true, false])
      const list = yield* entries(who.id, "?type=contact.tags_changed,contact.consent_changed,contact.opt_out_changed")
      assert.deepStrictEqual(
        list.map(({ type, state }) => state ?? type),
        ["OPTED_IN", "OPTED_OUT", "OPTED_OUT", "ACCEPTED", "contact.tags_changed", "contact.tags_changed"]
      )
    })
  )

  it.effect("CON-2, CON-5: leaves a contact what the business has set, and says why the rest is refused", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const who = yield* Shop.person(server)
      const settings = "/backoffice/v2/settings"
      const given = {
        consent_effects: { rejected: "NONE", withdrawn: "COMPLETE" },
        quiet_hours: { from: "21:00", until: "08:30" },
        frequency_caps: [{ channel: "EMAIL", maximum: 2, hours: 24 }]
      }
      const set = bodyOf(yield* server.request("PUT", settings, given), 200)
      assert.deepStrictEqual(
        { ...set, sharing_order: undefined, wallet_code_mode: undefined },
        {
          ...given,
          sharing_order: undefined,
          wallet_code_mode: undefined
        }
      )
      assert.deepStrictEqual(bodyOf(yield* server.request("GET", settings), 200), set)
      for (const bad of [
        { quiet_hours: { from: "9", until: "10:00" } },
        { quiet_hours: { from: "09:00", until: "09:00" } },
        { frequency_caps: [{ channel: "EMAIL", maximum: 101, hours: 1 }] },
        { frequency_caps: [{ channel: "EMAIL", maximum: 1, hours: 0 }] },
        { frequency_caps: [given.frequency_caps[0], given.frequency_caps[0]] },
        { frequency_caps: [{ channel: "PIGEON", maximum: 1, hours: 1 }] },
        { consent_effects: { rejected: "NONE" } }
      ]) {
        bodyOf(yield* server.request("PUT", settings, bad), 400)
      }
      bodyOf(yield* server.request("PUT", `${contacts}/${who.id}/consent`, { state: "REJECTED" }), 200)
      const refused = bodyOf(yield* server.request("PUT", `${contacts}/${who.id}`, { first_name: "Μαρία" }), 403)
      assert.strictEqual(refused.error, "KOINON.NO_CONSENT")
      bodyOf(yield* server.request("POST", "/backoffice/v2/purchases", Shop.receipt(server, who)), 403)
      bodyOf(yield* server.request("GET", `${contacts}/${who.id}/activities`), 200)
      bodyOf(yield* server.request("PUT", `${contacts}/${who.id}/consent`, { state: "ACCEPTED" }), 200)
      bodyOf(yield* server.request("PUT", `${contacts}/${who.id}`, { first_name: "Μαρία" }), 200)
      const cleared = { consent_effects: null, quiet_hours: null, frequency_caps: null }
      assert.deepStrictEqual(Object.keys(bodyOf(yield* server.request("PUT", settings, cleared), 200)), [
        "sharing_order",
        "wallet_code_mode"
      ])
    })
  )

  it.effect("sums up for her app what a contact did, without what was undone", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const [owner, member] = [yield* Shop.person(server), yield* Shop.person(server)]
      yield* Shop.credit(server, owner, 50)
      yield* Shop.credit(server, member, 20.5)
      yield* Shop.share(server, owner, member)
      const buy = () => Shop.made(server.request("POST", "/backoffice/v2/purchases", Shop.receipt(server, member)))
      const [, cancelled] = [yield* buy(), yield* buy()]
      yield* Shop.made(server.request("POST", `/backoffice/v2/purchases/${cancelled.id}/cancel`, {}))
      const transfer = { origin: { wallet_id: member.id }, destination: { wallet_id: owner.id }, amount: 4 }
      yield* Shop.made(server.requestAs(member.token, "POST", "/self-service/v2/transfers", transfer))
      const path = `/self-service/v2/contacts/${member.id}/analytics`
      const all = "metrics=ORDER_TOTALS,WALLET_TOTALS,AWARDS_PER_MONTH,REDEEMS_PER_MONTH"
      const get = (query: string) => server.requestAs(member.token, "GET", `${path}?${query}`)
      const found = bodyOf(yield* get(`frequency=LAST_QUARTER&${all}`), 200)
      assert.strictEqual(found.total_orders, 1)
      assert.deepStrictEqual(found.wallet_totals, {
        total_top_ups: 20.5,
        total_spent: 10,
        total_sent: 4,
        total_received: 10
      })
      // The owner sent what was drawn and stayed so; what was debited by hand is nobody's doing.
      const debit = { action: "DEBIT", amount: 3, currency_code: "EUR" }
      yield* Shop.made(server.request("POST", `/backoffice/v2/wallets/${owner.id}/journals`, debit))
      const owners = `/self-service/v2/contacts/${owner.id}/analytics?frequency=THIS_MONTH&metrics=WALLET_TOTALS`
      assert.deepStrictEqual(bodyOf(yield* server.requestAs(owner.token, "GET", owners), 200).wallet_totals, {
        total_top_ups: 50,
        total_spent: 0,
        total_sent: 10,
        total_received: 4
      })
      assert.strictEqual(found.awards_per_month.length, 3)
      assert.deepStrictEqual(
        found.redeems_per_month.map(({ amount }: { readonly amount: number }) => amount),
        [0, 0, 0]
      )
      const last = bodyOf(yield* get("frequency=LAST_MONTH&metrics=WALLET_TOTALS"), 200)
      assert.deepStrictEqual(last, {
        wallet_totals: { total_top_ups: 0, total_spent: 0, total_sent: 0, total_received: 0 }
      })
      assert.deepStrictEqual(pointersOf(yield* get("frequency=EVER&metrics=WALLET_TOTALS")), ["/frequency"])
      assert.deepStrictEqual(pointersOf(yield* get("frequency=THIS_MONTH&metrics=WALLET_TOTALS,STEPS")), ["/metrics"])
      bodyOf(yield* server.requestAs(owner.token, "GET", `${path}?frequency=THIS_MONTH&${all}`), 403)
    })
  )
})
