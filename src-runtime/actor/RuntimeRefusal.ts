/**
 * Why the runtime, not the domain, did not answer a command. None of them says anything about the state of the actor;
 * those marked retryable may be tried again with the same command id, which has one effect however often it is sent.
 */
import * as Schema from "effect/Schema"

/** The actor has as many commands waiting as it may; try again after the time given. Retryable. */
export class MailboxFull extends Schema.TaggedError<MailboxFull>()("MailboxFull", { retryAfterMs: Schema.Int }) {}
/** The deadline passed before its turn came: it was not executed. Retryable. */
export class DeadlinePassed extends Schema.TaggedError<DeadlinePassed>()("DeadlinePassed", {}) {}
/** A command with this id is being worked on. Retryable: its outcome will be there. */
export class StillRunning extends Schema.TaggedError<StillRunning>()("StillRunning", { commandId: Schema.String }) {}
/** The command id was used before for something else (P7). */
export class CommandIdReused extends Schema.TaggedError<CommandIdReused>()("CommandIdReused", {}) {}
/** This runner no longer holds the shard. Retryable elsewhere. */
export class ShardMoved extends Schema.TaggedError<ShardMoved>()("ShardMoved", {}) {}
/** The journal cannot be read now. Retryable. */
export class ActorUnavailable extends Schema.TaggedError<ActorUnavailable>()("ActorUnavailable", {
  cause: Schema.Defect()
}) {}
/** The turn threw, or its unit can never be stored: a fault of ours. Nothing took effect. */
export class TurnFailed extends Schema.TaggedError<TurnFailed>()("TurnFailed", { cause: Schema.Defect() }) {}

/** The aggregate is at another sequence number than the caller expects (If-Match). */
export class PreconditionFailed extends Schema.TaggedError<PreconditionFailed>()("PreconditionFailed", {
  current: Schema.Int
}) {}

export const RuntimeRefusal = Schema.Union([
  PreconditionFailed,
  MailboxFull,
  DeadlinePassed,
  StillRunning,
  CommandIdReused,
  ShardMoved,
  ActorUnavailable,
  TurnFailed
])
export type RuntimeRefusal = typeof RuntimeRefusal.Type
