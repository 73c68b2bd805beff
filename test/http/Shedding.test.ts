/** Who is let in under overload (P11): the least important go first, and as much is done as can be done. */
import { assert, describe, it } from "@effect/vitest"
import { endpoints } from "#http/Api.ts"
import { RateLimit } from "#http/door/RateLimit.ts"
import { commitAgeMaxMs, CurrentGate, Gate, type Priority, priorityOf, type Readings } from "#http/door/Shedding.ts"
import * as HealthChecks from "#http/operator/HealthChecks.ts"
import * as Actors from "#runtime/actor/Actors.ts"
import * as Sealer from "#runtime/privacy/Sealer.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import { Journal } from "#runtime/journal/Journal.ts"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { eventually } from "../support/Eventually.ts"
import * as Shop from "../support/Shop.ts"
import * as TestDatabase from "../support/TestDatabase.ts"
import { start } from "../support/TestServer.ts"

const [list, batch, read, write] = [0, 1, 2, 3] as const
const classes = [list, batch, read, write]
const calm: Readings = { unitsWaiting: 0, units: 0, commitAgeMs: 0 }
const lookMs = 100

const begin = (gate: Gate, count: number): void => {
  for (let each = 0; each < count; each++) gate.begin()
}
const leave = (gate: Gate, count: number): void => {
  for (let each = 0; each < count; each++) gate.leave()
}
const letIn = (gate: Gate): ReadonlyArray<Priority> =>
  classes.filter((priority) => gate.refuses(priority) === undefined)

/** So many a second are asked for and done at once, for a second. */
const goesOn = (gate: Gate, perSecond: number, from: number): number => {
  let now = from
  for (let look = 0; look < 10; look++) {
    begin(gate, perSecond / 10)
    leave(gate, perSecond / 10)
    now += lookMs
    gate.look(now, calm)
  }
  return now
}

describe("a gate", () => {
  it("turns lists and batches away first, then reads, then writes (P11)", () => {
    const gate = new Gate(250)
    gate.look(0, calm)
    const seen: Array<ReadonlyArray<Priority>> = []
    for (let more = 0; more <= 256; more += 64) {
      seen.push(letIn(gate))
      begin(gate, 64)
    }
    assert.deepStrictEqual(seen, [[list, batch, read, write], [list, batch, read, write], [read, write], [write], []])
    const problem = gate.refuses(write)
    assert.deepStrictEqual([problem?.status, problem?.code], [503, "KOINON.OVERLOADED"])
    assert.isAtLeast(problem?.retryAfterSeconds ?? 0, 1)
  })

  it("lets a class in again only when a quarter of its ceiling is free", () => {
    const gate = new Gate(250)
    gate.look(0, calm)
    begin(gate, 256)
    assert.isDefined(gate.refuses(write))
    leave(gate, 64)
    assert.isDefined(gate.refuses(write))
    leave(gate, 1)
    assert.isUndefined(gate.refuses(write))
    begin(gate, 64)
    assert.isUndefined(gate.refuses(write), "it stays open until the ceiling is reached again")
  })

  it("lets in as many as get done within the wait that is bearable (Little's law)", () => {
    const gate = new Gate(250)
    const now = goesOn(gate, 8_000, 0)
    begin(gate, 1_999)
    assert.deepStrictEqual(letIn(gate), [write])
    begin(gate, 1)
    assert.deepStrictEqual(letIn(gate), [])
    // They get done four times as slowly: the ceiling follows the rate down.
    for (let look = 1; look <= 20; look++) {
      begin(gate, 200)
      leave(gate, 200)
      gate.look(now + look * lookMs, calm)
    }
    const { ceilings } = gate.statistics
    assert.closeTo(ceilings.find(({ kind }) => kind === "write")?.ceiling ?? 0, 500, 30)
  })

  it("counts what waits before anybody can count it: a late runner takes writes at its least and nothing else", () => {
    const gate = new Gate(250)
    let now = goesOn(gate, 8_000, 0)
    for (let look = 0; look < 8; look++) {
      now += 600
      begin(gate, 4_800)
      leave(gate, 4_800)
      gate.look(now, calm)
    }
    // Whoever has so little to do is late for another reason: a handful is let in.
    begin(gate, 15)
    assert.deepStrictEqual(letIn(gate), [list, batch, read, write])
    begin(gate, 1)
    assert.deepStrictEqual(letIn(gate), [write])
    begin(gate, 240)
    assert.deepStrictEqual(letIn(gate), [])
    leave(gate, 256)
    for (let look = 0; look < 8; look++) gate.look((now += lookMs), calm)
    assert.deepStrictEqual(letIn(gate), [list, batch, read, write])
  })

  it("turns away what needs the lane when commits stall, and goes on with reads", () => {
    const gate = new Gate(250)
    gate.look(0, { ...calm, commitAgeMs: commitAgeMaxMs + 1 })
    assert.deepStrictEqual(letIn(gate), [list, read])
    assert.strictEqual(gate.refuses(write)?.code, "KOINON.COMMITS_STALLED")
    gate.look(lookMs, { ...calm, commitAgeMs: commitAgeMaxMs / 2 + 1 })
    assert.deepStrictEqual(letIn(gate), [list, read, write])
    gate.look(2 * lookMs, calm)
    assert.deepStrictEqual(letIn(gate), [list, batch, read, write])
  })

  it("says since when it has turned anybody away, and that it is over after a second without", () => {
    const gate = new Gate(250)
    gate.look(0, calm)
    begin(gate, 256)
    gate.refuses(list)
    gate.look(100, calm)
    assert.deepStrictEqual(gate.shedding, { since: 100, writesSince: undefined })
    gate.refuses(write)
    gate.look(200, calm)
    gate.look(1_100, calm)
    assert.deepStrictEqual(gate.shedding, { since: 100, writesSince: 200 })
    gate.look(1_300, calm)
    assert.deepStrictEqual(gate.shedding, { since: undefined, writesSince: undefined })
  })

  it("knows what is a list, a batch, a read and a write", () => {
    const kindOf = (name: string) => {
      const found = endpoints.find(({ declaration }) => declaration.name === name)
      assert.isDefined(found, name)
      return found === undefined ? undefined : priorityOf(found.declaration)
    }
    assert.strictEqual(kindOf("listContacts"), list)
    assert.strictEqual(kindOf("getContact"), read)
    assert.strictEqual(kindOf("postPurchase"), write)
    const batches = endpoints.filter(({ declaration }) => declaration.batch !== undefined)
    assert.deepStrictEqual(
      batches.map(({ declaration }) => priorityOf(declaration)),
      batches.map(() => batch)
    )
  })
})

describe("what a request pays for its bounds", () => {
  it("is no memory: checks leave nothing behind", () => {
    const limit = new RateLimit(1_000_000, 1_000_000)
    const gate = new Gate(250)
    const check = (times: number): void => {
      for (let each = 0; each < times; each++) {
        if (gate.refuses(write) !== undefined) throw new Error("it was refused")
        gate.begin()
        limit.take("a business", each)
        gate.leave()
      }
    }
    // The compiler gets the time to see what is done.
    for (let round = 0; round < 20; round++) check(50_000)
    const grown = Array.from({ length: 50 }, () => {
      const before = process.memoryUsage().heapUsed
      check(20_000)
      return process.memoryUsage().heapUsed - before
    }).toSorted((a, b) => a - b)
    // One number a check would be 240 kB; the collector may take some rounds back, but not half of them.
    assert.isBelow(grown[25] ?? 0, 60_000)
  })
})

describe("readiness", () => {
  const checksWith = (gate: Gate) => {
    const journal = Layer.succeed(Journal, JournalMemory.make(JournalMemory.emptyStore()))
    const sealer = Sealer.layer(Redacted.make("a master secret that is long enough for tests"))
    const runtime = Actors.layer.pipe(Layer.provideMerge(Layer.merge(journal, sealer)))
    return Effect.flatten(HealthChecks.make).pipe(
      Effect.map((checks) => checks.find(({ name }) => name === "load")),
      Effect.provideService(CurrentGate, gate),
      Effect.provide(runtime)
    )
  }

  it.live("warns when some are turned away, and turns red when writes have been for ten seconds (P11, P15)", () =>
    Effect.gen(function* () {
      const gate = new Gate(250)
      assert.strictEqual((yield* checksWith(gate))?.status, "pass")
      const now = performance.now()
      gate.look(now - 12_000, calm)
      begin(gate, 256)
      gate.refuses(list)
      gate.look(now - 11_500, calm)
      assert.strictEqual((yield* checksWith(gate))?.status, "warn")
      gate.refuses(write)
      gate.look(now - 11_000, calm)
      const red = yield* checksWith(gate)
      assert.strictEqual(red?.status, "fail")
      assert.match(red?.reason ?? "", /writes have been turned away for \d{5,} ms/)
    })
  )
})

describe("a server whose commits stall", () => {
  it.live(
    "answers writes 503 with Retry-After at once, still reads, and writes again when commits go through (P11, P15)",
    () =>
      Effect.gen(function* () {
        const { url } = yield* TestDatabase.create
        const server = yield* start({ DATABASE_URL: Redacted.value(url) })
        const connection = yield* PgConnection.make({ url })
        const eleni = yield* Shop.person(server)
        const credit = server.request("POST", `/backoffice/v2/wallets/${eleni.id}/journals`, {
          action: "CREDIT",
          amount: 1
        })
        assert.strictEqual((yield* credit).status, 201)
        yield* connection.query("BEGIN")
        yield* connection.query("LOCK TABLE event IN EXCLUSIVE MODE")
        const stuck = yield* Effect.forkChild(credit)
        const { headers } = yield* eventually(
          "writes are refused",
          // Whoever is let in waits for the stall to end.
          Effect.map(
            Effect.timeoutOption(credit, 2_000),
            (answer) => answer._tag === "Some" && answer.value.body.error === "KOINON.COMMITS_STALLED" && answer.value
          )
        )
        assert.strictEqual(headers.get("retry-after"), "5")
        assert.strictEqual(headers.get("content-type"), "application/problem+json")
        assert.strictEqual((yield* server.request("GET", "/backoffice/v2/settings")).status, 200)
        const metrics = String((yield* server.request("GET", "/metrics")).body)
        assert.match(metrics, /^koinon_http_shed_total\{class="write",reason="commit"\} [1-9]/m)
        yield* connection.query("ROLLBACK")
        yield* Fiber.join(stuck)
        yield* eventually(
          "writes are taken again",
          Effect.map(credit, ({ status }) => status === 201)
        )
      }).pipe(Effect.scoped),
    180_000
  )
})
