/**
 * Mails to the business's own people, who are no contacts: no consent is judged, and nothing of it is kept but the task,
 * sealed under the business's key. What it says is made when the mail goes, so that it is fresh when it is read. Where mail
 * has no way out, what it would have said is kept in the task, for as long as the outbox keeps tasks, and can be read here.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Json } from "effect/Schema"
import type { SqlError } from "effect/sql/SqlError"
import { Outbox } from "../outbox/Outbox.ts"
import type { Outcome, Task, TaskView } from "../outbox/Task.ts"
import type { Page, PageRequest } from "../projection/Paging.ts"
import { ViewUnavailable } from "../projection/ViewRefusal.ts"
import { Gateways, type Message } from "./Channel.ts"
import * as EndpointNotice from "./EndpointNotice.ts"
import * as ExportNotice from "./ExportNotice.ts"

const failuresMax = 20

interface NoticeTask {
  readonly kind: string
  readonly recipient: string
  /** What would have been sent. */
  readonly landed?: Message
}

/** A mail that had no way out. */
export interface LandedNotice {
  readonly id: string
  /** What it is about, for people. */
  readonly name: string
  readonly recipient: string
  /** Epoch milliseconds. */
  readonly createdAt: number
  readonly message: Message
}

const names: Readonly<Record<string, string>> = {
  [ExportNotice.kind]: "Export of a segment",
  [EndpointNotice.kind]: "A webhook was switched off"
}

const kindOf = ({ body }: Pick<Task, "body"> | { readonly body: undefined }): string =>
  typeof body === "object" && body !== null && "kind" in body && typeof body.kind === "string" ? body.kind : ""

export const isNotice = (task: Task): boolean => Object.hasOwn(names, kindOf(task))

const landedOf = (task: TaskView): ReadonlyArray<LandedNotice> => {
  const { kind = "", landed, recipient } = (task.body ?? {}) as Partial<NoticeTask>
  const name = names[kind]
  return task.state !== "DONE" || landed === undefined || recipient === undefined || name === undefined
    ? []
    : [{ id: task.id, name, recipient, createdAt: task.enqueuedAt, message: landed }]
}

const unread = (cause: SqlError) => new ViewUnavailable({ view: "outbox", cause })

/** In the order in which they were asked for. */
export const landedNotices = (business: string, request: PageRequest) =>
  Effect.gen(function* () {
    const outbox = yield* Outbox
    const kept = { state: "DONE", isOwn: true, isChanged: true } as const
    const query = { business, queue: "communication", ...kept, ...request } as const
    const found = yield* Effect.catchTag(outbox.list(query), "SqlError", (error) => Effect.fail(unread(error)))
    const page: Page<LandedNotice> = { ...found, rows: found.rows.flatMap(landedOf) }
    return page
  })

export const landedNotice = (business: string, id: string) =>
  Effect.gen(function* () {
    const outbox = yield* Outbox
    const task = yield* Effect.mapError(outbox.get(business, id), unread)
    return task === undefined || task.queue !== "communication" || task.key !== business ? undefined : landedOf(task)[0]
  })

export const make = Effect.gen(function* () {
  const { mail } = yield* Gateways
  const exported = yield* ExportNotice.make
  const disabled = yield* EndpointNotice.make
  const messageOf = (task: Task, now: number) =>
    kindOf(task) === EndpointNotice.kind ? Effect.succeed(disabled(task)) : exported(task, now)

  const told = Effect.fnUntraced(function* (task: Task) {
    const { recipient, landed } = task.body as unknown as NoticeTask
    const dead = (reason: string): Outcome => ({ _tag: "Dead", reason })
    const done: Outcome = { _tag: "Done", result: mail === undefined ? "OUTBOX" : "MAIL" }
    if (mail === undefined && landed !== undefined) return done
    if (task.failures >= failuresMax) return dead(`${task.failures} attempts failed`)
    const message = yield* messageOf(task, yield* Clock.currentTimeMillis)
    if (message === undefined) return dead("what it is about is not there any more")
    if (mail === undefined) {
      const onward: Outcome = {
        _tag: "Continue",
        body: { ...(task.body as object), landed: message } as unknown as Json
      }
      return onward
    }
    yield* mail.send({ id: task.id, to: recipient, at: task.enqueuedAt, message })
    return done
  })

  return (task: Task): Effect.Effect<Outcome> =>
    Effect.catch(told(task), (error): Effect.Effect<Outcome> => {
      if (error._tag !== "SendFault") return Effect.succeed({ _tag: "Retry", reason: error._tag })
      return Effect.succeed({ _tag: error.kind === "REFUSED" ? "Dead" : "Retry", reason: error.reason })
    })
})
