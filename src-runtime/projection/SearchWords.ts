/**
 * How text is made comparable for search and for sorting by name: without accents, case, final sigmas or apostrophes, the
 * same for Greek and Latin and on any server. Text is found by the beginnings of its words: whoever types "γεωργ" or
 * "georg" finds the Georgious, and no character that somebody types means anything else than itself.
 */

/** Characters of a word that count, when stored and when searched. */
const wordLengthMax = 64
/** Words of one search; further ones do not narrow it. */
const searchWordsMax = 8
/** Characters of a sort key: more would not fit an index. */
const sortKeyLengthMax = 200

const folded = (text: string): string =>
  text
    .normalize("NFKD")
    .replace(/[\p{M}'’ʼ`´\0]/gu, "")
    // Through upper case, which makes ß and ss, and the two small sigmas, one.
    .toUpperCase()
    .toLowerCase()
    .replaceAll("ς", "σ")

/** Each word once. */
export const wordsOf = (...texts: ReadonlyArray<string | null>): ReadonlyArray<string> => [
  ...new Set(
    texts.flatMap((text) =>
      text === null
        ? []
        : folded(text)
            .split(/[^\p{L}\p{N}]+/u)
            .filter((word) => word !== "")
            .map((word) => word.slice(0, wordLengthMax).toWellFormed())
    )
  )
]

/** A number as somebody may type it, as one word. */
export const digitsOf = (text: string | null): string | null => text && text.replace(/\D/g, "")

const isNumber = (text: string): boolean => /^[+(\d][\d\s()./-]*$/.test(text)

/** PostgreSQL's words for it: all words, each by its beginning. `undefined` when there is none, which finds nothing. */
export const searchQuery = (search: string): string | undefined => {
  const text = search.trim()
  const words = wordsOf(isNumber(text) ? digitsOf(text) : text)
  // A word holds letters and digits only, so the quotes cannot be left.
  return words.length === 0
    ? undefined
    : words
        .slice(0, searchWordsMax)
        .map((word) => `'${word}':*`)
        .join(" & ")
}

export const sortKey = (text: string): string =>
  folded(text).trim().replace(/\s+/g, " ").slice(0, sortKeyLengthMax).toWellFormed()
