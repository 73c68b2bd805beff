/**
 * Files that are sent as they stand: taken in as a whole, bounded in bytes and in number, after the request itself has
 * been judged. Sending the same file again is for its handler to bear; there is no key for it.
 */
import type { Actors } from "#runtime/actor/Actors.ts"
import { timeOrderedUuid } from "#runtime/actor/Naming.ts"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Stream from "effect/Stream"
import { IncomingMessage } from "node:http"
import { queryOf } from "./Answering.ts"
import { CurrentServer } from "./Connections.ts"
import type { Call, Endpoint, HandlerError, Later, Reply, UploadedFile } from "./Endpoint.ts"
import { fault, invalidField } from "./Fault.ts"
import { Authentication } from "./Principal.ts"
import { CurrentGate, priorityOf } from "./Shedding.ts"
import { decoderOf, NoFields } from "./Validation.ts"

/** Bytes of a file, at most. */
const fileBytesMax = 10 * 1024 * 1024
/** Files on their way, or being worked on, at once. */
const filesAtOnceMax = 4
/** How long the work on a file may take. */
const handledWithinMs = 120_000

const tooLarge = fault(413, "KOINON.BODY_TOO_LARGE", "File too large", `A file has at most ${fileBytesMax} bytes.`, {
  // What is left of it is not read, so the connection cannot be used again.
  headers: { connection: "close" }
})
const tooMany = fault(
  503,
  "KOINON.BODIES_TOO_MANY",
  "Too many files at once",
  `This runner takes ${filesAtOnceMax} files at a time; nothing took effect. Try again after Retry-After.`,
  { headers: { connection: "close" }, retryAfterSeconds: 2 }
)
const unreadable = fault(400, "KOINON.BODY_UNREADABLE", "Body unreadable", "The file could not be read to its end.")

/** On their way on this runner. */
let files = 0

const mediaTypeOf = (header: string | undefined): string => (header ?? "").split(";")[0]?.trim().toLowerCase() ?? ""

const bytesOf = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest) {
  const { source } = request
  const body = source instanceof IncomingMessage ? (yield* CurrentServer)?.streams(source) : undefined
  const chunks: Array<Uint8Array> = []
  let size = 0
  yield* request.stream.pipe(
    Stream.mapError(() => unreadable),
    Stream.runForEach((chunk) => {
      body?.moved()
      size += chunk.length
      if (size > fileBytesMax) return Effect.fail(tooLarge)
      chunks.push(chunk)
      return Effect.void
    }),
    Effect.ensuring(Effect.sync(() => body?.ended()))
  )
  return Buffer.concat(chunks)
})

/** The reply to a request with a file. */
export const answerUpload = <R>(
  endpoint: Endpoint<R>
): Effect.Effect<
  Reply<unknown> | Later,
  HandlerError,
  R | Actors | Authentication | HttpServerRequest.HttpServerRequest | HttpRouter.RouteContext
> => {
  const { declaration, admit, handle } = endpoint
  const types = declaration.upload ?? []
  const decodeQuery = decoderOf(declaration.query ?? NoFields, "")
  const priority = priorityOf(declaration)
  return Effect.gen(function* () {
    const full = (yield* CurrentGate).refuses(priority)
    if (full !== undefined) return yield* Effect.fail(full)
    const request = yield* HttpServerRequest.HttpServerRequest
    const params = (yield* HttpRouter.params) as Call<unknown, unknown>["params"]
    const authentication = yield* Authentication
    const principal = yield* authentication.authenticate(request.headers, declaration.access)
    const query = yield* Effect.fromResult(decodeQuery(queryOf(request.url)))
    if (request.headers["idempotency-key"] !== undefined) {
      return yield* Effect.fail(invalidField("Idempotency-Key", "A file may be sent again as it is; it takes no key."))
    }
    const now = (yield* Clock.Clock).currentTimeMillisUnsafe()
    const commandId = timeOrderedUuid(now)
    const call = {
      principal,
      params,
      query,
      commandId,
      fingerprint: "",
      expectedSeq: undefined,
      deadlineAt: now + handledWithinMs
    }
    if (admit !== undefined) yield* admit({ ...call, body: undefined })
    const mediaType = mediaTypeOf(request.headers["content-type"])
    if (!types.includes(mediaType)) {
      return yield* Effect.fail(
        fault(415, "KOINON.UNSUPPORTED_MEDIA_TYPE", "Not such a file", `Send one of ${types.join(", ")}.`)
      )
    }
    if (Number(request.headers["content-length"] ?? 0) > fileBytesMax) return yield* Effect.fail(tooLarge)
    if (files >= filesAtOnceMax) return yield* Effect.fail(tooMany)
    files += 1
    const handled = Effect.gen(function* () {
      const file: UploadedFile = { mediaType, bytes: yield* bytesOf(request) }
      return yield* handle({ ...call, body: file })
    })
    return yield* Effect.ensuring(
      handled,
      Effect.sync(() => {
        files -= 1
      })
    )
  })
}
