/** The chart says what the results say, shows nothing that was not measured, and stays within its own frame. */
import { assert, describe, it } from "@effect/vitest"
import { chart, type Charted, linearScale, logScale } from "../../bench/Chart.ts"
import { planOf } from "../../bench/Plan.ts"
import { growthKey, type LoadKey, type LoadRow, runnersKey } from "../../bench/Results.ts"

const observation = (ratePerSecond: number) => ({
  completed: ratePerSecond,
  ratePerSecond,
  answered: ratePerSecond,
  p50Ms: 1,
  p99Ms: 2,
  maxMs: 3
})
const row = (key: LoadKey, ...rates: ReadonlyArray<number>): LoadRow => ({
  key,
  letter: "a",
  name: key,
  rounds: rates.map((rate) => ({ closed: observation(rate), open: observation(rate), offeredPerSecond: rate }))
})
const machine = {
  processors: 2,
  model: 'Fast & <small> "chip"',
  memoryGibibytes: 8,
  system: "linux",
  node: "24.21.0",
  loadAverage: 0,
  dataInMemory: false,
  flushMs: 1
}
const plan = planOf([])
if (plan === undefined) throw new Error("a plan without arguments is a plan")
const charted = (rows: ReadonlyArray<LoadRow>, contacts: ReadonlyArray<number> = []): Charted => ({
  rows,
  sizes: contacts.map((contacts) => ({ contacts, startMs: [] })),
  startedAt: "2026-11-22T03:43:24.273Z",
  machine,
  plan
})
const widthsOf = (svg: string): ReadonlyArray<number> =>
  [...svg.matchAll(/<rect [^>]*width="([\d.]+)" height="15"/g)].map(([, width]) => Number(width))

describe("a scale", () => {
  it("of powers of ten puts equal ratios at equal distances", () => {
    const { place, ticks } = logScale([360, 38_022], 0, 300)
    assert.deepStrictEqual(ticks, [100, 1_000, 10_000, 100_000])
    assert.deepStrictEqual(ticks.map(place), [0, 100, 200, 300])
  })

  it("from nothing ends at a round number that no value exceeds, in at most ten steps", () => {
    for (const most of [0.4, 1, 7, 19, 20, 21, 99, 5_001, 23_000, 100_000]) {
      const { place, ticks } = linearScale([most], 100, 0)
      assert.isAtMost(ticks.length, 11)
      assert.isAtLeast(ticks.at(-1) ?? 0, most)
      assert.strictEqual(place(0), 100)
      assert.isAtLeast(place(most), -1e-9)
    }
  })
})

describe("the chart", () => {
  it("shows the median of each measure, with longer bars for higher rates", () => {
    const svg = chart(charted([row("s.spread", 900, 960, 5_000), row("b.spread", 7_572), row("c.spread", 22_438)]))
    for (const figure of ["960", "7,572", "22,438"]) assert.include(svg, `>${figure}</text>`)
    assert.deepStrictEqual(
      widthsOf(svg),
      widthsOf(svg).toSorted((left, right) => left - right)
    )
    assert.strictEqual(widthsOf(svg).length, 3)
  })

  it("leaves out what was not measured, whole panels too", () => {
    const nothing = chart(charted([]))
    for (const title of ["Durable debits a second", "While the journal grows", "Several runners"]) {
      assert.notInclude(nothing, title)
    }
    const runners = chart(charted([row(runnersKey(1), 5_100), row(runnersKey(2), 5_900)]))
    assert.include(runners, "2 runners")
    assert.notInclude(runners, "3 runners")
    assert.notInclude(runners, "While the journal grows")
  })

  it("draws a line through the sizes of the journal that were measured", () => {
    const rows = [1_000, 10_000].map((contacts) => row(growthKey("commands", "set", contacts), 20_000))
    const points = /<polyline points="([^"]+)"/.exec(chart(charted(rows, [1_000, 10_000])))?.[1]?.split(" ") ?? []
    assert.strictEqual(points.length, 2)
    const heights = points.map((point) => point.split(",")[1])
    assert.strictEqual(heights[0], heights[1], "equal rates stand equally high")
  })

  it("is well-formed whatever the machine is called, names it and the day, and holds no broken number", () => {
    const svg = chart(charted([row("a", 1), row("c.hot", 99_999_999), row(runnersKey(3), 0)], [1_000]))
    assert.include(svg, "Fast &amp; &lt;small&gt; &quot;chip&quot;")
    assert.include(svg, "2026-11-22")
    assert.notMatch(svg, /NaN|Infinity|undefined/)
  })

  it("keeps everything within its frame", () => {
    const rows = ["a", "b.spread", "b.hot", "c.spread", "e"].map((key) => row(key as LoadKey, 123, 45_678))
    const svg = chart(charted([...rows, row(growthKey("http", "all", 1_000_000), 4_000)], [1_000_000]))
    const [, width, height] = /viewBox="0 0 (\d+) ([\d.]+)"/.exec(svg) ?? []
    for (const [, axis, value] of svg.matchAll(/ (c?[xy][12]?)="([\d.-]+)"/g)) {
      assert.isAtLeast(Number(value), 0)
      assert.isAtMost(Number(value), Number(axis?.includes("x") === true ? width : height))
    }
  })
})

describe("a plan", () => {
  it("has the journals of a million contacts only where they were asked for", () => {
    assert.deepStrictEqual(planOf([])?.growth, [1_000, 10_000])
    assert.deepStrictEqual(planOf(["--all"])?.growth, [1_000, 10_000, 100_000, 1_000_000])
    assert.deepStrictEqual(planOf(["--growth", "20000"])?.growth, [1_000, 10_000, 20_000])
  })

  it("refuses a journal of no size and a question that there is not", () => {
    assert.throws(() => planOf(["--growth", "many"]), /--growth/)
    assert.throws(() => planOf(["--only", "z"]), /no question "z"/)
  })
})
