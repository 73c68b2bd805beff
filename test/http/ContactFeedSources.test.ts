/**
 * The activity feed beyond a contact's own stream: her community, refused purchases, requests that waited, joins and leaves
 * of segments, and the way from an effect back to its cause.
 */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { saveAutomation } from "../support/Automations.ts"
import { eventually } from "../support/Eventually.ts"
import { bodyOf, contact, type HttpContact } from "../support/HttpContacts.ts"
import { ended, greekMail, template } from "../support/Messages.ts"
import * as Shop from "../support/Shop.ts"
import * as TestServer from "../support/TestServer.ts"

interface Entry {
  readonly id: string
  readonly type: string
  readonly at: number
  readonly state?: string
  readonly reason?: string
  readonly name?: string
  readonly draft?: boolean
  readonly links: Readonly<Record<string, string>>
  readonly cause?: {
    readonly run_id: string
    readonly chain: ReadonlyArray<string>
    readonly event_id?: string
    readonly purchase_id?: string
  }
}

const feed = Effect.fnUntraced(function* (id: string, query = "") {
  const server = yield* TestServer.TestServer
  return bodyOf(yield* server.request("GET", `/backoffice/v2/contacts/${id}/activities${query}`), 200)
})
const entries = (id: string, query = "?size=200") =>
  Effect.map(feed(id, query), ({ content }) => content as ReadonlyArray<Entry>)
const typesOf = (list: ReadonlyArray<Entry>) => list.map(({ type }) => type)

const own = (id: string) => `/self-service/v2/contacts/${id}`
const invited = Effect.fnUntraced(function* (owner: HttpContact, member: HttpContact) {
  const server = yield* TestServer.TestServer
  const body = { phone: { country_code: "CYP", number: member.phone } }
  return bodyOf(yield* server.requestAs(owner.accessToken, "POST", `${own(owner.id)}/people`, body), 201).id as string
})
const answered = Effect.fnUntraced(function* (member: HttpContact, relationshipId: string, action: string) {
  const server = yield* TestServer.TestServer
  const path = `${own(member.id)}/people/${relationshipId}/actions`
  bodyOf(yield* server.requestAs(member.accessToken, "POST", path, { action }), 200)
})

/** Segments that follow each commit, of whoever has a tag. */
const liveSegment = Effect.fnUntraced(function* (name: string, tag: string) {
  const server = yield* TestServer.TestServer
  const sets = [{ conditions: [{ type: "LIST", field: "tags", operator: "HAS_ANY", values: [tag] }] }]
  const path = "/backoffice/v2/segments"
  const { id } = bodyOf(yield* server.request("POST", path, { name, sets, refresh: { mode: "LIVE" } }), 201)
  yield* eventually(
    "the segment is ready",
    Effect.map(server.request("GET", `${path}/${id}`), ({ body }) => body.membership.state === "READY")
  )
  return id as string
})
const tagged = Effect.fnUntraced(function* (id: string, change: object) {
  const server = yield* TestServer.TestServer
  bodyOf(yield* server.request("PUT", `/backoffice/v2/contacts/${id}/tags`, change), 200)
})
const once = (id: string, query: string) =>
  eventually(
    `the feed has ${query}`,
    Effect.map(entries(id, query), ([entry]) => entry)
  )

layer(TestServer.layer)("the activity feed of a contact", (it) => {
  it.effect(
    "FED-1, COM-1: tells the owner of a community who was invited, accepted, rejected, left and was removed",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer.TestServer
        const [owner, first, second] = [yield* contact(server), yield* contact(server), yield* contact(server)]
        const relation = yield* invited(owner, first)
        yield* answered(first, relation, "ACCEPT")
        yield* answered(second, yield* invited(owner, second), "REJECT")
        const leaving = `${own(first.id)}/communities/${owner.id}`
        bodyOf(yield* server.requestAs(first.accessToken, "DELETE", leaving), 204)
        const { id: added } = yield* Shop.made(
          server.request("POST", `/backoffice/v2/contacts/${owner.id}/people`, { contact: { id: first.id } })
        )
        bodyOf(yield* server.requestAs(owner.accessToken, "DELETE", `${own(owner.id)}/people/${added}`), 204)
        const list = yield* entries(owner.id)
        assert.deepStrictEqual(
          list.map(({ type, state, links }) => [type, state, links["counterpart_id"]]),
          [
            ["community.person_removed", "REMOVED", first.id],
            ["community.person_invited", "ACCEPTED", first.id],
            ["community.person_left", "LEFT", first.id],
            ["community.person_rejected", "REJECTED", second.id],
            ["community.person_invited", "PENDING", second.id],
            ["community.person_accepted", "ACCEPTED", first.id],
            ["community.person_invited", "PENDING", first.id],
            ["contact.registered", undefined, undefined]
          ]
        )
        assert.deepStrictEqual(typesOf(yield* entries(owner.id, `?linked_to=${relation}`)), [
          "community.person_left",
          "community.person_accepted",
          "community.person_invited"
        ])
        const text = JSON.stringify(list)
        for (const hers of [first.phone, first.email]) assert.notInclude(text, hers)
      })
  )

  it.effect("FED-1, PUR-6: tells of a purchase that was refused, and why", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const [owner, member] = [yield* Shop.person(server), yield* Shop.person(server)]
      yield* Shop.share(server, owner, member)
      bodyOf(yield* server.request("POST", "/backoffice/v2/purchases", Shop.receipt(server, member)), 400)
      const [refused, ...rest] = yield* entries(member.id, "?type=purchase.refused")
      assert.deepStrictEqual(rest, [])
      assert.deepInclude(refused, { state: "REFUSED", reason: "InsufficientFunds" })
      const [linked] = yield* entries(member.id, `?linked_to=${refused?.links["purchase_id"]}`)
      assert.deepStrictEqual(linked, refused)
      assert.deepStrictEqual(yield* entries(owner.id, "?type=purchase.refused"), [])
    })
  )

  it.effect("FED-1, AUT-5: holds requests that waited as drafts, and what was decided of them", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const who = yield* Shop.person(server)
      yield* saveAutomation(server, "hold-changes", {
        trigger: "PRIOR_TO_UPDATE",
        filter: [{ conditions: [{ type: "COMPARISON", field: "last_name", operator: "EQUAL", value: "Κράτα" }] }],
        actions: [{ _tag: "HOLD" }]
      })
      const change = { last_name: "Κράτα" }
      bodyOf(yield* server.request("PUT", `/backoffice/v2/contacts/${who.id}`, change), 202)
      const [held] = yield* entries(who.id, "?type=request.held")
      assert.deepInclude(held, { state: "PENDING", draft: true, name: "PRIOR_TO_UPDATE" })
      const approval = held?.links["approval_id"] ?? ""
      bodyOf(yield* server.request("POST", `/backoffice/v2/approvals/${approval}/approve`, {}), 200)
      const list = yield* entries(who.id)
      assert.deepStrictEqual(typesOf(list).toSorted(), [
        "contact.registered",
        "contact.updated",
        "request.approved",
        "request.held"
      ])
      const [approved] = yield* entries(who.id, `?linked_to=${approval}`)
      assert.deepInclude(approved, { type: "request.approved", state: "APPROVED" })
      const requests = list.filter(({ type }) => type.startsWith("request."))
      assert.notInclude(JSON.stringify(requests), "Κράτα")
    })
  )

  it.effect("FED-1, SEG-4: tells which segments she joined and left, and why", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const who = yield* Shop.person(server)
      const segment = yield* liveSegment("Bakers", "baker")
      yield* tagged(who.id, { add: ["baker"] })
      yield* once(who.id, "?type=segment.joined")
      yield* tagged(who.id, { remove: ["baker"] })
      const left = yield* once(who.id, "?type=segment.left")
      const list = yield* entries(who.id)
      const links = { segment_id: segment, event_id: list[1]?.id ?? "" }
      assert.deepInclude(left, { state: "LEFT", reason: "EVENT", name: "Bakers", links })
      assert.deepStrictEqual(typesOf(list), [
        "segment.left",
        "contact.tags_changed",
        "segment.joined",
        "contact.tags_changed",
        "contact.registered"
      ])
      assert.deepStrictEqual(typesOf(yield* entries(who.id, `?linked_to=${segment}`)), [
        "segment.left",
        "segment.joined"
      ])
    })
  )

  it.effect(
    "FED-1: pages through all sources in both orders without gap or repetition, whatever arrives meanwhile",
    () =>
      Effect.gen(function* () {
        const server = yield* TestServer.TestServer
        const [owner, member] = [yield* Shop.person(server), yield* Shop.person(server)]
        yield* liveSegment("Readers", "reader")
        for (let round = 0; round < 3; round++) {
          yield* Shop.share(server, owner, member, { max_amount: 50 + round })
          yield* tagged(owner.id, round % 2 === 0 ? { add: ["reader"] } : { remove: ["reader"] })
          yield* Shop.credit(server, owner, 1 + round)
          const { content } = bodyOf(yield* server.request("GET", `/backoffice/v2/contacts/${owner.id}/people`), 200)
          const removal = `${own(owner.id)}/people/${content[0].id}`
          bodyOf(yield* server.requestAs(owner.token, "DELETE", removal), 204)
          yield* eventually(
            "the segment was judged",
            Effect.map(entries(owner.id, "?type=segment.joined,segment.left"), (moves) => moves.length === round + 1)
          )
        }
        const all = yield* entries(owner.id)
        assert.lengthOf(all, 16)
        assert.strictEqual(new Set(all.map(({ id }) => id)).size, all.length)
        assert.deepStrictEqual((yield* entries(owner.id, "?size=200&order=ASC")).toReversed(), all)
        for (const order of ["ASC", "DESC"]) {
          const paged: Array<Entry> = []
          let cursor = ""
          do {
            const page = yield* feed(owner.id, `?size=3&order=${order}&include_total=true${cursor}`)
            assert.strictEqual(page.paging.total, all.length)
            paged.push(...page.content)
            cursor = page.paging.has_more ? `&cursor=${page.paging.next_cursor}` : ""
          } while (cursor !== "")
          assert.deepStrictEqual(order === "DESC" ? paged : paged.toReversed(), all)
        }
        const numbered = yield* entries(owner.id, "?size=3&page=2")
        assert.deepStrictEqual(numbered, all.slice(3, 6))
        // A source that had nothing newer than the page gets something: it does not come into the pages behind.
        const first = yield* feed(owner.id, "?size=3")
        bodyOf(yield* server.request("POST", "/backoffice/v2/purchases", Shop.receipt(server, owner)), 400)
        yield* Shop.share(server, owner, member)
        const second = yield* entries(owner.id, `?size=200&cursor=${first.paging.next_cursor}`)
        assert.deepStrictEqual([...first.content, ...second], all)
        for (const forged of [
          ["feed DESC", "1,2", ""],
          ["feed DESC", "1,2,3,x", ""],
          ["feed DESC", 7, ""]
        ]) {
          const text = Buffer.from(JSON.stringify(forged)).toString("base64url")
          const path = `/backoffice/v2/contacts/${owner.id}/activities?cursor=${text}`
          bodyOf(yield* server.request("GET", path), 400)
        }
      })
  )

  it.effect("FED-1: leads from a purchase to what an automation did because of it, and back", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const who = yield* Shop.person(server)
      yield* Shop.credit(server, who, 20)
      const templateId = yield* template(server, { ...greekMail, purpose: "MANDATORY" })
      const trigger = "PURCHASE_POSTED"
      const { id: thanks } = yield* Shop.made(
        server.request("POST", "/backoffice/v2/automations", {
          name: "Thanks",
          trigger,
          actions: [
            { type: "COMMUNICATION", template_id: templateId, channel: "EMAIL", purpose: "MANDATORY" },
            { type: "ACTIVITY", activity_type: "CALL", subject: "Say thanks" },
            { type: "TAG", add: ["buyer"], remove: [] }
          ]
        })
      )
      // A second step: what the first one did sets it off.
      const { id: welcome } = yield* Shop.made(
        server.request("POST", "/backoffice/v2/automations", {
          name: "Welcome",
          trigger: "TAGS_CHANGED",
          actions: [{ type: "ACTIVITY", activity_type: "CALL", subject: "Welcome" }]
        })
      )
      const purchase = yield* Shop.made(server.request("POST", "/backoffice/v2/purchases", Shop.receipt(server, who)))
      const second = yield* eventually(
        "both automations have done their part",
        Effect.map(entries(who.id, "?type=activity.scheduled"), (list) =>
          list.find(({ cause }) => cause?.chain.includes(welcome))
        )
      )
      const [paid] = yield* entries(who.id, "?type=purchase.paid")
      const linked = yield* entries(who.id, `?linked_to=${purchase.id}&size=200`)
      assert.includeMembers(typesOf(linked), [
        "purchase.paid",
        "communication.requested",
        "activity.scheduled",
        "contact.tags_changed"
      ])
      // Back: each names the entry that set it off, whose run names it as well.
      const [message] = linked.filter(({ type }) => type === "communication.requested")
      assert.deepStrictEqual(message?.cause, {
        run_id: message?.cause?.run_id ?? "",
        chain: [thanks],
        event_id: paid?.id ?? "",
        purchase_id: purchase.id
      })
      const run = bodyOf(yield* server.request("GET", `/backoffice/v2/automation_runs/${message?.cause?.run_id}`), 200)
      assert.deepInclude(run, { event_id: paid?.id, trigger })
      const { content: runs } = bodyOf(yield* server.request("GET", `/backoffice/v2/automations/${thanks}/runs`), 200)
      assert.strictEqual(runs[0].event_id, paid?.id)
      assert.sameMembers(typesOf(yield* entries(who.id, `?linked_to=${run.event_id}`)), [
        "purchase.paid",
        "communication.requested",
        "activity.scheduled",
        "contact.tags_changed"
      ])
      const [tags] = linked.filter(({ type }) => type === "contact.tags_changed")
      assert.deepInclude(second.cause, { event_id: tags?.id ?? "", purchase_id: purchase.id })
      const messageId = message?.links["communication_id"] ?? ""
      yield* ended(server, messageId, "COMPLETED")
      assert.deepStrictEqual(typesOf(yield* entries(who.id, `?linked_to=${messageId}`)), [
        "communication.completed",
        "communication.requested"
      ])
    })
  )

  it.effect("FED-1, SEG-4: leads to a join or leave of a segment where that set the automation off", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const who = yield* Shop.person(server)
      const segment = yield* liveSegment("Walkers", "walker")
      const { id } = yield* Shop.made(
        server.request("POST", "/backoffice/v2/automations", {
          name: "Walk",
          trigger: "SEGMENT_JOINED",
          segment_id: segment,
          actions: [{ type: "ACTIVITY", activity_type: "CALL" }]
        })
      )
      yield* tagged(who.id, { add: ["walker"] })
      const joined = yield* once(who.id, "?type=segment.joined")
      const caused = yield* once(who.id, `?type=activity.scheduled&linked_to=${joined.id}`)
      assert.strictEqual(caused.cause?.event_id, joined.id)
      const { content } = bodyOf(yield* server.request("GET", `/backoffice/v2/automations/${id}/runs`), 200)
      assert.strictEqual(content[0].event_id, joined.id)
    })
  )
})
