/**
 * Loaded into a runner before all else (`node --import`): its wall clock is off by so many milliseconds as the file says
 * that `KOINON_CHAOS_CLOCK` names, from a moment after that file has changed. Time that only goes forward
 * (`performance`, timers) is left alone, as by a clock that somebody sets.
 */
import { readFileSync } from "node:fs"

const lookIntervalMs = 50
const file = process.env["KOINON_CHAOS_CLOCK"]
const RealDate = Date
let offsetMs = 0

const look = (): void => {
  const said = Number(readFileSync(file ?? "", "utf8"))
  if (Number.isFinite(said)) offsetMs = said
}

class ShiftedDate extends RealDate {
  constructor(...given: ReadonlyArray<unknown>) {
    super(...((given.length === 0 ? [RealDate.now() + offsetMs] : given) as [number]))
  }

  static override now(): number {
    return RealDate.now() + offsetMs
  }
}

if (file !== undefined) {
  look()
  setInterval(look, lookIntervalMs).unref()
  globalThis.Date = ShiftedDate as DateConstructor
}
