/**
 * How a fault of ours is reported: what it is and where it happened, without its own words. Those quote what they were
 * given (`JSON.parse`, `BigInt` and drivers do), and what this door is given are names, numbers and tokens.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"

const framesMax = 12
/** Causes of causes that are told. */
const causesMax = 4

const placeOf = (defect: unknown, causes = causesMax): string => {
  if (!(defect instanceof Error)) return "what was thrown is no error"
  const frames = (defect.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line))
  const code = "code" in defect && typeof defect.code === "string" ? ` ${defect.code}` : ""
  const cause = defect.cause === undefined || causes === 0 ? "" : `\ncaused by ${placeOf(defect.cause, causes - 1)}`
  return [`${defect.name}${code}`, ...frames.slice(0, framesMax)].join("\n") + cause
}

export const logDefect = (what: string, cause: Cause.Cause<unknown>): Effect.Effect<void> =>
  Effect.logError(
    what,
    cause.reasons.map((reason) => placeOf(Cause.isDieReason(reason) ? reason.defect : reason)).join("\n")
  )
