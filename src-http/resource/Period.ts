/**
 * Periods in the parameters of a list: `name`, `name[gt]`, `name[gte]`, `name[lt]`, `name[lte]`, each in epoch seconds;
 * all that are given hold at once.
 */
import * as Schema from "effect/Schema"
import { secondsMax } from "./Fields.ts"

const secondMs = 1_000

/** As a parameter. */
export const Seconds = Schema.NumberFromString.check(
  Schema.isInt(),
  Schema.isBetween({ minimum: 0, maximum: secondsMax })
)

type Names<Name extends string> = Name | `${Name}[gt]` | `${Name}[gte]` | `${Name}[lt]` | `${Name}[lte]`

export const periodQuery = <const Name extends string>(name: Name) => {
  const seconds = Schema.optionalKey(Seconds)
  return {
    [name]: seconds,
    [`${name}[gt]`]: seconds,
    [`${name}[gte]`]: seconds,
    [`${name}[lt]`]: seconds,
    [`${name}[lte]`]: seconds
  } as { readonly [Key in Names<Name>]: typeof seconds }
}

/** Epoch milliseconds, `from` included and `until` not; a second is all of its milliseconds. */
export const periodOf = <const Name extends string>(
  query: { readonly [Key in Names<Name>]?: number },
  name: Name
): { readonly from: number | undefined; readonly until: number | undefined } => {
  const given = query as Readonly<Record<string, number | undefined>>
  const bound = (key: string, added: number): ReadonlyArray<number> => {
    const seconds = given[key]
    return seconds === undefined ? [] : [(seconds + added) * secondMs]
  }
  const from = [...bound(name, 0), ...bound(`${name}[gte]`, 0), ...bound(`${name}[gt]`, 1)]
  const until = [...bound(name, 1), ...bound(`${name}[lte]`, 1), ...bound(`${name}[lt]`, 0)]
  return {
    from: from.length === 0 ? undefined : Math.max(...from),
    until: until.length === 0 ? undefined : Math.min(...until)
  }
}
