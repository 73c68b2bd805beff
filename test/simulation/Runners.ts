/**
 * The runners of a world: each the runtime's own actors in a process of the machine, with a connection of its own. Also
 * the one place that knows how shards move from one runner to another.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { SqlClient } from "effect/sql/SqlClient"
import * as Actors from "#runtime/actor/Actors.ts"
import { CascadeTurnsMax } from "#runtime/actor/Cascade.ts"
import { allShards } from "#runtime/actor/Placement.ts"
import { Journal } from "#runtime/journal/Journal.ts"
import * as Sealers from "#runtime/privacy/Sealer.ts"
import * as DataKeys from "#runtime/projection/DataKeys.ts"
import * as Projector from "#runtime/projection/Projector.ts"
import type { Store } from "#runtime/storage/JournalMemory.ts"
import * as JournalMemory from "#runtime/storage/JournalMemory.ts"
import type { Chance } from "../chaos/Chance.ts"
import { Connection, type Weather, type Witness } from "./Connection.ts"
import type { Machine, Process } from "./Machine.ts"
import { projection, type ViewDatabase } from "./ViewDatabase.ts"

const realSealer = Effect.runSync(
  Effect.provide(Sealers.Sealer, Sealers.layer(Redacted.make("a master secret that is long enough for tests")))
)
const sealedTexts = new Map<string, string>()
/** Texts remembered, at most; then all are let go. */
const sealedTextsMax = 20_000

/** The runtime's own, which remembers what it has sealed: opening the same text again and again proves nothing here. */
export const sealer: Sealers.Sealer["Service"] = {
  ...realSealer,
  seal: (key, text, of) => {
    const sealed = realSealer.seal(key, text, of)
    if (sealedTexts.size >= sealedTextsMax) sealedTexts.clear()
    sealedTexts.set(`${of}/${sealed}`, text)
    return sealed
  },
  open: (key, sealed, of) => sealedTexts.get(`${of}/${sealed}`) ?? realSealer.open(key, sealed, of)
}

export interface Runner {
  readonly process: Process
  readonly name: string
  /** Absent while it starts. */
  actors: Actors.Actors["Service"] | undefined
  placed: Actors.Placed | undefined
  /** It is being given shards. */
  isTaking: boolean
}

export interface Ground {
  readonly machine: Machine
  readonly dice: Chance
  readonly store: Store
  readonly weather: Weather
  readonly witness: Witness
  readonly cascadeTurnsMax: number
  /** Absent when no view is fed. */
  readonly view: ViewDatabase | undefined
  /** A turn has been told to those who listen. */
  readonly heard: (
    runner: Runner,
    events: ReadonlyArray<{ readonly aggregate: number; readonly id: string; readonly seq: number }>
  ) => void
}

export class Runners {
  readonly #ground: Ground
  readonly all: Array<Runner> = []
  /** The faults are over. */
  isCalm = false
  #started = 0

  constructor(ground: Ground) {
    this.#ground = ground
  }

  /** The one that took over last, as far as it is in service. */
  get owner(): Runner | undefined {
    return this.all.findLast(({ actors, process }) => actors !== undefined && process.state === "running")
  }

  /** Where the actors of the shard are, as the cluster would know. */
  holderOf(shard: number): Runner | undefined {
    return this.#inService.find(({ actors }) => actors?.holds(shard) === true)
  }

  get #inService(): ReadonlyArray<Runner> {
    return this.all.filter(({ actors, process }) => actors !== undefined && process.state === "running")
  }

  /**
   * Some shards of one runner become another's: in good order, or without a word to whoever has them. Says who gets them,
   * if there is anybody.
   */
  moveSome(pick: number, inGoodOrder: boolean): Runner | undefined {
    const [from, to] = this.#inService.toSorted(() => (pick < 0.5 ? 1 : -1))
    if (from === undefined || to === undefined) return undefined
    const third = Math.floor(pick * 1_000) % 3
    const shards = allShards.filter((shard) => shard % 3 === third && from.actors?.holds(shard) === true)
    if (shards.length === 0) return undefined
    if (!inGoodOrder) this.#give(to, shards)
    else {
      this.#run(from, from.placed?.release(new Set(shards)), () => this.#give(to, shards))
    }
    return to
  }

  /** What nobody holds goes to whoever is there, as the cluster sees to it sooner or later. */
  placeOrphans(): void {
    const orphans = allShards.filter((shard) => this.holderOf(shard) === undefined)
    const to = this.#inService.find(({ isTaking }) => !isTaking)
    if (orphans.length > 0 && to !== undefined && this.#inService.every(({ isTaking }) => !isTaking)) {
      this.#give(to, orphans)
    }
  }

  #give(to: Runner, shards: ReadonlyArray<number>): void {
    to.isTaking = true
    this.#run(to, to.placed?.take(shards), () => {
      to.isTaking = false
    })
  }

  /** In the process of the runner; `after` is called however it ends, unless the runner is gone by then. */
  #run(runner: Runner, effect: Effect.Effect<void, unknown> | undefined, after: () => void): void {
    const { machine } = this.#ground
    if (effect === undefined) return
    runner.process.enqueue(() => {
      Effect.runForkWith(machine.surroundings(runner.process))(effect).addObserver(after)
    })
  }

  /** With every shard, or as one that is given some later. */
  start(shards: ReadonlyArray<number> = allShards): Runner {
    const { machine, store, dice, weather, witness, view, cascadeTurnsMax, heard } = this.#ground
    const name = `runner ${++this.#started}`
    const process = machine.start(name)
    const runner: Runner = { process, name, actors: undefined, placed: undefined, isTaking: false }
    this.all.push(runner)
    const connection = new Connection(machine, process, weather, dice)
    const journal = Layer.succeed(Journal, connection.journal(JournalMemory.make(store), witness))
    const base = Layer.mergeAll(
      journal,
      Layer.succeed(Sealers.Sealer, sealer),
      Layer.succeed(CascadeTurnsMax, cascadeTurnsMax)
    )
    const listening = Layer.effectDiscard(
      Effect.map(Actors.Actors, (actors) =>
        actors.onCommitted(({ events }) =>
          heard(
            runner,
            events.map(({ row }) => row)
          )
        )
      )
    )
    const views =
      view === undefined
        ? Layer.empty
        : Projector.layer([projection]).pipe(
            Layer.provide(DataKeys.layer),
            Layer.provide(Layer.succeed(SqlClient, view.client(process, connection)))
          )
    const own = Layer.effect(
      Actors.Actors,
      Effect.map(Actors.make(shards), ({ actors, placed }) => {
        runner.placed = placed
        placed.onSentElsewhere((shard) => this.#tellHolder(shard))
        return actors
      })
    )
    const layer = Layer.mergeAll(listening, views).pipe(Layer.provideMerge(own), Layer.provideMerge(base))
    machine.within(process, () => {
      const scope = Scope.makeUnsafe()
      const starting = Effect.runForkWith(machine.surroundings(process))(Layer.buildWithScope(layer, scope))
      starting.addObserver((exit) => {
        if (Exit.isSuccess(exit)) runner.actors = Context.get(exit.value, Actors.Actors)
        // It could not reach the journal: it ends, and whoever watches starts another one.
        else machine.after(0, () => this.kill(runner))
      })
    })
    return runner
  }

  /** A message is there for a shard of another runner. Among faults, one in four words of it gets lost: a sweep finds it. */
  #tellHolder(shard: number): void {
    const { machine, dice } = this.#ground
    if (dice.happens(0.25) && !this.isCalm) return
    machine.after(dice.integer(0, 5), () => {
      const holder = this.holderOf(shard)
      holder?.process.enqueue(() => holder.placed?.look())
    })
  }

  /** Gone without a word: nothing is drained, nothing is closed. */
  kill(runner: Runner): void {
    const at = this.all.indexOf(runner)
    if (at < 0) return
    this.all.splice(at, 1)
    this.#ground.machine.kill(runner.process)
    this.#ground.view?.gone(runner.process)
  }
}
