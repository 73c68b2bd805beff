/**
 * The kill loop: load on many keys, a kill at a random instant, a restart, every unanswered request asked again several
 * times at once, sometimes into a second kill, and when all is at rest the promises are checked. Everything random comes
 * from the seed, except for what the operating system decides.
 */
import { setTimeout as pause } from "node:timers/promises"
import { advance, type Backlog, backlog } from "./Audit.ts"
import { type Chance, chance } from "./Chance.ts"
import { attempt, inParallel, replay, resolve } from "./Client.ts"
import { Fold } from "./Fold.ts"
import { type Fault, faults, KoinonProcess } from "./KoinonProcess.ts"
import { type Record as OperationRecord, verdictOf } from "./Operation.ts"
import { type Finding, type Findings, Judge, noFindings } from "./Promises.ts"
import { settle, type World } from "./World.ts"

export interface Settings {
  readonly rounds: number
  readonly seed: number
  /** Contacts, each the key of an actor. */
  readonly keys: number
  /** Clients that ask at the same time. */
  readonly clients: number
  /** Requests in the longest round, about. */
  readonly operationsMax: number
  /** The kill comes after the load has begun, at most so much later. */
  readonly killWithinMs: number
}

export interface RoundReport {
  readonly round: number
  readonly faults: ReadonlyArray<Fault>
  readonly operations: number
  /** Of those, what no client had an answer to when the kill was over. */
  readonly unknown: number
  /** From the first kill until it listened again; for the database alone, until it answered again. */
  readonly recoveryMs: number
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
  readonly findings: Findings
  /** Where the data of a run with findings was kept. */
  readonly dataDirectory: string | undefined
}

/** A client who heard nothing takes a breath before she asks for something else. */
const unansweredPauseMs = 25
/** Load goes on for a while after the kill, so that requests also meet what is no longer there. */
const loadAfterKillMsMax = 400
const secondKillProbability = 0.25
const secondKillWithinMs = 1_500
const restTimeoutMs = 60_000
const restPollMs = 50
/** Operations of earlier rounds that are repeated once more in each round. */
const olderReplaysMax = 50

class Run {
  readonly #koinon: KoinonProcess
  readonly #world: World
  readonly #settings: Settings
  /** Of its own, so that a seed gives the same kills however the clients fare. */
  readonly #faultChance: Chance
  readonly #clientChance: Chance
  readonly fold = new Fold()
  readonly findings = noFindings()
  readonly records: Array<OperationRecord> = []
  readonly rounds: Array<RoundReport> = []

  constructor(koinon: KoinonProcess, world: World, settings: Settings) {
    this.#koinon = koinon
    this.#world = world
    this.#settings = settings
    this.#faultChance = chance(settings.seed)
    this.#clientChance = chance(settings.seed + 1)
  }

  async round(round: number): Promise<RoundReport> {
    const began = performance.now()
    const findingsBefore = this.findings.found.length
    const fault = this.#faultChance.pick(faults)
    const suffered: Array<Fault> = [fault]
    const { records, killedAt } = await this.#load(round, fault)
    await this.#bringBack()
    const recoveryMs = performance.now() - killedAt
    const unanswered = records.filter(({ answer }) => answer === undefined)
    const second = this.#faultChance.happens(secondKillProbability) ? this.#faultChance.pick(faults) : undefined
    const resolving = inParallel(unanswered, this.#settings.clients, (record) =>
      resolve(this.#koinon, record, this.#clientChance)
    )
    if (second !== undefined) {
      suffered.push(second)
      await pause(this.#faultChance.integer(0, secondKillWithinMs))
      await this.#koinon.kill(second)
      await this.#bringBack()
    }
    await resolving
    const rest = await this.#rest()
    for (const record of records) this.#world.posted(record)
    await this.#check(round, records, rest)
    const report = {
      round,
      faults: suffered,
      operations: records.length,
      unknown: unanswered.length,
      recoveryMs: Math.round(recoveryMs),
      seconds: Math.round((performance.now() - began) / 100) / 10,
      findings: this.findings.found.length - findingsBefore
    }
    this.rounds.push(report)
    return report
  }

  /** Reads the whole journal once more from its beginning and holds it against everything that was ever answered. */
  async checkWhole(): Promise<void> {
    const whole = new Fold()
    await advance(this.#koinon, whole)
    const round = this.#settings.rounds
    const judge = new Judge(this.findings, round)
    if (whole.events !== this.fold.events) {
      judge.found("P1", `${this.fold.events} events were seen, and ${whole.events} are in the journal`)
    }
    const found = noFindings()
    new Judge(found, round).judge(this.records, whole, await backlog(this.#koinon))
    // What was found before is told once.
    const known = new Set(this.findings.found.map(({ what }) => what))
    this.findings.found.push(...found.found.filter(({ what }) => !known.has(what)))
  }

  /** Clients ask without pause until the kill has come, and a little longer. */
  async #load(round: number, fault: Fault) {
    const { clients, operationsMax, killWithinMs } = this.#settings
    const killAfterMs = this.#faultChance.integer(0, killWithinMs)
    const goOnMs = this.#faultChance.integer(0, loadAfterKillMsMax)
    const records: Array<OperationRecord> = []
    const over = new AbortController()
    // Spread over the longest time there may be, so that the kill never comes after the load has ended.
    const thinkMsMax = (2 * (killWithinMs + loadAfterKillMsMax) * clients) / operationsMax
    const client = async (): Promise<void> => {
      while (!over.signal.aborted) {
        await pause(this.#clientChance.next() * thinkMsMax)
        const record = await attempt(this.#koinon, this.#world.next(), round)
        records.push(record)
        if (record.answer === undefined) await pause(unansweredPauseMs)
      }
    }
    const asking = Promise.all(Array.from({ length: clients }, client))
    await pause(killAfterMs)
    const killedAt = performance.now()
    await this.#koinon.kill(fault)
    await pause(goOnMs)
    over.abort()
    if (fault !== "database") await this.#koinon.start()
    await asking
    return { records, killedAt }
  }

  async #bringBack(): Promise<void> {
    if (!this.#koinon.isRunning) await this.#koinon.start()
    const path = `/backoffice/v2/wallets/${this.#world.people[0]?.id}`
    const deadline = performance.now() + restTimeoutMs
    while (performance.now() < deadline) {
      const answer = await fetch(`${this.#koinon.url}${path}`, {
        headers: { api_key: this.#koinon.apiKey },
        signal: AbortSignal.timeout(restTimeoutMs)
      }).catch(() => undefined)
      await answer?.arrayBuffer()
      if (answer?.ok === true) return
      await pause(restPollMs)
    }
    throw new Error(`Koinon did not answer within ${restTimeoutMs} ms after a kill:\n${this.#koinon.output}`)
  }

  /** Waits until nothing is under way any more, or for too long. */
  async #rest(): Promise<Backlog> {
    const deadline = performance.now() + restTimeoutMs
    while (true) {
      const left = await backlog(this.#koinon).catch((): Backlog => ({ due: 1, parked: 0, open: 1 }))
      if ((left.due === 0 && left.open === 0) || performance.now() > deadline) return left
      await pause(restPollMs)
    }
  }

  async #check(round: number, records: ReadonlyArray<OperationRecord>, rest: Backlog): Promise<void> {
    const older = Array.from({ length: Math.min(olderReplaysMax, this.records.length) }, () =>
      this.#clientChance.pick(this.records)
    )
    const answered = [...records.filter(({ answer }) => answer !== undefined), ...new Set(older)]
    await inParallel(answered, this.#settings.clients, (record) => replay(this.#koinon, record))
    const judge = new Judge(this.findings, round)
    await advance(this.#koinon, this.fold)
    judge.judge(records, this.fold, rest)
    for (const record of older) for (const oddity of record.oddities.splice(0)) judge.found("P1", oddity)
    for (const record of records) record.oddities.splice(0)
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

/** All rounds; whatever was started is stopped, however it ends. */
export const run = async (settings: Settings, watch: Watch): Promise<Report> => {
  const koinon = await KoinonProcess.open()
  let keepData = false
  try {
    const world = await settle(koinon, settings.keys, chance(settings.seed + 2))
    const it = new Run(koinon, world, settings)
    watch.arranged(world.people.length, koinon.dataDirectory)
    for (let round = 1; round <= settings.rounds; round++) {
      const before = it.findings.found.length
      watch.round(await it.round(round), it.findings.found.slice(before))
    }
    await it.checkWhole()
    keepData = it.findings.found.length > 0
    return {
      settings,
      rounds: it.rounds,
      operations: it.records.length,
      unknown: it.rounds.reduce((sum, { unknown }) => sum + unknown, 0),
      events: it.fold.events,
      fates: fatesOf(it.records),
      findings: it.findings,
      dataDirectory: keepData ? koinon.dataDirectory : undefined
    }
  } finally {
    await koinon.close({ keepData })
  }
}
