/** A list of known words in one parameter, with commas between them, as the published description has it. */
import * as Schema from "effect/Schema"

/** At least one of the words, as it stands in the parameter; `wordsOf` takes it apart. */
export const words = (known: ReadonlyArray<string>) =>
  Schema.String.check(
    Schema.makeFilter((given: string) => given.split(",").every((word) => known.includes(word)), {
      message: `One or several of these, with commas between them, are needed: ${known.join(", ")}.`
    })
  )

/** Each word once. */
export const wordsOf = <Word extends string>(given: string): ReadonlySet<Word> =>
  new Set(given.split(",") as Array<Word>)
