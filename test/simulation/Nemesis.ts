/** What strikes a world: each fault of its plan, at whoever is there when its time has come. */
import { Codec } from "#runtime/journal/Codec.ts"
import { aggregateOfKind } from "#runtime/journal/Kinds.ts"
import { streamName } from "#runtime/journal/Unit.ts"
import type { Store } from "#runtime/storage/JournalMemory.ts"
import { businessId, contactId } from "../runtime/SampleCommands.ts"
import type { Clients } from "./Clients.ts"
import type { Weather } from "./Connection.ts"
import type { Machine } from "./Machine.ts"
import type { Model } from "./Model.ts"
import type { Fault } from "./Plan.ts"
import { type Runners, sealer } from "./Runners.ts"
import type { ViewDatabase } from "./ViewDatabase.ts"

const runnersMax = 3
const hourMs = 3_600_000
const twoMonthsMs = 62 * 24 * hourMs

export interface Victims {
  readonly machine: Machine
  readonly store: Store
  readonly model: Model
  readonly runners: Runners
  readonly clients: Clients
  readonly weather: Weather
  readonly view: ViewDatabase | undefined
  /** Some fault of the plan is a clock that jumps. */
  readonly clocksJump: boolean
  readonly tell: (line: string) => void
}

export class Nemesis {
  readonly #world: Victims

  constructor(world: Victims) {
    this.#world = world
  }

  strike({ kind, pick, forMs }: Fault): void {
    const { runners, machine, weather, clients } = this.#world
    const { all } = runners
    const runner = all[Math.floor(pick * all.length)]
    const tell = (more = ""): void => this.#world.tell(`FAULT: ${kind}${more}`)
    switch (kind) {
      case "a runner is killed":
        if (runner === undefined) return
        tell(`: ${runner.name}`)
        return runners.kill(runner)
      case "another runner takes over":
        if (all.length >= runnersMax) return
        return tell(`: ${runners.start().name}`)
      case "some shards move": {
        if (all.length < 2) return tell(`: ${runners.start([]).name} comes to take some`)
        const inGoodOrder = forMs % 200 === 0
        const to = runners.moveSome(pick, inGoodOrder)
        return to === undefined ? undefined : tell(`: to ${to.name}${inGoodOrder ? ", in good order" : ""}`)
      }
      case "a runner is frozen and thawed": {
        if (runner?.process.state !== "running") return
        tell(`: ${runner.name}, for ${forMs} ms`)
        const { process } = runner
        process.state = "frozen"
        machine.after(forMs, () => {
          if (process.state === "frozen") process.state = "running"
        })
        return
      }
      case "a commit is lost on its way":
        tell()
        return weather.next("lost on its way", forMs)
      case "the answer to a commit is lost":
        tell()
        return weather.next("answer lost", forMs)
      case "a commit lands after it was given up":
        tell(`, by ${forMs} ms`)
        return weather.next("lands late", forMs)
      case "a commit is slow":
        tell(`, by ${forMs} ms`)
        return weather.next("slow", forMs)
      case "the journal is unreachable":
        tell(`, for ${forMs} ms`)
        weather.unreachableUntilMs = machine.now + forMs
        return
      case "an answer is lost":
        tell()
        clients.answersToLose += 1
        return
      case "a clock jumps": {
        if (runner === undefined) return
        const jumpMs = forMs % 200 === 0 && pick * 1_000 - Math.floor(pick * 1_000) < 0.5 ? -hourMs : hourMs
        tell(`: ${runner.name}'s by ${jumpMs / hourMs} h`)
        runner.process.clockOffsetMs += jumpMs
        return
      }
      case "two months pass":
        tell()
        machine.wallStart += twoMonthsMs
        return
      case "a snapshot is saved":
      case "a snapshot is torn":
        return tell(`: of contact ${this.#snapshot(pick, kind === "a snapshot is torn")}`)
      case "a projector is killed":
        return this.#killProjector(pick, tell)
    }
  }

  #snapshot(pick: number, isTorn: boolean): number {
    const { model, store } = this.#world
    const number = 1 + Math.floor(pick * 6)
    const id = contactId(number)
    const states = model.statesOf("contact", id)
    const seq = states.length - 1
    const aggregate = aggregateOfKind("contact")
    const row = new Codec(sealer).snapshot(businessId, aggregate, id, seq, states[seq], model.dataKeyOf(id))
    // Another amount in its lots, and still well-formed.
    const body = isTorn ? row.body.replaceAll('"remaining":"', '"remaining":"9') : row.body
    store.snapshots.set(streamName(row), { ...row, body })
    return number
  }

  #killProjector(pick: number, tell: (more?: string) => void): void {
    const { view, runners } = this.#world
    if (view === undefined) return
    const when = pick < 0.5 ? "before" : "after"
    tell(`, ${when} its next commit`)
    view.dies = (process, at) => {
      const runner = runners.all.find((each) => each.process === process)
      if (at !== when || runner === undefined) return false
      view.dies = () => false
      this.#world.tell(`${runner.name} dies ${when} its view commits`)
      runners.kill(runner)
      return true
    }
  }
}
