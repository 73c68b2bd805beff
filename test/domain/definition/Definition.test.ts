import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Definitions } from "#domain/definition/Definition.ts"
import { oldestAt } from "#domain/definition/Definition.ts"
import { defineDefinitions } from "#domain/definition/DefinitionKind.ts"
import { invalidDefinition } from "#domain/definition/DefinitionRules.ts"
import { initial as nobody } from "#domain/organisation/Business.ts"
import type { Turn } from "#domain/shared/Decision.ts"

const Body = Schema.Struct({ flour: Schema.Int })
type Body = typeof Body.Type

const { aggregate, decider, Event } = defineDefinitions({
  kind: "recipes",
  code: 99,
  stateVersion: 1,
  name: "Recipe",
  Body,
  most: 2,
  others: [],
  objection: ({ body }) =>
    body.flour < 0 ? invalidDefinition("recipes", "/flour", "There is no negative flour.") : undefined,
  usedBy: (id) => (id === "bread" ? "the menu" : undefined)
})
/** Whoever uses one of these gets on without it. */
const spices = defineDefinitions({
  kind: "spices",
  code: 98,
  stateVersion: 1,
  name: "Spice",
  Body,
  most: 2,
  others: [],
  objection: () => undefined,
  usedBy: () => "the menu",
  canBeOffInUse: true
})
type Command = Parameters<typeof decider.decide>[1]

const bakery = { ...nobody, id: "bakery" }
const turn = (at: number, business = bakery): Turn => ({ at, key: business.id, commandId: `c${at}`, business })
const save = (id: string, name: string, flour: number): Command => ({ _tag: "SaveRecipe", id, name, body: { flour } })

const judge = (recipes: Definitions<Body>, command: Command, at = 1) => decider.decide({ recipes }, command, turn(at))
const folded = (recipes: Definitions<Body>, command: Command, at: number): Definitions<Body> => {
  const events = Result.getOrThrow(judge(recipes, command, at)).events as unknown as ReadonlyArray<typeof Event.Type>
  return events.reduce(aggregate.evolve, recipes)
}
const refusal = (recipes: Definitions<Body>, command: Command) => {
  const judgement = judge(recipes, command)
  return Result.isFailure(judgement) ? judgement.failure : undefined
}

const some = folded(folded({}, save("bread", "Bread", 1), 10), save("cake", "Cake", 2), 20)

describe("a kind of definitions", () => {
  it("says what happened under its own names", () => {
    assert.deepStrictEqual(Result.getOrThrow(judge({}, save("bread", "Bread", 1), 7)), {
      events: [{ _tag: "RecipeSaved", id: "bread", version: 1, name: "Bread", body: { flour: 1 }, at: 7 }] as never,
      answer: { _tag: "Done", id: "bread" }
    })
  })

  it("AUT-6: counts versions up and keeps the last of them readable", () => {
    const edited = [3, 4, 5, 6, 7, 8, 9].reduce(
      (all, flour) => folded(all, save("bread", "Bread", flour), flour * 10),
      some
    )
    const bread = edited["bread"]
    assert.isDefined(bread)
    assert.deepStrictEqual([bread.version, bread.savedAt, bread.body], [8, 90, { flour: 9 }])
    assert.deepStrictEqual(
      bread.earlier.map(({ version, savedAt }) => [version, savedAt]),
      [
        [7, 80],
        [6, 70],
        [5, 60],
        [4, 50],
        [3, 40]
      ]
    )
  })

  it("stays as it is when the same is saved again", () => {
    assert.deepStrictEqual(Result.getOrThrow(judge(some, save("bread", "Bread", 1))).events, [])
  })

  it("refuses what its rules object to, a name that another has, and more than its limit", () => {
    assert.deepStrictEqual(
      refusal(some, save("cake", "Cake", -1)),
      invalidDefinition("recipes", "/flour", "There is no negative flour.")
    )
    assert.deepStrictEqual(refusal(some, save("cake", "Bread", 2)), {
      _tag: "AlreadyExists",
      kind: "recipes",
      id: "bread"
    })
    assert.deepStrictEqual(refusal(some, save("pie", "Pie", 2)), {
      _tag: "TooManyDefinitions",
      kind: "recipes",
      limit: 2
    })
    assert.deepStrictEqual(
      refusal({}, save("pie", " ", 2)),
      invalidDefinition("recipes", "/name", "A name is not empty.")
    )
  })

  it("is neither switched off nor deleted while something uses it", () => {
    const inUse = { _tag: "DefinitionInUse", kind: "recipes", id: "bread", by: "the menu" } as const
    assert.deepStrictEqual(refusal(some, { _tag: "DeleteRecipe", id: "bread" }), inUse)
    assert.deepStrictEqual(refusal(some, { _tag: "ChangeRecipeState", id: "bread", state: "INACTIVE" }), inUse)
    const off = folded(some, { _tag: "ChangeRecipeState", id: "cake", state: "INACTIVE" }, 30)
    assert.deepStrictEqual([off["cake"]?.state, off["cake"]?.stateSince], ["INACTIVE", 30])
    assert.deepStrictEqual(Object.keys(folded(off, { _tag: "DeleteRecipe", id: "cake" }, 40)), ["bread"])
  })

  it("AUT-11: of a kind that can be done without is switched off while something uses it, and not deleted", () => {
    const pepper = { pepper: some["cake"] } as unknown as Definitions<Body>
    const judged = (command: object) =>
      spices.decider.decide({ spices: pepper }, { id: "pepper", ...command } as never, turn(30))
    assert.deepStrictEqual(Result.getOrThrow(judged({ _tag: "ChangeSpiceState", state: "INACTIVE" })).events, [
      { _tag: "SpiceStateChanged", id: "pepper", state: "INACTIVE", at: 30 }
    ] as never)
    const refused = judged({ _tag: "DeleteSpice" })
    assert.deepInclude(Result.isFailure(refused) && refused.failure, { _tag: "DefinitionInUse", by: "the menu" })
  })

  it("AUT-11: is switched off by itself with a reason, unless it has become another since it was judged", () => {
    const because = { reason: "it was stale", version: 1, stateSince: 20 }
    const wish = (given: object): Command => ({
      _tag: "ChangeRecipeState",
      id: "cake",
      state: "INACTIVE",
      because: { ...because, ...given }
    })
    assert.deepStrictEqual(Result.getOrThrow(judge(some, wish({}), 30)).events, [
      { _tag: "RecipeStateChanged", id: "cake", state: "INACTIVE", reason: "it was stale", at: 30 }
    ] as never)
    for (const other of [{ version: 2 }, { stateSince: 19 }]) {
      assert.deepStrictEqual(Result.getOrThrow(judge(some, wish(other), 30)).events, [])
    }
  })

  it("AUT-11: knows since when it has been there, and of a forgotten version the oldest that is left", () => {
    const edited = [3, 4, 5, 6, 7, 8, 9].reduce(
      (all, flour) => folded(all, save("bread", "Bread", flour), flour * 10),
      some
    )
    const bread = edited["bread"]
    assert.isDefined(bread)
    assert.strictEqual(bread.firstSavedAt, 10)
    assert.deepStrictEqual(
      [95, 45, 35, 10, 9].map((at) => oldestAt(bread, at)?.body.flour),
      [9, 4, 4, 4, undefined]
    )
    assert.isUndefined(oldestAt(some["cake"] as typeof bread, 19))
  })

  it("is asked for at the key of an opened business only", () => {
    const stranger = decider.decide({ recipes: some }, save("bread", "Bread", 2), turn(1, nobody))
    assert.deepStrictEqual(Result.isFailure(stranger) && stranger.failure, { _tag: "OrganisationNotFound", id: "" })
  })
})
