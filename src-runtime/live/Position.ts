/**
 * A place in the journal as those who follow it keep it: the shard and the last offset they have seen there. To them it
 * is an opaque word; it stays valid as long as the journal does.
 */

export interface Position {
  readonly shard: number
  readonly offset: number
}

const pattern = /^(\d{1,5})\.(\d{1,15})$/

export const positionText = ({ shard, offset }: Position): string =>
  Buffer.from(`${shard}.${offset}`).toString("base64url")

/** `undefined` for anything that was never given out as one. */
export const parsePosition = (text: string): Position | undefined => {
  const match = pattern.exec(Buffer.from(text, "base64url").toString("latin1"))
  return match === null ? undefined : { shard: Number(match[1]), offset: Number(match[2]) }
}
