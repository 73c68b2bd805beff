/**
 * A place in the journal over all shards, as those who follow a whole business keep it: the last offset they have seen of
 * each. To them it is an opaque word.
 */
import { allShards, shardCount } from "../actor/Placement.ts"

/** By shard; a shard that has no events has 0. */
export type Positions = ReadonlyArray<number>

/** Digits of base 36 per shard, so that the word of a journal with 60 million events is about 300 characters long. */
const radix = 36
const wordPattern = /^[0-9a-z]{0,11}$/

export const positionsText = (offsetOf: (shard: number) => number): string => {
  let text = "a"
  for (const shard of allShards) {
    const offset = offsetOf(shard)
    text += offset === 0 ? "." : `.${offset.toString(radix)}`
  }
  return text
}

/** `undefined` for anything that was never given out as one. */
export const parsePositions = (text: string): Positions | undefined => {
  const [version, ...words] = text.split(".")
  if (version !== "a" || words.length !== shardCount || !words.every((word) => wordPattern.test(word))) return undefined
  const offsets = words.map((word) => (word === "" ? 0 : Number.parseInt(word, radix)))
  return offsets.every(Number.isSafeInteger) ? offsets : undefined
}
