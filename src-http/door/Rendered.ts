/** An answer as it goes out, whatever carries it: status, headers, text. */
import type { Operation } from "../resource/Operation.ts"
import { operationPath } from "../resource/Operation.ts"
import type { Declaration, Later, Reply } from "./Endpoint.ts"
import { declined, type Fault, problemJson } from "./Fault.ts"

export interface Rendered {
  readonly status: number
  /** With the content type; the length is the carrier's business. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The door of contacts' own tokens. */
const isOwnDoor = (instance: string): boolean => instance.startsWith("/self-service/")

export const renderProblem = (problem: Fault, instance: string): Rendered => ({
  status: problem.status,
  headers: {
    "content-type": "application/problem+json",
    ...problem.headers,
    ...(problem.retryAfterSeconds === undefined ? {} : { "retry-after": String(problem.retryAfterSeconds) })
  },
  body: problemJson(isOwnDoor(instance) ? declined(problem) : problem, instance)
})

/** Taken over: the write is durable and goes on; here is where to look for its end. */
export const renderAccepted = (operation: Operation): Rendered => ({
  status: 202,
  headers: { "content-type": "application/json", location: operationPath(operation.id) },
  body: JSON.stringify(operation)
})

export const renderReply = (
  declaration: Declaration<unknown, unknown, unknown>,
  reply: Reply<unknown> | Later
): Rendered => {
  if ("later" in reply) return renderAccepted(reply.later)
  const headers: Record<string, string> = {}
  if (reply.seq !== undefined && reply.seq > 0) headers["etag"] = `"${reply.seq}"`
  if (reply.replayed === true) headers["idempotency-replayed"] = "true"
  // Without anything that it says, an answer is empty, whatever its status.
  if (declaration.success === undefined) return { status: declaration.status, headers, body: "" }
  if (declaration.isEmptyWithout === true && reply.body === undefined) return { status: 204, headers, body: "" }
  headers["content-type"] = "application/json"
  return { status: declaration.status, headers, body: JSON.stringify(reply.body ?? {}) }
}
