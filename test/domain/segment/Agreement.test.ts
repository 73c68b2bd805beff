/**
 * The evaluators of conditions against each other, on contacts and conditions by chance. `SEED` repeats a run and `CASES`
 * makes it longer; what disagrees is printed whole.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { catalogue } from "#domain/segment/Catalogue.ts"
import { ConditionSets } from "#domain/segment/Condition.ts"
import { dependsOn } from "#domain/segment/Dependencies.ts"
import { compile } from "#domain/segment/Evaluate.ts"
import { explain } from "#domain/segment/Explain.ts"
import { isIn } from "#domain/segment/Reference.ts"
import { objectionTo } from "#domain/segment/TypeCheck.ts"
import { conditionSets, memberships, segmentIds } from "../../support/SegmentConditions.ts"
import { Chance, contactFacts, instant } from "../../support/SegmentContacts.ts"

const seed = Number(process.env["SEED"] ?? 4_711)
const cases = Number(process.env["CASES"] ?? 1_500)

const decode = Schema.decodeUnknownSync(ConditionSets)

const each = (cases: number, check: (chance: Chance, number: number) => void) => {
  for (let number = 0; number < cases; number++) check(new Chance(seed + number), number)
}
const shown = (number: number, ...what: ReadonlyArray<unknown>): string =>
  `SEED=${seed + number} ${what.map((each) => JSON.stringify(each)).join("\n")}`

describe("conditions by chance", () => {
  it("are all ones that may be saved", () => {
    each(cases, (chance, number) => {
      const at = instant(chance)
      const known = [contactFacts(chance, "a", at), contactFacts(chance, "b", at)]
      const sets = conditionSets(chance, known, at)
      assert.deepStrictEqual(decode(JSON.parse(JSON.stringify(sets))), sets)
      assert.isUndefined(
        objectionTo(sets, catalogue, (id) => segmentIds.includes(id)),
        shown(number, sets)
      )
    })
  })

  it("SEG-4: are judged by the compiled predicate and the explanation as by the reference", () => {
    let members = 0
    each(cases, (chance, number) => {
      const at = instant(chance)
      const known = Array.from({ length: 4 }, (_, index) => contactFacts(chance, `contact-${index}`, at))
      const sets = conditionSets(chance, known, at)
      const predicate = compile(sets)
      const { sinceOf } = memberships(chance, known, at)
      for (const facts of known) {
        const memberSince = sinceOf(facts)
        const expected = isIn(sets, facts, at, memberSince)
        if (expected) members++
        assert.strictEqual(predicate(facts, at, memberSince).holds, expected, shown(number, at, sets, facts))
        assert.strictEqual(
          explain(sets, facts, at, memberSince).some(({ holds }) => holds),
          expected
        )
      }
    })
    const share = members / (cases * 4)
    assert.isTrue(share > 0.2 && share < 0.8, `${share} of the contacts are in: the cases say little`)
  })

  it("SEG-3: stay as they are until the instant that the predicate names, over clock changes and ends of months", () => {
    let changed = 0
    let named = 0
    each(cases, (chance, number) => {
      const known = [contactFacts(chance, "a", instant(chance))]
      let at = instant(chance)
      const sets = conditionSets(chance, known, at)
      const predicate = compile(sets)
      const { sinceOf } = memberships(chance, known, at)
      for (const facts of known) {
        const memberSince = sinceOf(facts)
        for (let step = 0; step < 6; step++) {
          const { holds, until } = predicate(facts, at, memberSince)
          const horizon = until ?? at + 800 * 86_400_000
          assert.isTrue(horizon > at, shown(number, "it says until then, which is not later", at, until))
          for (const between of [at, at + 1, horizon - 1, at + Math.floor(chance.next() * (horizon - at))]) {
            if (between < at || between >= horizon) continue
            assert.strictEqual(
              isIn(sets, facts, between, memberSince),
              holds,
              shown(number, at, between, until, sets, facts)
            )
          }
          const future = facts.events.some((event) => event.at > at)
          if (until !== undefined && !future) assert.isTrue(dependsOn(sets).time, shown(number, sets))
          if (until === undefined) break
          named++
          if (isIn(sets, facts, until, memberSince) !== holds) changed++
          at = until
        }
      }
    })
    assert.isAbove(changed, named / 4, `of ${named} instants named only ${changed} changed anything`)
  })
})
