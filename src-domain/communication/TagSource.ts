/**
 * How authors write tags, and what of it liquidjs is given: `#FIRST_NAME#` in the words becomes an output, within a Liquid
 * tag the name alone; quoted text, raw blocks and everything else stay as they are. Every place of the result leads back
 * to the place in what was written, so that faults name that. One pass; its time grows with the length alone.
 */
export interface Translated {
  readonly liquid: string
  /** The offset in what was written of an offset in `liquid`. */
  readonly sourceOffset: (offset: number) => number
}

/** What looks like a tag and is none. */
export interface OddTag {
  /** Offset in what was written. */
  readonly at: number
  readonly word: string
  readonly isClosed: boolean
}

const tagPattern = /#([A-Z][A-Z0-9_]*(?:\.[A-Z0-9_]+)*)#/y
const wordPattern = /#([A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)(#?)/y
const rawPattern = /\{%-?\s{0,20}raw\s{0,20}-?%\}/y
const endRawPattern = /\{%-?\s{0,20}endraw\s{0,20}-?%\}/g

const matchAt = (pattern: RegExp, text: string, at: number): RegExpExecArray | null => {
  pattern.lastIndex = at
  return pattern.exec(text)
}

/** From this offset of the result on, what stood at `source`: the same signs, or one thing put in place of another. */
interface Origin {
  readonly offset: number
  readonly source: number
  readonly isSame: boolean
}

class Translation {
  readonly #source: string
  readonly #parts: Array<string> = []
  readonly #origins: Array<Origin> = [{ offset: 0, source: 0, isSame: true }]
  readonly odd: Array<OddTag> = []
  #length = 0
  #copied = 0

  constructor(source: string) {
    this.#source = source
  }

  #put(text: string): void {
    this.#parts.push(text)
    this.#length += text.length
  }

  /** Everything up to there as it stands. */
  copyTo(end: number): void {
    this.#put(this.#source.slice(this.#copied, end))
    this.#copied = end
  }

  /** In place of what stands up to `end`. */
  replaceTo(end: number, text: string): void {
    this.#origins.push({ offset: this.#length, source: this.#copied, isSame: false })
    this.#put(text)
    this.#copied = end
    this.#origins.push({ offset: this.#length, source: end, isSame: true })
  }

  get result(): Translated {
    const origins = this.#origins
    return {
      liquid: this.#parts.join(""),
      sourceOffset: (offset) => {
        let [low, high] = [0, origins.length]
        while (high - low > 1) {
          const middle = Math.floor((low + high) / 2)
          if ((origins[middle]?.offset ?? 0) <= offset) low = middle
          else high = middle
        }
        const origin = origins[low] as Origin
        return origin.isSame ? origin.source + offset - origin.offset : origin.source
      }
    }
  }
}

/** `#TAG#` in a Liquid tag is the name, unless it is quoted. */
const translateInside = (source: string, translation: Translation, from: number, end: number): void => {
  let at = from
  while (at < end) {
    const sign = source[at]
    if (sign === '"' || sign === "'") {
      const close = source.indexOf(sign, at + 1)
      at = close < 0 || close >= end ? end : close + 1
      continue
    }
    const match = sign === "#" ? matchAt(tagPattern, source, at) : null
    if (match === null || tagPattern.lastIndex > end) {
      at += 1
      continue
    }
    translation.copyTo(at)
    at += match[0].length
    translation.replaceTo(at, match[1] ?? "")
  }
  translation.copyTo(end)
}

/** Where a Liquid tag that begins at `at` ends; the end of the text if nothing closes it. */
const endOfTag = (source: string, at: number): number => {
  const close = source.startsWith("{{", at) ? "}}" : "%}"
  const end = source.indexOf(close, at + 2)
  return end < 0 ? source.length : end + 2
}

const endOfRaw = (source: string, at: number): number | undefined => {
  if (matchAt(rawPattern, source, at) === null) return undefined
  endRawPattern.lastIndex = at
  return endRawPattern.exec(source) === null ? source.length : endRawPattern.lastIndex
}

/** With what looks like a tag and is none: `#first_name#`, `#FIRST_NAME`. */
export const translate = (source: string): Translated & { readonly odd: ReadonlyArray<OddTag> } => {
  const translation = new Translation(source)
  const begins = /\{\{|\{%|#/g
  for (let begin = begins.exec(source); begin !== null; begin = begins.exec(source)) {
    const at = begin.index
    if (begin[0] !== "#") {
      const raw = endOfRaw(source, at)
      const end = raw ?? endOfTag(source, at)
      if (raw === undefined) translateInside(source, translation, at, end)
      begins.lastIndex = end
      continue
    }
    const tag = matchAt(tagPattern, source, at)
    if (tag !== null) {
      translation.copyTo(at)
      begins.lastIndex = at + tag[0].length
      translation.replaceTo(begins.lastIndex, `{{${tag[1]}}}`)
      continue
    }
    const word = matchAt(wordPattern, source, at)
    if (word !== null) translation.odd.push({ at, word: word[1] ?? "", isClosed: word[2] === "#" })
  }
  translation.copyTo(source.length)
  return { ...translation.result, odd: translation.odd }
}
