/**
 * The apps of the household: a WebSocket each, as a phone would hold it, following its contact and the shared wallet's
 * community. They keep what they were told, and one can wait, for a bounded time, until they were told something.
 */
import type { FeedEvent } from "#http/live/FeedEvents.ts"
import { ServerFrame } from "#http/live/Protocol.ts"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { DemoStopped } from "./Client.ts"

/** A push that takes longer is missing. */
const pushTimeoutMs = 15_000

const decodeFrame = Schema.decodeUnknownOption(Schema.fromJsonString(ServerFrame))

export interface Push {
  readonly event: FeedEvent
  /** When it arrived, by `performance.now()`. */
  readonly at: number
}

export class App {
  readonly #socket: WebSocket
  readonly #frames: Array<ServerFrame> = []
  #pushes: Array<Push> = []
  #end: string | undefined
  #look: () => void = () => undefined

  private constructor(socket: WebSocket) {
    this.#socket = socket
    const ended = (why: string): void => {
      this.#end ??= why
      this.#look()
    }
    socket.addEventListener("open", () => this.#look())
    socket.addEventListener("message", ({ data }) => {
      const frame = Option.getOrUndefined(decodeFrame(String(data)))
      if (frame === undefined) return ended("it was told something that the protocol does not describe")
      if (frame.type === "event") this.#pushes.push({ event: frame.event, at: performance.now() })
      else this.#frames.push(frame)
      this.#look()
    })
    socket.addEventListener("error", () => ended("/live did not let it in"))
    socket.addEventListener("close", ({ code, reason }) => ended(`it was closed: ${code} ${reason}`))
  }

  /** Open and following; it closes with the scope. */
  static readonly open = Effect.fnUntraced(function* (url: string, token: string, topics: ReadonlyArray<string>) {
    const app = yield* Effect.acquireRelease(
      Effect.sync(() => new App(new WebSocket(`${url.replace(/^http/, "ws")}/live`))),
      (app) => Effect.sync(() => app.#socket.close())
    )
    yield* app.#until("to be connected", () => app.#socket.readyState === WebSocket.OPEN)
    app.#socket.send(JSON.stringify({ type: "authenticate", token }))
    yield* app.#until("to be let in", () => app.#frames.some(({ type }) => type === "authenticated"))
    for (const topic of topics) yield* app.follow(topic)
    return app
  })

  follow(topic: string): Effect.Effect<void, DemoStopped> {
    return Effect.suspend(() => {
      this.#socket.send(JSON.stringify({ type: "subscribe", topic }))
      return this.#until(`to follow ${topic.split("/")[0]}`, () =>
        this.#frames.some((frame) => frame.type === "subscribed" && frame.topic === topic)
      )
    })
  }

  /** One wait at a time. Takes the first push of a type out of those that came; `undefined` when none came in time. */
  take(type: FeedEvent["type"]): Effect.Effect<Push | undefined> {
    return this.#until(type, () => this.#pushes.some(({ event }) => event.type === type)).pipe(
      Effect.map(() => {
        const [push] = this.#pushes.splice(
          this.#pushes.findIndex(({ event }) => event.type === type),
          1
        )
        return push
      }),
      Effect.orElseSucceed(() => undefined)
    )
  }

  /** What came and nobody took is no longer of interest. */
  readonly forget = Effect.sync(() => {
    this.#pushes = []
  })

  #until(what: string, holds: () => boolean): Effect.Effect<void, DemoStopped> {
    return Effect.callback<void, DemoStopped>((resume) => {
      this.#look = () => {
        if (holds()) resume(Effect.void)
        else if (this.#end !== undefined) resume(Effect.fail(new DemoStopped({ message: this.#end })))
      }
      this.#look()
    }).pipe(
      Effect.timeoutOrElse({
        duration: pushTimeoutMs,
        orElse: () => Effect.fail(new DemoStopped({ message: `an app waited ${pushTimeoutMs} ms for ${what}` }))
      })
    )
  }
}
