/** What a victim and her business have besides money: one of each thing that a stranger might ask for by its id. */
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { saveAutomation } from "./Automations.ts"
import { ended, greekMail, send, template } from "./Messages.ts"
import * as Shop from "./Shop.ts"
import type { TestServer } from "./TestServer.ts"

type Server = TestServer["Service"]

const inApp = { en: { title: "Hello", text: "Hello #FIRST_NAME#" } }

/** Her device, a message to her, an activity, an award, a change that is held. */
const ofContact = Effect.fnUntraced(function* (server: Server, victim: Shop.Person) {
  const inbox = yield* template(server, { ...greekMail, channel: "INAPP", variants: inApp })
  const message = yield* send(server, victim, inbox)
  // What goes on by itself is over before anything is counted.
  yield* ended(server, message, "COMPLETED")
  const device = { platform: "MOBILE", registration_token: randomUUID() }
  const devices = `/self-service/v2/contacts/${victim.id}/devices`
  const { id: deviceId } = yield* Shop.made(server.requestAs(victim.token, "POST", devices, device))
  const activity = yield* Shop.made(
    server.request("POST", `/backoffice/v2/contacts/${victim.id}/activities/open`, { type: "CALL" })
  )
  const award = yield* Shop.made(
    server.request("POST", `/backoffice/v2/contacts/${victim.id}/awards`, { name: "Points", amount: 1 })
  )
  yield* saveAutomation(server, "hold", {
    trigger: "PRIOR_TO_UPDATE",
    filter: [{ conditions: [{ type: "COMPARISON", field: "middle_name", operator: "EQUAL", value: "Held" }] }],
    actions: [{ _tag: "HOLD" }]
  })
  yield* Shop.made(server.request("PUT", `/backoffice/v2/contacts/${victim.id}`, { middle_name: "Held" }))
  const { content } = yield* Shop.made(server.request("GET", "/backoffice/v2/approvals?type=REQUEST"))
  return {
    communications: message,
    deliveries: message,
    devices: deviceId as string,
    open: activity.id as string,
    awards: award.id as string,
    approvals: content[0].id as string
  }
})

/** By the word before the id in a path, or by two words where one is not enough. */
export const arrange = Effect.fnUntraced(function* (server: Server, victim: Shop.Person) {
  // Of a name that nobody has: nothing is ever sent.
  const hook = { name: "Hook", url: "https://hooks.invalid.example/", events: ["segment.left"] }
  const webhook = yield* Shop.made(server.request("POST", "/backoffice/v2/webhooks", hook))
  const tested = yield* Shop.made(server.request("POST", `/backoffice/v2/webhooks/${webhook.id}/test`, {}))
  // A run that waits, and changes nothing by itself.
  const automation = yield* Shop.made(
    server.request("POST", "/backoffice/v2/automations", {
      name: "Ask first",
      trigger: "WALLET_CREDITED",
      actions: [{ type: "APPROVAL" }]
    })
  )
  yield* Shop.credit(server, victim, 100)
  const runs = yield* Shop.made(server.request("GET", `/backoffice/v2/automations/${automation.id}/runs`))
  const everybody = { name: "Everybody", sets: [{ conditions: [] }], refresh: { mode: "ON_DEMAND" } }
  const segment = yield* Shop.made(server.request("POST", "/backoffice/v2/segments", everybody))
  return {
    ...(yield* ofContact(server, victim)),
    webhooks: webhook.id as string,
    "webhooks/deliveries": tested.delivery_id as string,
    automations: automation.id as string,
    automation_runs: runs.content[0].id as string,
    segments: segment.id as string,
    members: victim.id
  }
})
