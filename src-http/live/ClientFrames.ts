/** What a client says, read strictly: a frame as `Protocol.ts` describes it, or what is wrong with it. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type Fault, fault, invalid, invalidField } from "../door/Fault.ts"
import { fieldFaults } from "../door/SchemaFaults.ts"
import { type ClientFrame, clientFrames } from "./Protocol.ts"

const decoders = Object.fromEntries(
  Object.entries(clientFrames).map(([type, schema]) => [
    type,
    Schema.decodeUnknownResult(schema as Schema.Codec<ClientFrame, unknown>)
  ])
)

/** What is wrong with a frame, and the topic that it named. */
export interface BadFrame {
  readonly fault: Fault
  readonly topic?: string
}

/** Characters of a topic that are said back, at most: no topic is longer. */
const topicLengthMax = 64

const topicIn = (value: unknown): Pick<BadFrame, "topic"> =>
  typeof value === "object" && value !== null && "topic" in value && typeof value.topic === "string"
    ? { topic: value.topic.slice(0, topicLengthMax) }
    : {}

export const binaryFrame: Result.Result<never, BadFrame> = Result.fail({
  fault: invalidField("/", "JSON in text frames is spoken here, not binary frames.")
})

export const parseFrame = (text: string): Result.Result<ClientFrame, BadFrame> => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return Result.fail({ fault: fault(400, "KOINON.MALFORMED_JSON", "Malformed JSON", "The frame is not JSON.") })
  }
  const type = typeof value === "object" && value !== null && "type" in value ? value.type : undefined
  const decode = typeof type === "string" && Object.hasOwn(decoders, type) ? decoders[type] : undefined
  if (decode === undefined)
    return Result.fail({ fault: invalidField("/type", `One of ${Object.keys(clientFrames).join(", ")} is needed.`) })
  return Result.mapError(decode(value, { errors: "all", onExcessProperty: "error" }), (error) => ({
    fault: invalid(fieldFaults(error.issue, "")),
    ...topicIn(value)
  }))
}
