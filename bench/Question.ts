/** One measure: which processes are measured, how a load is put on them, and how it is gone through in a round. */
import * as Effect from "effect/Effect"
import type { JournalView } from "./KoinonServer.ts"
import type { LoadAnswers } from "./LoadProcess.ts"
import type { Load, Observation } from "./Loop.ts"
import { BenchFailed, type Peer } from "./Peer.ts"
import type { Letter, Timing } from "./Plan.ts"
import { postgresSeconds, processSeconds } from "./Processor.ts"
import type { Batches, LoadKey, LoadRow, Round } from "./Results.ts"

export interface Question {
  readonly key: LoadKey
  readonly letter: Letter
  readonly name: string
  readonly processIds: ReadonlyArray<number>
  readonly postmasterId?: number | undefined
  readonly run: (load: Load) => Effect.Effect<Observation & { readonly batches?: Batches }, BenchFailed>
}

const created = 201

interface OverHttp {
  readonly key: LoadKey
  readonly letter: Letter
  readonly name: string
  readonly connections: number
  readonly texts: ReadonlyArray<string>
  /** The requests' contacts are drawn from the first so many. */
  readonly among?: number
  readonly commandsEach: number
  readonly faultOf: (body: string) => string | undefined
}

interface Served {
  readonly ports: ReadonlyArray<number>
  readonly processIds: ReadonlyArray<number>
  readonly postmasterId?: number | undefined
  readonly journal: JournalView
}

/** Answers are believed only as far as the journal bears them out: every request must have left its commands there. */
export const overHttp = (served: Served, load: Peer<LoadAnswers>) =>
  Effect.fnUntraced(function* ({ key, letter, name, connections, texts, among = 1, commandsEach, faultOf }: OverHttp) {
    yield* load.ask("prepare", { name: key, ports: served.ports, texts, among, status: created })
    return {
      key,
      letter,
      name: `${name}, ${connections} connections`,
      processIds: served.processIds,
      postmasterId: served.postmasterId,
      run: Effect.fnUntraced(function* (each) {
        const from = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
        const observation = yield* Effect.mapError(
          load.ask("run", { name: key, connections, ...each }),
          ({ message }) => new BenchFailed({ message: `${name}: ${message}` })
        )
        const batches = yield* served.journal.batchesSince(from)
        const fault = faultOf(observation.lastBody)
        if (fault !== undefined) return yield* new BenchFailed({ message: `${name}: ${fault}` })
        if (batches.commands < observation.answered * commandsEach) {
          const message = `${name}: ${observation.answered} answers, but the journal holds ${batches.commands} commands`
          return yield* new BenchFailed({ message })
        }
        return { ...observation, batches }
      })
    } satisfies Question
  })

const sum = (values: ReadonlyArray<number | undefined>): number | undefined =>
  values.reduce((total, value) => (total === undefined || value === undefined ? undefined : total + value), 0)
const spent = ({ processIds, postmasterId }: Question) => ({
  node: sum(processIds.map(processSeconds)),
  postgres: postmasterId === undefined ? undefined : postgresSeconds(postmasterId)
})
const difference = (after: number | undefined, before: number | undefined): number | undefined =>
  after === undefined || before === undefined ? undefined : after - before

/** Without what came along only to be checked. */
const bare = ({ completed, ratePerSecond, answered, p50Ms, p99Ms, maxMs }: Observation): Observation => ({
  completed,
  ratePerSecond,
  answered,
  p50Ms,
  p99Ms,
  maxMs
})

const measure = Effect.fnUntraced(function* (timing: Timing, question: Question) {
  yield* question.run({ durationMs: timing.warmUpMs })
  const before = spent(question)
  const { batches, ...whole } = yield* question.run({ durationMs: timing.closedMs })
  const after = spent(question)
  const closed = bare(whole)
  const offeredPerSecond = closed.ratePerSecond * timing.openShare
  const open = bare(yield* question.run({ durationMs: timing.openMs, ratePerSecond: offeredPerSecond }))
  return {
    closed,
    open,
    offeredPerSecond,
    nodeSeconds: difference(after.node, before.node),
    postgresSeconds: difference(after.postgres, before.postgres),
    ...(batches === undefined ? {} : { batches })
  } satisfies Round
})

/** Every question once in each round, one after the other; `between` is asked at the end of each. */
export const measureRounds = Effect.fnUntraced(function* <E = never, R = never>(
  timing: Timing,
  questions: ReadonlyArray<Question>,
  say: (text: string) => void,
  between: (at: string) => Effect.Effect<void, E, R> = () => Effect.void
) {
  const rounds = questions.map((): Array<Round> => [])
  for (const question of questions) {
    say(`warming up · (${question.letter}) ${question.name}`)
    yield* question.run({ durationMs: timing.firstWarmUpMs })
  }
  for (let round = 1; round <= timing.rounds; round += 1) {
    const at = `round ${round} of ${timing.rounds}`
    for (const [index, question] of questions.entries()) {
      say(`${at} · (${question.letter}) ${question.name}`)
      rounds[index]?.push(yield* measure(timing, question))
    }
    yield* between(at)
  }
  return questions.map(({ key, letter, name }, index): LoadRow => ({ key, letter, name, rounds: rounds[index] ?? [] }))
})
