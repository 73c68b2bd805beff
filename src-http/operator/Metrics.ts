/**
 * What `GET /metrics` shows: the counters that the runtime keeps anyway, read when somebody looks, so that counting costs
 * a commit nothing and nothing is counted twice (which is why they are not `effect/Metric`s). No label and no value is
 * about a person or a business, so it is open like health; who must not see the load of a runner is kept out by the network.
 */
import { Actors } from "#runtime/actor/Actors.ts"
import { Journal } from "#runtime/journal/Journal.ts"
import { LiveHub } from "#runtime/live/LiveHub.ts"
import { Outbox } from "#runtime/outbox/Outbox.ts"
import { Projector } from "#runtime/projection/Projector.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { CurrentServer } from "../door/Connections.ts"
import { CurrentRateLimit } from "../door/RateLimit.ts"
import { CurrentGate } from "../door/Shedding.ts"
import { LiveSockets } from "../live/LiveSockets.ts"
import * as ProcessMeter from "./ProcessMeter.ts"
import { counter, gauge, histogram } from "./PrometheusText.ts"
import { CurrentMeter, latencyBuckets } from "./RequestMeter.ts"
import { version } from "./Version.ts"

/** A scrape finds out what the journal says if it says it by then; the rest of it does not wait. */
const journalAnswersWithinMs = 1_000
/** Units to a commit: bounds of the committer's powers of two, whose bucket i counts 2^i .. 2^(i+1) - 1. */
const batchBounds = [1, 3, 7, 15, 31, 63, 127, 255, 511, 1023] as const

const runnerMetrics = Effect.map(Actors, (actors) => {
  const { runner, residentGroups, openCommands, committer, meter } = actors.statistics()
  return [
    gauge("koinon_runner_info", "1; says which runner of which version this is.", [
      { labels: { runner, version }, value: 1 }
    ]),
    histogram("koinon_mailbox_depth_commands", "Commands that a command found before it at its key.", [
      meter.mailboxDepths
    ]),
    histogram("koinon_turn_duration_seconds", "Time that one turn took, without waiting.", [meter.turnSeconds]),
    counter("koinon_snapshots_total", "Snapshots handed to the journal.", meter.snapshots),
    counter("koinon_commits_total", "Commits to the journal.", committer.commits),
    counter("koinon_units_total", "Turns made durable.", committer.units),
    histogram("koinon_commit_units", "Turns that shared one commit.", [
      { bounds: batchBounds, counts: committer.batchSizes, sum: committer.units }
    ]),
    gauge("koinon_units_waiting", "Turns decided and not yet durable.", committer.waiting),
    counter(
      "koinon_commit_conflicts_total",
      "Commits that the journal refused and that were taken apart.",
      committer.conflicts
    ),
    counter(
      "koinon_commit_unknown_outcomes_total",
      "Commits whose outcome had to be looked up.",
      committer.unknownOutcomes
    ),
    gauge("koinon_shards_held", "Shards whose actors are on this runner.", committer.shards),
    gauge(
      "koinon_shards_lost",
      "Shards that another runner has taken over from this one and still has.",
      committer.shardsLost
    ),
    gauge("koinon_resident_groups", "Placement keys whose actors are in memory.", residentGroups),
    gauge("koinon_open_commands", "Commands that wait for a later turn to settle them.", openCommands)
  ]
})

const laneMetrics = Effect.gen(function* () {
  const { stalledSince, commitSeconds, laneWaitSeconds } = (yield* Actors).statistics().committer
  const at = yield* Clock.currentTimeMillis
  const seconds = stalledSince === undefined ? 0 : (at - stalledSince) / 1000
  return [
    gauge("koinon_commit_under_way_seconds", "Age of the commit under way; 0 when there is none.", seconds),
    histogram("koinon_commit_duration_seconds", "Time that the journal took to make a batch durable.", [commitSeconds]),
    histogram("koinon_lane_wait_seconds", "Time that the first turn of a batch waited until its commit began.", [
      laneWaitSeconds
    ])
  ]
})

const inboxMetrics = Effect.gen(function* () {
  const journal = yield* Journal
  const at = yield* Clock.currentTimeMillis
  const { due, parked, oldestDueAt } = yield* journal.backlog(at)
  const age = oldestDueAt === undefined ? 0 : Math.max(0, at - oldestDueAt) / 1000
  return [
    gauge("koinon_inbox_due", "Messages and timers that are due and not done.", due),
    gauge("koinon_inbox_parked", "Messages whose turn threw, kept for an operator.", parked),
    gauge("koinon_inbox_oldest_due_seconds", "Age of the oldest due and undone one.", age)
  ]
})

const projectionMetrics = Effect.gen(function* () {
  const projector = yield* Effect.serviceOption(Projector)
  if (projector._tag === "None") return []
  const all = yield* projector.value.status
  const by = <A>(value: (status: (typeof all)[number]) => A) =>
    all.map((status) => ({ labels: { projection: status.projection }, value: value(status) }))
  return [
    gauge(
      "koinon_projection_lag_events",
      "Events that a view has not taken in.",
      by(({ lagEvents }) => lagEvents)
    ),
    gauge(
      "koinon_projection_lag_seconds",
      "Age of the oldest of them.",
      by(({ lagMs }) => lagMs / 1000)
    ),
    gauge(
      "koinon_projection_stopped",
      "1 when a view stands still.",
      by(({ state }) => (state === "STOPPED" ? 1 : 0))
    )
  ]
})

const outboxMetrics = Effect.gen(function* () {
  const outbox = yield* Effect.serviceOption(Outbox)
  if (outbox._tag === "None") return []
  const [all, movements] = yield* Effect.all([outbox.value.statistics, outbox.value.movement])
  const by = (value: (statistics: (typeof all)[number]) => number) =>
    all.map((statistics) => ({ labels: { queue: statistics.queue }, value: value(statistics) }))
  return [
    gauge(
      "koinon_outbox_waiting",
      "Tasks of all runners that are not finished, by queue; up to 100000 are counted.",
      by(({ waiting }) => waiting)
    ),
    gauge(
      "koinon_outbox_due",
      "Of them, those whose time has come.",
      by(({ due }) => due)
    ),
    gauge(
      "koinon_outbox_oldest_due_seconds",
      "How long the oldest of those has been due.",
      by(({ lagMs }) => lagMs / 1000)
    ),
    gauge(
      "koinon_outbox_dead",
      "Tasks of all runners that were given up and wait for somebody to replay or resume them.",
      by(({ dead }) => dead)
    ),
    gauge(
      "koinon_outbox_still_seconds",
      "For how long this runner has settled nothing of a queue although it was due.",
      movements.map(({ queue, stillMs }) => ({ labels: { queue }, value: stillMs / 1000 }))
    ),
    gauge(
      "koinon_outbox_attempts_pending",
      "Attempts of this runner that have begun and not ended.",
      by(({ meter }) => meter.underWay)
    ),
    counter(
      "koinon_outbox_attempts_total",
      "Attempts that this runner has begun, by queue.",
      by(({ meter }) => meter.attempts)
    ),
    counter(
      "koinon_outbox_outcomes_total",
      "What came of them: done, to be tried again, or given up.",
      all.flatMap(({ queue, meter: { done, retried, dead } }) =>
        Object.entries({ done, retried, dead }).map(([outcome, value]) => ({ labels: { queue, outcome }, value }))
      )
    )
  ]
})

const liveMetrics = Effect.gen(function* () {
  const { topics, followers } = (yield* LiveHub).statistics()
  const sockets = yield* LiveSockets
  return [
    gauge("koinon_live_sockets", "Open live sockets.", sockets.count()),
    counter("koinon_live_pushes_total", "Events sent to them.", sockets.pushes()),
    gauge("koinon_live_topics", "Topics that somebody follows.", topics),
    gauge("koinon_live_subscribers", "Subscriptions to them.", followers)
  ]
})

const requestMetrics = Effect.map(CurrentMeter, (meter) => {
  const routes = [...meter.routes].map(([{ method, path }, count]) => ({ labels: { method, route: path }, ...count }))
  return [
    counter(
      "koinon_http_requests_total",
      "Requests answered, by route and status.",
      routes.flatMap(({ labels, byStatus }) =>
        [...byStatus].map(([status, value]) => ({ labels: { ...labels, status }, value }))
      )
    ),
    histogram(
      "koinon_http_request_duration_seconds",
      "Time from a request's head to its answer, by route.",
      routes.map(({ labels, latencies, seconds }) => ({
        labels,
        bounds: latencyBuckets,
        counts: latencies,
        sum: seconds
      }))
    ),
    counter(
      "koinon_refusals_total",
      "Requests and lines answered with a problem, by the tag of the refusal or the code of the fault.",
      [...meter.refusals].map(([tag, value]) => ({ labels: { tag }, value }))
    )
  ]
})

const doorMetrics = Effect.gen(function* () {
  const { underWay, ceilings, delayMs, shed } = (yield* CurrentGate).statistics
  const server = yield* CurrentServer
  const limit = yield* CurrentRateLimit
  return [
    gauge("koinon_http_requests_pending", "Requests that have arrived and are not answered.", underWay),
    gauge(
      "koinon_http_requests_pending_max",
      "How many of them there may be for one more to be let in, by its class.",
      ceilings
        .filter(({ ceiling }) => Number.isFinite(ceiling))
        .map(({ kind, ceiling }) => ({ labels: { class: kind }, value: ceiling }))
    ),
    gauge(
      "koinon_http_lateness_seconds",
      "How late the runner is with what is due, as shedding sees it.",
      delayMs / 1000
    ),
    counter(
      "koinon_http_shed_total",
      "Requests turned away because of overload, by class and reason.",
      shed.map(({ kind, reason, count }) => ({ labels: { class: kind, reason }, value: count }))
    ),
    gauge("koinon_http_connections", "Open connections, live sockets among them.", server?.openConnections ?? 0),
    counter(
      "koinon_http_connections_refused_total",
      "Connections and requests refused before they were read, by reason.",
      [...(server?.refusals ?? [])].map(([reason, value]) => ({ labels: { reason }, value }))
    ),
    ...(limit === undefined
      ? []
      : [
          counter("koinon_rate_limited_total", "Requests beyond what their business may send.", limit.refused),
          gauge(
            "koinon_rate_limit_shared",
            "1 while the runners share the limit.",
            limit.isShared && !limit.isAlone ? 1 : 0
          ),
          counter(
            "koinon_rate_limit_alone_total",
            "Requests that were let in by this runner's own count while Redis did not answer.",
            limit.madeAlone
          )
        ])
  ]
})

const processMetrics = ({ loopDelaySeconds, loopBusySeconds, collections }: ProcessMeter.ProcessMeter) => {
  const { rss, heapUsed } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  const kinds = [...collections].map(([kind, count]) => ({ labels: { kind }, ...count }))
  return [
    histogram("koinon_event_loop_delay_seconds", "How late the event loop came to what was due.", [loopDelaySeconds]),
    counter("koinon_event_loop_busy_seconds_total", "Time in which it had something to do.", loopBusySeconds()),
    counter(
      "koinon_garbage_collections_total",
      "Garbage collections, by kind.",
      kinds.map(({ labels, runs }) => ({ labels, value: runs }))
    ),
    counter(
      "koinon_garbage_collection_seconds_total",
      "Time that they took.",
      kinds.map(({ labels, seconds }) => ({ labels, value: seconds }))
    ),
    counter("koinon_cpu_seconds_total", "Processor time of the process.", (user + system) / 1_000_000),
    gauge("koinon_memory_resident_bytes", "Memory of the process.", rss),
    gauge("koinon_memory_heap_bytes", "Of it, live on the heap.", heapUsed),
    gauge("koinon_uptime_seconds", "Since the process began.", process.uptime())
  ]
}

/** A scrape during a fault still tells what is known here. */
const ifItAnswers = <E, R>(lines: Effect.Effect<ReadonlyArray<string>, E, R>) =>
  lines.pipe(
    Effect.timeout(journalAnswersWithinMs),
    Effect.catch(() => Effect.succeed<ReadonlyArray<string>>([]))
  )

/** What a scrape is answered. The process is metered for as long as the scope lasts. */
export const make = Effect.map(ProcessMeter.make, (process) =>
  Effect.map(
    Effect.all(
      [
        runnerMetrics,
        laneMetrics,
        ifItAnswers(inboxMetrics),
        ifItAnswers(projectionMetrics),
        ifItAnswers(outboxMetrics),
        liveMetrics,
        requestMetrics,
        doorMetrics,
        Effect.sync(() => processMetrics(process))
      ],
      { concurrency: "unbounded" }
    ),
    (families) => `${families.flat().join("\n")}\n`
  )
)
