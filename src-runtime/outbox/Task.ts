/**
 * What the outbox is asked to do, and what comes of it. A task is one effect on the world; whoever has it done says after
 * each attempt what came of it, and the outbox sees to the rest.
 */
import type { Effect } from "effect/Effect"
import type { Json } from "effect/Schema"

export type QueueName = "automation" | "webhook" | "communication"

export interface NewTask {
  /** Derived from what calls for it: enqueued twice, it is one task. */
  readonly id: string
  readonly queue: QueueName
  readonly business: string
  /** The placement key, mostly a contact: its runner has the task done, and its data key seals it. */
  readonly key: string
  /** Tasks of one queue, key and lane are done one after another, in the order in which they were enqueued. */
  readonly lane: string
  /** Sealed at rest. */
  readonly body: Json
  /** Epoch milliseconds; not before. */
  readonly dueAt: number
  /** It is kept, but not done unless somebody asks for it. */
  readonly isWithheld?: boolean
}

export interface Task {
  readonly id: string
  readonly queue: QueueName
  readonly business: string
  readonly key: string
  readonly body: Json
  readonly enqueuedAt: number
  readonly dueAt: number
  /** Counted from 1, over all that it has gone through. */
  readonly attempt: number
  /** Attempts that have failed since it was enqueued, or taken up again. */
  readonly failures: number
}

/** What came of an attempt. `log` is kept with the attempt, sealed. */
export type Outcome =
  | { readonly _tag: "Done"; readonly result?: Json; readonly log?: Json }
  /** It failed, and is tried again after a while that grows; not before `notBefore`. */
  | { readonly _tag: "Retry"; readonly reason: string; readonly notBefore?: number; readonly log?: Json }
  /** Its time has not come. That is no failure and is not logged; its lane waits with it. */
  | { readonly _tag: "Later"; readonly at: number; readonly body?: Json }
  /** A part of it is done and must not be done again: the body says where it stands. It goes on at once. */
  | { readonly _tag: "Continue"; readonly body: Json; readonly log?: Json }
  /** It will never succeed; what comes after it goes on. */
  | { readonly _tag: "Dead"; readonly reason: string; readonly log?: Json }
  /** It is not to be done now, and nobody has tried: it is kept until somebody asks for it, and its lane goes on. */
  | { readonly _tag: "Withheld" }

export type TaskState = "WAITING" | "DONE" | "DEAD" | "CANCELLED" | "WITHHELD"

/** A task and where it stands, for those who look. */
export interface TaskView {
  readonly id: string
  readonly queue: QueueName
  readonly business: string
  readonly key: string
  readonly state: TaskState
  readonly enqueuedAt: number
  readonly dueAt: number
  readonly finishedAt: number | undefined
  readonly attempts: number
  readonly failures: number
  /** `undefined` when its contact was erased. */
  readonly body: Json | undefined
}

export interface Attempt {
  readonly number: number
  readonly startedAt: number
  readonly endedAt: number
  readonly outcome: "DONE" | "RETRY" | "CONTINUE" | "DEAD"
  readonly reason: string | undefined
  readonly result: Json | undefined
  readonly log: Json | undefined
}

export interface WorkOptions {
  /** Attempts under way at once. */
  readonly concurrency: number
  /** May be interrupted and made again with the same task, so what it does has to be recognised by the task's id. */
  readonly attempt: (task: Task) => Effect<Outcome>
  /** An attempt that takes longer has failed. */
  readonly attemptMaxMs?: number
  /** So many failures, and the task is dead. */
  readonly maxAttempts?: number
  /** A failure so long after the first one, and the task is dead. */
  readonly giveUpAfterMs?: number
  /** How long it waits after a failure: anything up to `firstMs`, doubled with each further one, and `mostMs` at most. */
  readonly backoff?: { readonly firstMs: number; readonly mostMs: number }
}
