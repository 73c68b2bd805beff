/**
 * Where a placement key lives. The shard is a pure function of the key, so every runner agrees on it; the number of
 * shards is part of the stored data and never changes for a journal.
 */
import * as Hash from "effect/Hash"

/** Shards of a journal. Each commit locks the epoch rows of the shards it writes, so it is kept small. */
export const shardCount = 64

export const shardOf = (key: string): number => Math.abs(Hash.string(key) % shardCount)

export const allShards: ReadonlyArray<number> = Array.from({ length: shardCount }, (_, shard) => shard)
