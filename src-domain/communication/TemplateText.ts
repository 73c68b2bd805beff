/**
 * Reads and writes the words of a template with liquidjs: which tags they name, what is wrong with them, and what they say
 * to one reader. A template gets no further than its scope: no files, no prototypes, no filter that could run code or draw
 * lots, and no more time, memory or output than the bounds here. In HTML every value is escaped; nothing undoes that.
 */
import { Context, Liquid, LiquidError, type Template, toValueSync, TypeGuards } from "liquidjs"
import { translate, type Translated } from "./TagSource.ts"
import {
  type DateStyle,
  dateStyles,
  DateValue,
  formatMoney,
  formatNumber,
  type MoneyValue,
  type Reader,
  type Scope,
  type TagKind
} from "./TagValue.ts"

export type TextKind = "HTML" | "PLAIN"
export const htmlText: TextKind = "HTML"
export const plainText: TextKind = "PLAIN"

/** Characters of one text. */
export const textLengthMax = 100_000
/** Tags of one text, of either kind: liquidjs looks for the place of each from the beginning. */
const tagsMax = 1_000
/** Numbers of a range that is written out. */
const rangeMax = 1_000
/** Characters that come of one text. */
const outputLengthMax = 500_000
/** Characters and elements that filters and loops may make on the way. */
const memoryMax = 1_000_000
/** Milliseconds. */
const renderMax = 100
/** Texts kept parsed. */
const parsedMax = 1_000

const filters = new Set(
  (
    "abs append array_to_sentence_string at_least at_most capitalize ceil compact concat date default divided_by downcase " +
    "first floor join last lstrip minus modulo money number number_of_words plus prepend remove remove_first replace " +
    "replace_first reverse round rstrip size slice sort sort_natural split squish strip strip_newlines times truncate " +
    "truncatewords uniq upcase url_encode"
  ).split(" ")
)
const tags = new Set(
  "assign break capture case comment continue cycle decrement echo for if increment raw unless #".split(" ")
)

/** Whom each of the contexts at work writes for. */
const readers = new WeakMap<Context, Reader>()
const readerOf = (context: Context): Reader => readers.get(context) ?? { locale: "en", currency: "", timeZone: "UTC" }

const shown = (value: unknown, { locale }: Reader): string => {
  if (typeof value === "string") return value
  if (value === undefined || value === null) return ""
  if (typeof value === "number") return formatNumber(value, locale)
  if (Array.isArray(value)) return value.map((each) => shown(each, { locale, currency: "", timeZone: "" })).join(", ")
  if (typeof value === "boolean") return value ? "true" : "false"
  // A value that knows how it is shown; a group of tags is nothing that could be.
  return typeof value === "object" && "toString" in value ? (value as MoneyValue).toString() : ""
}

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}
const escapeHtml = (text: string): string => text.replaceAll(/[&<>"']/g, (sign) => escapes[sign] ?? sign)

interface Bound {
  readonly context: Context
}

const replaceAllBounded = function (this: Bound, value: unknown, pattern: unknown, replacement: unknown = ""): string {
  const reader = readerOf(this.context)
  const parts = shown(value, reader).split(shown(pattern, reader))
  const put = shown(replacement, reader)
  this.context.memoryLimit.use(parts.length * (put.length + 1))
  return parts.join(put)
}

const engineOf = (kind: TextKind): Liquid => {
  const write = function (this: Bound, value: unknown): string {
    const text = shown(value, readerOf(this.context))
    this.context.memoryLimit.use(text.length)
    return kind === "HTML" ? escapeHtml(text) : text
  }
  const engine = new Liquid({
    strictFilters: true,
    lenientIf: true,
    ownPropertyOnly: true,
    dynamicPartials: false,
    relativeReference: false,
    templates: {},
    parseLimit: textLengthMax * 2,
    memoryLimit: memoryMax,
    renderLimit: renderMax,
    outputEscape: write
  })
  engine.registerFilter("money", function (value: unknown, currency: unknown) {
    const reader = readerOf(this.context)
    return formatMoney(Number(value), typeof currency === "string" ? currency : reader.currency, reader.locale)
  })
  engine.registerFilter("number", function (value: unknown, decimals: unknown) {
    const digits = typeof decimals === "number" ? Math.min(10, Math.max(0, Math.trunc(decimals))) : undefined
    return formatNumber(Number(value), readerOf(this.context).locale, digits)
  })
  engine.registerFilter("date", function (value: unknown, style: unknown = "medium") {
    if (!dateStyles.includes(style as DateStyle)) throw new Error(`a date is ${dateStyles.join(", ")}`)
    if (!(value instanceof DateValue)) throw new Error("only a date can be shown as one")
    return value.dayIn(style as DateStyle)
  })
  engine.registerFilter("replace", replaceAllBounded as never)
  engine.registerFilter("remove", replaceAllBounded as never)
  for (const name of Object.keys(engine.filters)) if (!filters.has(name)) engine.unregisterFilter(name)
  for (const name of Object.keys(engine.tags)) if (!tags.has(name)) delete engine.tags[name]
  const { renderer } = engine
  const renderTemplates = renderer.renderTemplates.bind(renderer)
  // What a loop writes is bounded wherever it goes, also into a capture.
  renderer.renderTemplates = (templates, context, emitter = new BoundedOutput()) =>
    renderTemplates(templates, context, emitter)
  return engine
}

class BoundedOutput {
  buffer = ""

  write(text: unknown): void {
    this.buffer += typeof text === "string" ? text : ""
    if (this.buffer.length > outputLengthMax) throw new Error("output limit exceeded")
  }
}

const engines: Readonly<Record<TextKind, Liquid>> = { HTML: engineOf("HTML"), PLAIN: engineOf("PLAIN") }

export interface TextFault {
  /** From 1, in what was written. */
  readonly line: number
  readonly column: number
  readonly rule: string
}

const faultAt = (source: string, offset: number, rule: string): TextFault => {
  const before = source.slice(0, offset)
  const lineStart = before.lastIndexOf("\n") + 1
  return { line: before.split("\n").length, column: offset - lineStart + 1, rule }
}

const offsetOf = (text: string, row: number, column: number): number => {
  let start = 0
  for (let line = 1; line < row; line++) start = text.indexOf("\n", start) + 1
  return start + column - 1
}

/** Where the nth tag begins, if there are so many. */
const placeOfTag = (liquid: string, nth: number): number | undefined => {
  const begins = /\{[{%]/g
  for (let count = 1; count < nth; count++) if (begins.exec(liquid) === null) return undefined
  return begins.exec(liquid)?.index
}

const sentenceOf = (error: Error): string => {
  const message = error.message.split(", line:")[0] ?? ""
  return `${message.slice(0, 200)}.`
}

const parsed = new Map<string, ReadonlyArray<Template>>()

const parse = (liquid: string, kind: TextKind): Array<Template> => {
  const name = `${kind}${liquid}`
  let templates = parsed.get(name)
  if (templates === undefined) {
    templates = engines[kind].parse(liquid)
    if (parsed.size >= parsedMax) parsed.clear()
    parsed.set(name, templates)
  }
  return templates as Array<Template>
}

interface Named {
  /** The path of a tag, `WALLET.BALANCE`; `undefined` where it is not written out. */
  readonly path: string | undefined
  readonly offset: number
}

const namesIn = (engine: Liquid, templates: Array<Template>, { liquid, sourceOffset }: Translated): Array<Named> =>
  Object.values(engine.analyzeSync(templates, { partials: false }).globals)
    .flat()
    .map(({ segments, location: { row, col } }) => ({
      path: segments.every((segment) => typeof segment === "string") ? segments.join(".") : undefined,
      offset: sourceOffset(offsetOf(liquid, row, col))
    }))
    .toSorted((left, right) => left.offset - right.offset)

/** What a list has beside its elements. */
const ofLists = new Set(["size", "first", "last"])

/** Whether there is a tag of that path. */
export const isKnownTag = (path: string, known: ReadonlyMap<string, TagKind>): boolean => {
  if (known.has(path)) return true
  const dot = path.lastIndexOf(".")
  const outer = known.get(path.slice(0, dot))
  return outer === "RECORD" || (outer === "LIST" && ofLists.has(path.slice(dot + 1)))
}

const numberOf = (end: unknown): number =>
  TypeGuards.isNumberToken(end) || TypeGuards.isQuotedToken(end) ? Number(end.content) : Number.NaN

/** Where ranges with more numbers begin. Every kind of tag keeps what it was given in a place of its own: all are looked at. */
const longRangesIn = (templates: Array<Template>): Array<number> => {
  const places: Array<number> = []
  const seen = new Set<unknown>(Object.values(engines))
  const left: Array<unknown> = [templates]
  while (left.length > 0) {
    const each = left.pop()
    if (typeof each !== "object" || each === null || seen.has(each)) continue
    seen.add(each)
    if (TypeGuards.isRangeToken(each) && numberOf(each.rhs) - numberOf(each.lhs) >= rangeMax) places.push(each.begin)
    left.push(...Object.values(each))
  }
  return places
}

const objectionToOdd = (
  source: string,
  odd: ReturnType<typeof translate>["odd"],
  known: ReadonlyMap<string, TagKind>
): TextFault | undefined => {
  for (const { at, word, isClosed } of odd) {
    const name = word.toUpperCase()
    if (!known.has(name)) continue
    if (isClosed) return faultAt(source, at, `Tags are written in capitals: #${name}#.`)
    // A hashtag of one word is one.
    if (word === name && /[._]/.test(name)) return faultAt(source, at, `#${name} is not closed by a #.`)
  }
  return undefined
}

/** The first thing that is wrong with the words, if anything is. */
export const objectionToText = (
  source: string,
  kind: TextKind,
  known: ReadonlyMap<string, TagKind>
): TextFault | undefined => {
  if (source.length > textLengthMax) {
    return faultAt(source, textLengthMax, `A text has at most ${textLengthMax} characters.`)
  }
  const translated = translate(source)
  const crowd = placeOfTag(translated.liquid, tagsMax + 1)
  if (crowd !== undefined) {
    return faultAt(source, translated.sourceOffset(crowd), `A text has at most ${tagsMax} tags.`)
  }
  try {
    const templates = parse(translated.liquid, kind)
    for (const { path, offset } of namesIn(engines[kind], templates, translated)) {
      if (path === undefined) return faultAt(source, offset, "The name of a tag is written out.")
      if (!isKnownTag(path, known)) return faultAt(source, offset, `There is no tag #${path}#.`)
    }
    const ranges = longRangesIn(templates)
    if (ranges.length > 0) {
      const rule = `A range has at most ${rangeMax} numbers.`
      return faultAt(source, translated.sourceOffset(Math.min(...ranges)), rule)
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const at = LiquidError.is(error) ? error.token.begin : 0
    return faultAt(source, translated.sourceOffset(at), sentenceOf(error))
  }
  return objectionToOdd(source, translated.odd, known)
}

/** The tags that the words name, each once. */
export const tagsIn = (source: string, kind: TextKind): ReadonlySet<string> => {
  const translated = translate(source)
  const names = namesIn(engines[kind], parse(translated.liquid, kind), translated)
  return new Set(names.flatMap(({ path }) => path ?? []))
}

export type Written =
  | { readonly _tag: "Written"; readonly text: string }
  /** A tag that is to be shown has no value. */
  | { readonly _tag: "Missing"; readonly tag: string }
  /** It cannot be written: a bound was reached, or a filter refused what it was given. */
  | { readonly _tag: "Unwritable"; readonly reason: string }

const missingOf = (error: Error): string | undefined => {
  const { originalError } = error as { readonly originalError?: { readonly variableName?: unknown } }
  return typeof originalError?.variableName === "string" ? originalError.variableName : undefined
}

/** What the words say to a reader. With `isStrict`, a tag without a value is told, else nothing stands in its place. */
export const write = (source: string, kind: TextKind, scope: Scope, reader: Reader, isStrict: boolean): Written => {
  const engine = engines[kind]
  try {
    const templates = parse(translate(source).liquid, kind)
    const context = new Context(scope, engine.options, { sync: true, strictVariables: isStrict }, { liquid: engine })
    readers.set(context, reader)
    const text: unknown = toValueSync(engine.renderer.renderTemplates(templates, context))
    return { _tag: "Written", text: typeof text === "string" ? text : "" }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const tag = missingOf(error)
    return tag === undefined ? { _tag: "Unwritable", reason: sentenceOf(error) } : { _tag: "Missing", tag }
  }
}
