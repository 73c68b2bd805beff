/**
 * The data keys of contacts, unwrapped, for those who read the journal outside an actor. The least recently used leave;
 * whoever erases a contact has to `forget` her key here as well. A key that is missing is asked for again each time.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { forgetOldest } from "../actor/Oldest.ts"
import { Journal, type JournalUnavailable } from "../journal/Journal.ts"
import { type DataKey, Sealer } from "../privacy/Sealer.ts"

/** Keys kept in memory, about 300 bytes each. */
const keysMax = 20_000

/** What belongs to a contact. */
interface Owned {
  readonly business: string
  readonly key: string
}

export class DataKeys extends Context.Service<
  DataKeys,
  {
    /** `undefined` when the contact has none, or was erased. Throws `Unsealable` when it was altered. */
    readonly get: (business: string, contact: string) => Effect.Effect<DataKey | undefined, JournalUnavailable>
    /** Of all whom the rows are of, with one question to a business. */
    readonly ofRows: (
      rows: ReadonlyArray<Owned>
    ) => Effect.Effect<(row: Owned) => DataKey | undefined, JournalUnavailable>
    /** The key if it is in memory. */
    readonly known: (business: string, contact: string) => DataKey | undefined
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
      forgetOldest(keys, keysMax)
    }
    return DataKeys.of({
      remember,
      known: (business, contact) => keys.get(`${business}/${contact}`),
      forget: (business, contact) => void keys.delete(`${business}/${contact}`),
      ofRows: Effect.fnUntraced(function* (rows) {
        // Found once and held: a batch may have more contacts than are kept.
        const byBusiness = new Map<string, Map<string, DataKey | undefined>>()
        for (const { business, key: contact } of rows) {
          let found = byBusiness.get(business)
          if (found === undefined) {
            found = new Map()
            byBusiness.set(business, found)
          }
          if (!found.has(contact)) found.set(contact, keys.get(`${business}/${contact}`))
        }
        for (const [business, found] of byBusiness) {
          const missing = [...found.keys()].filter((contact) => found.get(contact) === undefined)
          if (missing.length === 0) continue
          for (const [contact, wrapped] of yield* journal.dataKeys(business, missing)) {
            const key = sealer.unwrap(business, contact, wrapped)
            found.set(contact, key)
            remember(business, contact, key)
          }
        }
        return ({ business, key }: Owned) => byBusiness.get(business)?.get(key)
      }),
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
