/** Messages that wait for the end of quiet hours, and what becomes of them when the business has others, over a whole server. */
import { assert, layer } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { eventually } from "../support/Eventually.ts"
import { bodyOf } from "../support/HttpContacts.ts"
import { delivery, ended, greekMail, send, template } from "../support/Messages.ts"
import * as Shop from "../support/Shop.ts"
import * as TestServer from "../support/TestServer.ts"

const hourMs = 60 * 60_000
const minuteOf = (at: number): string => new Date(at).toISOString().slice(11, 16)

layer(TestServer.layer, { excludeTestServices: true })("quiet hours that are changed", (it) => {
  it.effect("MKT-1, CON-6: let go at once what waited for their end, but to nobody who opted out meanwhile", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const now = yield* Clock.currentTimeMillis
      const settings = (given: object) =>
        Effect.map(server.request("PUT", "/backoffice/v2/settings", given), (response) => bodyOf(response, 200))
      const [patient, gone] = [
        yield* Shop.person(server, { time_zone: "UTC" }),
        yield* Shop.person(server, { time_zone: "UTC" })
      ]
      const templateId = yield* template(server, greekMail)
      yield* settings({ quiet_hours: { from: minuteOf(now - hourMs), until: minuteOf(now + 6 * hourMs) } })
      const [waiting, unwanted] = [yield* send(server, patient, templateId), yield* send(server, gone, templateId)]
      const waitsPast = (id: string, at: number) =>
        eventually(
          `${id} waits`,
          Effect.map(delivery(server, id), ({ next_attempt_on }) => next_attempt_on * 1_000 > at)
        )
      for (const id of [waiting, unwanted]) yield* waitsPast(id, now + 5 * hourMs)

      yield* settings({ quiet_hours: { from: minuteOf(now - hourMs), until: minuteOf(now + 8 * hourMs) } })
      yield* waitsPast(waiting, now + 7 * hourMs)
      const optOut = { email_opt_out: true }
      bodyOf(yield* server.request("PUT", `/backoffice/v2/contacts/${gone.id}`, optOut), 200)
      yield* settings({ quiet_hours: null })
      assert.strictEqual((yield* ended(server, waiting, "COMPLETED")).gateway, "OUTBOX")
      assert.strictEqual((yield* ended(server, unwanted, "REJECTED")).reason, "OPTED_OUT")
    })
  )
})
