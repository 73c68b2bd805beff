/** A command on its way through an actor: what it is, where it came from, and who waits for its outcome. */
import type { Command } from "#domain/Command.ts"
import type { Refusal } from "#domain/Refusal.ts"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Outcome } from "../journal/Codec.ts"
import { senderOf, type Trace } from "../observability/Trace.ts"
import type { Answered, View } from "./Ask.ts"
import type { RuntimeRefusal } from "./RuntimeRefusal.ts"

/** How a command ends: the domain's outcome (final, durable), or the runtime's reason for not having one. */
export type Reply =
  | { readonly _tag: "Outcome"; readonly outcome: Outcome; readonly replayed: boolean; readonly seq: number }
  | { readonly _tag: "Failed"; readonly refusal: RuntimeRefusal }

/** The reply as an effect; settled. */
export const settleReply = (reply: Reply): Effect.Effect<Answered, Refusal | RuntimeRefusal> => {
  if (reply._tag === "Failed") return Effect.fail(reply.refusal)
  return Result.isSuccess(reply.outcome)
    ? Effect.succeed({ answer: reply.outcome.success, replayed: reply.replayed, seq: reply.seq })
    : Effect.fail(reply.outcome.failure)
}

export interface Pending {
  readonly id: string
  /** Empty for messages and timers: their id alone says what they are. */
  readonly fingerprint: string
  readonly command: Command
  /** Dropped unexecuted after it, epoch milliseconds. */
  readonly deadlineAt: number
  /** Judged only if the first aggregate it needs is at this sequence number. */
  readonly expectedSeq?: number | undefined
  /** Stands in the inbox: leaves it in the commit of its turn. */
  readonly fromInbox: boolean
  readonly reply: (reply: Reply) => void
  /** Set when a commit found that somebody else holds a value it takes: judged again, it is refused for that. */
  claimTaken?: string
  /** What it is part of, if that is traced. */
  readonly trace?: Trace | undefined
  attempts: number
  /** Its number in its mailbox, from 1: judged again, it goes before all that came later. */
  place: number
}

/** A message or a timer, on its way through the actor that it is for. */
export const messageOf = (id: string, command: Command, fromInbox: boolean, reply: Pending["reply"]): Pending => ({
  id,
  fingerprint: "",
  command,
  deadlineAt: Number.POSITIVE_INFINITY,
  fromInbox,
  reply,
  trace: senderOf(command),
  attempts: 0,
  place: 0
})

/** A question about states: it changes nothing, and is answered in its turn. */
export interface Read {
  readonly refs: ReadonlyArray<readonly [kind: string, id: string]>
  readonly reply: (views: ReadonlyArray<View<unknown>> | RuntimeRefusal) => void
  place: number
}

export const isRead = (item: Pending | Read): item is Read => "refs" in item
