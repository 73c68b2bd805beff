/**
 * How a runner does what was asked of it: each second it looks for views that are to be read again, has the view emptied
 * where that is still to be done, and tells how far it is until the view holds again what it held. A runner that starts
 * in the middle of it begins with the same look.
 */
import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { Lag } from "./ProjectionCursors.ts"
import { reasonOf } from "./ProjectionFailure.ts"
import type { Reading } from "./Reading.ts"
import * as Rebuilds from "./Rebuilds.ts"

interface Options {
  readonly sql: SqlClient
  readonly runner: string
  readonly readings: ReadonlyArray<Reading>
  readonly now: () => number
  /** Has the view emptied if it is to be, and reads how far it is; in turn with whatever else is done to it. */
  readonly reload: (reading: Reading) => Effect.Effect<void, unknown>
  readonly lagOf: (reading: Reading) => Effect.Effect<Lag, unknown>
}

export const make = ({ sql, runner, readings, now, reload, lagOf }: Options) => {
  const rebuilds = Rebuilds.make(sql)
  /** By view: the last number of which this runner knows, and whether it is done with it. */
  const known = new Map<string, { readonly number: number; readonly isDone: boolean }>()

  const follow = Effect.fnUntraced(function* (reading: Reading, number: number) {
    const { name } = reading.projection
    const { sink } = reading
    const before = known.get(name)
    if (before?.number === number && before.isDone) return
    if (before?.number !== number) {
      yield* reload(reading)
      reading.isFilling = true
      reading.state = "RUNNING"
      reading.reason = undefined
      known.set(name, { number, isDone: false })
      reading.wake.openUnsafe()
    }
    const isDone = sink.isFull === undefined || (yield* sink.isFull)
    const { events } = yield* lagOf(reading)
    yield* rebuilds.tell({ view: name, runner, number, events, isDone }, now())
    known.set(name, { number, isDone })
  })

  /** One look; what fails is tried again at the next. */
  return Effect.gen(function* () {
    for (const { view, number } of yield* rebuilds.all) {
      const reading = readings.find(({ projection }) => projection.name === view)
      if (reading !== undefined) yield* follow(reading, number)
    }
  }).pipe(Effect.catch((error) => Effect.logWarning("what is to be rebuilt waits", reasonOf(error))))
}
