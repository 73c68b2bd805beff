/** Judges what is asked of a definition: the same for every kind, beside what the kind itself objects to. */
import * as Equal from "effect/Equal"
import * as Result from "effect/Result"
import type { Refusal } from "../Refusal.ts"
import { absurd } from "../shared/Aggregate.ts"
import type { Turn } from "../shared/Decision.ts"
import type { Change, Definition, DefinitionState, Definitions } from "./Definition.ts"

const nameLengthMax = 100

/** What is asked, whatever the kind. */
export type Wish<Body> =
  | { readonly _tag: "Save"; readonly id: string; readonly name: string; readonly body: Body }
  | {
      readonly _tag: "ChangeState"
      readonly id: string
      readonly state: DefinitionState
      readonly because?: Because
    }
  | { readonly _tag: "Delete"; readonly id: string }

/** Why nobody but Koinon itself wishes it, and of what: of a definition that has become another since, it does not hold. */
export interface Because {
  readonly reason: string
  readonly version: number
  readonly stateSince: number
}

export interface Rules<Body, Others> {
  readonly kind: string
  /** At most so many in one business. */
  readonly most: number
  /** What is wrong with it, beside its name; `all` holds it as it was before, if it was there. */
  readonly objection: (
    candidate: { readonly id: string; readonly name: string; readonly body: Body },
    all: Definitions<Body>,
    others: Others,
    turn: Turn
  ) => Refusal | undefined
  /** Who still needs it, for people: it is neither deleted nor, unless `canBeOffInUse`, switched off then. */
  readonly usedBy: (id: string, all: Definitions<Body>, others: Others) => string | undefined
  /** It is stopped at once, whoever needs it: what they send of it goes nowhere, and says why. */
  readonly canBeOffInUse?: true
}

export type Verdict<Body> = Result.Result<ReadonlyArray<Change<Body>>, Refusal>

/** A refusal of something in a definition; the pointer is of what was sent, RFC 6901. */
export const invalidDefinition = (kind: string, pointer: string, rule: string): Refusal => ({
  _tag: "InvalidDefinition",
  kind,
  pointer,
  rule
})

type Save<Body> = Extract<Wish<Body>, { readonly _tag: "Save" }>

const objectionToName = <Body>(kind: string, all: Definitions<Body>, { id, name }: Save<Body>): Refusal | undefined => {
  if (name.trim() === "") return invalidDefinition(kind, "/name", "A name is not empty.")
  if (name.length > nameLengthMax) {
    return invalidDefinition(kind, "/name", `A name has at most ${nameLengthMax} characters.`)
  }
  const twin = Object.values(all).find((other) => other.name === name && other.id !== id)
  return twin === undefined ? undefined : { _tag: "AlreadyExists", kind, id: twin.id }
}

const save = <Body, Others>(
  { kind, most, objection }: Rules<Body, Others>,
  all: Definitions<Body>,
  others: Others,
  wish: Save<Body>,
  turn: Turn
): Verdict<Body> => {
  const { id, name, body } = wish
  const known = all[id]
  if (known !== undefined && known.name === name && Equal.equals(known.body, body)) return Result.succeed([])
  if (known === undefined && Object.keys(all).length >= most) {
    return Result.fail({ _tag: "TooManyDefinitions", kind, limit: most })
  }
  const refusal = objectionToName(kind, all, wish) ?? objection(wish, all, others, turn)
  if (refusal !== undefined) return Result.fail(refusal)
  return Result.succeed([{ _tag: "Saved", id, version: (known?.version ?? 0) + 1, name, body, at: turn.at }])
}

const isAnother = <Body>({ version, stateSince }: Definition<Body>, because: Because | undefined): boolean =>
  because !== undefined && (because.version !== version || because.stateSince !== stateSince)

export const judge = <Body, Others>(
  rules: Rules<Body, Others>,
  all: Definitions<Body>,
  others: Others,
  wish: Wish<Body>,
  turn: Turn
): Verdict<Body> => {
  if (wish._tag === "Save") return save(rules, all, others, wish, turn)
  const { kind } = rules
  const { id } = wish
  const known = all[id]
  if (known === undefined) return Result.fail({ _tag: "DefinitionNotFound", kind, id })
  const unlessUsed = (change: Change<Body>): Verdict<Body> => {
    const by = rules.usedBy(id, all, others)
    return by === undefined ? Result.succeed([change]) : Result.fail({ _tag: "DefinitionInUse", kind, id, by })
  }
  switch (wish._tag) {
    case "ChangeState": {
      const { state, because } = wish
      if (known.state === state || isAnother(known, because)) return Result.succeed([])
      const reason = because === undefined ? {} : { reason: because.reason }
      const change = { _tag: "StateChanged", id, state, ...reason, at: turn.at } as const
      const needsNobody = state === "ACTIVE" || rules.canBeOffInUse === true
      return needsNobody ? Result.succeed([change]) : unlessUsed(change)
    }
    case "Delete":
      return unlessUsed({ _tag: "Deleted", id, at: turn.at })
    default:
      return absurd(wish)
  }
}
