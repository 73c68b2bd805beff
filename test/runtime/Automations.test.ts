/**
 * Automations at work (AUT-1, 6, 7, 8, 9): what happens to a contact sets off exactly one run for each version and event, in
 * order, in the version that was in force; a run that fails goes on where it stood, and no chain goes round.
 */
import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { SqlClient } from "effect/sql/SqlClient"
import { Actors } from "#runtime/actor/Actors.ts"
import { Automations } from "#runtime/automation/Automations.ts"
import { Projector } from "#runtime/projection/Projector.ts"
import {
  aMomentLater,
  asked,
  automationId,
  automationSide,
  endpoints,
  nameOf,
  runsOf,
  save,
  Stage,
  stateOf,
  tag,
  templateId,
  templates,
  webhook
} from "./AutomationWorld.ts"
import { ask, open, person } from "./ReadSide.ts"
import { businessId, changeEmail, contactId } from "./SampleCommands.ts"
import { eventually } from "../support/Eventually.ts"

const names = [
  "first",
  "second",
  "changed",
  "version one",
  "version two",
  "after approval",
  "before",
  "broken",
  "after"
]

const settled = Effect.flatMap(Projector, (projector) => projector.waitFor("automations"))

const ended = (number: number, count: number, contact?: number) =>
  eventually(
    `${count} runs of ${number} have ended`,
    Effect.map(runsOf(number, contact), (runs) => {
      const over = runs.filter(({ endedAt }) => endedAt !== undefined)
      return over.length >= count ? over : undefined
    })
  )

const states = (number: number, contact?: number) =>
  Effect.map(runsOf(number, contact), (runs) => runs.map(({ state }) => state))

const isIn = (state: string, number: number, contact?: number) =>
  eventually(
    `the last run of ${number} is ${state}`,
    Effect.map(runsOf(number, contact), (runs) => (runs.at(-1)?.state === state ? runs.at(-1) : undefined))
  )

layer(automationSide, { excludeTestServices: true })("automations at work", (it) => {
  it.effect("AUT-1: an event, a filter, and the actions in their order", () =>
    Effect.gen(function* () {
      yield* open
      yield* endpoints(...names)
      yield* templates("EMAIL", ["welcome"])
      yield* save(1, {
        trigger: "CONTACT_REGISTERED",
        filter: [{ conditions: [{ type: "COMPARISON", field: "type", operator: "EQUAL", value: "PERSON" }] }],
        actions: [
          { _tag: "TAG", add: ["new"], remove: [] },
          webhook("first"),
          { _tag: "ACTIVITY", type: "CALL", subject: "Say hello", dueInMinutes: 60, assignee: "maria" },
          { _tag: "COMMUNICATION", templateId: templateId("welcome"), channel: "EMAIL" },
          webhook("second")
        ]
      })
      yield* ask(person(1))
      yield* ask(person(2, { companyName: "Zygos" }))
      const [run] = yield* ended(1, 1)
      assert.deepInclude(run, { state: "COMPLETED", nextAction: 5, version: 1, contact: contactId(1) })
      const { sent } = yield* Stage
      assert.deepStrictEqual(
        sent.map((each) => [nameOf(each, ...names), each.contact, each.event.eventType]),
        [
          ["first", contactId(1), "ContactRegistered"],
          ["second", contactId(1), "ContactRegistered"]
        ]
      )
      const eleni = yield* stateOf(1)
      assert.deepStrictEqual(eleni.tags, ["new"])
      assert.deepInclude(eleni.openActivities[0], { type: "CALL", assignee: "maria" })
      assert.deepInclude(eleni.communications[0], { channel: "EMAIL", authorized: false })
      yield* settled
      assert.lengthOf(yield* runsOf(1), 1)
    })
  )

  it.effect("AUT-9: registering counts once, and an update only if something really changed", () =>
    Effect.gen(function* () {
      yield* save(2, { trigger: "CONTACT_UPDATED", actions: [webhook("changed")] })
      yield* ask(person(10))
      yield* ask(changeEmail(10, "eleni@example.com"))
      yield* ask(changeEmail(10, "eleni@example.com"))
      yield* ask(changeEmail(10, "eleni.new@example.com"))
      yield* ended(1, 1, 10)
      yield* ended(2, 2, 10)
      yield* settled
      assert.deepStrictEqual(yield* states(2, 10), ["COMPLETED", "COMPLETED"])
      assert.deepStrictEqual(yield* states(1, 10), ["COMPLETED"])
      const { sent } = yield* Stage
      const changes = sent.filter((each) => each.contact === contactId(10) && nameOf(each, "changed") !== undefined)
      assert.deepStrictEqual(
        changes.map(({ event }) => event.values["changed"]),
        [["email"], ["email"]]
      )
    })
  )

  it.effect(
    "AUT-6: the version in force when it happened is the one that runs, and what was before it is not looked at",
    () =>
      Effect.gen(function* () {
        yield* ask(person(20))
        // The one above tags her as well.
        yield* ended(1, 1, 20)
        yield* tag(20, "before")
        yield* aMomentLater
        const { sent } = yield* Stage
        yield* save(3, { trigger: "TAGS_CHANGED", actions: [{ _tag: "APPROVAL" }, webhook("version one")] })
        yield* tag(20, "a")
        const first = yield* isIn("WAITING", 3, 20)
        yield* save(3, { trigger: "TAGS_CHANGED", actions: [webhook("version two")] })
        yield* tag(20, "b")
        yield* ended(3, 1, 20)
        const automations = yield* Automations
        assert.strictEqual(yield* automations.approve(businessId, first.id, "request 1"), "DONE")
        const runs = yield* ended(3, 2, 20)
        assert.deepStrictEqual(
          runs.map(({ version, state }) => [version, state]),
          [
            [1, "COMPLETED"],
            [2, "COMPLETED"]
          ]
        )
        assert.deepStrictEqual(
          sent
            .filter(({ contact }) => contact === contactId(20))
            .map((each) => nameOf(each, ...names))
            .slice(-2),
          ["version two", "version one"]
        )
        assert.strictEqual(yield* automations.approve(businessId, first.id, "request 2"), "NOT_SO_NOW")
        assert.strictEqual(yield* automations.approve(businessId, automationId(99), "request 3"), "NOT_FOUND")
        yield* ask({
          business: businessId,
          key: businessId,
          command: { _tag: "ChangeAutomationState", id: automationId(3), state: "INACTIVE" }
        })
        yield* tag(20, "c")
        yield* settled
        assert.lengthOf(yield* runsOf(3, 20), 2)
      })
  )

  it.effect("AUT-1: what is not approved is never done", () =>
    Effect.gen(function* () {
      yield* save(4, { trigger: "CONSENT_CHANGED", actions: [{ _tag: "APPROVAL" }, webhook("after approval")] })
      yield* ask(person(30))
      yield* asked(30, { _tag: "ChangeConsent", to: "ACCEPTED", by: "USER" })
      const run = yield* isIn("WAITING", 4)
      const automations = yield* Automations
      assert.strictEqual(yield* automations.reject(businessId, run.id), "DONE")
      assert.deepInclude(yield* automations.run(businessId, run.id), { state: "REJECTED", reason: "NOT_APPROVED" })
      assert.strictEqual(yield* automations.approve(businessId, run.id, "request 4"), "NOT_SO_NOW")
      const { sent } = yield* Stage
      assert.isFalse(sent.some((each) => nameOf(each, "after approval") !== undefined))
    })
  )

  it.effect("AUT-7: a failing action is tried again, is given up, and goes on from there when told so", () =>
    Effect.gen(function* () {
      const stage = yield* Stage
      let failures = 0
      stage.onWebhook = (each) =>
        nameOf(each, "broken") !== undefined
          ? Effect.andThen(
              Effect.sync(() => failures++),
              Effect.die(new Error("down"))
            )
          : Effect.void
      yield* save(5, {
        trigger: "WALLET_CREDITED",
        actions: [webhook("before"), webhook("broken"), webhook("after")]
      })
      yield* ask(person(40))
      const credit = (number: number) =>
        asked(40, {
          _tag: "PostJournal",
          entryId: automationId(1000 + number),
          action: "CREDIT",
          amount: 100n,
          currency: "EUR"
        })
      yield* credit(1)
      const [failed] = yield* ended(5, 1, 40)
      assert.isDefined(failed)
      assert.deepInclude(failed, { state: "FAILED", nextAction: 1 })
      assert.strictEqual(failures, 3)
      const automations = yield* Automations
      // The run's row says so before what came of the attempt is put down.
      const attempts = yield* eventually(
        "the last attempt is put down",
        Effect.map(automations.attempts(businessId, failed), (all) =>
          all.at(-1)?.outcome === "DEAD" ? all : undefined
        )
      )
      assert.deepStrictEqual(
        attempts.map(({ outcome }) => outcome),
        ["CONTINUE", "RETRY", "RETRY", "DEAD"]
      )
      // It holds up nobody: the next run of the same contact goes its way.
      yield* credit(2)
      yield* ended(5, 2, 40)
      stage.onWebhook = () => Effect.void
      assert.strictEqual(yield* automations.resume(businessId, failed.id), "DONE")
      yield* eventually(
        "it is completed",
        Effect.map(automations.run(businessId, failed.id), (run) => run?.state === "COMPLETED")
      )
      const hers = stage.sent.filter(({ cause }) => cause.runId === failed.id).map((each) => nameOf(each, ...names))
      assert.deepStrictEqual(hers, ["before", "broken", "after"])
      assert.strictEqual(yield* automations.resume(businessId, failed.id), "NOT_SO_NOW")

      // Gone through again, it says the same things under the same ids.
      assert.strictEqual(yield* automations.replay(businessId, failed.id), "DONE")
      yield* eventually(
        "all is said again",
        Effect.sync(() => stage.sent.filter(({ cause }) => cause.runId === failed.id).length === 6)
      )
      const ids = stage.sent.filter(({ cause }) => cause.runId === failed.id).map(({ id }) => id)
      assert.deepStrictEqual(ids.slice(0, 3), ids.slice(3))
    })
  )

  it.effect("AUT-7: a command that was refused is asked again when its reason may be gone, and takes effect once", () =>
    Effect.gen(function* () {
      yield* save(6, {
        trigger: "WALLET_DEBITED",
        actions: [{ _tag: "TAG", add: Array.from({ length: 50 }, (_, index) => `tag ${index}`), remove: [] }]
      })
      yield* ask(person(50))
      yield* tag(50, "one too many")
      const actors = yield* Actors
      yield* asked(50, {
        _tag: "PostJournal",
        entryId: automationId(2000),
        action: "CREDIT",
        amount: 100n,
        currency: "EUR"
      })
      yield* asked(50, {
        _tag: "PostJournal",
        entryId: automationId(2001),
        action: "DEBIT",
        amount: 50n,
        currency: "EUR"
      })
      const [failed] = yield* ended(6, 1, 50)
      assert.deepInclude(failed, {
        state: "FAILED",
        reason: "action 0 (TAG): InvalidContact: tags: A contact has at most 50 tags."
      })
      const { tags } = yield* stateOf(50)
      yield* asked(50, { _tag: "ChangeTags", add: [], remove: [...tags] })
      const automations = yield* Automations
      assert.strictEqual(yield* automations.resume(businessId, failed?.id ?? ""), "DONE")
      yield* eventually(
        "the tags are there",
        Effect.map(actors.read(businessId, contactId(50), "contact"), ({ state }) => state.tags.length === 50)
      )
    })
  )

  it.effect(
    "AUT-7: is gone through again also by who says so while the outbox has yet to put down that it is over",
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient
        const automations = yield* Automations
        const run = yield* isIn("COMPLETED", 6, 50)
        const isOver = (state: string) =>
          eventually(
            `its task is ${state}`,
            Effect.map(
              sql`SELECT 1 FROM outbox_task WHERE id = ${run.task}::uuid AND state = ${state}`,
              (rows) => rows.length > 0
            )
          )
        yield* isOver("DONE")
        const never = BigInt(Number.MAX_SAFE_INTEGER)
        yield* sql`UPDATE outbox_task SET state = 'WAITING', finished_at = NULL, due_at = ${never} WHERE id = ${run.task}::uuid`
        const replaying = yield* Effect.forkChild(automations.replay(businessId, run.id), { startImmediately: true })
        yield* Effect.sleep(200)
        yield* sql`UPDATE outbox_task SET state = 'DONE', finished_at = 1 WHERE id = ${run.task}::uuid`
        assert.strictEqual(yield* Fiber.join(replaying), "DONE")
        yield* isOver("DONE")
      })
  )

  it.effect("AUT-8: no automation runs twice in one chain for the same contact, however long the way round", () =>
    Effect.gen(function* () {
      yield* templates("INAPP", ["done"])
      yield* save(7, {
        trigger: "ACTIVITY_CLOSED",
        actions: [{ _tag: "COMMUNICATION", templateId: templateId("done"), channel: "INAPP" }]
      })
      yield* save(8, {
        trigger: "COMMUNICATION_REJECTED",
        actions: [{ _tag: "ACTIVITY", type: "FOLLOW UP" }]
      })
      yield* ask(person(60))
      yield* asked(60, { _tag: "ScheduleActivity", activityId: automationId(3000), type: "CALL" })
      yield* asked(60, { _tag: "CloseActivity", activityId: automationId(3000), outcome: "DONE" })
      yield* ended(7, 1, 60)
      const message = (yield* stateOf(60)).communications.find(({ channel }) => channel === "INAPP")
      yield* asked(60, { _tag: "RejectCommunication", communicationId: message?.id ?? "", reason: "NO_ADDRESS" })
      yield* ended(8, 1, 60)
      const activity = (yield* stateOf(60)).openActivities.find(({ type }) => type === "FOLLOW UP")
      yield* asked(60, { _tag: "CloseActivity", activityId: activity?.id ?? "", outcome: "DONE" })
      const runs = yield* ended(7, 2, 60)
      assert.deepStrictEqual(
        runs.map(({ state, reason, chain }) => [state, reason, chain]),
        [
          ["COMPLETED", undefined, []],
          ["SKIPPED", "LOOP", [automationId(7), automationId(8)]]
        ]
      )
    })
  )

  it.effect("CON-6: a message goes as its template is by then, whatever the action said when it was saved", () =>
    Effect.gen(function* () {
      yield* templates("INAPP", ["terms"], "MANDATORY")
      const send = { _tag: "COMMUNICATION", templateId: templateId("terms"), channel: "INAPP" } as const
      yield* save(9, { trigger: "CONTACT_UPDATED", actions: [{ ...send, purpose: "MANDATORY" }] })
      yield* save(10, { trigger: "CONTACT_UPDATED", actions: [send] })
      yield* templates("INAPP", ["terms"], "MARKETING")
      yield* ask(person(70))
      yield* ask(changeEmail(70, "terms@example.com"))
      yield* ended(9, 1, 70)
      yield* ended(10, 1, 70)
      const asApp = (yield* stateOf(70)).communications.filter(({ channel }) => channel === "INAPP")
      assert.deepStrictEqual(
        asApp.map(({ purpose }) => purpose),
        ["MARKETING", "MARKETING"]
      )
    })
  )

  it.effect("AUT-6: a rebuild sets nothing off a second time", () =>
    Effect.gen(function* () {
      const automations = yield* Automations
      const all = { business: businessId, size: 200, order: "ASC" } as const
      yield* settled
      const before = yield* eventually(
        "all that was set off is over",
        Effect.map(automations.runs(all), (found) =>
          found.rows.every(({ endedAt }) => endedAt !== undefined) ? found : undefined
        )
      )
      const { sent } = yield* Stage
      const count = sent.length
      // In force since before some of what happened, and for all that is looked at again.
      const projector = yield* Projector
      yield* projector.rebuild("automations")
      yield* settled
      assert.deepStrictEqual((yield* automations.runs(all)).rows, before.rows)
      assert.lengthOf(sent, count)
    })
  )
})
