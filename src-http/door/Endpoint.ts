/**
 * One operation of the API: what it looks like from outside (a declaration, safe to share with clients) and what it does
 * (a handler). Declarations are the single source for routing, validation, authentication, the OpenAPI description and
 * the docs page.
 */
import type { Answer } from "#domain/Answer.ts"
import type { Command } from "#domain/Command.ts"
import type { Refusal } from "#domain/Refusal.ts"
import type { MediaConflict, NotIdentified } from "#runtime/actor/Identification.ts"
import type { Trace } from "#runtime/observability/Trace.ts"
import type { RuntimeRefusal } from "#runtime/actor/RuntimeRefusal.ts"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import type * as Schema from "effect/Schema"
import type { Operation } from "../resource/Operation.ts"
import { type Fault, faultOf } from "./Fault.ts"
import type { Access, Principal } from "./Principal.ts"

export type Method = "GET" | "POST" | "PUT" | "DELETE"

type Decoder<A> = Schema.Codec<A, unknown>

export interface Declaration<Query, Body, Success> {
  readonly method: Method
  /** With `:name` for path parameters. */
  readonly path: `/${string}`
  /** Groups operations in the docs. */
  readonly tag: string
  /** Unique; the operationId. */
  readonly name: string
  readonly summary: string
  readonly description?: string
  readonly access: Access
  /** Names of parameters are exactly these: an unknown one is refused by name (API-1). */
  readonly query?: Decoder<Query>
  /** JSON; unknown fields are refused by pointer (API-1). */
  readonly body?: Decoder<Body>
  readonly status: 200 | 201 | 204
  /** Without anything to say it is answered 204 instead, with no body. */
  readonly isEmptyWithout?: boolean
  /** What is sent, as sent: JSON values only. */
  readonly success?: Decoder<Success>
  /** What in the body names the request as an Idempotency-Key would, if anything does. */
  readonly identityOf?: (body: Body, caller: string) => string | undefined
  /**
   * NDJSON in and out: `body` is one line, which is handled as a request of its own, and `success` is its verdict:
   * `line`, `status`, and what the handler replied under this name, or `problem`.
   */
  readonly batch?: string
  /** A file as it stands in place of JSON: the media types that are taken. It is handled as a whole. */
  readonly upload?: ReadonlyArray<string>
  /** Answers a file as it stands in place of JSON, of one of these media types. */
  readonly file?: ReadonlyArray<string>
}

export interface Call<Query, Body> {
  readonly principal: Principal
  readonly params: Readonly<Record<string, string>>
  readonly query: Query
  readonly body: Body
  /**
   * The id of the command this request makes. With an Idempotency-Key it is the same for every repetition, so all ids a
   * handler needs are derived from it.
   */
  readonly commandId: string
  /** What was asked, hashed: method, path, body. Empty if nobody can repeat it. */
  readonly fingerprint: string
  /** From If-Match: the sequence number the caller has seen. */
  readonly expectedSeq: number | undefined
  /** Commands past it are dropped unexecuted, epoch milliseconds. */
  readonly deadlineAt: number
  /** What it is part of, where that is traced. */
  readonly trace?: Trace | undefined
}

export interface Reply<Success> {
  readonly body: Success
  /** The aggregate's sequence number, sent as ETag. */
  readonly seq?: number
  /** Sent before; this is that answer. */
  readonly replayed?: boolean
}

/** Taken over and not done yet: answered 202 with the operation to come back to. */
export interface Later {
  readonly later: Operation
}

/** What a write that is one command asks, and how it is answered. */
export interface Question<Success> {
  /** The placement key to ask at. */
  readonly key: string
  readonly command: Command
  readonly body: (answer: Answer) => Success
}

export type HandlerError = Fault | Refusal | RuntimeRefusal | NotIdentified | MediaConflict

const isFault = (error: HandlerError): error is Fault => error._tag === "Fault"
/** What it is counted as. */
export const reasonOf = (error: HandlerError): string => (isFault(error) ? error.code : error._tag)
export const toFault = (error: HandlerError): Fault => (isFault(error) ? error : faultOf(error))

/** A declaration with its handler, types erased: the door checks values against the declaration before it calls. */
export interface Endpoint<R> {
  readonly declaration: Declaration<unknown, unknown, unknown>
  readonly handle: (call: Call<unknown, unknown>) => Effect.Effect<Reply<unknown> | Later, HandlerError, R>
  /** Of an upload: judges the request before its file. */
  readonly admit?: (call: Call<unknown, unknown>) => Effect.Effect<void, HandlerError, R>
  /** Of a write that is one command: what it asks. The door may ask it itself, without calling `handle`. */
  readonly question?: (
    call: Call<unknown, unknown>,
    services: Context.Context<R>
  ) => Effect.Effect<Question<unknown>, HandlerError, R>
}

export const declare = <Query = {}, Body = undefined, Success = undefined>(
  declaration: Declaration<Query, Body, Success>
): Declaration<Query, Body, Success> => declaration

export const serve = <Query, Body, Success, R>(
  declaration: Declaration<Query, Body, Success>,
  handle: (call: Call<Query, Body>) => Effect.Effect<Reply<Success> | Later, HandlerError, R>
): Endpoint<R> => ({
  declaration: declaration as unknown as Endpoint<R>["declaration"],
  handle: handle as unknown as Endpoint<R>["handle"]
})

/** A file that was sent. */
export interface UploadedFile {
  /** One of those that are taken, without parameters. */
  readonly mediaType: string
  readonly bytes: Uint8Array
}

/** For a file: `admit` judges the request before any of the file is read. */
export const serveUpload = <Query, Success, R>(
  declaration: Declaration<Query, undefined, Success>,
  admit: (call: Call<Query, undefined>) => Effect.Effect<void, HandlerError, R>,
  handle: (call: Call<Query, UploadedFile>) => Effect.Effect<Reply<Success>, HandlerError, R>
): Endpoint<R> => ({
  declaration: declaration as unknown as Endpoint<R>["declaration"],
  admit: admit as unknown as NonNullable<Endpoint<R>["admit"]>,
  handle: handle as unknown as Endpoint<R>["handle"]
})

/** For what answers a file: the handler makes the whole answer. */
export const serveFile = <Query, R>(
  declaration: Declaration<Query, undefined, undefined>,
  handle: (call: Call<Query, undefined>) => Effect.Effect<HttpServerResponse, HandlerError, R>
): Endpoint<R> => ({
  declaration: declaration as unknown as Endpoint<R>["declaration"],
  handle: (call) => Effect.map(handle(call as Call<Query, undefined>), (body) => ({ body }))
})

/** For a batch: the handler replies to one line, and what it replies stands in the line's verdict. */
export const serveBatch = <Query, Body, R>(
  declaration: Declaration<Query, Body, unknown>,
  handle: (call: Call<Query, Body>) => Effect.Effect<Reply<unknown>, HandlerError, R>
): Endpoint<R> => serve(declaration, handle)
