/** What actors are, read in their turn: what was decided before the question is in the answer, once it is committed. */
import * as Effect from "effect/Effect"
import type { Kind, StateOf } from "../journal/Kinds.ts"
import type { View } from "./Ask.ts"
import type { Group } from "./Group.ts"
import { type RuntimeRefusal, ShardMoved } from "./RuntimeRefusal.ts"

/** A contact, and the community that she owns. */
interface Owner {
  readonly contact: View<StateOf<"contact">>
  readonly community: View<StateOf<"community">>
}

export interface Reading {
  /** The committed state of one aggregate; what was decided before the call is in it. */
  readonly read: <K extends Kind>(
    business: string,
    key: string,
    kind: K,
    id?: string
  ) => Effect.Effect<View<StateOf<K>>, RuntimeRefusal>
  /** A contact and the community that she owns, as they were in the same moment. */
  readonly readOwner: (business: string, contact: string) => Effect.Effect<Owner, RuntimeRefusal>
}

/** `groupOf` knows those that are held here. */
export const make = (groupOf: (business: string, key: string) => Group | undefined): Reading => {
  /** All as of one moment. */
  const views = (business: string, key: string, refs: ReadonlyArray<readonly [kind: Kind, id: string]>) =>
    Effect.callback<ReadonlyArray<View<unknown>>, RuntimeRefusal>((resume) => {
      const group = groupOf(business, key)
      if (group === undefined) return resume(Effect.fail(new ShardMoved()))
      group.admit({
        refs,
        place: 0,
        reply: (found: ReadonlyArray<View<unknown>> | RuntimeRefusal) =>
          resume("_tag" in found ? Effect.fail(found) : Effect.succeed(found))
      })
    })
  return {
    read: <K extends Kind>(business: string, key: string, kind: K, id = key) =>
      Effect.map(views(business, key, [[kind, id]]), ([view]) => view as View<StateOf<K>>),
    readOwner: (business, key) =>
      Effect.map(
        views(business, key, [
          ["contact", key],
          ["community", key]
        ]),
        ([contact, community]) => ({ contact, community }) as Owner
      )
  }
}
