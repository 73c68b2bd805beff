/** What `/metrics` shows Prometheus: exactly in its format, named by its conventions, and about what really happens. */
import { assert, describe, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { eventually } from "../support/Eventually.ts"
import { type Family, parse, seriesNames, valueOf } from "../support/Exposition.ts"
import { connectAs, follow } from "../support/LiveClient.ts"
import { credit, person, type Server, token } from "../support/LiveWorld.ts"
import { receiver } from "../support/Receiver.ts"
import { start, TestServer } from "../support/TestServer.ts"
import * as TestServerLayer from "../support/TestServer.ts"

/** Of a queue that has nothing to do. */
const still = ["waiting", "due", "oldest_due_seconds", "still_seconds", "attempts_pending"]

const scrape = (server: Server) =>
  Effect.map(server.request("GET", "/metrics", undefined, { api_key: undefined }), ({ body }) => parse(String(body)))

/** Scrapes until it is so, and shows the last scrape if it does not become so. */
const scrapedWhen = Effect.fnUntraced(function* (server: Server, isSo: (families: ReadonlyArray<Family>) => boolean) {
  let families: ReadonlyArray<Family> = []
  const look = Effect.map(scrape(server), (found) => isSo((families = found)))
  yield* Effect.ignoreCause(eventually("the scrape shows it", look))
  return families
})

/** Samples of one histogram, by the labels that tell its series apart. */
const seriesOf = ({ samples, name }: Family) =>
  Map.groupBy(samples, ({ labels: { le: _, ...labels } }) => `${name}${JSON.stringify(labels)}`)

layer(TestServerLayer.layer, { excludeTestServices: true })("a scrape", (it) => {
  it.effect("is in Prometheus' format to the letter, and every family is named by its conventions", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const contact = yield* person(server, "Eleni")
      yield* credit(server, contact)
      yield* server.request("POST", "/backoffice/v2/contacts", "{", { "content-type": "application/json" })
      const families = yield* scrape(server)
      assert.isAbove(families.length, 30)
      for (const { name, type, help, samples } of families) {
        assert.match(name, /^koinon(_[a-z]+)+$/)
        assert.match(help, /^[A-Z1].*\.$/, name)
        assert.strictEqual(name.endsWith("_total"), type === "counter", name)
        assert.notMatch(name, /_(ms|milliseconds|minutes|kb|mb|kilobytes|count|sum|bucket)(_|$)/)
        // A time or a size says its unit, at the end or before `_total`.
        if (/duration|delay|wait_|_age|uptime|under_way/.test(name)) assert.match(name, /_seconds(_total)?$/)
        if (/memory/.test(name)) assert.match(name, /_bytes$/)
        for (const { labels, value } of samples) {
          assert.isFalse(Number.isNaN(value), name)
          if (type !== "gauge") assert.isAtLeast(value, 0, name)
          for (const label in labels) assert.match(label, /^[a-z]+$/, name)
        }
      }
    })
  )

  it.effect("has histograms whose buckets are in order, cumulative, and end with all there is", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      yield* credit(server, yield* person(server, "Eleni"))
      const histograms = (yield* scrape(server)).filter(({ type }) => type === "histogram")
      assert.isAbove(histograms.length, 5)
      for (const family of histograms) {
        for (const [series, samples] of seriesOf(family)) {
          const buckets = samples.filter(({ name }) => name.endsWith("_bucket"))
          const bounds = buckets.map(({ labels }) => Number(labels["le"]?.replace("+Inf", "Infinity")))
          assert.deepStrictEqual(
            bounds,
            bounds.toSorted((a, b) => a - b),
            series
          )
          assert.strictEqual(new Set(bounds).size, bounds.length, series)
          assert.strictEqual(bounds.at(-1), Number.POSITIVE_INFINITY, series)
          const counts = buckets.map(({ value }) => value)
          assert.deepStrictEqual(
            counts,
            counts.toSorted((a, b) => a - b),
            series
          )
          const [count, ...more] = samples.filter(({ name }) => name.endsWith("_count"))
          assert.deepStrictEqual([count?.value, more], [counts.at(-1), []], series)
          assert.strictEqual(samples.filter(({ name }) => name.endsWith("_sum")).length, 1, series)
        }
      }
    })
  )

  it.effect("moves with what is done: turns, commits, waits, answers, refusals, sockets and pushes", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const contact = yield* person(server, "Eleni")
      const app = yield* connectAs(server.url, { token: yield* token(server, contact) })
      yield* follow(app, `wallet/${contact}`)
      const before = yield* scrape(server)
      const entry = { amount: 1, currency_code: "EUR", notes: "for the test" }
      const wallet = `/backoffice/v2/wallets/${contact}/journals`
      const times = 5
      for (let time = 0; time < times; time++) {
        assert.strictEqual((yield* server.request("POST", wallet, { action: "CREDIT", ...entry })).status, 201)
      }
      const overdrawn = yield* server.request("POST", wallet, { action: "DEBIT", ...entry, amount: 1_000 })
      assert.isAbove(overdrawn.status, 399)
      yield* server.request("POST", wallet, "{", { "content-type": "application/json" })
      const line = JSON.stringify({ contact: { id: randomUUID() } })
      yield* server.request("POST", "/backoffice/v2/purchases/batch", `${line}\n`)
      yield* app.until(() => app.events().length === times)
      const after = yield* scrape(server)
      const grewBy = (name: string, labels?: Readonly<Record<string, string>>): number =>
        valueOf(after, name, labels) - valueOf(before, name, labels)

      assert.isAtLeast(grewBy("koinon_turn_duration_seconds_count"), times)
      assert.isAbove(grewBy("koinon_turn_duration_seconds_sum"), 0)
      assert.isAtLeast(grewBy("koinon_mailbox_depth_commands_count"), times + 1)
      const commits = grewBy("koinon_commits_total")
      assert.isAtLeast(commits, times)
      assert.strictEqual(grewBy("koinon_commit_duration_seconds_count"), commits)
      assert.strictEqual(grewBy("koinon_commit_units_count"), commits)
      assert.isAtLeast(grewBy("koinon_lane_wait_seconds_count"), commits)
      assert.isAbove(grewBy("koinon_commit_duration_seconds_sum"), 0)
      const route = { method: "POST", route: "/backoffice/v2/wallets/:id/journals" }
      assert.strictEqual(grewBy("koinon_http_requests_total", { ...route, status: "201" }), times)
      assert.strictEqual(grewBy("koinon_http_request_duration_seconds_count", route), times + 2)
      assert.strictEqual(grewBy("koinon_refusals_total", { tag: "InsufficientFunds" }), 1)
      assert.strictEqual(grewBy("koinon_refusals_total", { tag: "KOINON.MALFORMED_JSON" }), 1)
      assert.isAbove(grewBy("koinon_refusals_total"), 2)
      assert.strictEqual(grewBy("koinon_live_pushes_total"), times)
      assert.strictEqual(valueOf(after, "koinon_live_sockets"), 1)
      assert.strictEqual(valueOf(after, "koinon_live_subscribers"), 1)
      assert.isAbove(grewBy("koinon_cpu_seconds_total"), 0)
      assert.isAbove(grewBy("koinon_event_loop_busy_seconds_total"), 0)
      assert.isAbove(valueOf(after, "koinon_memory_resident_bytes"), 10_000_000)
      assert.strictEqual(valueOf(after, "koinon_runner_info", { runner: server.actors.runner }), 1)
      for (const personal of [contact, "Eleni", server.businessId]) {
        assert.notInclude(JSON.stringify(after), personal)
      }
    })
  )

  it.effect("counts a snapshot, shows the views catching up, and the collector's and the loop's share", () =>
    Effect.gen(function* () {
      const server = yield* TestServer
      const contact = yield* person(server, "Eleni")
      const snapshotEvents = 100
      for (let entry = 0; entry < snapshotEvents; entry++) yield* credit(server, contact, 1n)
      const loopsMin = 1
      const families = yield* scrapedWhen(
        server,
        (found) =>
          valueOf(found, "koinon_snapshots_total") >= 1 &&
          found.some(({ name }) => name === "koinon_projection_lag_events") &&
          valueOf(found, "koinon_projection_lag_events") === 0 &&
          valueOf(found, "koinon_projection_lag_seconds") === 0 &&
          valueOf(found, "koinon_inbox_oldest_due_seconds") === 0 &&
          valueOf(found, "koinon_event_loop_delay_seconds_count") >= loopsMin
      )
      assert.isAtLeast(valueOf(families, "koinon_snapshots_total"), 1)
      assert.strictEqual(valueOf(families, "koinon_projection_lag_events"), 0)
      assert.strictEqual(valueOf(families, "koinon_projection_lag_seconds"), 0)
      assert.isAtLeast(valueOf(families, "koinon_event_loop_delay_seconds_count"), loopsMin)
      const views = families.find(({ name }) => name === "koinon_projection_lag_events")?.samples
      assert.sameMembers(views?.map(({ labels }) => labels["projection"] ?? "") ?? [], [
        "contact_directory",
        "catalogue",
        "activity",
        "held_commands",
        "contact_tags",
        "anniversaries",
        "plan_sends",
        "communication",
        "segment_store",
        "live_segments",
        "webhooks",
        "automations",
        "communication_tasks"
      ])
      const kinds = families.find(({ name }) => name === "koinon_garbage_collection_seconds_total")?.samples
      assert.includeMembers(kinds?.map(({ labels }) => labels["kind"] ?? "") ?? [], ["minor", "major"])
      assert.strictEqual(valueOf(families, "koinon_inbox_oldest_due_seconds"), 0)
    })
  )
})

describe("the outbox", () => {
  it.live("shows by queue what waits, what was attempted, what came of it, and what was given up", () =>
    Effect.gen(function* () {
      const server = yield* start({ KOINON_WEBHOOK_ALLOWED: "127.0.0.1" })
      const to = yield* receiver((response) => void response.writeHead(204).end())
      const broken = yield* receiver((response) => void response.writeHead(500).end())
      const made: Array<string> = []
      for (const { url } of [to, broken]) {
        const { status, body } = yield* server.request("POST", "/backoffice/v2/webhooks", {
          name: url,
          url,
          events: "*"
        })
        assert.strictEqual(status, 201)
        made.push(body.id)
      }
      yield* person(server, "Eleni")
      yield* eventually(
        "one has failed",
        Effect.sync(() => broken.received.length > 0)
      )
      // What is for an endpoint that is not there any more is given up.
      assert.strictEqual((yield* server.request("DELETE", `/backoffice/v2/webhooks/${made[1]}`)).status, 204)
      const families = yield* scrapedWhen(
        server,
        (found) =>
          valueOf(found, "koinon_outbox_outcomes_total", { queue: "webhook", outcome: "done" }) === 1 &&
          valueOf(found, "koinon_outbox_outcomes_total", { queue: "webhook", outcome: "dead" }) === 1 &&
          still.every((name) => valueOf(found, `koinon_outbox_${name}`, { queue: "webhook" }) === 0)
      )
      const of = (name: string, labels = {}) => valueOf(families, name, { queue: "webhook", ...labels })
      // On a busy machine one may have been tried again.
      assert.strictEqual(of("koinon_outbox_attempts_total"), of("koinon_outbox_outcomes_total"))
      assert.strictEqual(of("koinon_outbox_dead"), 1)
      for (const name of still) assert.strictEqual(of(`koinon_outbox_${name}`), 0, name)
      const queues = families.find(({ name }) => name === "koinon_outbox_waiting")?.samples
      assert.sameMembers(queues?.map(({ labels }) => labels["queue"] ?? "") ?? [], [
        "automation",
        "webhook",
        "communication"
      ])
    }).pipe(Effect.scoped)
  )
})

describe("two servers in one process", () => {
  it.live("count their own requests, and show no series twice", () =>
    Effect.gen(function* () {
      const [one, other] = [yield* start(), yield* start()]
      for (const server of [one, other, one]) yield* server.request("GET", "/health/live")
      yield* one.request("GET", "/backoffice/v2/contacts")
      const lives = { route: "/health/live", status: "200" }
      const lists = { route: "/backoffice/v2/contacts" }
      const [its, others] = [yield* scrape(one), yield* scrape(other)]
      assert.strictEqual(valueOf(its, "koinon_http_requests_total", lives), 2)
      assert.strictEqual(valueOf(others, "koinon_http_requests_total", lives), 1)
      assert.strictEqual(valueOf(its, "koinon_http_requests_total", lists), 1)
      assert.strictEqual(valueOf(others, "koinon_http_requests_total", lists), 0)
    })
  )
})

describe("the reader of these tests", () => {
  const faults: Readonly<Record<string, string>> = {
    "a sample without a type": "koinon_x 1\n",
    "a type without a help": "# TYPE koinon_x gauge\nkoinon_x 1\n",
    "a sample of another family": "# HELP koinon_x X.\n# TYPE koinon_x gauge\nkoinon_y 1\n",
    "a bare sample of a histogram": "# HELP koinon_x X.\n# TYPE koinon_x histogram\nkoinon_x 1\n",
    "a series twice": "# HELP koinon_x X.\n# TYPE koinon_x gauge\nkoinon_x 1\nkoinon_x 2\n",
    "a value that is none": "# HELP koinon_x X.\n# TYPE koinon_x gauge\nkoinon_x undefined\n",
    "a label without quotes": "# HELP koinon_x X.\n# TYPE koinon_x gauge\nkoinon_x{a=b} 1\n"
  }
  for (const [fault, text] of Object.entries(faults)) {
    it(`sees ${fault}`, () => {
      assert.throws(() => parse(text))
    })
  }

  it("knows the names that a histogram is asked for by", () => {
    const families = parse("# HELP koinon_x X.\n# TYPE koinon_x histogram\nkoinon_x_sum 1\n")
    assert.deepStrictEqual([...seriesNames(families)], ["koinon_x_bucket", "koinon_x_sum", "koinon_x_count"])
  })
})
