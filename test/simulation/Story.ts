/** What happened, in numbered lines, with its fingerprint: two runs of one seed tell the same story, letter by letter. */
import { createHash } from "node:crypto"

interface Line {
  readonly atMs: number
  readonly text: string
  times: number
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(3)

export class Story {
  readonly #lines: Array<Line> = []

  tell(atMs: number, text: string): void {
    const last = this.#lines.at(-1)
    if (last?.text === text) last.times += 1
    else this.#lines.push({ atMs, text, times: 1 })
  }

  get hash(): string {
    const sum = createHash("sha256")
    for (const { atMs, text, times } of this.#lines) sum.update(`${atMs} ${text} ${times}\n`)
    return sum.digest("hex").slice(0, 16)
  }

  get lines(): ReadonlyArray<string> {
    return this.#lines.map(({ atMs, text, times }, index) => {
      const often = times === 1 ? "" : `, ${times} times from here on`
      return `${String(index + 1).padStart(4)}. ${seconds(atMs)} s ${text}${often}`
    })
  }
}
