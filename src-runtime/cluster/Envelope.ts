/**
 * What runners say to each other, as bytes: JSON of the domain's own values, sealed under a key that only runners of one
 * installation have. Whoever cannot seal cannot ask; whoever listens on the wire reads nothing.
 */
import { Answer } from "#domain/Answer.ts"
import { Command } from "#domain/Command.ts"
import { Refusal } from "#domain/Refusal.ts"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { hash } from "node:crypto"
import { RuntimeRefusal } from "../actor/RuntimeRefusal.ts"
import type { Reply } from "../actor/Pending.ts"
import { aggregateOfKind } from "../journal/Kinds.ts"
import type { Sealer } from "../privacy/Sealer.ts"

const Asked = Schema.TaggedStruct("Ask", {
  business: Schema.String,
  key: Schema.String,
  command: Command,
  id: Schema.String,
  fingerprint: Schema.optionalKey(Schema.String),
  expectedSeq: Schema.optionalKey(Schema.Int),
  /** From its arrival, milliseconds: runners need not agree on what time it is. */
  withinMs: Schema.Finite,
  /** It was asked before, and may have been done. */
  repeated: Schema.Boolean,
  /** Of the request that asks, if that is traced. */
  traceparent: Schema.optionalKey(Schema.String)
})
const Accepted = Schema.TaggedStruct("Accept", {
  business: Schema.String,
  key: Schema.String,
  command: Command,
  id: Schema.String
})
const Read = Schema.TaggedStruct("Read", {
  business: Schema.String,
  key: Schema.String,
  kind: Schema.String,
  id: Schema.String
})
const ReadOwner = Schema.TaggedStruct("ReadOwner", { business: Schema.String, key: Schema.String })
/** A message stands in the inbox of the shard. */
const Look = Schema.TaggedStruct("Look", {})

export const Question = Schema.Union([Asked, Accepted, Read, ReadOwner, Look])
export type Question = typeof Question.Type

/** The state of an aggregate, encoded by its own schema. */
const seen = { state: Schema.Unknown, seq: Schema.Int }

export const Reaction = Schema.Union([
  Schema.TaggedStruct("Answered", { answer: Answer, replayed: Schema.Boolean, seq: Schema.Int }),
  Schema.TaggedStruct("Refused", { refusal: Refusal, replayed: Schema.Boolean, seq: Schema.Int }),
  Schema.TaggedStruct("Failed", { refusal: RuntimeRefusal }),
  Schema.TaggedStruct("Done", {}),
  Schema.TaggedStruct("Seen", seen),
  Schema.TaggedStruct("SeenOwner", { contact: Schema.Struct(seen), community: Schema.Struct(seen) })
])
export type Reaction = typeof Reaction.Type

export const reactionOf = (reply: Reply): Reaction => {
  if (reply._tag === "Failed") return reply
  const { outcome, replayed, seq } = reply
  return Result.isSuccess(outcome)
    ? { _tag: "Answered", answer: outcome.success, replayed, seq }
    : { _tag: "Refused", refusal: outcome.failure, replayed, seq }
}

/** `undefined` for what is no reply to a command. */
export const replyIn = (reaction: Reaction): Reply | undefined => {
  switch (reaction._tag) {
    case "Failed":
      return reaction
    case "Answered":
      return { ...reaction, _tag: "Outcome", outcome: Result.succeed(reaction.answer) }
    case "Refused":
      return { ...reaction, _tag: "Outcome", outcome: Result.fail(reaction.refusal) }
    default:
      return undefined
  }
}

/** States as their aggregates write them. */
export const stateToJson = (kind: string, state: unknown): unknown =>
  Schema.encodeUnknownSync(Schema.toCodecJson(aggregateOfKind(kind).State))(state)
export const stateFromJson = (kind: string, json: unknown): unknown =>
  Schema.decodeUnknownSync(Schema.toCodecJson(aggregateOfKind(kind).State))(json)

/** `of` says what it is, and is needed to open it. */
const codecOf = <A>(schema: Schema.Codec<A, unknown>) => {
  const json = Schema.toCodecJson(schema)
  const encode = Schema.encodeSync(json)
  const decode = Schema.decodeUnknownSync(json)
  return {
    seal: (sealer: Sealer["Service"], value: A, of: string): Uint8Array =>
      sealer.sealForRunners(JSON.stringify(encode(value)), of),
    /** Throws on anything that no runner of this installation has sealed as that. */
    open: (sealer: Sealer["Service"], sealed: Uint8Array, of: string): A =>
      decode(JSON.parse(sealer.openFromRunner(sealed, of)))
  }
}

export const asQuestion = "question"
/** A reaction belongs to one question: played again, it opens as the answer to no other. */
export const asReactionTo = (question: Uint8Array): string => `reaction/${hash("sha256", question, "base64url")}`

export const questions = codecOf(Question as unknown as Schema.Codec<Question, unknown>)
export const reactions = codecOf(Reaction as unknown as Schema.Codec<Reaction, unknown>)
