/**
 * The loop: load on many keys, a fault at a random instant, everything brought back, every unanswered request asked again
 * several times at once, sometimes into a second fault, and when all is at rest the promises are checked. Everything random
 * comes from the seed, except for what the operating system decides. What is struck is the `Target`'s part.
 */
import { shardOf } from "#runtime/actor/Placement.ts"
import { setTimeout as pause } from "node:timers/promises"
import { advance, type Backlog, backlog } from "./Audit.ts"
import { type Chance, chance } from "./Chance.ts"
import { alter, attempt, inParallel, replay, resolve } from "./Client.ts"
import { Fold } from "./Fold.ts"
import { type Record as OperationRecord, verdictOf } from "./Operation.ts"
import { type Finding, type Findings, Judge, noFindings } from "./Promises.ts"
import { awaitRest } from "./Rest.ts"
import { successesAfter } from "./Takeover.ts"
import { type Doors, openDoors, type Strike, type Target } from "./Target.ts"
import { type Population, settle, type World } from "./World.ts"

export interface Settings {
  readonly rounds: number
  readonly seed: number
  /** Contacts, each the key of an actor. */
  readonly keys: number
  /** Clients that ask at the same time. */
  readonly clients: number
  /** Requests in the longest round, about. */
  readonly operationsMax: number
  /** The fault comes after the load has begun, at most so much later. */
  readonly killWithinMs: number
  /** How many of those who heard nothing ask again at once, at another door, and do not wait for better times. */
  readonly impatient: number
}

/** For several runners: rounds last as long as takeovers do, so clients take their time. */
export const clusterPace = { operationsMax: 500, killWithinMs: 3_000, impatient: 0.5 } as const

export interface RoundReport {
  readonly round: number
  readonly faults: ReadonlyArray<string>
  readonly operations: number
  /** Of those, what no client had an answer to when the fault was over. */
  readonly unknown: number
  /** From the first fault until all doors answered again. */
  readonly recoveryMs: number
  /** For each key that the fault moved: from the fault until somebody was served there. */
  readonly takeoversMs: ReadonlyArray<number>
  readonly seconds: number
  readonly findings: number
}

export interface Report {
  readonly settings: Settings
  readonly rounds: ReadonlyArray<RoundReport>
  readonly operations: number
  readonly unknown: number
  readonly events: number
  /** By kind of operation: how many were done and how many refused, so that a run which tried nothing shows. */
  readonly fates: Readonly<Record<string, { readonly done: number; readonly refused: number }>>
  /** The most resident memory that any runner had, where it can be told. */
  readonly memoryBytesMax: number
  /** Faults that were wanted and could not be tried, and why. */
  readonly skipped: ReadonlyArray<{ readonly fault: string; readonly reason: string }>
  readonly findings: Findings
  /** What left for the world, in words, where the run looked at it. */
  readonly outwards?: ReadonlyArray<string>
  /** Where the data of a run with findings was kept. */
  readonly dataDirectory: string | undefined
}

/** A client who heard nothing takes a breath before she asks for something else. */
const unansweredPauseMs = 25
/** Load goes on for about so long after a fault. */
const loadAfterFaultMs = 400
const secondFaultProbability = 0.25
const secondFaultWithinMs = 1_500
/** So late that the answer does not come before the sleeper wakes, and the client has not hung up yet. */
const askFrozenAfterMs = 9_000
const answerTimeoutMs = 120_000
const answerPollMs = 50
/** Operations of earlier rounds that are repeated once more in each round. */
const olderReplaysMax = 50
const alteredMax = 20
/** P11, as far as this load can tell: no runner grows beyond it. */
const memoryBytesMax = 1_024 * 1_024 * 1_024

export class Run {
  readonly target: Target
  readonly #world: World
  readonly #settings: Settings
  /** Of its own, so that a seed gives the same faults however the clients fare. */
  readonly #faultChance: Chance
  readonly #clientChance: Chance
  readonly fold = new Fold()
  readonly findings = noFindings()
  readonly records: Array<OperationRecord> = []
  readonly rounds: Array<RoundReport> = []
  memoryBytesMax = 0

  constructor(target: Target, world: World, settings: Settings) {
    this.target = target
    this.#world = world
    this.#settings = settings
    this.#faultChance = chance(settings.seed)
    this.#clientChance = chance(settings.seed + 1)
  }

  async round(round: number): Promise<RoundReport> {
    const began = performance.now()
    const findingsBefore = this.findings.found.length
    const { records, strike } = await this.#load(round)
    const suffered = [strike]
    await this.#bringBack()
    const recoveryMs = performance.now() - strike.struckAt
    const unanswered = records.filter(({ answer }) => answer === undefined)
    const isStruckAgain = this.#faultChance.happens(secondFaultProbability)
    const resolving = inParallel(unanswered, this.#settings.clients, (record) =>
      resolve(this.target, record, this.#clientChance)
    )
    if (isStruckAgain) {
      await pause(this.#faultChance.integer(0, secondFaultWithinMs))
      const second = await this.target.strike(this.#faultChance, true)
      suffered.push(second)
      await second.over
      await this.#bringBack()
    }
    await resolving
    const rest = await awaitRest(this.target)
    for (const record of records) this.#world.posted(record)
    await this.#check(round, records, rest, suffered)
    const report = {
      round,
      faults: suffered.map(({ fault }) => fault),
      operations: records.length,
      unknown: unanswered.length,
      recoveryMs: Math.round(recoveryMs),
      takeoversMs: successesAfter(strike, records, this.fold),
      seconds: Math.round((performance.now() - began) / 100) / 10,
      findings: this.findings.found.length - findingsBefore
    }
    this.rounds.push(report)
    return report
  }

  /** Everybody is given something and clients ask without pause for as long as the work takes; then all of it is judged. */
  async during(round: number, work: () => Promise<void>): Promise<void> {
    const records: Array<OperationRecord> = []
    const over = new AbortController()
    const giving = this.#world.forEach(this.#world.people).map(async (operation) => {
      records.push(await attempt(this.target, operation, round))
    })
    const asking = this.#ask(round, records, over.signal)
    try {
      await work()
    } finally {
      over.abort()
      await Promise.all([asking, ...giving])
    }
    await inParallel(records, this.#settings.clients, (record) => resolve(this.target, record, this.#clientChance))
    await this.#check(round, records, await awaitRest(this.target), [])
  }

  /** Reads the whole journal once more from its beginning and holds it against everything that was ever answered. */
  async checkWhole(): Promise<void> {
    const whole = new Fold()
    await advance(this.target, whole)
    const round = this.#settings.rounds
    const judge = new Judge(this.findings, round)
    if (whole.events !== this.fold.events) {
      judge.found("P1", `${this.fold.events} events were seen, and ${whole.events} are in the journal`)
    }
    const found = noFindings()
    new Judge(found, round).judge(this.records, whole, await backlog(this.target))
    // What was found before is told once.
    const known = new Set(this.findings.found.map(({ what }) => what))
    this.findings.found.push(...found.found.filter(({ what }) => !known.has(what)))
  }

  /** Clients ask without pause until the fault has run its course. */
  async #load(round: number) {
    const killAfterMs = this.#faultChance.integer(0, this.#settings.killWithinMs)
    const records: Array<OperationRecord> = []
    const over = new AbortController()
    const asking = this.#ask(round, records, over.signal)
    try {
      await pause(killAfterMs)
      const strike = await this.target.strike(this.#faultChance, false)
      await Promise.all([strike.over, this.#probe(round, strike, records)])
      over.abort()
      await this.target.mend()
      return { records, strike }
    } finally {
      over.abort()
      await asking
    }
  }

  /**
   * Everybody whose shard has to move is given something, and asked for it again until it is there. The same is asked of
   * the runner that sleeps, so that it has something to do with what it no longer holds as soon as it wakes.
   */
  async #probe(round: number, strike: Strike, records: Array<OperationRecord>): Promise<void> {
    const { affectedShards, frozenDoor } = strike
    const open = openDoors(this.target)
    const moved = this.#world.people.filter(({ id }) => affectedShards?.has(shardOf(id)) === true)
    const give = (doors: Doors, people: typeof moved): Promise<unknown> =>
      Promise.all(
        this.#world.forEach(people).map(async (operation) => {
          const record = await attempt(doors, operation, round)
          records.push(record)
          await resolve(open, record, this.#clientChance)
        })
      )
    const wakes = frozenDoor === undefined ? undefined : { apiKey: open.apiKey, door: () => frozenDoor }
    // Of some that nobody has written since: there the fence alone stands between the sleeper and its old shards.
    const asked = wakes === undefined ? moved : moved.filter((_, index) => index % 2 === 0)
    await Promise.all([give(open, asked), wakes && pause(askFrozenAfterMs).then(() => give(wakes, moved))])
  }

  async #ask(round: number, records: Array<OperationRecord>, over: AbortSignal): Promise<void> {
    const { clients, operationsMax, killWithinMs, impatient } = this.#settings
    // Spread over the longest time there may be, so that the fault never comes after the load has ended.
    const thinkMsMax = (2 * (killWithinMs + loadAfterFaultMs) * clients) / operationsMax
    const client = async (): Promise<void> => {
      while (!over.aborted) {
        await pause(this.#clientChance.next() * thinkMsMax)
        const record = await attempt(this.target, this.#world.next(), round)
        records.push(record)
        if (record.answer !== undefined) continue
        if (this.#clientChance.happens(impatient)) await resolve(this.target, record, this.#clientChance, over)
        else await pause(unansweredPauseMs)
      }
    }
    await Promise.all(Array.from({ length: clients }, client))
  }

  /** Until everybody is served at every door. */
  async #bringBack(): Promise<void> {
    await this.target.mend()
    const path = `/backoffice/v2/wallets/${this.#world.people[0]?.id}`
    const deadline = performance.now() + answerTimeoutMs
    for (const door of this.target.doors()) {
      while (true) {
        const answer = await fetch(`${door}${path}`, {
          headers: { api_key: this.target.apiKey },
          signal: AbortSignal.timeout(answerTimeoutMs)
        }).catch(() => undefined)
        const said = await answer?.text().catch(() => "")
        if (answer?.ok === true) break
        if (performance.now() > deadline) {
          const heard = answer === undefined ? "nothing" : `${answer.status} ${said}`
          throw new Error(`${door} answered ${heard} for ${answerTimeoutMs} ms after a fault:\n${this.target.output}`)
        }
        await pause(answerPollMs)
      }
    }
  }

  async #check(
    round: number,
    records: ReadonlyArray<OperationRecord>,
    rest: Backlog,
    suffered: ReadonlyArray<Strike>
  ): Promise<void> {
    const older = Array.from({ length: Math.min(olderReplaysMax, this.records.length) }, () =>
      this.#clientChance.pick(this.records)
    )
    const answered = [...records.filter(({ answer }) => answer !== undefined), ...new Set(older)]
    await inParallel(answered, this.#settings.clients, (record) => replay(this.target, record))
    const judge = new Judge(this.findings, round)
    const journals = records.filter(({ answer, operation: { kind } }) => answer !== undefined && kind.endsWith("it"))
    await inParallel(journals.slice(0, alteredMax), this.#settings.clients, async (record) => {
      const fault = await alter(this.target, record)
      judge.expect("P7", fault === undefined ? undefined : `${record.operation.mark}: ${fault}`)
    })
    await advance(this.target, this.fold)
    judge.judge(records, this.fold, rest)
    for (const record of older) for (const oddity of record.oddities.splice(0)) judge.found("P1", oddity)
    for (const record of records) record.oddities.splice(0)
    for (const { fault, oddities } of suffered) {
      if (fault.startsWith("term")) judge.expect("P12", undefined)
      for (const [promise, what] of oddities) judge.found(promise, what)
    }
    for (const bytes of await this.target.memoryBytes()) {
      this.memoryBytesMax = Math.max(this.memoryBytesMax, bytes)
      judge.expect("P11", bytes > memoryBytesMax ? `a runner holds ${bytes} bytes of memory` : undefined)
    }
    this.records.push(...records)
  }
}

const fatesOf = (records: ReadonlyArray<OperationRecord>): Report["fates"] => {
  const fates: Record<string, { done: number; refused: number }> = {}
  for (const { operation, answer } of records) {
    const fate = (fates[operation.kind] ??= { done: 0, refused: 0 })
    const verdict = verdictOf(answer)
    if (verdict !== "unknown") fate[verdict] += 1
  }
  return fates
}

export interface Watch {
  readonly arranged: (people: number, dataDirectory: string) => void
  readonly round: (report: RoundReport, found: ReadonlyArray<Finding>) => void
}

/** All rounds, and what only can be tried at the end; whatever was started is stopped, however it ends. */
export const run = async (
  target: Target,
  settings: Settings,
  watch: Watch,
  options: {
    readonly skipped?: Report["skipped"]
    readonly finale?: (run: Run, world: World) => Promise<void>
    readonly population?: Population
    /** Waits for what goes on by itself when nobody asks for anything any more. */
    readonly quiet?: () => Promise<void>
    /** Asked after each round: whether it was the last, before as many as are set. */
    readonly isEnough?: () => boolean
  } = {}
): Promise<Report> => {
  let keepData = true
  try {
    const world = await settle(target, settings.keys, chance(settings.seed + 2), options.population)
    const it = new Run(target, world, settings)
    watch.arranged(world.people.length, target.dataDirectory)
    for (let round = 1; round <= settings.rounds; round++) {
      const before = it.findings.found.length
      watch.round(await it.round(round), it.findings.found.slice(before))
      if (options.isEnough?.() === true) break
    }
    if (options.quiet !== undefined) {
      await options.quiet()
      await advance(target, it.fold)
    }
    await it.checkWhole()
    await options.finale?.(it, world)
    keepData = it.findings.found.length > 0
    return {
      settings,
      rounds: it.rounds,
      operations: it.records.length,
      unknown: it.rounds.reduce((sum, { unknown }) => sum + unknown, 0),
      events: it.fold.events,
      fates: fatesOf(it.records),
      memoryBytesMax: it.memoryBytesMax,
      skipped: options.skipped ?? [],
      findings: it.findings,
      dataDirectory: keepData ? target.dataDirectory : undefined
    }
  } finally {
    await target.close({ keepData })
  }
}
