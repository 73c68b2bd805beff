/** AUT-1, AUT-6: what each trigger stands for sets off one run, of the contact that it acts for, over a whole server. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bodyOf } from "../support/HttpContacts.ts"
import * as Shop from "../support/Shop.ts"
import * as TestServer from "../support/TestServer.ts"
import { eventually } from "../support/Eventually.ts"

type Server = TestServer.TestServer["Service"]

const automations = "/backoffice/v2/automations"
const purchases = "/backoffice/v2/purchases"

/** The owner asks the member in, and she answers. */
const answered = Effect.fnUntraced(function* (server: Server, owner: Shop.Person, member: Shop.Person, action: string) {
  const body = { email: member.email }
  const path = `/self-service/v2/contacts/${owner.id}/people`
  const { id } = yield* Shop.made(server.requestAs(owner.token, "POST", path, body))
  const answering = `/self-service/v2/contacts/${member.id}/people/${id}/actions`
  yield* Shop.made(server.requestAs(member.token, "POST", answering, { action }))
})

/** Paid from her wallet: what is paid otherwise is no interaction. */
const bought = (server: Server, { id }: Shop.Person) =>
  Shop.made(server.request("POST", purchases, Shop.receipt(server, { id })))

interface Row {
  readonly trigger: string
  readonly when: string
  readonly actsFor: "owner" | "member"
  readonly happens: (server: Server, owner: Shop.Person, member: Shop.Person) => Effect.Effect<unknown>
}

const rows: ReadonlyArray<Row> = [
  {
    trigger: "COMMUNITY_EXPANDED",
    when: "the back office adds somebody",
    actsFor: "owner",
    happens: (server, owner, member) => Shop.share(server, owner, member)
  },
  {
    trigger: "COMMUNITY_EXPANDED",
    when: "an invitation is accepted",
    actsFor: "owner",
    happens: (server, owner, member) => answered(server, owner, member, "ACCEPT")
  },
  {
    trigger: "INVITATION_ACCEPTED",
    when: "she accepts an invitation",
    actsFor: "member",
    happens: (server, owner, member) => answered(server, owner, member, "ACCEPT")
  },
  {
    trigger: "INVITATION_REJECTED",
    when: "she declines an invitation",
    actsFor: "member",
    happens: (server, owner, member) => answered(server, owner, member, "REJECT")
  },
  {
    trigger: "PURCHASE_CANCELLED",
    when: "one of her purchases is cancelled",
    actsFor: "member",
    happens: Effect.fnUntraced(function* (server, _, member) {
      yield* Shop.credit(server, member, 10)
      const { id } = yield* bought(server, member)
      yield* Shop.made(server.request("POST", `${purchases}/${id}/cancel`, {}))
    })
  },
  {
    trigger: "INTERACTION_STATE_CHANGED",
    when: "she buys from her wallet for the first time, not the second",
    actsFor: "member",
    happens: Effect.fnUntraced(function* (server, _, member) {
      yield* Shop.credit(server, member, 20)
      yield* bought(server, member)
      yield* bought(server, member)
    })
  },
  {
    trigger: "ACTIVITY_SCHEDULED",
    when: "something is to be done for her",
    actsFor: "member",
    happens: (server, _, member) =>
      Shop.made(server.request("POST", `/backoffice/v2/contacts/${member.id}/activities/open`, { type: "CALL" }))
  }
]

layer(TestServer.layer)("the triggers of automations", (it) => {
  for (const { trigger, when, actsFor, happens } of rows) {
    it.effect(`AUT-1, AUT-6: ${trigger} sets off one run of the ${actsFor} when ${when}`, () =>
      Effect.gen(function* () {
        const server = yield* TestServer.TestServer
        const body = { name: `${trigger}: ${when}`, trigger, actions: [{ type: "TAG", add: ["acted for"] }] }
        const { id } = yield* Shop.made(server.request("POST", automations, body))
        const who = { owner: yield* Shop.person(server), member: yield* Shop.person(server) }
        const runs = Effect.map(
          server.request("GET", `${automations}/${id}/runs`),
          (found) => bodyOf(found, 200).content
        )
        assert.deepStrictEqual(yield* runs, [], "nothing has happened yet")
        yield* happens(server, who.owner, who.member)
        yield* eventually(
          "a run is completed",
          Effect.map(runs, (all) => all.some(({ state }: { state: string }) => state === "COMPLETED"))
        )
        const [run, ...more] = yield* runs
        assert.deepStrictEqual(more, [])
        assert.deepInclude(run, { trigger, contact: { id: who[actsFor].id }, state: "COMPLETED", actions_done: 1 })
        const tagsOf = (contact: string) =>
          Effect.map(
            server.request("GET", `/backoffice/v2/contacts/${contact}`),
            (found) => bodyOf(found, 200).tags ?? []
          )
        assert.deepStrictEqual(yield* tagsOf(who[actsFor].id), ["acted for"])
        assert.deepStrictEqual(yield* tagsOf(who[actsFor === "owner" ? "member" : "owner"].id), [])
        yield* server.request("DELETE", `${automations}/${id}`)
      })
    )
  }
})
