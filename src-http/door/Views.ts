/**
 * Lists that a view of the journal serves: what it is asked for, how its page is answered, and what a caller is told when
 * it cannot be read. A list holds whatever was committed before it was asked for.
 */
import type { Page, PageRequest } from "#runtime/projection/Paging.ts"
import { Projector } from "#runtime/projection/Projector.ts"
import type { CursorInvalid, NoLongerKept, ProjectionBehind, ViewUnavailable } from "#runtime/projection/ViewRefusal.ts"
import * as Effect from "effect/Effect"
import { present } from "../resource/Fields.ts"
import { isOn, type List, type PageAsked, pageSizeDefault } from "../resource/Paging.ts"
import { type Fault, fault, invalidField } from "./Fault.ts"

/** What a view is asked for. A page of no rows is asked for as one of one, to know whether there are more. */
export const requestOf = (asked: PageAsked): PageRequest => ({
  page: asked.page,
  size: Math.max(1, asked.size ?? pageSizeDefault),
  order: asked.order ?? "DESC",
  includeTotal: isOn(asked.include_total),
  after: asked.cursor
})

/** A page of a view as it is answered. */
export const answerOf = <Row, Item>(found: Page<Row>, asked: PageAsked, render: (row: Row) => Item): List<Item> => {
  const { page = 1, size = pageSizeDefault } = asked
  return {
    content: size === 0 ? [] : found.rows.map(render),
    paging: present({
      page,
      size,
      total: found.total,
      has_more: size === 0 ? found.rows.length > 0 : found.hasMore,
      next_cursor: size === 0 ? undefined : found.next
    })
  }
}

/** A view that could not be read: tried again it may be there, and an old cursor never is. */
export const viewFault = (refusal: CursorInvalid | NoLongerKept | ProjectionBehind | ViewUnavailable): Fault => {
  if (refusal._tag === "CursorInvalid") {
    return invalidField("cursor", "It is not the next_cursor of this list in this order; begin again without it.")
  }
  if (refusal._tag === "NoLongerKept") {
    return refusal.asked === "POSITION"
      ? invalidField("after", "What followed this position is no longer kept; begin again without it.")
      : invalidField("/at", "Who was in the segments that are named is no longer kept of this instant.")
  }
  return fault(
    503,
    "KOINON.VIEW_UNAVAILABLE",
    "The list is not ready",
    "It does not hold the latest changes yet; try again.",
    { retryAfterSeconds: 1 }
  )
}

/** Waits until a view holds everything that was committed before, so that a list shows what its reader has just made. */
export const caughtUp = Effect.fnUntraced(function* (projection: string) {
  const projector = yield* Projector
  yield* Effect.mapError(projector.waitFor(projection), viewFault)
})
