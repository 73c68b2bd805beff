/** What it costs others that a printout is made as PDF. */
import { assert, describe, it } from "@effect/vitest"
import type { Printout } from "#domain/communication/Printout.ts"
import { printoutPdf } from "#http/message/PrintoutPdf.ts"
import * as Effect from "effect/Effect"
import fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"

/** As many as a purchase has at most, each as long as its name may be. */
const lines = 100
const printout: Printout = {
  language: "el",
  title: "Απόδειξη αγοράς",
  business: "Καφεκοπτείο",
  facts: [["Ημερομηνία", "22/11/2026"]],
  lines: {
    headings: ["Είδος", "Ποσότητα", "Ποσό"],
    rows: Array.from({ length: lines }, (_, index) => [`${index} ${"Καφές ".repeat(41)}`, "2", "10,00 €"])
  },
  sums: [["Σύνολο", "1.000,00 €"]],
  remark: "Αντίγραφο για το αρχείο σας."
}

/** How often somebody else had a turn meanwhile. */
const turnsDuring = <A, E>(work: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    let turns = 0
    let next = setImmediate(function turn() {
      turns += 1
      next = setImmediate(turn)
    })
    const made = yield* Effect.ensuring(
      work,
      Effect.sync(() => clearImmediate(next))
    )
    return { made, turns }
  })

/** Files of fonts that are read meanwhile. */
const fontsDuring = <A, E>(work: Effect.Effect<A, E>) =>
  Effect.suspend(() => {
    const read: Array<string> = []
    const original = fs.readFileSync
    fs.readFileSync = ((path: string | number, ...rest: ReadonlyArray<never>) => {
      if (String(path).endsWith(".ttf")) read.push(String(path))
      return original(path as string, ...rest)
    }) as typeof original
    syncBuiltinESMExports()
    const restored = Effect.sync(() => {
      fs.readFileSync = original
      syncBuiltinESMExports()
    })
    return Effect.as(Effect.ensuring(work, restored), read)
  })

describe("a printout as PDF", () => {
  it.live("reads each of its two fonts once", () =>
    Effect.gen(function* () {
      const read = yield* fontsDuring(printoutPdf(printout))
      assert.strictEqual(read.length, 2)
    })
  )

  it.live("lets others have their turn after each of its rows", () =>
    Effect.gen(function* () {
      const { made, turns } = yield* turnsDuring(printoutPdf(printout))
      assert.isAtLeast(turns, lines)
      assert.include(Buffer.from(made).toString("latin1"), "/Count 12")
    })
  )
})
