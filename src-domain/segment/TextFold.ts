/** Text as conditions compare it: in one line, without case, accents and the two forms of the Greek sigma. */

/** Most texts: nothing but their case is to be taken away. */
const plain = /^[\x20-\x7e]*$/

/** Folding such a text is taking away its case, which any store can. */
export const isPlain = (text: string): boolean => plain.test(text)

export const fold = (text: string): string => (isPlain(text) ? text.toLowerCase() : foldAll(text))

const foldAll = (text: string): string =>
  text
    .toWellFormed()
    .toLowerCase()
    .normalize("NFD")
    .replaceAll(/\p{M}/gu, "")
    .replaceAll(/[\0\r\n\u2028\u2029]/g, " ")
    .replaceAll("ς", "σ")
