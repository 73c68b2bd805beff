/** How long those were without service whose shards a fault has moved: until the first of them was served again. */
import { shardOf } from "#runtime/actor/Placement.ts"
import { effectsOf, type Fold } from "./Fold.ts"
import { type Record as OperationRecord, verdictOf } from "./Operation.ts"
import type { Strike } from "./Target.ts"

/** A time for each key that was affected and asked for; none where the fault moves no shard. */
export const successesAfter = (
  { affectedShards, struckAt }: Strike,
  records: ReadonlyArray<OperationRecord>,
  fold: Fold
): ReadonlyArray<number> => {
  const first = new Map<string, number>()
  for (const record of records) {
    if (verdictOf(record.answer) !== "done" || record.returnedAt < struckAt) continue
    for (const { key } of effectsOf(record, fold).spans) {
      if (affectedShards?.has(shardOf(key)) !== true) continue
      first.set(key, Math.min(first.get(key) ?? Number.POSITIVE_INFINITY, record.returnedAt - struckAt))
    }
  }
  return [...first.values()].map(Math.round).toSorted((left, right) => left - right)
}

/** The smallest that is not exceeded by such a part of the values, which are in order. */
export const quantile = (values: ReadonlyArray<number>, part: number): number | undefined =>
  values[Math.min(values.length - 1, Math.floor(values.length * part))]
