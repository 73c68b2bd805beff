/** What is reported of a fault of ours: enough to find it, and none of the values that it was about. */
import { guarded } from "#http/door/Answering.ts"
import type { Fault } from "#http/door/Fault.ts"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"

const secret = "Zographopoulou"
const faults: Readonly<Record<string, () => unknown>> = {
  "a parser": () => JSON.parse(`{"name": ${secret}}`),
  "a number": () => BigInt(secret),
  "a driver": () => {
    throw new Error("no row", {
      cause: Object.assign(new Error(`Key (name)=(${secret})`), { code: "23505", detail: secret })
    })
  },
  "no error at all": () => {
    throw secret
  }
}

for (const [what, fail] of Object.entries(faults)) {
  it.effect(`of ${what} is what it is and where it happened, without the value (P17)`, () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const logger = Logger.make(({ message, cause }) => {
        lines.push(JSON.stringify([message, String(cause)]))
      })
      const answered = guarded<Fault, never>(Effect.sync(fail) as Effect.Effect<never>, (fault) => fault)
      const problem = yield* Effect.provide(answered, Logger.layer([logger]))
      assert.strictEqual(problem.status, 500)
      assert.notInclude(JSON.stringify(problem), secret)
      assert.strictEqual(lines.length, 1)
      assert.notInclude(lines.join(), secret)
      assert.include(lines.join(), "a handler died")
      if (what !== "no error at all") assert.match(lines.join(), /Error.*Defect\.test\.ts:\d+/)
    })
  )
}
