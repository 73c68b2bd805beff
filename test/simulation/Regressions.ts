/**
 * What the simulation has shown. Seeds that once failed run first. What is not mended yet is told on its own in
 * `Found.test.ts`, and looked away from here so that the next fault is seen: mended, its line becomes false, and the seeds
 * beside it watch over it.
 */
export const regressions: ReadonlyArray<{ readonly seed: number; readonly showed: string }> = [
  { seed: 152, showed: "P1: a transfer was answered Done, and then that its id was used for something else" },
  { seed: 13, showed: "P8: a draw waited an hour for a clock that was right" },
  { seed: 143, showed: "P16: a journal was judged an hour before what it was judged on" },
  { seed: 2180, showed: "P2: a runner that had lost its shards refused a credit for what that very credit had changed" }
]

export const unmended = {
  /**
   * A snapshot does not say when its last event was. A key that wakes from one under a clock that went back is judged
   * before what it is judged on, and a member draws a month's limit twice (P16, SHR-2).
   */
  snapshotsForgetTheTime: true,
  /** A message is due at the instant of its sender's turn: after a clock that ran ahead it waits for that long, and others overtake it (P8). */
  messagesWaitForTheClock: true,
  /** Whoever asks while something else is tried under the same id is told that it is reused, also of what is done (P7). */
  idsAreRefusedTooEarly: true,
  /**
   * That a condition (If-Match) does not hold is answered without a commit, so a runner that lost its shards still says it,
   * also of what has been done since under that very id (P2).
   */
  conditionsAreNotFenced: true
}
