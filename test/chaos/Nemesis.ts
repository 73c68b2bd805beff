/**
 * What befalls several runners and their database, drawn from a seed: killed, stopped in order, frozen past the takeover
 * and woken, cut off in the middle of a commit, without a disk, with the clock set. Each fault runs its whole course under
 * load; who was meant to take over is waited for in the database itself.
 */
import { setTimeout as pause } from "node:timers/promises"
import type { Chance } from "./Chance.ts"
import type { CutAt } from "./CuttingProxy.ts"
import { Runners, type Runner } from "./Runners.ts"
import type { Strike, Target } from "./Target.ts"
import { isReplaced, shardsOf } from "./Witness.ts"

export const clusterFaults = ["kill", "term", "stop", "database", "cut", "disk", "clock"] as const
export type ClusterFault = (typeof clusterFaults)[number]

/** Locks go after 6 s without their owner. */
const frozenMsMin = 12_500
const frozenMsMax = 16_000
const takeoverTimeoutMs = 60_000
const takeoverPollMs = 100
const goOnMsMax = 1_500
const commitWithinMs = 3_000
const refuseMsMax = 4_000
const diskFullMsMin = 1_500
const diskFullMsMax = 5_000
/** A runner that goes has a few seconds; this is for one that stays, on a machine that does much else. */
const stopTimeoutMs = 60_000
const outputShownCharacters = 2_000
const skewMsMax = 2_500
const hourMs = 60 * 60_000
/** Runs that set clocks begin so long before the end of a month in the business's zone. */
const beforeMonthEndMs = 10 * 60_000
const businessUtcOffsetMs = { summer: 3 * hourMs, winter: 2 * hourMs }
/** Second faults, while everybody asks again, are the quick ones. */
const quickFaults: ReadonlyArray<ClusterFault> = ["kill", "database", "cut"]

/** So far is it from now to shortly before the end of this month, at the business's place. */
const untilMonthEnd = (): number => {
  const now = new Date()
  const next = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1)
  // Summer time is from the last Sunday of March to that of October: a month's first midnight is in it from April on.
  const month = new Date(next).getUTCMonth()
  const zone = month >= 3 && month <= 9 ? businessUtcOffsetMs.summer : businessUtcOffsetMs.winter
  return next - zone - beforeMonthEndMs - now.getTime()
}

export class Nemesis implements Target {
  readonly runners: Runners
  readonly #faults: ReadonlyArray<ClusterFault>
  readonly #baseOffsetMs: number
  /** By the clocks of the runners. */
  readonly #startedAt: number

  private constructor(runners: Runners, faults: ReadonlyArray<ClusterFault>, baseOffsetMs: number) {
    this.runners = runners
    this.#faults = faults
    this.#baseOffsetMs = baseOffsetMs
    this.#startedAt = runners.now()
  }

  /** `skipped` names the faults that cannot be tried here. */
  static async open(count: number, wanted: ReadonlyArray<ClusterFault>) {
    const offsetMs = wanted.includes("clock") ? untilMonthEnd() : 0
    const runners = await Runners.open(count, { wantsDisk: wanted.includes("disk"), offsetMs })
    const hasDisk = runners.disk !== undefined
    const faults = wanted.filter((fault) => fault !== "disk" || hasDisk)
    const skipped = wanted.includes("disk") && !hasDisk ? [{ fault: "disk", reason: runners.noDisk }] : []
    if (faults.length === 0) {
      await runners.close({ keepData: false })
      throw new Error(`no fault is left to try: ${runners.noDisk}`)
    }
    return { target: new Nemesis(runners, faults, offsetMs), skipped }
  }

  get apiKey() {
    return this.runners.apiKey
  }
  get storeId() {
    return this.runners.storeId
  }
  get dataDirectory() {
    return this.runners.dataDirectory
  }
  get output() {
    return this.runners.output
  }
  readonly now = () => this.runners.now()
  readonly door = () => this.runners.door()
  readonly openDoor = () => this.runners.openDoor()
  readonly doors = () => this.runners.doors()
  readonly mend = () => this.runners.mend()
  readonly databaseUrl = () => this.runners.databaseUrl()
  readonly masterSecret = () => this.runners.masterSecret()
  readonly memoryBytes = () => this.runners.memoryBytes()
  readonly close = (options: { readonly keepData: boolean }) => this.runners.close(options)

  async strike(chance: Chance, isSecond: boolean): Promise<Strike> {
    const quick = this.#faults.filter((fault) => quickFaults.includes(fault))
    const fault = chance.pick(isSecond && quick.length > 0 ? quick : this.#faults)
    const victim = chance.pick(this.runners.all)
    const goOnMs = chance.integer(0, goOnMsMax)
    const strike = await this.#strikes[fault](victim, chance)
    return { ...strike, fault: strike.fault, over: strike.over.then(() => pause(goOnMs)) }
  }

  readonly #strikes: Readonly<Record<ClusterFault, (victim: Runner, chance: Chance) => Promise<Strike>>> = {
    kill: async (victim) => {
      const replaced = await this.#holder(victim)
      const struckAt = performance.now()
      await victim.process.kill()
      return { fault: "kill", struckAt, affectedShards: replaced.shards, over: replaced.byOthers(), oddities: [] }
    },

    /** P12. In half of the cases all of them are replaced, one after the other. */
    term: async (victim, chance) => {
      const replaced = await this.#holder(victim)
      const others = chance.happens(0.5) ? this.runners.all.filter((runner) => runner !== victim) : []
      const oddities: Array<readonly ["P12", string]> = []
      const roll = async (runner: Runner): Promise<void> => {
        const went = await runner.process.stop(stopTimeoutMs)
        if (!went) {
          const said = runner.process.output.slice(-outputShownCharacters)
          oddities.push(["P12", `${runner.name} had not ended ${stopTimeoutMs} ms after SIGTERM:\n${said}`])
        }
        await runner.process.start()
      }
      const struckAt = performance.now()
      const rolling = (async () => {
        for (const runner of [victim, ...others]) await roll(runner)
      })()
      const fault = others.length > 0 ? "term of each" : "term"
      const over = Promise.all([rolling, replaced.byOthers()]).then(() => undefined)
      return { fault, struckAt, affectedShards: replaced.shards, over, oddities }
    },

    /** P5. */
    stop: async (victim, chance) => {
      const replaced = await this.#holder(victim)
      const frozenMs = chance.integer(frozenMsMin, frozenMsMax)
      const struckAt = performance.now()
      victim.process.signal("SIGSTOP")
      victim.isFrozen = true
      const over = (async () => {
        await Promise.all([pause(frozenMs), replaced.byOthers()])
        victim.process.signal("SIGCONT")
        victim.isFrozen = false
      })()
      const frozenDoor = victim.process.url
      return { fault: "stop", struckAt, affectedShards: replaced.shards, frozenDoor, over, oddities: [] }
    },

    database: async (_victim, chance) => {
      const isKill = chance.happens(0.5)
      const struckAt = performance.now()
      if (isKill) this.runners.killDatabase()
      else this.runners.stopDatabase()
      const fault = isKill ? "database killed" : "database stopped"
      return { fault, struckAt, affectedShards: undefined, over: Promise.resolve(), oddities: [] }
    },

    cut: async (victim, chance) => {
      const at = chance.pick<CutAt>(["before", "during", "after"])
      const refuseMs = chance.happens(0.5) ? chance.integer(0, refuseMsMax) : undefined
      const { shards } = await this.#holder(victim)
      const wasCut = await victim.proxy.cut(at, refuseMs, commitWithinMs)
      const fault = `cut ${wasCut ? at : "missed"}${refuseMs === undefined || !wasCut ? "" : ", all of it"}`
      const over = pause(refuseMs ?? 0)
      return { fault, struckAt: performance.now(), affectedShards: shards, over, oddities: [] }
    },

    disk: async (_victim, chance) => {
      const fullMs = chance.integer(diskFullMsMin, diskFullMsMax)
      const struckAt = performance.now()
      this.runners.disk?.fill()
      const over = pause(fullMs).then(() => this.runners.disk?.free())
      return { fault: "disk full", struckAt, affectedShards: undefined, over, oddities: [] }
    },

    /** P16: an hour on, an hour back, the first second of a month, all of it with runners that differ a little. */
    clock: async (_victim, chance) => {
      const toMonthEnd = this.#startedAt + beforeMonthEndMs - (Date.now() + this.#baseOffsetMs)
      const [fault, jumpMs] = chance.pick([
        ["clock an hour on", hourMs],
        ["clock an hour back", -hourMs],
        ["clock set right", 0],
        ["clock to the end of the month", toMonthEnd]
      ] as const)
      const skews = this.runners.all.map(() => chance.integer(-skewMsMax, skewMsMax))
      const struckAt = performance.now()
      this.runners.setClocks(this.#baseOffsetMs + jumpMs, skews)
      return { fault, struckAt, affectedShards: undefined, over: Promise.resolve(), oddities: [] }
    }
  }

  /** What a runner holds now, and how to wait until it holds none of it any more under the id it has now. */
  async #holder(victim: Runner) {
    const url = this.runners.url()
    const held = await shardsOf(url, victim.role)
    const owners = [...new Set(held.map(({ owner }) => owner))]
    const byOthers = async (): Promise<void> => {
      const deadline = performance.now() + takeoverTimeoutMs
      while (owners.length > 0 && performance.now() < deadline) {
        if (await isReplaced(url, owners).catch(() => false)) return
        await pause(takeoverPollMs)
      }
    }
    return { shards: new Set(held.map(({ shard }) => shard)), byOthers }
  }
}
