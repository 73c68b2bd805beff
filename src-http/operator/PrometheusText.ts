/** The text exposition format of Prometheus 0.0.4: families of samples with help, type and escaped labels. */

type Labels = Readonly<Record<string, string | number>>

interface Sample {
  readonly labels?: Labels
  readonly value: number
}

export interface Histogram {
  readonly labels?: Labels
  /** Upper ends, ascending. */
  readonly bounds: ReadonlyArray<number>
  /** By bucket, not cumulated; what is above the last bound may follow as one more. */
  readonly counts: ReadonlyArray<number>
  readonly sum: number
}

const escape = (text: string | number): string =>
  String(text).replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")

const labelText = (labels: Labels = {}): string => {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`)
  return parts.length === 0 ? "" : `{${parts.join(",")}}`
}

const family = (name: string, type: string, help: string, lines: ReadonlyArray<string>): string =>
  [`# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}`, `# TYPE ${name} ${type}`, ...lines].join(
    "\n"
  )

const samplesOf = (name: string, samples: number | ReadonlyArray<Sample>): ReadonlyArray<string> =>
  typeof samples === "number"
    ? [`${name} ${samples}`]
    : samples.map(({ labels, value }) => `${name}${labelText(labels)} ${value}`)

export const gauge = (name: string, help: string, samples: number | ReadonlyArray<Sample>): string =>
  family(name, "gauge", help, samplesOf(name, samples))

/** The name ends in `_total`. */
export const counter = (name: string, help: string, samples: number | ReadonlyArray<Sample>): string =>
  family(name, "counter", help, samplesOf(name, samples))

export const histogram = (name: string, help: string, histograms: ReadonlyArray<Histogram>): string =>
  family(
    name,
    "histogram",
    help,
    histograms.flatMap(({ labels, bounds, counts, sum }) => {
      let total = 0
      const buckets = bounds.map((bound, index) => {
        total += counts[index] ?? 0
        return `${name}_bucket${labelText({ ...labels, le: bound })} ${total}`
      })
      total += counts.slice(bounds.length).reduce((all, count) => all + count, 0)
      return [
        ...buckets,
        `${name}_bucket${labelText({ ...labels, le: "+Inf" })} ${total}`,
        `${name}_sum${labelText(labels)} ${sum}`,
        `${name}_count${labelText(labels)} ${total}`
      ]
    })
  )
