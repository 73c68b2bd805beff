/**
 * P13: what was written once can always be read. A folder for each aggregate holds one file for every event type and
 * version, never edited, only added to, and what the events fold to in the order of their dates. A changed fold or shape
 * of a state shows here until `stateVersion` is raised and its new file added, for snapshots of the old shape exist.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { award } from "#domain/award/Award.ts"
import { automations } from "#domain/automation/Automations.ts"
import { plans, templates } from "#domain/communication/CommunicationDefinitions.ts"
import { community } from "#domain/community/Community.ts"
import { contact } from "#domain/contact/Contact.ts"
import { held } from "#domain/held/Held.ts"
import { business } from "#domain/organisation/BusinessAggregate.ts"
import { purchase } from "#domain/purchase/Purchase.ts"
import { segments } from "#domain/segment/Segment.ts"
import { endpoints } from "#domain/webhook/Endpoint.ts"
import type { Aggregate } from "#domain/shared/Aggregate.ts"

interface Dated {
  readonly _tag: string
  readonly at: number
}

const read = (...path: ReadonlyArray<string>): unknown =>
  JSON.parse(readFileSync(join(import.meta.dirname, ...path), "utf8"))

const hold = <State, Event extends Dated>(aggregate: Aggregate<string, State, Event>): void => {
  const { kind, initial, evolve, stateVersion } = aggregate
  const files = readdirSync(join(import.meta.dirname, kind)).filter((file) => !file.startsWith("state."))
  const JsonEvent = Schema.toCodecJson(aggregate.Event)
  const JsonState = Schema.toCodecJson(aggregate.State)
  const decode = Schema.decodeUnknownSync(JsonEvent)

  describe(`events of ${kind}`, () => {
    it.each(files)("P13: %s is read as it was written", (file) => {
      const written = read(kind, file)
      const event = decode(written)
      assert.strictEqual(event._tag, file.split(".")[0])
      assert.deepStrictEqual(Schema.encodeSync(JsonEvent)(event), written)
    })

    it("P13: are all here", () => {
      const members = (aggregate.Event as unknown as { readonly members: ReadonlyArray<Member> }).members
      const tags = members.map((member) => member.fields._tag.schema.literal)
      assert.deepStrictEqual(new Set(files.map((file) => file.split(".")[0])), new Set(tags))
    })

    it("P13: fold to the state of this version", () => {
      const events = files.map((file) => decode(read(kind, file))).toSorted((left, right) => left.at - right.at)
      const state = Schema.encodeSync(JsonState)(events.reduce(evolve, initial))
      assert.deepStrictEqual(state, read(kind, `state.${stateVersion}.json`))
    })
  })
}
interface Member {
  readonly fields: { readonly _tag: { readonly schema: { readonly literal: string } } }
}

hold(business)
hold(contact)
hold(community)
hold(purchase)
hold(award)
hold(automations)
hold(held)
hold(segments)
hold(endpoints)
hold(templates)
hold(plans)
