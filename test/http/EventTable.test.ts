/** The tables of the API's description that say what sets off a trigger and a webhook: whole, and as the code has it. */
import { assert, describe, it } from "@effect/vitest"
import { factsOf, Trigger } from "#domain/automation/Trigger.ts"
import { aggregates } from "#domain/Domain.ts"
import { EventType } from "#domain/webhook/EventType.ts"
import { createAutomation } from "#http/backoffice/AutomationsApi.ts"
import { createWebhook } from "#http/backoffice/WebhooksApi.ts"
import { typeOfFact } from "#http/resource/EventTable.ts"
import type { Committed } from "#runtime/projection/Projection.ts"
import { publicEvent } from "#runtime/webhook/PublicEvents.ts"
import * as Schema from "effect/Schema"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** An event of the type, as it was once written. */
const sampleOf = (tag: string): Committed => {
  for (const aggregate of [aggregates.contact, aggregates.community]) {
    const file = join(import.meta.dirname, "../domain/golden", aggregate.kind, `${tag}.1.json`)
    if (!existsSync(file)) continue
    const decode = Schema.decodeUnknownSync(Schema.toCodecJson(aggregate.Event as Schema.Codec<unknown>))
    const event = decode(JSON.parse(readFileSync(file, "utf8")))
    return { event, row: { aggregate: aggregate.code, id: "someone" } } as unknown as Committed
  }
  throw new Error(`there is no golden event of ${tag}`)
}

const rowOf = (description: string | undefined, name: string): string =>
  description?.split("\n").find((line) => line.startsWith(`| \`${name}\``)) ?? ""

describe("the description of events", () => {
  it("AUT-1: says of each trigger which events set it off, and as what webhooks tell of them", () => {
    for (const trigger of Trigger.literals) {
      const row = rowOf(createAutomation.description, trigger)
      assert.isNotEmpty(row, trigger)
      for (const { tag } of factsOf(trigger)) {
        assert.include(row, `\`${tag}\` (\`${typeOfFact[tag]}\`)`)
        assert.strictEqual(publicEvent(sampleOf(tag), "EUR")?.type, typeOfFact[tag], tag)
      }
    }
    assert.include(rowOf(createAutomation.description, "WALLET_DEBITED"), "`FundsDebited` (`wallet.debited`)")
  })

  it("AUT-11: says of each type of a webhook what happened", () => {
    for (const type of EventType.literals) assert.isNotEmpty(rowOf(createWebhook.description, type), type)
  })
})
