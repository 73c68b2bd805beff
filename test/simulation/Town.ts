/** The town that every world begins with: founded once, in peace, by a runner of its own, and copied for each. */
import { nameUuid } from "#runtime/actor/Naming.ts"
import { emptyStore, type Store } from "#runtime/storage/JournalMemory.ts"
import { chance } from "../chaos/Chance.ts"
import { Weather, type Witness } from "./Connection.ts"
import { Machine } from "./Machine.ts"
import { type Accuse, Model } from "./Model.ts"
import { founding } from "./Requests.ts"
import { type Ground, Runners, sealer } from "./Runners.ts"

const stepsMax = 400_000

const copyOf = (store: Store): Store => ({
  epochs: new Map([...store.epochs].map(([shard, hold]) => [shard, { ...hold }])),
  batches: new Map(store.batches),
  commands: new Map(store.commands),
  streams: new Map([...store.streams].map(([name, rows]) => [name, [...rows]])),
  shards: new Map([...store.shards].map(([shard, rows]) => [shard, [...rows]])),
  inbox: new Map(store.inbox),
  claims: new Map(store.claims),
  snapshots: new Map(store.snapshots),
  dataKeys: new Map(store.dataKeys),
  listeners: new Set()
})

interface Town {
  readonly store: Store
  readonly model: Model
}

let founded: Town | undefined

const foundingWall = Date.UTC(2026, 2, 1, 10, 0)

const found = (): Town => {
  const store = emptyStore()
  const dice = chance(1)
  const machine = new Machine(dice, foundingWall)
  const model = new Model(store, sealer, (oracle, what) => {
    throw new Error(`the town could not be founded: ${oracle} ${what}`)
  })
  const witness: Witness = {
    committed: (batch) => model.committed(batch),
    tookOver: (runner, shards) => model.tookOver(runner, shards),
    refused: () => undefined
  }
  const ground: Ground = {
    machine,
    dice,
    store,
    witness,
    weather: new Weather(),
    cascadeTurnsMax: 16,
    view: undefined,
    heard: () => undefined
  }
  machine.asEventLoop(() => {
    const runner = new Runners(ground).start()
    const until = (reached: () => boolean): void => {
      for (let steps = 0; !reached(); steps++) {
        if (steps > stepsMax || !machine.step()) throw new Error("the town was not founded in time")
      }
    }
    until(() => runner.actors !== undefined)
    founding.forEach((ask, index) => {
      const id = nameUuid("founding", String(index))
      model.asked(id, ask.key, ask.command, "founding")
      let isDone = false
      machine.within(runner.process, () =>
        runner.actors?.askWith({ ...ask, id, fingerprint: "founding" }, (reply) => {
          isDone = reply._tag === "Outcome"
        })
      )
      until(() => isDone)
    })
    until(() => [...store.inbox.values()].every((row) => row.deliverAt > machine.wallNow))
  })
  return { store, model }
}

/** A town like all others, with whoever watches over it. */
export const townWith = (accuse: Accuse): Town => {
  founded ??= found()
  const store = copyOf(founded.store)
  return { store, model: founded.model.over(store, accuse) }
}
