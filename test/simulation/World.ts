/**
 * One seeded world from its first request to its end: runners over one journal, clients, and a nemesis. While faults
 * strike, every oracle that can be asked at any instant is asked; then the faults stop, and within a bound of virtual time
 * everything has to come to rest, everybody has to be answered, and the books have to be right.
 */
import "effect/schema/SchemaJITCompiler/enable"
import { type Batch, streamName } from "#runtime/journal/Unit.ts"
import type { Store } from "#runtime/storage/JournalMemory.ts"
import { type Chance, chance } from "../chaos/Chance.ts"
import { Judge, noFindings } from "../chaos/Promises.ts"
import { Clients } from "./Clients.ts"
import { Weather, type Witness } from "./Connection.ts"
import { Machine, type Process } from "./Machine.ts"
import { isOracle, type Model, type Oracle } from "./Model.ts"
import { Nemesis } from "./Nemesis.ts"
import { type Plan, secondWave } from "./Plan.ts"
import { alteredOf, requestOf } from "./Requests.ts"
import { Runners } from "./Runners.ts"
import { Story } from "./Story.ts"
import { townWith } from "./Town.ts"
import { ViewDatabase } from "./ViewDatabase.ts"

export interface Violation {
  readonly oracle: Oracle
  readonly what: string
}

export interface Result {
  readonly violation: Violation | undefined
  /** Of all that was told: the same seed, the same hash. */
  readonly hash: string
  readonly story: ReadonlyArray<string>
  readonly commits: number
  readonly answered: number
  readonly virtualMs: number
}

/** Faults are over; within this time all has to be at rest. */
const restWithinMs = 60_000
/** And when nothing is wrong, within this: a view looks at what it does not want once a second. */
const answerWithinMs = 2_000
const lookMs = 50
/** Whoever watches the runners looks this often whether one is in service. */
const watchMs = 100
const afterLastMs = 300
const stepsMax = 400_000
const repeatShare = 0.3
/** Answered requests that are asked once more at the end. */
const repeatedMax = 5

class World {
  readonly #plan: Plan
  readonly #machine: Machine
  readonly #dice: Chance
  readonly #store: Store
  readonly #model: Model
  readonly #weather = new Weather()
  readonly #view: ViewDatabase | undefined
  readonly #runners: Runners
  readonly #clients: Clients
  readonly #story = new Story()
  #violation: Violation | undefined
  #commits = 0
  #isCalm = false

  constructor(plan: Plan) {
    this.#plan = plan
    this.#dice = chance(plan.seed + 1)
    this.#machine = new Machine(this.#dice, plan.start)
    const accuse = (oracle: Oracle, what: string): void => this.#accuse(oracle, what)
    const town = townWith(accuse)
    this.#store = town.store
    this.#model = town.model
    this.#view = plan.hasView ? new ViewDatabase(this.#store) : undefined
    const { cascadeTurnsMax } = plan
    this.#runners = new Runners({
      machine: this.#machine,
      dice: this.#dice,
      store: this.#store,
      weather: this.#weather,
      witness: this.#witness(),
      cascadeTurnsMax,
      view: this.#view,
      heard: (runner, rows) => {
        for (const row of rows) {
          const isThere = (this.#store.streams.get(streamName(row))?.length ?? 0) >= row.seq
          if (!isThere) this.#accuse("P1", `${runner.name} tells of an event that is not in the journal`)
        }
      }
    })
    this.#clients = new Clients({
      machine: this.#machine,
      dice: this.#dice,
      store: this.#store,
      model: this.#model,
      runners: this.#runners,
      story: this.#story,
      accuse
    })
  }

  #accuse(oracle: Oracle, what: string): void {
    this.#violation ??= { oracle, what }
  }

  #tell(line: string): void {
    this.#story.tell(this.#machine.now, line)
  }

  #nameOf(process: Process): string {
    return process.state === "gone" ? `${process.name} (gone)` : process.name
  }

  #witness(): Witness {
    const units = (batch: Batch): string =>
      batch.units
        .map(({ command, events }) =>
          command === undefined
            ? "what is accepted"
            : (this.#model.nameOf(command.id) ?? events[0]?.type ?? "a message")
        )
        .join(", ")
    return {
      committed: (batch, process) => {
        this.#commits += 1
        this.#model.committed(batch)
        this.#tell(`${this.#nameOf(process)} commits ${units(batch)}`)
      },
      refused: (batch, process) => this.#tell(`${this.#nameOf(process)} may not commit ${units(batch)}`),
      tookOver: (runner, shards, process) => {
        this.#tell(`${this.#nameOf(process)} takes ${shards.length} shards`)
        this.#model.tookOver(runner, shards)
      }
    }
  }

  run(): Result {
    try {
      this.#machine.asEventLoop(() => this.#live())
    } catch (cause) {
      // What the model cannot even read or judge is no history of this domain.
      this.#accuse("P6", `it cannot be followed: ${cause instanceof Error ? cause.stack : String(cause)}`)
    }
    const broken = this.#violation
    if (broken !== undefined) this.#tell(`${broken.oracle} DOES NOT HOLD: ${broken.what}`)
    return {
      violation: broken,
      hash: this.#story.hash,
      story: this.#story.lines,
      commits: this.#commits,
      answered: this.#clients.errands.filter(({ isKnown }) => isKnown).length,
      virtualMs: this.#machine.now
    }
  }

  #live(): void {
    const { operations, faults } = this.#plan
    const nemesis = new Nemesis({
      machine: this.#machine,
      store: this.#store,
      model: this.#model,
      runners: this.#runners,
      clients: this.#clients,
      weather: this.#weather,
      view: this.#view,
      clocksJump: this.#clocksJump,
      tell: (line) => this.#tell(line)
    })
    for (const operation of operations) {
      const { atMs, againAfterMs, alteredAfterMs } = operation
      this.#machine.after(atMs, () => {
        const errand = this.#clients.want(operation, requestOf(operation), false)
        if (againAfterMs !== undefined) this.#machine.after(againAfterMs, () => this.#clients.attempt(errand))
      })
      if (alteredAfterMs !== undefined) {
        this.#machine.after(atMs + alteredAfterMs, () => this.#clients.want(operation, alteredOf(operation), true))
      }
    }
    for (const fault of faults) this.#machine.after(fault.atMs, () => this.#isCalm || nemesis.strike(fault))
    this.#runners.start()
    this.#watch()
    const last = Math.max(operations.at(-1)?.atMs ?? 0, faults.at(-1)?.atMs ?? 0) + afterLastMs
    this.#until(last, () => false)
    if (this.#violation === undefined) this.#heal()
  }

  /** Goes on to that instant, or until something is reached or broken. */
  #until(untilMs: number, reached: () => boolean): boolean {
    const isReached = { now: false }
    const look = (): void => {
      if (reached()) isReached.now = true
      else this.#machine.after(lookMs, look)
    }
    this.#machine.after(0, look)
    for (let steps = 0; this.#machine.now < untilMs && !isReached.now && this.#violation === undefined; steps++) {
      if (steps > stepsMax) this.#accuse("P8", `it runs in circles: ${stepsMax} steps and no end`)
      if (!this.#machine.step()) break
    }
    return isReached.now
  }

  /** A runner that has lost its shards ends, and where none is in service one is started. */
  #watch(): void {
    for (const runner of this.#runners.all.slice()) {
      const { shards = 1, shardsLost = 0 } = runner.actors?.statistics().committer ?? {}
      if (runner.process.state === "running" && shards === 0 && shardsLost > 0 && !runner.isTaking) {
        this.#tell(`${runner.name} has lost its shards and ends`)
        this.#runners.kill(runner)
      }
    }
    if (!this.#runners.all.some(({ process }) => process.state === "running")) {
      this.#tell(`${this.#runners.start().name} starts`)
    }
    this.#runners.placeOrphans()
    this.#machine.after(watchMs, () => this.#watch())
  }

  get #clocksJump(): boolean {
    return this.#plan.faults.some(({ kind }) => kind === "a clock jumps")
  }

  /** Faults stop. */
  #heal(): void {
    this.#tell("the faults are over")
    this.#isCalm = true
    this.#clients.isCalm = true
    this.#runners.isCalm = true
    this.#clients.answersToLose = 0
    this.#weather.clear()
    if (this.#view !== undefined) this.#view.dies = () => false
    for (const { process } of this.#runners.all) {
      process.clockOffsetMs = 0
      if (process.state === "frozen") process.state = "running"
    }
    const isAtRest = this.#until(this.#machine.now + restWithinMs, () => this.#leftOver() === undefined)
    if (this.#violation !== undefined) return
    if (!isAtRest) return this.#accuse("P8", `${restWithinMs} ms after the last fault ${this.#leftOver()}`)
    if (this.#plan.hasSecondWave) this.#askAgain()
    if (this.#violation !== undefined) return
    this.#judge()
    this.#repeat(chance(this.#plan.seed + 2))
  }

  /** Nothing is wrong any more: what is asked for now is answered at once. */
  #askAgain(): void {
    this.#tell("everything is asked for once more")
    const operations = secondWave(this.#plan.operations)
    for (const operation of operations) {
      this.#machine.after(operation.atMs, () => this.#clients.want(operation, requestOf(operation), false))
    }
    const lastMs = this.#machine.now + (operations.at(-1)?.atMs ?? 0)
    this.#until(lastMs, () => false)
    if (this.#until(lastMs + answerWithinMs, () => this.#leftOver() === undefined)) return
    this.#accuse("P8", `without a fault, after ${answerWithinMs} ms ${this.#leftOver()}`)
  }

  /** What is not at rest, in words. */
  #leftOver(): string | undefined {
    const { wallNow } = this.#machine
    for (const [id, row] of this.#store.inbox) {
      const { failure, deliverAt } = row
      if (failure !== undefined) return `${this.#model.nameOf(id)} is parked: ${failure}`
      if (deliverAt > wallNow && this.#model.isTimer(id)) continue
      const forMs = deliverAt - wallNow
      return `${this.#model.nameOf(id)} waits${forMs > 0 ? ` for the clock to get on by ${forMs} ms` : ""}`
    }
    const { openCount } = this.#model
    if (openCount > 0) return `${openCount} commands are open`
    const waiting = this.#clients.errands.find(({ isKnown }) => !isKnown)
    if (waiting !== undefined) return `${waiting.name} has no answer`
    if (this.#view?.isCaughtUp === false) return "the view is behind"
    return undefined
  }

  /** All that is promised when everything is at rest. */
  #judge(): void {
    const findings = noFindings()
    const records = this.#clients.errands.flatMap(({ operation: { kind, isAccepted }, record }) => {
      const isMarked = kind !== "e-mail" && kind !== "registration" && kind !== "read"
      return isMarked && !(isAccepted && (kind === "credit" || kind === "debit")) ? [record] : []
    })
    // What an answer says was held against the domain when it was given.
    new Judge(findings, 1, () => undefined).judge(records, this.#model.fold, { due: 0, parked: 0, open: 0 })
    for (const { promise, what } of findings.found) if (isOracle(promise)) this.#accuse(promise, what)
    for (const name of this.#model.lost()) this.#accuse("P8", `${name} was sent and is nowhere`)
    this.#judgeView()
  }

  #judgeView(): void {
    const view = this.#view
    if (view === undefined) return
    const rebuilt = view.rebuilt()
    for (const key of new Set([...rebuilt.keys(), ...view.rows.keys()])) {
      const [live, fresh] = [view.rows.get(key) ?? [], rebuilt.get(key) ?? []]
      if (live.join() !== fresh.join()) {
        this.#accuse(
          "P9",
          `the view has ${live.length} rows of ${key}, and rebuilt ${fresh.length} (or in another order)`
        )
      }
    }
  }

  /** A new runner, which remembers nothing, repeats the answers. */
  #repeat(dice: Chance): void {
    if (!dice.happens(repeatShare)) return
    for (const runner of this.#runners.all.slice()) this.#runners.kill(runner)
    const errands = this.#clients.errands.filter(({ operation }) => !operation.isAccepted)
    const repeated = Array.from({ length: Math.min(repeatedMax, errands.length) }, () => dice.pick(errands))
    this.#runners.start()
    for (const errand of repeated) errand.isKnown = false
    this.#until(this.#machine.now + lookMs, () => this.#runners.owner !== undefined)
    for (const errand of new Set(repeated)) this.#clients.attempt(errand)
    const reached = this.#until(this.#machine.now + restWithinMs, () => repeated.every(({ isKnown }) => isKnown))
    if (!reached) this.#accuse("P8", "a repetition is not answered")
  }
}

export const simulate = (plan: Plan): Result => new World(plan).run()
