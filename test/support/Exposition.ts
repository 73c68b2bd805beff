/**
 * Reads the text exposition format of Prometheus 0.0.4 as strictly as its description: whatever is not exactly as it has to
 * be is a fault that is named, never passed over.
 */

export interface ExpositionSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Family {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: ReadonlyArray<ExpositionSample>
}

const sampleLine = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (NaN|[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/
const labelPart = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y

const labelsOf = (text: string, line: string): Record<string, string> => {
  const labels: Record<string, string> = {}
  labelPart.lastIndex = 0
  while (labelPart.lastIndex < text.length) {
    const [, name = "", value = ""] = labelPart.exec(text) ?? []
    if (name === "") throw new Error(`labels that cannot be read: ${line}`)
    if (name in labels) throw new Error(`a label twice: ${line}`)
    labels[name] = value.replaceAll(/\\(["\\n])/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped))
  }
  return labels
}

const sampleOf = (line: string): ExpositionSample => {
  const [, name, labels = "", value = ""] = sampleLine.exec(line) ?? []
  if (name === undefined) throw new Error(`no sample: ${line}`)
  return { name, labels: labelsOf(labels, line), value: Number(value.replace("Inf", "Infinity")) }
}

const suffixes: Readonly<Record<string, ReadonlyArray<string>>> = { histogram: ["_bucket", "_sum", "_count"] }

/** Families in their order; throws at the first thing that is wrong. */
export const parse = (text: string): ReadonlyArray<Family> => {
  if (!text.endsWith("\n")) throw new Error("the last line does not end")
  const families: Array<Family & { samples: Array<ExpositionSample> }> = []
  const series = new Set<string>()
  let help: readonly [name: string, text: string] | undefined
  for (const line of text.slice(0, -1).split("\n")) {
    const [, kind, name = "", rest = ""] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? []
    const family = families.at(-1)
    if (kind === "HELP") {
      if (families.some((known) => known.name === name)) throw new Error(`a family twice: ${name}`)
      help = [name, rest]
    } else if (kind === "TYPE") {
      if (help?.[0] !== name) throw new Error(`a type without its help before it: ${line}`)
      if (!["counter", "gauge", "histogram"].includes(rest)) throw new Error(`no type of ours: ${line}`)
      families.push({ name, type: rest, help: help[1], samples: [] })
      help = undefined
    } else {
      const sample = sampleOf(line)
      if (help !== undefined || family === undefined) throw new Error(`a sample of no family: ${line}`)
      const names = (suffixes[family.type] ?? [""]).map((suffix) => `${family.name}${suffix}`)
      if (!names.includes(sample.name)) throw new Error(`a sample that is not of ${family.name}: ${line}`)
      const labels = Object.entries(sample.labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`)
      const id = `${sample.name}${labels.toSorted().join()}`
      if (series.has(id)) throw new Error(`a series twice: ${line}`)
      series.add(id)
      family.samples.push(sample)
    }
  }
  return families
}

/** Names that a scraper can ask for: of a histogram those of its parts. */
export const seriesNames = (families: ReadonlyArray<Family>): ReadonlySet<string> =>
  new Set(families.flatMap(({ name, type }) => (suffixes[type] ?? [""]).map((suffix) => `${name}${suffix}`)))

/** The sum over all samples of that name whose labels are at least these. */
export const valueOf = (
  families: ReadonlyArray<Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {}
): number =>
  families
    .flatMap(({ samples }) => samples)
    .filter((sample) => sample.name === name)
    .filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
    .reduce((sum, { value }) => sum + value, 0)
