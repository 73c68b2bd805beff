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
  #started = 0

  constructor(ground: Ground) {
    this.#ground = ground
  }

  /** The one that took over last, as far as it is in service. */
  get owner(): Runner | undefined {
    return this.all.findLast(({ actors, process }) => actors !== undefined && process.state === "running")
  }

  /** What takes over every shard, as a runner does today when it starts; per-shard moves go here. */
  moveShards(): Runner {
    return this.start()
  }

  start(): Runner {
    const { machine, store, dice, weather, witness, view, cascadeTurnsMax, heard } = this.#ground
    const name = `runner ${++this.#started}`
    const process = machine.start(name)
    const runner: Runner = { process, name, actors: undefined }
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
    const layer = Layer.mergeAll(listening, views).pipe(Layer.provideMerge(Actors.layer), Layer.provideMerge(base))
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

  /** Gone without a word: nothing is drained, nothing is closed. */
  kill(runner: Runner): void {
    const at = this.all.indexOf(runner)
    if (at < 0) return
    this.all.splice(at, 1)
    this.#ground.machine.kill(runner.process)
    this.#ground.view?.gone(runner.process)
  }
}
