/**
 * The way from a process to the store and back. What is asked travels, happens at the store in one instant, and its answer
 * travels back to wherever the process is by then: it may be frozen, or gone. Faults are put in its way one at a time.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Chance } from "../chaos/Chance.ts"
import { Journal, JournalUnavailable, type ShardHold } from "#runtime/journal/Journal.ts"
import type { Batch } from "#runtime/journal/Unit.ts"
import type { Machine, Process } from "./Machine.ts"

type Service = Journal["Service"]

export type Mishap = "lost on its way" | "answer lost" | "lands late" | "slow"

/** What befalls the next commits, whoever sends them, and until when nobody gets through. */
export class Weather {
  readonly #mishaps: Array<{ readonly mishap: Mishap; readonly forMs: number }> = []
  unreachableUntilMs = 0

  next(mishap: Mishap, forMs: number): void {
    this.#mishaps.push({ mishap, forMs })
  }

  take(): { readonly mishap: Mishap; readonly forMs: number } | undefined {
    return this.#mishaps.shift()
  }

  clear(): void {
    this.#mishaps.length = 0
    this.unreachableUntilMs = 0
  }
}

/** What the store's side is told, in the instant in which it happens. */
export interface Witness {
  readonly committed: (batch: Batch, process: Process) => void
  readonly tookOver: (runner: string, shards: ReadonlyArray<number>, process: Process) => void
  readonly refused: (batch: Batch, process: Process, reason: string) => void
}

const oneWayMsMax = 3
const unavailable = (operation: string) =>
  Exit.fail(new JournalUnavailable({ operation, cause: "a fault of the simulation" }))

export class Connection {
  readonly #machine: Machine
  readonly #process: Process
  readonly #weather: Weather
  readonly #dice: Chance

  constructor(machine: Machine, process: Process, weather: Weather, dice: Chance) {
    this.#machine = machine
    this.#process = process
    this.#weather = weather
    this.#dice = dice
  }

  get #oneWayMs(): number {
    return this.#dice.integer(0, oneWayMsMax)
  }

  /** Asks the store for something that takes no time there. `happens` is told how it ended, in that instant. */
  call<A, E>(
    operation: string,
    effect: Effect.Effect<A, E>,
    happens?: (exit: Exit.Exit<A, E>) => void,
    mishap?: { readonly mishap: Mishap; readonly forMs: number }
  ): Effect.Effect<A, E | JournalUnavailable> {
    return Effect.callback((resume) => {
      const answer = (exit: Exit.Exit<A, E | JournalUnavailable>, delayMs: number): void =>
        this.#machine.after(delayMs, () => this.#process.enqueue(() => resume(exit)))
      const isUnreachable = this.#machine.now < this.#weather.unreachableUntilMs
      if (isUnreachable || mishap?.mishap === "lost on its way") return answer(unavailable(operation), this.#oneWayMs)
      const isLate = mishap?.mishap === "lands late"
      if (isLate) answer(unavailable(operation), this.#oneWayMs)
      const delayMs = isLate || mishap?.mishap === "slow" ? mishap.forMs : 0
      this.#machine.after(this.#oneWayMs + delayMs, () => {
        const exit = Effect.runSyncExit(effect)
        happens?.(exit)
        if (!isLate) answer(mishap?.mishap === "answer lost" ? unavailable(operation) : exit, this.#oneWayMs)
      })
    })
  }

  /** The journal as this process reaches it. */
  journal(inner: Service, witness: Witness): Service {
    const process = this.#process
    const held = (runner: string) => (exit: Exit.Exit<ReadonlyArray<ShardHold>, unknown>) => {
      const shards = Exit.isSuccess(exit) ? exit.value.map(({ shard }) => shard) : []
      if (shards.length > 0) witness.tookOver(runner, shards, process)
    }
    return Journal.of({
      takeOver: (runner, shards) => this.call("takeOver", inner.takeOver(runner, shards), held(runner)),
      retake: (runner, shards) => this.call("retake", inner.retake(runner, shards), held(runner)),
      commit: (batch) =>
        Effect.suspend(() => {
          // As it is now: the committer lets go of the units of a batch once it has its answer.
          const sent = { ...batch, units: [...batch.units] }
          return this.call(
            "commit",
            inner.commit(sent),
            (exit) =>
              Exit.isSuccess(exit)
                ? witness.committed(sent, process)
                : witness.refused(sent, process, String(exit.cause.reasons[0]?._tag)),
            this.#weather.take()
          )
        }),
      hasBatch: (...asked) => this.call("hasBatch", inner.hasBatch(...asked)),
      conflicts: (...asked) => this.call("conflicts", inner.conflicts(...asked)),
      load: (...asked) => this.call("load", inner.load(...asked)),
      command: (...asked) => this.call("command", inner.command(...asked)),
      holders: (...asked) => this.call("holders", inner.holders(...asked)),
      due: (...asked) => this.call("due", inner.due(...asked)),
      park: (...asked) => this.call("park", inner.park(...asked)),
      backlog: (...asked) => this.call("backlog", inner.backlog(...asked)),
      heads: (...asked) => this.call("heads", inner.heads(...asked)),
      shardEvents: (...asked) => this.call("shardEvents", inner.shardEvents(...asked)),
      scan: (...asked) => this.call("scan", inner.scan(...asked)),
      dataKeys: (...asked) => this.call("dataKeys", inner.dataKeys(...asked)),
      streamEvents: (...asked) => this.call("streamEvents", inner.streamEvents(...asked)),
      asideEvents: (...asked) => this.call("asideEvents", inner.asideEvents(...asked)),
      eventsAt: (...asked) => this.call("eventsAt", inner.eventsAt(...asked)),
      businessIds: this.call("businessIds", inner.businessIds),
      // It has no end; a runner that holds every shard does not listen.
      hear: () => Effect.never,
      saveSnapshots: (...asked) => this.call("saveSnapshots", inner.saveSnapshots(...asked)),
      forgetBatches: (...asked) => this.call("forgetBatches", inner.forgetBatches(...asked))
    })
  }
}
