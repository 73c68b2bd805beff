/** Which segment a path means, and what is wrong with conditions that are not saved. */
import type { Definition } from "#domain/definition/Definition.ts"
import { catalogue } from "#domain/segment/Catalogue.ts"
import type { ConditionSets } from "#domain/segment/Condition.ts"
import type { SegmentDefinition } from "#domain/segment/Segment.ts"
import { objectionTo } from "#domain/segment/TypeCheck.ts"
import { Definitions } from "#runtime/actor/Definitions.ts"
import * as Effect from "effect/Effect"
import { fault, invalidField, notFound } from "../door/Fault.ts"
import type { Principal } from "../door/Principal.ts"

/** Said before any of it is made, and whenever a link to it is followed. */
export const workbookTooLong = (rowsMax: number) =>
  fault(
    409,
    "KOINON.LIST_TOO_LONG",
    "Too many members",
    `A workbook (XLSX) of these columns holds at most ${rowsMax} members, and this segment has more. Ask for CSV, which has no limit.`
  )

/** All of the business. */
export const segmentsOf = Effect.fnUntraced(function* ({ business }: Principal) {
  const definitions = yield* Definitions
  return yield* definitions.of(business.id, "segments")
})

/** The segment, or 404. */
export const findSegment = Effect.fnUntraced(function* (principal: Principal, reference: string | undefined) {
  const id = (reference ?? "").toLowerCase()
  const all = yield* segmentsOf(principal)
  const found: Definition<SegmentDefinition> | undefined = Object.hasOwn(all, id) ? all[id] : undefined
  return found ?? (yield* Effect.fail(notFound("segment", reference ?? "")))
})

/** Judged as they would be at their save. */
export const checked = Effect.fnUntraced(function* (principal: Principal, pointer: string, sets: ConditionSets) {
  const all = yield* segmentsOf(principal)
  const objection = objectionTo(sets, catalogue, (id) => Object.hasOwn(all, id))
  if (objection !== undefined) return yield* Effect.fail(invalidField(`${pointer}${objection.pointer}`, objection.rule))
})
