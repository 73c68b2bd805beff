/**
 * The data keys of contacts, unwrapped, for those who read the journal outside an actor. The least recently used leave;
 * whoever erases a contact has to `forget` her key here as well. A key that is missing is asked for again each time.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Journal, type JournalUnavailable } from "../journal/Journal.ts"
import { type DataKey, Sealer } from "../privacy/Sealer.ts"

/** Keys kept in memory, about 300 bytes each. */
const keysMax = 20_000

export class DataKeys extends Context.Service<
  DataKeys,
  {
    /** `undefined` when the contact has none, or was erased. Throws `Unsealable` when it was altered. */
    readonly get: (business: string, contact: string) => Effect.Effect<DataKey | undefined, JournalUnavailable>
    /** Somebody has unwrapped it already. */
    readonly remember: (business: string, contact: string, key: DataKey) => void
    readonly forget: (business: string, contact: string) => void
  }
>()("koinon/runtime/DataKeys") {}

export const layer: Layer.Layer<DataKeys, never, Journal | Sealer> = Layer.effect(
  DataKeys,
  Effect.gen(function* () {
    const journal = yield* Journal
    const sealer = yield* Sealer
    const keys = new Map<string, DataKey>()
    const remember = (business: string, contact: string, key: DataKey): void => {
      const name = `${business}/${contact}`
      // Last in the map is most recently used.
      keys.delete(name)
      keys.set(name, key)
      if (keys.size <= keysMax) return
      const [oldest] = keys.keys()
      if (oldest !== undefined) keys.delete(oldest)
    }
    return DataKeys.of({
      remember,
      forget: (business, contact) => void keys.delete(`${business}/${contact}`),
      get: Effect.fnUntraced(function* (business, contact) {
        const known = keys.get(`${business}/${contact}`)
        const wrapped = known === undefined ? (yield* journal.load(business, contact, [])).dataKey : undefined
        const key = wrapped === undefined ? known : sealer.unwrap(business, contact, wrapped)
        if (key !== undefined) remember(business, contact, key)
        return key
      })
    })
  })
)
