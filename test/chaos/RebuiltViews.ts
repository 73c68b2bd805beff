/** What a rebuild has changed: the rows of a view beside the copy in schema `chaos` that was made of it before. */
import type * as Redacted from "effect/Redacted"
import { query } from "./Witness.ts"

export interface Rebuilt {
  /** Rows before the rebuild. */
  readonly live: number
  /** Rows that are gone, and rows that have come. */
  readonly different: number
}

export const compareRebuilt = async (url: Redacted.Redacted, table: string): Promise<Rebuilt> => {
  const [row] = await query<Rebuilt>(
    url,
    `SELECT (SELECT count(*)::int FROM chaos.${table}) AS live, (
       (SELECT count(*) FROM (SELECT * FROM chaos.${table} EXCEPT SELECT * FROM public.${table}) AS gone) +
       (SELECT count(*) FROM (SELECT * FROM public.${table} EXCEPT SELECT * FROM chaos.${table}) AS come)
     )::int AS different`
  )
  return row ?? { live: 0, different: 0 }
}
