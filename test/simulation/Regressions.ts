/** What the simulation has shown and what was mended since: these seeds run first. Each is also told on its own in `Found.test.ts`. */
export const regressions: ReadonlyArray<{ readonly seed: number; readonly showed: string }> = [
  { seed: 152, showed: "P1: a transfer was answered Done, and then that its id was used for something else" },
  { seed: 13, showed: "P8: a draw waited an hour for a clock that was right" },
  { seed: 143, showed: "P16: a journal was judged an hour before what it was judged on" },
  { seed: 2180, showed: "P2: a runner that had lost its shards refused a credit for what that very credit had changed" }
]
