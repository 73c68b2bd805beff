import { assert, layer } from "@effect/vitest"
import type { Command } from "#domain/Command.ts"
import { communicationTasks, communicationView, taskOf } from "#runtime/communication/CommunicationView.ts"
import * as Outbox from "#runtime/outbox/Outbox.ts"
import * as Effect from "effect/Effect"
import { SqlClient } from "effect/sql/SqlClient"
import { outboxSide } from "./OutboxWorld.ts"
import { ask, open, person, withProjector } from "./ReadSide.ts"
import { businessId, contactId } from "./SampleCommands.ts"

const idOf = (number: number): string => `0195a7d4-0000-8000-8000-${String(number).padStart(12, "0")}`
const tell = (contact: number, command: Command) => ask({ business: businessId, key: contactId(contact), command })

const request = (contact: number, number: number, values?: Readonly<Record<string, unknown>>) =>
  tell(contact, {
    _tag: "RequestCommunication",
    communicationId: idOf(number),
    channel: number % 2 === 0 ? "EMAIL" : "SMS",
    purpose: "MARKETING",
    name: "Birthday",
    templateId: idOf(900),
    ...(values !== undefined && { values })
  })
const communicationId = (number: number) => ({ communicationId: idOf(number) })

/** Six messages of two contacts, each as far as it has got. */
const history = Effect.gen(function* () {
  yield* open
  yield* ask(person(1))
  yield* ask(person(2))
  for (const number of [0, 1, 2, 3, 4, 5]) yield* request(1 + (number % 2), number, { note: "her own words" })
  yield* tell(1, { _tag: "AuthorizeSend", ...communicationId(0) })
  const sent = { language: "el", recipient: "eleni@example.com", gateway: "MAIL" } as const
  yield* tell(1, { _tag: "CompleteCommunication", ...communicationId(0), ...sent })
  yield* tell(1, { _tag: "MarkCommunication", ...communicationId(0), mark: "CLICKED", link: 0 })
  yield* tell(1, { _tag: "MarkCommunication", ...communicationId(0), mark: "VIEWED" })
  yield* tell(1, { _tag: "MarkCommunication", ...communicationId(0), mark: "ARCHIVED" })
  yield* tell(2, { _tag: "RejectCommunication", ...communicationId(1), reason: "NO_ADDRESS" })
  yield* tell(1, { _tag: "AuthorizeSend", ...communicationId(2) })
})

interface Row {
  readonly id: string
  readonly state: string
  readonly reason: string | null
  readonly gateway: string | null
  readonly archived: boolean
  readonly viewed_at: bigint | null
  readonly clicked_at: bigint | null
}
const rows = Effect.flatMap(SqlClient, (sql) => sql.unsafe<Row>("SELECT * FROM communication ORDER BY id"))
const caughtUp = (name: string) => withProjector((projector) => projector.waitFor(name), [communicationView])

layer(outboxSide, { excludeTestServices: true })("the view of messages", (it) => {
  it.effect("says how far each has got, and is row by row the same when it is read anew (P9)", () =>
    Effect.gen(function* () {
      yield* history
      yield* caughtUp("communication")
      const before = yield* rows
      assert.deepStrictEqual(
        before.map(({ state, reason, gateway }) => [state, reason, gateway]),
        [
          ["COMPLETED", null, "MAIL"],
          ["REJECTED", "NO_ADDRESS", null],
          ["PENDING", null, null],
          ["PENDING", null, null],
          ["PENDING", null, null],
          ["PENDING", null, null]
        ]
      )
      assert.isTrue(before[0]?.archived)
      assert.strictEqual(before[0]?.viewed_at, before[0]?.clicked_at, "whoever followed a link has seen it")
      yield* withProjector(
        (projector) => Effect.andThen(projector.rebuild("communication"), projector.waitFor("communication")),
        [communicationView]
      )
      assert.deepStrictEqual(yield* rows, before)
    })
  )

  it.effect(
    "stands beside one task for each message, however often the journal is read; each waits in a lane of its own kind",
    () =>
      Effect.gen(function* () {
        const outbox = yield* Outbox.Outbox
        const tasks = communicationTasks(outbox.enqueue)
        const name = tasks.name
        yield* withProjector((projector) => projector.waitFor(name), [tasks])
        yield* withProjector((projector) => Effect.andThen(projector.rebuild(name), projector.waitFor(name)), [tasks])
        const sql = yield* SqlClient
        const stored = yield* sql.unsafe<{ id: string; lane: string; body: string }>(
          "SELECT * FROM outbox_task ORDER BY id"
        )
        const expected = [0, 1, 2, 3, 4, 5].map((number) => taskOf(businessId, idOf(number)))
        assert.deepStrictEqual(
          stored.map(({ id }) => id),
          expected.toSorted()
        )
        assert.strictEqual(
          new Set(stored.map(({ lane }) => lane)).size,
          2,
          "a contact's mail, and the other's messages"
        )
        assert.notInclude(stored.map(({ body }) => body).join(), "her own words")
        const first = yield* outbox.get(businessId, taskOf(businessId, idOf(0)))
        assert.deepInclude(first?.body as object, { communicationId: idOf(0), values: { note: "her own words" } })
      })
  )

  it.effect("is not stopped by a message that brings more than a task may hold", () =>
    Effect.gen(function* () {
      const outbox = yield* Outbox.Outbox
      yield* request(1, 7, { text: "x".repeat(600_000) })
      const tasks = communicationTasks(outbox.enqueue)
      yield* withProjector((projector) => projector.waitFor(tasks.name), [tasks])
      const task = yield* outbox.get(businessId, taskOf(businessId, idOf(7)))
      assert.deepInclude(task?.body as object, { tooLong: true })
      assert.notProperty(task?.body, "values")
    })
  )
})
