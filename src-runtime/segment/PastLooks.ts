/** The bound of looks into the past: each opens all that has happened to a business. */
import * as Context from "effect/Context"
import * as Semaphore from "effect/Semaphore"

/** That a runner takes at a time. */
const looksAtOnceMax = 2

/** One for all of a runner. */
export const PastLooks = Context.Reference<Semaphore.Semaphore>("koinon/runtime/PastLooks", {
  defaultValue: () => Semaphore.makeUnsafe(looksAtOnceMax)
})
