/**
 * What automations said in versions that have been replaced: the last few are with the definition, those before them are
 * read back from the journal, which has them all.
 */
import type { AutomationDefinition } from "#domain/automation/Automation.ts"
import { type AutomationEvent, automations } from "#domain/automation/Automations.ts"
import type { Definition } from "#domain/definition/Definition.ts"
import * as Effect from "effect/Effect"
import type { Codec } from "../journal/Codec.ts"
import type { Journal } from "../journal/Journal.ts"

/** Events read at a time. */
const eventsAtOnce = 200
/** Beyond every number that a stream has. */
const newest = 2 ** 31 - 1

export const make = (journal: Journal["Service"], codec: Codec) => {
  const readBack = Effect.fnUntraced(function* (business: string, id: string, version: number) {
    const stream = { aggregate: automations.code, id: business }
    for (let before = newest; before > 1;) {
      const rows = yield* journal.streamEvents(business, stream, before, eventsAtOnce)
      for (const row of rows) {
        const event = codec.readEvent(row, undefined) as typeof AutomationEvent.Type
        if (event._tag === "AutomationSaved" && event.id === id && event.version === version) return event.body
      }
      before = rows.at(-1)?.seq ?? 0
    }
    return undefined
  })

  /** `undefined` if there never was such a version. */
  return Effect.fnUntraced(function* (
    business: string,
    automation: Definition<AutomationDefinition>,
    version: number
  ): Effect.fn.Return<AutomationDefinition | undefined, Effect.Error<ReturnType<typeof readBack>>> {
    const known = [automation, ...automation.earlier].find((each) => each.version === version)
    if (known !== undefined) return known.body
    if (version < 1 || version > automation.version) return undefined
    return yield* readBack(business, automation.id, version)
  })
}
