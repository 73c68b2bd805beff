/** The sample dashboard and alert rules: they ask for nothing that is not there, and for all that an operator is told of. */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { parse as parseYaml } from "yaml"
import { eventually } from "../support/Eventually.ts"
import { type Family, parse, seriesNames } from "../support/Exposition.ts"
import { TestServer } from "../support/TestServer.ts"
import * as TestServerLayer from "../support/TestServer.ts"

const read = (file: string): string => readFileSync(join(import.meta.dirname, "../../src/deploy", file), "utf8")

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: ReadonlyArray<{ readonly expr: string }>
}
interface Dashboard {
  readonly panels: ReadonlyArray<Panel>
  readonly templating: { readonly list: ReadonlyArray<{ readonly name: string; readonly query: string }> }
}
interface Rule {
  readonly alert: string
  readonly expr: string
  readonly annotations: Readonly<Record<string, string>>
  readonly labels: { readonly severity: string }
}

const dashboard: Dashboard = JSON.parse(read("koinon-dashboard.json"))
const rules: ReadonlyArray<Rule> = parseYaml(read("alerts.yaml")).groups.flatMap(
  ({ rules: all }: { readonly rules: ReadonlyArray<Rule> }) => all
)

interface Service {
  readonly restart?: string
  readonly ports?: ReadonlyArray<string>
  readonly healthcheck?: { readonly test: ReadonlyArray<string> }
}
const services: Readonly<Record<string, Service>> = parseYaml(read("compose.yaml"), { merge: true }).services

const expressions = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
const queries = dashboard.templating.list.map(({ query }) => query)

/** Names of series of ours in an expression. */
const namesIn = (expression: string): ReadonlyArray<string> => expression.match(/\bkoinon_\w+/g) ?? []
const brackets = ["()", "{}", "[]"] as const
const isBalanced = (expression: string): boolean =>
  brackets.every(([open = "", close = ""]) => expression.split(open).length === expression.split(close).length)

const ofDatabase = ["koinon_inbox_oldest_due_seconds", "koinon_projection_lag_events", "koinon_outbox_waiting"]

const scrape = Effect.gen(function* () {
  const server = yield* TestServer
  yield* server.request("POST", "/backoffice/v2/contacts", {}, { api_key: "not a key at all" })
  const families = Effect.map(server.request("GET", "/metrics"), ({ body }) => parse(String(body)))
  // What the database tells is left out while it takes its time.
  const isWhole = (found: ReadonlyArray<Family>): boolean =>
    ofDatabase.every((name) => found.some((family) => family.name === name))
  return yield* eventually(
    "a whole scrape",
    Effect.map(families, (found) => isWhole(found) && found)
  )
})

const labelsOf = (families: ReadonlyArray<Family>): ReadonlySet<string> =>
  new Set(families.flatMap(({ samples }) => samples.flatMap(({ labels }) => Object.keys(labels))))

layer(TestServerLayer.layer, { excludeTestServices: true })("what is deployed beside Koinon", (it) => {
  it.effect("asks only for series that a runner shows, by labels that they have", () =>
    Effect.gen(function* () {
      const families = yield* scrape
      const known = seriesNames(families)
      const asked = [...expressions, ...queries, ...rules.map(({ expr }) => expr)]
      assert.isAbove(asked.length, 40)
      for (const expression of asked) {
        assert.isTrue(isBalanced(expression), expression)
        for (const name of namesIn(expression)) assert.isTrue(known.has(name), `${name} in ${expression}`)
      }
      const labels = new Set([...labelsOf(families), "job", "instance"])
      for (const expression of asked) {
        const grouped = [...expression.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, names = ""]) =>
          names.split(/, */)
        )
        const matched = [...expression.matchAll(/\b(\w+)(?:=~|!=|=)"/g)].map(([, name = ""]) => name)
        for (const name of [...grouped, ...matched]) assert.isTrue(labels.has(name), `${name} in ${expression}`)
      }
    })
  )

  it.effect("shows every family on the dashboard but the age of the process", () =>
    Effect.gen(function* () {
      const shown = new Set([...expressions, ...queries].flatMap(namesIn))
      const unseen = (yield* scrape)
        .filter(({ name }) => ![...shown].some((each) => each === name || each === `${name}_bucket`))
        .map(({ name }) => name)
      assert.deepStrictEqual(unseen, ["koinon_garbage_collections_total", "koinon_uptime_seconds"])
    })
  )

  it.effect("lays the panels of the dashboard beside each other, each with an id of its own", () =>
    Effect.sync(() => {
      const { panels } = dashboard
      assert.strictEqual(new Set(panels.map(({ id }) => id)).size, panels.length)
      const taken = new Set<string>()
      for (const { title, gridPos } of panels) {
        assert.isAtMost(gridPos.x + gridPos.w, 24, title)
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
            assert.isFalse(taken.has(`${x}/${y}`), title)
            taken.add(`${x}/${y}`)
          }
        }
      }
    })
  )

  it.effect("alerts a person of every way in which readiness fails, with what to do (P15)", () =>
    Effect.sync(() => {
      assert.strictEqual(new Set(rules.map(({ alert }) => alert)).size, rules.length)
      for (const { alert, annotations, labels } of rules) {
        assert.match(alert, /^Koinon[A-Z]/)
        assert.include(["page", "ticket"], labels.severity)
        assert.match(annotations["summary"] ?? "", /\.$/, alert)
        assert.match(annotations["action"] ?? "", /\.$|\?/, alert)
      }
      const watched = new Set(rules.flatMap(({ expr }) => namesIn(expr)))
      assert.includeMembers(
        [...watched],
        [
          "koinon_shards_lost",
          "koinon_commit_under_way_seconds",
          "koinon_inbox_oldest_due_seconds",
          "koinon_projection_stopped",
          "koinon_projection_lag_seconds",
          "koinon_outbox_still_seconds",
          "koinon_outbox_outcomes_total"
        ]
      )
    })
  )

  it.effect("starts again with its host whatever stays, and opens the runners to that host alone", () =>
    Effect.sync(() => {
      const { migrate, ...lasting } = services
      assert.strictEqual(migrate?.restart, "no")
      assert.sameMembers(Object.keys(lasting), ["runner-1", "runner-2", "postgres", "redis", "mongodb"])
      for (const [name, { restart, ports = [] }] of Object.entries(lasting)) {
        assert.strictEqual(restart, "unless-stopped", name)
        for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:8080$/, name)
      }
    })
  )

  it.effect("migrates once the database listens to others, not while it is being set up", () =>
    Effect.sync(() => {
      const asked = services["postgres"]?.healthcheck?.test ?? []
      assert.deepStrictEqual(asked.slice(0, 4), ["CMD", "pg_isready", "-h", "127.0.0.1"])
    })
  )
})
