/** What runners say to each other: only they can say it, and an answer belongs to its question. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { asQuestion, asReactionTo, type Question, questions, reactions } from "#runtime/cluster/Envelope.ts"
import { Sealer } from "#runtime/privacy/Sealer.ts"
import * as Sealers from "#runtime/privacy/Sealer.ts"
import { businessId, contactId, register } from "./SampleCommands.ts"

const sealerOf = (secret: string) => Effect.provide(Sealer, Sealers.layer(Redacted.make(secret)))
const { command } = register(1)
const asked = (id: string): Question => ({
  _tag: "Ask",
  business: businessId,
  key: contactId(1),
  command,
  id,
  withinMs: 1_000,
  repeated: false
})

describe("an envelope between runners", () => {
  it.effect("opens as what was said, and shows nothing of it on the way (P17)", () =>
    Effect.gen(function* () {
      const sealer = yield* sealerOf("a master secret that runners share")
      const sealed = questions.seal(sealer, asked("one"), asQuestion)
      assert.deepStrictEqual(questions.open(sealer, sealed, asQuestion), asked("one"))
      assert.notInclude(Buffer.from(sealed).toString("latin1"), "Georgiou")
    })
  )

  it.effect("is refused from whoever has another secret, and when a byte was changed", () =>
    Effect.gen(function* () {
      const sealer = yield* sealerOf("a master secret that runners share")
      const stranger = yield* sealerOf("a master secret of somebody else's")
      const forged = questions.seal(stranger, asked("one"), asQuestion)
      assert.throws(() => questions.open(sealer, forged, asQuestion))
      const torn = questions.seal(sealer, asked("one"), asQuestion)
      torn[torn.length >> 1] = (torn[torn.length >> 1] ?? 0) ^ 1
      assert.throws(() => questions.open(sealer, torn, asQuestion))
    })
  )

  it.effect("holds the answer to one question, and to no other", () =>
    Effect.gen(function* () {
      const sealer = yield* sealerOf("a master secret that runners share")
      const [one, other] = ["one", "other"].map((id) => questions.seal(sealer, asked(id), asQuestion))
      const answer = reactions.seal(sealer, { _tag: "Done" }, asReactionTo(one as Uint8Array))
      assert.deepStrictEqual(reactions.open(sealer, answer, asReactionTo(one as Uint8Array)), { _tag: "Done" })
      assert.throws(() => reactions.open(sealer, answer, asReactionTo(other as Uint8Array)))
      assert.throws(() => questions.open(sealer, answer, asQuestion))
    })
  )
})
