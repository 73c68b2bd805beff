/** How the webhooks of runs leave: as deliveries of the endpoint that the action names, each written down once. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import { Outbox } from "../outbox/Outbox.ts"
import { tell } from "../webhook/Telling.ts"
import { RunWebhooks } from "./Automations.ts"

export const layer: Layer.Layer<RunWebhooks, never, SqlClient | Outbox> = Layer.effect(
  RunWebhooks,
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const outbox = yield* Outbox
    return RunWebhooks.of({
      send: Effect.fnUntraced(function* ({ id, business, contact, endpointId, type, at, data }) {
        const clock = yield* Clock.Clock
        // Done again after a crash, it was written down before.
        if ((yield* outbox.get(business, id)) !== undefined) return
        const delivery = {
          task: id,
          name: id,
          business,
          contact,
          endpoint: endpointId,
          type: "automation.run" as const,
          data: { ...data, event_type: type },
          at
        }
        yield* sql.withTransaction(tell(sql, outbox, [delivery], clock.currentTimeMillisUnsafe()))
      })
    })
  })
)
