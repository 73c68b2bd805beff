/** Where a field that is asked for stands in a document, and its value there. */
import { catalogue, locate } from "./Catalogue.ts"
import type { FactObject, FactValue } from "./FactForm.ts"
import type { ProfileDocument } from "./Facts.ts"

/** The place of a profile's field. Conditions were checked when they were saved: one that is not known is never there. */
export const placeOf = (path: string): ReadonlyArray<string> => locate(catalogue.fields, path)?.place ?? path.split(".")

/** What is not there and what is null has no value. */
export type Fact = Exclude<FactValue, null> | undefined

export const factAt = (document: FactObject, place: ReadonlyArray<string>): Fact => {
  let value: FactValue | undefined = document
  for (const name of place) {
    if (typeof value !== "object" || value === null) return undefined
    value = (value as FactObject)[name]
  }
  return value ?? undefined
}

/** The contact's own zone, by whose clocks her days begin and end. */
export const zoneOf = ({ time_zone }: ProfileDocument): string =>
  typeof time_zone === "string" && time_zone !== "" ? time_zone : "UTC"
