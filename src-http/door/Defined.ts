/**
 * What the business of a caller has defined, as doors show and check it: everything that anybody was answered before the call
 * is in it, on whichever runner it was saved.
 */
import type { Business } from "#domain/organisation/Business.ts"
import { Definitions } from "#runtime/actor/Definitions.ts"
import { ActorUnavailable } from "#runtime/actor/RuntimeRefusal.ts"
import type { StateOf } from "#runtime/journal/Kinds.ts"
import * as Effect from "effect/Effect"
import { notFound } from "./Fault.ts"

/** Each with what one of it is called. */
const kinds = { automations: "automation", plans: "plan", segments: "segment", templates: "template" } as const

type Defined = keyof typeof kinds | "endpoints"

/** All of a kind, by id. */
export const definedBy = Effect.fnUntraced(function* <K extends Defined>({ id }: Pick<Business, "id">, kind: K) {
  const definitions = yield* Definitions
  const found = yield* Effect.mapError(definitions.inForce([id], kind), (cause) => new ActorUnavailable({ cause }))
  // Each business that was asked for is in the answer.
  return found.get(id) as StateOf<K>
})

/** The one that a request names, or 404. */
export const findDefined = Effect.fnUntraced(function* <K extends keyof typeof kinds>(
  { business }: { readonly business: Pick<Business, "id"> },
  kind: K,
  reference = ""
) {
  const id = reference.toLowerCase()
  const all = (yield* definedBy(business, kind)) as Readonly<Record<string, StateOf<K>[string]>>
  const found = Object.hasOwn(all, id) ? all[id] : undefined
  return found ?? (yield* Effect.fail(notFound(kinds[kind], reference)))
})
