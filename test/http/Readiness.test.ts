/**
 * Readiness of a server whose database another session really blocks (P15): each way to stand still turns it red in time,
 * with its reason and its age, and green again when it is over. The bounds are shorter than those of an installation,
 * whose own are checked by their sum.
 */
import { assert, describe, it } from "@effect/vitest"
import { HealthBounds } from "#http/operator/HealthBounds.ts"
import type { Check, Readiness } from "#http/operator/OperatorApi.ts"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import { randomUUID } from "node:crypto"
import { inject } from "vitest"
import { parse, valueOf } from "../support/Exposition.ts"
import { eventually } from "../support/Eventually.ts"
import { credit, person, type Server } from "../support/LiveWorld.ts"
import { ok, receiver } from "../support/Receiver.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import { start } from "../support/TestServer.ts"

const bounds: HealthBounds = {
  laneStallMaxMs: 600,
  inboxAgeMaxMs: 800,
  // What a view does not want it passes over once a second.
  projectionLagMaxMs: 2_500,
  outboxStillMaxMs: 1_000,
  answerWithinMs: 1_000,
  keptMs: 50
}
const lookIntervalMs = 50
const waitMaxMs = 60_000
/** For a check that gets no answer at all, which is waited for many times. */
const impatientMs = 250
/** A busy machine keeps nobody waiting for so long; what traffic adds up does. */
const lenientMs = 8_000
const lenient: Partial<HealthBounds> = {
  laneStallMaxMs: lenientMs,
  inboxAgeMaxMs: lenientMs,
  projectionLagMaxMs: lenientMs,
  outboxStillMaxMs: lenientMs,
  answerWithinMs: lenientMs
}

/** A server, and a session of its database that can stand in its way. */
const disturbable = Effect.fnUntraced(function* (changed: Partial<HealthBounds> = {}) {
  const { url } = yield* TestDatabase.create
  const held: HealthBounds = Object.assign({}, bounds, changed)
  const environment = { DATABASE_URL: Redacted.value(url), KOINON_WEBHOOK_ALLOWED: "127.0.0.1" }
  const server = yield* Effect.provideService(start(environment), HealthBounds, held)
  const session = yield* PgConnection.make({ url })
  const query = (text: string) => Effect.orDie(session.query(text))
  const lock = (what: string) => Effect.andThen(query("BEGIN"), query(what))
  return { server, query, lock, release: query("ROLLBACK") }
})

interface Answer {
  readonly httpStatus: number
  readonly status: Readiness["status"]
  /** Those that are not as they should be. */
  readonly wrong: ReadonlyArray<string>
  readonly check: (name: string) => Check
}

const ready = (server: Server) =>
  Effect.map(server.request("GET", "/health/ready"), ({ status: httpStatus, body }): Answer => {
    const { status, checks } = body as Readiness
    const check = (name: string): Check => {
      const found = checks.find((each) => each.name === name)
      if (found === undefined) throw new Error(`no check is named ${name}`)
      return found
    }
    return { httpStatus, status, wrong: checks.filter((each) => each.status !== "pass").map(({ name }) => name), check }
  })

/** Asks until it is so; the last answer otherwise. What a busy machine makes late for a moment is not so for long. */
const readyWhen = Effect.fnUntraced(function* (server: Server, isSo: (answer: Answer) => boolean) {
  const until = performance.now() + waitMaxMs
  let answer = yield* ready(server)
  while (!isSo(answer) && performance.now() < until) {
    yield* Effect.sleep(lookIntervalMs)
    answer = yield* ready(server)
  }
  return answer
})

const isGreen = ({ httpStatus, status }: Answer): boolean => httpStatus === 200 && status === "pass"
const fails =
  (name: string) =>
  ({ httpStatus, wrong }: Answer): boolean =>
    httpStatus === 503 && wrong.includes(name)
const failsAlone =
  (name: string) =>
  (answer: Answer): boolean =>
    fails(name)(answer) && answer.wrong.length === 1

const gaugeOf = (server: Server, name: string) =>
  Effect.map(server.request("GET", "/metrics"), ({ body }) => valueOf(parse(String(body)), name))
const gaugeFalls = (server: Server, name: string) =>
  eventually(
    `${name} is 0`,
    Effect.map(gaugeOf(server, name), (value) => value === 0)
  )

describe("readiness", () => {
  it.live("turns red while a lock on a shard's epoch holds up the lane, and green when it is released (P15)", () =>
    Effect.gen(function* () {
      const { server, lock, release } = yield* disturbable()
      const contact = yield* person(server, "Eleni")
      yield* lock("SELECT * FROM shard_epoch FOR UPDATE")
      const stuck = yield* Effect.forkChild(credit(server, contact))
      const red = yield* readyWhen(server, failsAlone("lane"))
      const lane = red.check("lane")
      assert.match(lane.reason, /the commit under way has taken \d{3,} ms; 1 units wait for it/)
      assert.isAbove(lane.observed?.["stalled_ms"] ?? 0, bounds.laneStallMaxMs)
      assert.deepStrictEqual(red.wrong, ["lane"])
      assert.isAbove(yield* gaugeOf(server, "koinon_commit_under_way_seconds"), bounds.laneStallMaxMs / 1000)
      // It goes on being red, and says for how long.
      const later = yield* readyWhen(server, ({ check }) => (check("lane").observed?.["failing_ms"] ?? 0) > 0)
      assert.isAbove(later.check("lane").observed?.["failing_ms"] ?? 0, 0)
      yield* release
      const green = yield* readyWhen(server, isGreen)
      assert.deepStrictEqual([green.status, green.wrong], ["pass", []])
      yield* Fiber.join(stuck)
      yield* gaugeFalls(server, "koinon_commit_under_way_seconds")
    })
  )

  it.live("turns red while a view's table is locked, though nothing has failed, and green when it follows (P15)", () =>
    Effect.gen(function* () {
      const { server, lock, release } = yield* disturbable()
      yield* lock("LOCK TABLE contact_directory IN ACCESS EXCLUSIVE MODE")
      yield* person(server, "Eleni")
      const red = yield* readyWhen(server, failsAlone("projections"))
      const views = red.check("projections")
      assert.match(views.reason, /contact_directory is \d+ events behind, the oldest for \d{3,} ms/)
      assert.isAbove(views.observed?.["contact_directory_lag_ms"] ?? 0, bounds.projectionLagMaxMs)
      assert.deepStrictEqual(red.wrong, ["projections"])
      yield* release
      const lagOf = ({ check }: Answer) => check("projections").observed?.["contact_directory_lag_ms"]
      const green = yield* readyWhen(server, (answer) => isGreen(answer) && lagOf(answer) === 0)
      assert.deepStrictEqual([green.status, green.wrong, lagOf(green)], ["pass", [], 0])
    })
  )

  it.live("turns red with the age of accepted work that cannot be done, while commits go through (P8, P15)", () =>
    Effect.gen(function* () {
      const { server, query, lock, release } = yield* disturbable()
      const known = yield* person(server, "Eleni")
      // Whoever is not in memory cannot be loaded.
      yield* lock("LOCK TABLE snapshot IN ACCESS EXCLUSIVE MODE")
      const id = randomUUID()
      yield* server.actors.accept({
        business: server.businessId,
        key: randomUUID(),
        id,
        command: { _tag: "PostJournal", entryId: randomUUID(), action: "CREDIT", amount: 1n, currency: "EUR" }
      })
      const red = yield* readyWhen(server, fails("inbox"))
      const inbox = red.check("inbox")
      assert.match(inbox.reason, /the oldest undone work has been due for \d{3,} ms; 1 are due/)
      assert.isAbove(inbox.observed?.["oldest_due_ms"] ?? 0, bounds.inboxAgeMaxMs)
      yield* credit(server, known)
      const meanwhile = yield* readyWhen(server, ({ check }) => check("lane").status === "pass")
      assert.deepStrictEqual([meanwhile.check("lane").status, meanwhile.check("inbox").status], ["pass", "fail"])
      assert.isAbove(yield* gaugeOf(server, "koinon_inbox_oldest_due_seconds"), bounds.inboxAgeMaxMs / 1000)
      yield* release
      assert.deepStrictEqual((yield* readyWhen(server, isGreen)).wrong, [])
      yield* eventually(
        "it is done",
        Effect.map(query(`SELECT 1 FROM command WHERE id = '${id}'`), ({ rows }) => rows.length === 1)
      )
    })
  )

  it.live(
    "turns red while nothing of a queue is settled, not because a receiver hangs, and green when it is (P15)",
    () =>
      Effect.gen(function* () {
        const { server, lock, release } = yield* disturbable()
        const hanging: Array<() => void> = []
        const to = yield* receiver((...call) => void hanging.push(() => ok(...call)))
        const events = ["contact.registered"]
        const made = yield* server.request("POST", "/backoffice/v2/webhooks", { name: "Till", url: to.url, events })
        assert.strictEqual(made.status, 201)
        yield* person(server, "Eleni")
        yield* eventually(
          "the receiver has been called",
          Effect.sync(() => hanging.length > 0)
        )
        const isLate = ({ check }: Answer) =>
          (check("outbox").observed?.["webhook_oldest_due_ms"] ?? 0) > bounds.outboxStillMaxMs
        const late = yield* readyWhen(server, isLate)
        assert.deepInclude(late.check("outbox"), { status: "pass", reason: "the queues move" })
        // What came of the attempt cannot be written down.
        yield* lock("LOCK TABLE outbox_task IN EXCLUSIVE MODE")
        to.behave(ok)
        for (const answer of hanging) answer()
        const red = yield* readyWhen(server, fails("outbox"))
        const { reason, observed } = red.check("outbox")
        assert.match(
          reason,
          /^the webhook queue has stood still for \d{4,} ms; its oldest task has been due for \d{4,} ms$/
        )
        assert.isAbove(observed?.["webhook_still_ms"] ?? 0, bounds.outboxStillMaxMs)
        assert.strictEqual(observed?.["communication_still_ms"], 0)
        assert.isAbove(yield* gaugeOf(server, "koinon_outbox_still_seconds"), bounds.outboxStillMaxMs / 1000)
        yield* release
        assert.deepStrictEqual((yield* readyWhen(server, isGreen)).wrong, [])
        yield* gaugeFalls(server, "koinon_outbox_still_seconds")
      }).pipe(Effect.scoped)
  )

  it.live("turns red while the database lets nobody in, and green by itself when it does again (P15)", () =>
    Effect.gen(function* () {
      const { server, query } = yield* disturbable()
      const elsewhere = yield* PgConnection.make({ url: Redacted.make(inject("testServer").url) })
      const contact = yield* person(server, "Eleni")
      const { rows } = yield* query("SELECT current_database() AS name")
      const name = (rows[0] as unknown as { readonly name: string }).name
      yield* elsewhere.query(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS false`)
      yield* elsewhere.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`)
      const those = ["database", "inbox", "projections"]
      const red = yield* readyWhen(
        server,
        (answer) =>
          those.every((name) => fails(name)(answer)) && (answer.check("database").observed?.["failing_ms"] ?? 0) > 0
      )
      assert.match(red.check("database").reason, /the database does not answer|no answer within/)
      assert.isAbove(red.check("database").observed?.["failing_ms"] ?? 0, 0)
      assert.includeMembers([...red.wrong], those)
      const live = yield* server.request("GET", "/health/live")
      assert.strictEqual(live.status, 200)
      yield* elsewhere.query(`ALTER DATABASE ${name} WITH ALLOW_CONNECTIONS true`)
      assert.deepStrictEqual((yield* readyWhen(server, isGreen)).wrong, [])
      yield* credit(server, contact)
    })
  )

  it.live(
    "can be asked as often as one likes while nothing answers it: commands keep their connections (P11, P15)",
    () =>
      Effect.gen(function* () {
        const { server, lock, release } = yield* disturbable({ answerWithinMs: impatientMs, keptMs: 1 })
        const contact = yield* person(server, "Eleni")
        yield* lock("LOCK TABLE projection_cursor IN ACCESS EXCLUSIVE MODE")
        // More often than there are connections.
        for (let look = 0; look < 25; look++) {
          const red = yield* ready(server)
          assert.strictEqual(red.check("projections").reason, `no answer within ${impatientMs} ms`)
        }
        yield* Effect.timeout(credit(server, contact), waitMaxMs)
        yield* release
        assert.deepStrictEqual((yield* readyWhen(server, isGreen)).wrong, [])
      })
  )

  it.live("stays green under traffic (P15)", () =>
    Effect.gen(function* () {
      const { server } = yield* disturbable(lenient)
      const contact = yield* person(server, "Eleni")
      const traffic = yield* Effect.forkChild(Effect.forever(credit(server, contact, 1n)))
      const until = performance.now() + lenientMs + lookIntervalMs
      while (performance.now() < until) {
        assert.deepStrictEqual((yield* ready(server)).wrong, [])
        yield* Effect.sleep(lookIntervalMs)
      }
      yield* Fiber.interrupt(traffic)
    })
  )

  it.effect("is bounded by less than 30 seconds whatever stands still (P15)", () =>
    Effect.gen(function* () {
      const { answerWithinMs, keptMs, ...lasting } = yield* HealthBounds
      for (const [name, bound] of Object.entries(lasting)) {
        assert.isBelow(bound + answerWithinMs + keptMs, 30_000, name)
      }
    })
  )
})
