/** Which segment a path means, and what is wrong with conditions that are not saved. */
import { catalogue } from "#domain/segment/Catalogue.ts"
import type { ConditionSets } from "#domain/segment/Condition.ts"
import { objectionTo } from "#domain/segment/TypeCheck.ts"
import * as Effect from "effect/Effect"
import { definedBy } from "../door/Defined.ts"
import { fault, invalidField } from "../door/Fault.ts"
import type { Principal } from "../door/Principal.ts"

/** Said before any of it is made, and whenever a link to it is followed. */
export const workbookTooLong = (rowsMax: number) =>
  fault(
    409,
    "KOINON.LIST_TOO_LONG",
    "Too many members",
    `A workbook (XLSX) of these columns holds at most ${rowsMax} members, and this segment has more. Ask for CSV, which has no limit.`
  )

/** Judged as they would be at their save. */
export const checked = Effect.fnUntraced(function* (principal: Principal, pointer: string, sets: ConditionSets) {
  const all = yield* definedBy(principal.business, "segments")
  const objection = objectionTo(sets, catalogue, (id) => Object.hasOwn(all, id))
  if (objection !== undefined) return yield* Effect.fail(invalidField(`${pointer}${objection.pointer}`, objection.rule))
})
