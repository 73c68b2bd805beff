/**
 * Does runs: the worker of the queue "automation". Actions are done in order, each under an id made of the run and its
 * number, so that one that is done again after a crash changes nothing. One that fails is tried again while those after it
 * wait; after the limit, or at once if waiting changes nothing, the run has FAILED and goes on from that action when
 * somebody says so (AUT-7).
 *
 * An approval ends the task: what is left is held in the run's row until somebody decides or its time is over, and no other
 * run waits for it.
 */
import type { Action } from "#domain/automation/Automation.ts"
import type { Command } from "#domain/Command.ts"
import { purposeOfAction } from "#domain/communication/SendPurpose.ts"
import type { Purpose } from "#domain/contact/Communication.ts"
import { isTransient, type Refusal } from "#domain/Refusal.ts"
import type { Cause } from "#domain/shared/Cause.ts"
import * as Reason from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Json } from "effect/Schema"
import type { SqlError } from "effect/sql/SqlError"
import type { Actors } from "../actor/Actors.ts"
import type { Definitions } from "../actor/Definitions.ts"
import { nameUuid } from "../actor/Naming.ts"
import type { Reply } from "../actor/Pending.ts"
import type { Outcome, Task, WorkOptions } from "../outbox/Task.ts"
import { reasonOf } from "../projection/ProjectionFailure.ts"
import { causeOf, decodeBody, encodeBody, type RunBody } from "./RunBody.ts"
import type { RunRows } from "./RunRows.ts"

const minuteMs = 60_000
/** Failures of one run before it is given up; with the backoff that is about two days. */
const attemptsMax = 20
const backoff = { firstMs: 1_000, mostMs: 6 * 60 * minuteMs }
/** Runs done at once by one runner. */
const concurrency = 32

/** What is told an endpoint of the business about a run. */
export interface WebhookOfRun {
  /** The same however often the action is done again. */
  readonly id: string
  readonly business: string
  readonly contact: string
  readonly endpointId: string
  /** What set the run off. */
  readonly event: Pick<RunBody, "eventId" | "eventType" | "values">
  readonly at: number
  readonly data: { readonly [name: string]: Json }
  readonly cause: Cause
}
/** Writes the delivery down; given the same id twice, once. */
export type SendWebhook = (webhook: WebhookOfRun) => Effect.Effect<void, SqlError>

interface Options {
  readonly actors: Pick<Actors["Service"], "askWith">
  readonly definitions: Pick<Definitions["Service"], "inForce">
  readonly rows: RunRows
  readonly sendWebhook: SendWebhook
  readonly limits?: Pick<WorkOptions, "maxAttempts" | "backoff">
}

/** What came of one action. `permanent`: it will be the same the next time. */
type Done =
  | { readonly _tag: "Done" }
  | { readonly _tag: "Held" }
  | { readonly _tag: "Failed"; readonly reason: string; readonly isPermanent: boolean }
const done: Done = { _tag: "Done" }

/** Refusals that may pass with time, as others end what is open. Whatever else is refused waits for somebody to change it. */
const passing: ReadonlySet<Refusal["_tag"]> = new Set<Refusal["_tag"]>(["TooManyActivities", "TooManyCommunications"])

/** Which refusal it was, and where it has a sentence of its own, why. */
const wordsOf = (refusal: { readonly _tag: string; readonly field?: string; readonly rule?: string }): string =>
  refusal.rule !== undefined && refusal.field !== undefined
    ? `${refusal._tag}: ${refusal.field}: ${refusal.rule}`
    : refusal._tag

const isPermanent = (refusal: Refusal): boolean => !passing.has(refusal._tag) && !isTransient(refusal)

/** The id of what an action makes. */
const effectId = (runId: string, index: number): string => nameUuid("automation-effect", runId, String(index))

/** `purpose`: as what the message is to be sent. */
const commandOf = (body: RunBody, action: Action, purpose: Purpose, now: number): Command | undefined => {
  const cause = causeOf(body)
  const id = effectId(body.runId, body.next)
  switch (action._tag) {
    case "COMMUNICATION": {
      const { channel, templateId } = action
      const { name, values } = body
      return { _tag: "RequestCommunication", communicationId: id, channel, purpose, name, templateId, values, cause }
    }
    case "ACTIVITY": {
      const { type, subject, assignee, dueInMinutes } = action
      return {
        _tag: "ScheduleActivity",
        activityId: id,
        type,
        ...(subject !== undefined && { subject }),
        ...(assignee !== undefined && { assignee }),
        ...(dueInMinutes !== undefined && { dueAt: now + dueInMinutes * minuteMs }),
        cause
      }
    }
    case "TAG":
      return { _tag: "ChangeTags", add: action.add, remove: action.remove, cause }
    default:
      return undefined
  }
}

const webhookOf = (body: RunBody, business: string, endpointId: string): WebhookOfRun => ({
  id: effectId(body.runId, body.next),
  business,
  contact: body.contact,
  endpointId,
  event: body,
  at: body.eventAt,
  data: { automation_id: body.automationId, run_id: body.runId, contact_id: body.contact },
  cause: causeOf(body)
})

export const make = ({ actors, definitions, rows, sendWebhook, limits = {} }: Options): WorkOptions => {
  const maxAttempts = limits.maxAttempts ?? attemptsMax

  /** Asked under the next id as long as an earlier one was refused before: a refusal stands for ever, its reason may not. */
  const ask = Effect.fnUntraced(function* (body: RunBody, business: string, command: Command) {
    for (let nth = 0; nth < maxAttempts * 10; nth++) {
      const id = nameUuid("automation-command", body.runId, String(body.next), String(nth))
      const reply = yield* Effect.callback<Reply>((resume) => {
        actors.askWith({ business, key: body.contact, command, id }, (given) => resume(Effect.succeed(given)))
      })
      if (reply._tag === "Failed")
        return { _tag: "Failed", reason: wordsOf(reply.refusal), isPermanent: false } as const
      if (Result.isSuccess(reply.outcome)) return done
      if (reply.replayed) continue
      const { failure } = reply.outcome
      return { _tag: "Failed", reason: wordsOf(failure), isPermanent: isPermanent(failure) } as const
    }
    return { _tag: "Failed", reason: "it was refused too often", isPermanent: true } as const
  })

  /** The template says as what its message goes at most, whatever the action said when it was saved (SendPurpose.ts). */
  const purposeOf = Effect.fnUntraced(function* (business: string, action: Action) {
    if (action._tag !== "COMMUNICATION") return "MARKETING"
    const templates = yield* definitions.inForce([business], "templates")
    const template = templates.get(business)?.[action.templateId]?.body
    return template === undefined ? "MARKETING" : purposeOfAction(action, template)
  })

  const perform = Effect.fnUntraced(function* (task: Task, body: RunBody, action: Action) {
    const { business } = task
    if (action._tag === "WEBHOOK") {
      yield* sendWebhook(webhookOf(body, business, action.endpointId))
      return done
    }
    const clock = yield* Clock.Clock
    const now = clock.currentTimeMillisUnsafe()
    if (action._tag === "APPROVAL") {
      const rest = JSON.stringify(encodeBody({ ...body, next: body.next + 1 }))
      yield* rows.hold({ id: body.runId, business, task: task.id }, body.next, rest, action.assignee, now)
      return { _tag: "Held" } as const
    }
    const purpose = yield* Effect.result(purposeOf(business, action))
    if (purpose._tag === "Failure") return { _tag: "Failed", reason: purpose.failure._tag, isPermanent: false } as const
    const command = commandOf(body, action, purpose.success, now)
    return command === undefined ? done : yield* ask(body, business, command)
  })

  const attempt = Effect.fnUntraced(function* (task: Task): Effect.fn.Return<Outcome, SqlError> {
    const body = decodeBody(task.body)
    const clock = yield* Clock.Clock
    const run = { id: body.runId, business: task.business, task: task.id }
    const note = (state: "RUNNING" | "COMPLETED" | "FAILED", next: number, reason?: string) =>
      Effect.suspend(() => rows.progress(run, state, next, reason, clock.currentTimeMillisUnsafe()))
    const action = body.actions[body.next]
    if (action === undefined) {
      yield* note("COMPLETED", body.next)
      return { _tag: "Done" }
    }
    const log = { action: body.next, type: action._tag }
    const result: Done = yield* perform(task, body, action)
    if (result._tag === "Held") return { _tag: "Done", log }
    if (result._tag === "Failed") {
      const reason = `action ${body.next} (${action._tag}): ${result.reason}`
      const isOver = result.isPermanent || task.failures + 1 >= maxAttempts
      yield* note(isOver ? "FAILED" : "RUNNING", body.next, reason)
      return isOver ? { _tag: "Dead", reason, log } : { _tag: "Retry", reason, log }
    }
    const next = body.next + 1
    if (next < body.actions.length) {
      yield* note("RUNNING", next)
      return { _tag: "Continue", body: encodeBody({ ...body, next }), log }
    }
    yield* note("COMPLETED", next)
    return { _tag: "Done", log }
  })

  /** What threw, or the database's own failure: counted like any other. */
  const broken = Effect.fnUntraced(function* (task: Task, cause: Reason.Cause<SqlError>) {
    const reason = reasonOf(Reason.squash(cause))
    if (task.failures + 1 < maxAttempts) return { _tag: "Retry", reason } as const
    const clock = yield* Clock.Clock
    const noted = rows.failedBy(task.business, task.id, reason, clock.currentTimeMillisUnsafe())
    return yield* Effect.match(noted, {
      onFailure: () => ({ _tag: "Retry", reason }) as const,
      onSuccess: () => ({ _tag: "Dead", reason }) as const
    })
  })

  return {
    concurrency,
    // Counted here, so that the run's row says what became of it.
    giveUpAfterMs: Number.POSITIVE_INFINITY,
    backoff: limits.backoff ?? backoff,
    attempt: (task) =>
      Effect.catchCause(attempt(task), (cause) =>
        Reason.hasInterruptsOnly(cause) ? Effect.interrupt : broken(task, cause)
      )
  }
}
