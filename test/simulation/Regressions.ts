/**
 * What the simulation has shown and what was mended since: these seeds run first. A seed means another world once the plan
 * draws from other kinds, so what was found is told on its own as well, in `Found.test.ts`,
 * `runtime/MovingShards.test.ts` and `runtime/MailboxOrder.test.ts`.
 */
export const regressions: ReadonlyArray<{ readonly seed: number; readonly showed: string }> = [
  {
    seed: 463,
    showed: "P8: while a runner took a shard, a new message overtook those that were still to be handed out"
  },
  {
    seed: 10666,
    showed: "P8: a draw that waited at the gate for commits that failed was judged before those that had failed"
  },
  {
    seed: 106496,
    showed: "P8: while a shard was taken, the end of an older look at the inbox let a new message overtake what waited"
  },
  { seed: 135974, showed: "P6: a repeated command was judged by actors that had left memory while it was looked up" },
  {
    seed: 107327,
    showed:
      "P8: a commit whose answer was lost with one of its shards happened; its other shards were not written any more"
  },
  { seed: 1870, showed: "P8: a shard that was given up and taken back was served by nobody" },
  { seed: 707, showed: "P6: after a shard came back, a command was judged beside one that was still on its way" },
  { seed: 698, showed: "P16: what was decided before a shard was taken again was committed under its new epoch" }
]
