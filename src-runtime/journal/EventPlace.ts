/**
 * What something is put down to: an event by its place in its stream, as text that is kept with what came of it, and the
 * purchase that the event tells of.
 */
import type { EventRef } from "./Journal.ts"
import { aggregateOfKind } from "./Kinds.ts"

export const eventNameOf = ({ aggregate, id, seq }: EventRef): string => `${aggregate}/${id}/${seq}`

/** The place that a name is of; a join or leave of a segment has none. */
export const eventPlaceOf = (name: string): EventRef | undefined => {
  const [aggregate, id, seq] = name.split("/")
  return id === undefined || seq === undefined ? undefined : { aggregate: Number(aggregate), id, seq: Number(seq) }
}

const purchaseCode = aggregateOfKind("purchase").code

export const purchaseOf = (row: Pick<EventRef, "aggregate" | "id">, event: object): string | undefined => {
  if (row.aggregate === purchaseCode) return row.id
  return "purchaseId" in event && typeof event.purchaseId === "string" ? event.purchaseId : undefined
}
