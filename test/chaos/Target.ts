/** What a run strikes and asks: one Koinon, or several runners on one database. */
import type * as Redacted from "effect/Redacted"
import type { Chance } from "./Chance.ts"

/** A fault that has just been inflicted. */
export interface Strike {
  /** Its kind, as the report counts it. */
  readonly fault: string
  readonly struckAt: number
  /** The shards that had to move because of it, when it is known. */
  readonly affectedShards: ReadonlySet<number> | undefined
  /** The address of one who hears nothing now, and will answer when it wakes what was asked meanwhile. */
  readonly frozenDoor?: string
  /** Its course is run: what had to be taken over was, what was frozen is awake. Load goes on until then. */
  readonly over: Promise<void>
  /** What was seen on its course that is promised never to be, with the promise. */
  readonly oddities: ReadonlyArray<readonly [promise: "P12", what: string]>
}

/** Where clients go. */
export interface Doors {
  readonly apiKey: string
  /** The address of a door, each time of another one if there are several. */
  readonly door: () => string
}

/** Where somebody goes who wants to be served now: no door that is known to be closed. */
export const openDoors = (target: Target): Doors => ({ apiKey: target.apiKey, door: () => target.openDoor() })

export interface Target extends Doors {
  readonly storeId: string
  readonly dataDirectory: string
  /** The end of what it has printed. */
  readonly output: string
  /** The address of a door that is not known to be closed. */
  readonly openDoor: () => string
  /** All doors that are meant to answer. */
  readonly doors: () => ReadonlyArray<string>
  /** The time that it goes by. */
  readonly now: () => number
  /** Inflicts one fault that the chance picks. */
  readonly strike: (chance: Chance, isSecond: boolean) => Promise<Strike>
  /** Starts again what the fault has ended. */
  readonly mend: () => Promise<void>
  /** How to reach its database, while that runs. */
  readonly databaseUrl: () => Promise<Redacted.Redacted>
  readonly masterSecret: () => Promise<string>
  /** Resident memory of each of its processes that matters; none where it cannot be told. */
  readonly memoryBytes: () => Promise<ReadonlyArray<number>>
  readonly close: (options: { readonly keepData: boolean }) => Promise<void>
}
