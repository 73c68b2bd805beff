/**
 * What a business defines under a name and changes over time: segments, automations, templates, plans, endpoints. All
 * definitions of one kind of a business are one stream at the business's own key, so that a rule over several of them (no
 * two of one name, no cycle, nothing deleted that is in use) is judged in one turn and cannot be raced.
 *
 *     Absent --Saved--> Active ⇄ Inactive --Deleted--> Absent
 *
 * Each save that changes something makes a new version. The last few stay readable; all of them are in the journal.
 */
import * as Schema from "effect/Schema"
import { absurd } from "../shared/Aggregate.ts"

/** Earlier versions that stay readable. */
const earlierMax = 5

export const DefinitionState = Schema.Literals(["ACTIVE", "INACTIVE"])
export type DefinitionState = typeof DefinitionState.Type

/** A body that was in force from `savedAt`, epoch milliseconds. */
export interface Version<Body> {
  readonly version: number
  readonly savedAt: number
  readonly body: Body
}

export interface Definition<Body> extends Version<Body> {
  readonly id: string
  readonly name: string
  readonly state: DefinitionState
  /** When `state` became what it is. */
  readonly stateSince: number
  readonly earlier: ReadonlyArray<Version<Body>>
  /** When it was first saved, once that version is forgotten. */
  readonly firstSavedAt?: number
}

/** All definitions of one kind, by id. */
export type Definitions<Body> = Readonly<Record<string, Definition<Body>>>

/** The version that was in force at an instant; `undefined` before the first, and where it is forgotten. */
const versionAt = <Body>(definition: Definition<Body>, at: number): Version<Body> | undefined =>
  [definition, ...definition.earlier].find(({ savedAt }) => savedAt <= at)

/** The same, but of what is forgotten the oldest that is known: `undefined` only before it was there. */
export const oldestAt = <Body>(definition: Definition<Body>, at: number): Version<Body> | undefined => {
  const { earlier, firstSavedAt } = definition
  const oldest = earlier.at(-1) ?? definition
  return versionAt(definition, at) ?? (firstSavedAt !== undefined && firstSavedAt <= at ? oldest : undefined)
}

/** What happens to one of them, whatever its kind. */
export type Change<Body> =
  | {
      readonly _tag: "Saved"
      readonly id: string
      readonly version: number
      readonly name: string
      readonly body: Body
      readonly at: number
    }
  | {
      readonly _tag: "StateChanged"
      readonly id: string
      readonly state: DefinitionState
      readonly reason?: string
      readonly at: number
    }
  | { readonly _tag: "Deleted"; readonly id: string; readonly at: number }

const saved = <Body>(
  known: Definition<Body> | undefined,
  { _tag, at, ...given }: Extract<Change<Body>, { readonly _tag: "Saved" }>
): Definition<Body> => {
  const { state = "ACTIVE", stateSince = at } = known ?? {}
  if (known === undefined) return { ...given, savedAt: at, state, stateSince, earlier: [] }
  const { version, savedAt, body, firstSavedAt } = known
  const all = [{ version, savedAt, body }, ...known.earlier]
  const forgotten = all[earlierMax]
  const first = firstSavedAt ?? (forgotten?.version === 1 ? forgotten.savedAt : undefined)
  return {
    ...given,
    savedAt: at,
    state,
    stateSince,
    earlier: all.slice(0, earlierMax),
    ...(first !== undefined && { firstSavedAt: first })
  }
}

export const changed = <Body>(all: Definitions<Body>, change: Change<Body>): Definitions<Body> => {
  const { [change.id]: known, ...others } = all
  switch (change._tag) {
    case "Saved":
      return { ...all, [change.id]: saved(known, change) }
    case "StateChanged":
      return known === undefined
        ? all
        : { ...all, [change.id]: { ...known, state: change.state, stateSince: change.at } }
    case "Deleted":
      return others
    default:
      return absurd(change)
  }
}
