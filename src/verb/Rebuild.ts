/** `koinon rebuild`. */
import { Projector } from "#runtime/projection/Projector.ts"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import { secrets } from "../Installation.ts"
import * as Runtime from "../Runtime.ts"
import { load } from "../Settings.ts"

const view = Argument.Literals("view", Runtime.viewNames).pipe(
  Argument.withDescription(`The view to drop and read again from the journal: ${Runtime.viewNames.join(", ")}`)
)

/** How often progress is shown. */
const progressIntervalMs = 500

export const rebuildVerb = Command.make("rebuild", { view }, (flags) =>
  Effect.gen(function* () {
    const settings = yield* load
    const keys = yield* secrets(settings)
    yield* Effect.gen(function* () {
      const projector = yield* Projector
      yield* projector.rebuild(flags.view)
      let left = Number.POSITIVE_INFINITY
      while (left > 0) {
        const status = (yield* projector.status).find(({ projection }) => projection === flags.view)
        if (status?.state === "STOPPED") return yield* Effect.fail(`${flags.view} stopped: ${status.reason ?? ""}`)
        left = status?.lagEvents ?? 0
        yield* Console.error(`${flags.view}: ${left} events to go`)
        if (left > 0) yield* Effect.sleep(progressIntervalMs)
      }
      yield* Console.log(`${flags.view} is rebuilt.`)
    }).pipe(Effect.provide(Runtime.layer(settings, keys)))
  })
).pipe(
  Command.withDescription("Drop a view and read it again from the journal; takes the shards, so stop the server first")
)
