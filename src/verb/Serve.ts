/** `koinon serve`. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Command from "effect/cli/Command"
import { serve } from "../Serve.ts"
import { load } from "../Settings.ts"

export const serveVerb = Command.make("serve", {}, () =>
  Effect.gen(function* () {
    const startedAt = yield* Clock.currentTimeMillis
    const settings = yield* load
    return yield* Layer.launch(serve(settings, startedAt))
  })
).pipe(Command.withDescription("Open the doors: HTTP, WebSocket, and the embedded database unless DATABASE_URL is set"))
