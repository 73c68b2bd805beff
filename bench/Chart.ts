/**
 * The chart of a run as one SVG file: rates on a log scale, rates over the size of the journal, rates over the number of
 * runners, each only if it was measured. A pure function of the results; it brings its own ground, so that it can be read
 * in a light page and in a dark one.
 */
import { type GrowthDraw, growthKey, type LoadKey, type Results, runnersKey, type Spread, spreadOf } from "./Results.ts"

export type Charted = Pick<Results, "rows" | "sizes" | "startedAt" | "machine" | "plan">

const width = 860
const margin = 24
const labelWidth = 250
/** Room on the right for a value that stands behind its bar. */
const valueWidth = 86
const plotLeft = margin + labelWidth
const plotRight = width - margin - valueWidth
const barHeight = 15
const barGap = 3
const groupGap = 12
const linesHeight = 230
const titleHeight = 34
const legendHeight = 24
const axisHeight = 44
const panelGap = 18

/** First colour of a pair for light grounds, second for dark ones. */
const colours = {
  ground: ["#ffffff", "#0d1117"],
  ink: ["#1f2328", "#e6edf3"],
  faint: ["#59636e", "#9198a1"],
  grid: ["#d8dee4", "#2f353d"],
  one: ["#0b6bcb", "#58a6ff"],
  two: ["#c2540a", "#f0883e"],
  three: ["#1a7f37", "#3fb950"],
  four: ["#8250df", "#bc8cff"]
} as const
type Colour = keyof typeof colours
const seriesColours = ["one", "two", "three", "four"] as const satisfies ReadonlyArray<Colour>

const style = (() => {
  const rules = (of: 0 | 1): string =>
    Object.entries(colours)
      .map(([name, pair]) => `.${name}{fill:${pair[of]}}.line-${name}{stroke:${pair[of]}}`)
      .join("")
  return (
    `text{font-family:system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;font-size:12px}` +
    `.title{font-size:15px;font-weight:600}${rules(0)}@media (prefers-color-scheme:dark){${rules(1)}}`
  )
})()

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")
const at = (value: number): string => String(Math.round(value * 10) / 10)
const figure = (value: number): string => Math.round(value).toLocaleString("en-US")

const text = (
  x: number,
  y: number,
  content: string,
  { of = "ink", anchor = "start", kind = "" }: { of?: Colour; anchor?: "start" | "middle" | "end"; kind?: string } = {}
): string =>
  `<text x="${at(x)}" y="${at(y)}" class="${`${of} ${kind}`.trim()}" text-anchor="${anchor}">${escaped(content)}</text>`
const line = (x1: number, y1: number, x2: number, y2: number, of: Colour, weight = 1): string =>
  `<line x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}" class="line-${of}" stroke-width="${weight}"/>`

interface Scale {
  readonly place: (value: number) => number
  readonly ticks: ReadonlyArray<number>
}

/** Whole powers of ten around the values. */
export const logScale = (values: ReadonlyArray<number>, from: number, to: number): Scale => {
  const positive = values.filter((value) => value > 0)
  const first = Math.floor(Math.log10(Math.min(...positive)))
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...positive))))
  return {
    place: (value) => from + ((Math.log10(Math.max(value, 10 ** first)) - first) / (last - first)) * (to - from),
    ticks: Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index))
  }
}

/** From nothing to a round number above the values, in four to ten steps. */
export const linearScale = (values: ReadonlyArray<number>, from: number, to: number): Scale => {
  const most = Math.max(1, ...values)
  const power = 10 ** Math.floor(Math.log10(most))
  const step = most / power > 5 ? power : most / power > 2 ? power / 2 : power / 5
  const steps = Math.ceil(most / step)
  return {
    place: (value) => from + (value / (step * steps)) * (to - from),
    ticks: Array.from({ length: steps + 1 }, (_, index) => index * step)
  }
}

interface Panel {
  readonly height: number
  readonly parts: ReadonlyArray<string>
}

const legend = (y: number, names: ReadonlyArray<string>): ReadonlyArray<string> => {
  let x = margin
  return names.flatMap((name, index) => {
    const of = seriesColours[index % seriesColours.length] ?? "one"
    const parts = [
      `<rect x="${at(x)}" y="${at(y - 10)}" width="12" height="12" rx="2" class="${of}"/>`,
      text(x + 18, y, name)
    ]
    // Wider than most fonts draw it.
    x += 18 + name.length * 6.6 + 22
    return parts
  })
}

interface Group {
  readonly name: string
  /** By series; a series may have nothing to say of a group. */
  readonly values: ReadonlyArray<Spread | undefined>
}

/** Horizontal bars, a thin line over each from the least to the most of its rounds. */
const bars = (options: {
  readonly top: number
  readonly title: string
  readonly axis: string
  readonly series: ReadonlyArray<string>
  readonly groups: ReadonlyArray<Group>
  readonly scale: typeof logScale
}): Panel => {
  const { top, title, axis, series, groups } = options
  const shown = groups.filter(({ values }) => values.some((value) => value !== undefined))
  const ends = shown.flatMap(({ values }) =>
    values.flatMap((value) => (value === undefined ? [] : [value.min, value.max]))
  )
  const { place, ticks } = options.scale(ends, plotLeft, plotRight)
  const parts: Array<string> = []
  const heading = titleHeight + (series.length > 1 ? legendHeight : 0)
  let y = top + heading
  for (const { name, values } of shown) {
    const present = values.flatMap((value, index) => (value === undefined ? [] : [{ value, index }]))
    const middle = y + (present.length * (barHeight + barGap) - barGap) / 2
    parts.push(text(plotLeft - 10, middle + 4, name, { anchor: "end" }))
    for (const { value, index } of present) {
      const of = seriesColours[index % seriesColours.length] ?? "one"
      const end = place(value.median)
      parts.push(
        `<rect x="${at(plotLeft)}" y="${at(y)}" width="${at(end - plotLeft)}" height="${barHeight}" class="${of}"/>`,
        line(place(value.min), y + barHeight / 2, place(value.max), y + barHeight / 2, "ink"),
        text(Math.max(end, place(value.max)) + 6, y + barHeight - 3, figure(value.median))
      )
      y += barHeight + barGap
    }
    y += groupGap - barGap
  }
  const bottom = y
  const grid = ticks.flatMap((tick) => [
    line(place(tick), top + heading - 6, place(tick), bottom, "grid"),
    text(place(tick), bottom + 16, figure(tick), { of: "faint", anchor: "middle" })
  ])
  return {
    height: bottom + axisHeight - top,
    parts: [
      text(margin, top + 18, title, { kind: "title" }),
      ...(series.length > 1 ? legend(top + titleHeight + 10, series) : []),
      ...grid,
      ...parts,
      text((plotLeft + plotRight) / 2, bottom + 34, axis, { of: "faint", anchor: "middle" })
    ]
  }
}

interface Curve {
  readonly name: string
  readonly points: ReadonlyArray<{ readonly x: number; readonly value: Spread }>
}

const lines = (options: {
  readonly top: number
  readonly title: string
  readonly axis: string
  readonly unit: string
  readonly curves: ReadonlyArray<Curve>
}): Panel => {
  const { top, title, axis, unit, curves } = options
  const left = margin + 62
  const right = width - margin - 30
  const upper = top + titleHeight + legendHeight + 24
  const lower = upper + linesHeight
  const points = curves.flatMap((curve) => curve.points)
  const across = logScale(
    points.map(({ x }) => x),
    left,
    right
  )
  const up = linearScale(
    points.map(({ value }) => value.max),
    lower,
    upper
  )
  const drawn = curves.flatMap(({ points: own }, index) => {
    const of = seriesColours[index % seriesColours.length] ?? "one"
    const path = own.map(({ x, value }) => `${at(across.place(x))},${at(up.place(value.median))}`).join(" ")
    return [
      `<polyline points="${path}" fill="none" class="line-${of}" stroke-width="2.5"/>`,
      ...own.flatMap(({ x, value }) => [
        line(across.place(x), up.place(value.min), across.place(x), up.place(value.max), of),
        `<circle cx="${at(across.place(x))}" cy="${at(up.place(value.median))}" r="4" class="${of}"/>`
      ])
    ]
  })
  return {
    height: lower + axisHeight - top,
    parts: [
      text(margin, top + 18, title, { kind: "title" }),
      ...legend(
        top + titleHeight + 10,
        curves.map(({ name }) => name)
      ),
      text(left, upper - 14, unit, { of: "faint", anchor: "middle" }),
      ...up.ticks.flatMap((tick) => [
        line(left, up.place(tick), right, up.place(tick), "grid"),
        text(left - 8, up.place(tick) + 4, figure(tick), { of: "faint", anchor: "end" })
      ]),
      ...across.ticks.map((tick) =>
        text(across.place(tick), lower + 18, figure(tick), { of: "faint", anchor: "middle" })
      ),
      ...drawn,
      text((left + right) / 2, lower + 36, axis, { of: "faint", anchor: "middle" })
    ]
  }
}

const rateOf = ({ rows }: Charted, key: LoadKey): Spread | undefined =>
  spreadOf((rows.find((row) => row.key === key)?.rounds ?? []).map(({ closed }) => closed.ratePerSecond))

const ratesOf = (results: Charted): ReadonlyArray<Group> => {
  const group = (name: string, ...keys: ReadonlyArray<LoadKey>): Group => ({
    name,
    values: keys.map((key) => rateOf(results, key))
  })
  return [
    group("(s) stock persisted entities", "s.spread", "s.hot"),
    group("(b) PL/pgSQL row lock", "b.spread", "b.hot"),
    group("(c) Koinon, durable commands", "c.spread", "c.hot"),
    group("(d) Koinon, HTTP debits", "d.spread", "d.hot"),
    group("(e) Koinon, HTTP shared purchases", "e"),
    group("(a) bare node:http, nothing stored", "a")
  ]
}

const growthOf = (results: Charted): ReadonlyArray<Curve> => {
  const curve = (name: string, way: "commands" | "http", draw: GrowthDraw): Curve => ({
    name,
    points: results.sizes.flatMap(({ contacts }) => {
      const value = rateOf(results, growthKey(way, draw, contacts))
      return value === undefined ? [] : [{ x: contacts, value }]
    })
  })
  return [
    curve("commands, 1,000 wallets", "commands", "set"),
    curve("commands, any wallet", "commands", "all"),
    curve("HTTP, 1,000 wallets", "http", "set"),
    curve("HTTP, any wallet", "http", "all")
  ]
}

export const chart = (results: Charted): string => {
  const { machine, plan, startedAt } = results
  const parts: Array<string> = []
  let y = margin - 8
  const add = (panel: Panel): void => {
    parts.push(...panel.parts)
    y += panel.height + panelGap
  }
  const unit = "answers a second"
  const rates = ratesOf(results)
  if (rates.some(({ values }) => values.some((value) => value !== undefined))) {
    const series = ["1,000 wallets", "one wallet"]
    const axis = `${unit}, log scale; the thin line goes from the least to the most of ${plan.rounds} rounds`
    add(bars({ top: y, title: "Durable debits a second", axis, series, groups: rates, scale: logScale }))
  }
  const curves = growthOf(results)
  if (curves.some(({ points }) => points.length > 0)) {
    add(lines({ top: y, title: "While the journal grows", axis: "contacts in the journal, log scale", unit, curves }))
  }
  const runners = Array.from({ length: plan.runners }, (_, index): Group => {
    const name = `(j) ${index + 1} ${index === 0 ? "runner" : "runners"}, HTTP debits`
    return { name, values: [rateOf(results, runnersKey(index + 1))] }
  })
  if (runners.some(({ values }) => values[0] !== undefined)) {
    const title = "Several runners on one machine and one database"
    add(bars({ top: y, title, axis: unit, series: ["1,000 wallets"], groups: runners, scale: linearScale }))
  }
  const shortened = plan.quick || plan.profile ? " · a quick or profiled run: rough" : ""
  const where = `${startedAt.slice(0, 10)} · ${machine.processors} × ${machine.model} · Node ${machine.node}${shortened}`
  parts.push(text(margin, y + 4, where, { of: "faint" }))
  const height = y + margin
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${at(height)}" width="${width}" height="${at(height)}" ` +
    `role="img" aria-label="Rates that npm run bench measured"><style>${style}</style>` +
    `<rect width="${width}" height="${at(height)}" rx="8" class="ground"/>\n${parts.join("\n")}\n</svg>\n`
  )
}
