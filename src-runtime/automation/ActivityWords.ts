/** What activities of a contact are about: their words stand sealed in her journal, and are read from there. */
import { contact } from "#domain/contact/Contact.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Codec } from "../journal/Codec.ts"
import { Journal } from "../journal/Journal.ts"
import { Sealer } from "../privacy/Sealer.ts"
import { DataKeys } from "../projection/DataKeys.ts"
import { ViewUnavailable } from "../projection/ViewRefusal.ts"

/** Rows of a stream read at a time. */
const rowsMax = 500
/** Above any sequence number: the end of a stream. */
const endSeq = 2 ** 31 - 1

export interface Words {
  readonly subject: string | undefined
  readonly description: string | undefined
  /** The run of the automation that scheduled it. */
  readonly runId: string | undefined
}

export class ActivityWords extends Context.Service<
  ActivityWords,
  {
    /** By activity; reads back to the oldest of them. */
    readonly of: (
      business: string,
      contactId: string,
      activities: ReadonlyArray<string>
    ) => Effect.Effect<ReadonlyMap<string, Words>, ViewUnavailable>
  }
>()("koinon/runtime/ActivityWords") {}

const make = Effect.gen(function* () {
  const journal = yield* Journal
  const keys = yield* DataKeys
  const codec = new Codec(yield* Sealer)

  return ActivityWords.of({
    of: Effect.fn("ActivityWords.of")(
      function* (business, contactId, activities) {
        const missing = new Set(activities)
        const found = new Map<string, Words>()
        const key = missing.size === 0 ? undefined : yield* keys.get(business, contactId)
        for (let before = endSeq; missing.size > 0 && before > 1;) {
          const stream = { aggregate: contact.code, id: contactId }
          const rows = yield* journal.streamEvents(business, stream, before, rowsMax)
          for (const row of rows) {
            if (row.type !== "ActivityScheduled") continue
            const event = codec.readEvent(row, key)
            if (event._tag !== "ActivityScheduled" || !missing.delete(event.activityId)) continue
            const { subject, description, cause } = event
            found.set(event.activityId, { subject, description, runId: cause?.runId })
          }
          before = rows.at(-1)?.seq ?? 0
        }
        return found
      },
      Effect.mapError((cause) => new ViewUnavailable({ view: "activities", cause }))
    )
  })
})

export const layer: Layer.Layer<ActivityWords, never, Journal | Sealer | DataKeys> = Layer.effect(ActivityWords, make)
