/**
 * A live app: a real WebSocket client that keeps every frame it got, each checked against the published protocol, and can
 * wait for one. It can also behave badly: be silent, stop reading, or vanish.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { ServerFrame } from "#http/live/Protocol.ts"
import { WebSocket } from "ws"

const waitMaxMs = 60_000
const parse = Schema.decodeUnknownSync(Schema.fromJsonString(ServerFrame), { onExcessProperty: "error" })

export type Told = Extract<ServerFrame, { readonly type: "event" }>

export interface LiveClient {
  readonly frames: ReadonlyArray<ServerFrame>
  readonly events: () => ReadonlyArray<Told>
  /** Sends a frame; text goes as it stands. */
  readonly say: (frame: object | string | Uint8Array) => void
  /** The first frame that fits, also one that came before. */
  readonly hear: <A extends ServerFrame>(fits: (frame: ServerFrame) => frame is A) => Effect.Effect<A>
  /** Waits until it holds. */
  readonly until: (holds: () => boolean) => Effect.Effect<void>
  readonly closed: Effect.Effect<{ readonly code: number; readonly reason: string }>
  /** Gone without a word. */
  readonly vanish: () => void
  readonly stopReading: () => void
  readonly readOn: () => void
}

interface Behaviour {
  readonly protocols?: ReadonlyArray<string>
  readonly autoPong?: boolean
}

export const isA =
  <const Type extends ServerFrame["type"]>(type: Type, about?: string) =>
  (frame: ServerFrame): frame is Extract<ServerFrame, { readonly type: Type }> =>
    frame.type === type && (about === undefined || ("topic" in frame && frame.topic === about))

/** Connects; gone at the end of the scope. */
export const connect = (url: string, { protocols = [], autoPong = true }: Behaviour = {}) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly client: LiveClient; readonly socket: WebSocket }, Error>((resume) => {
      const socket = new WebSocket(`${url.replace("http", "ws")}/live`, [...protocols], { autoPong })
      const frames: Array<ServerFrame> = []
      const looks = new Set<() => void>()
      let end: { readonly code: number; readonly reason: string } | undefined
      const look = (): void => looks.forEach((each) => each())
      // Whoever has gone hears nothing more, also not what has arrived already.
      let gone = false
      socket.on("message", (data: Buffer) => {
        if (gone) return
        frames.push(parse(data.toString()))
        look()
      })
      socket.on("close", (code, reason) => {
        end = { code, reason: reason.toString() }
        look()
      })
      const wait = <A>(find: () => A | undefined): Effect.Effect<A> =>
        Effect.promise(
          () =>
            new Promise<A>((resolve, reject) => {
              const attempt = (): void => {
                const found = find()
                if (found === undefined) return
                clearTimeout(timer)
                looks.delete(attempt)
                resolve(found)
              }
              const timer = setTimeout(() => {
                looks.delete(attempt)
                const heard = [...Map.groupBy(frames, ({ type }) => type)].map(([type, all]) => `${all.length} ${type}`)
                reject(
                  new Error(
                    `not heard: ${find.toString()}; heard ${heard.join()}, last ${JSON.stringify(frames.at(-1))}`
                  )
                )
              }, waitMaxMs)
              looks.add(attempt)
              attempt()
            })
        )
      const client: LiveClient = {
        frames,
        events: () => frames.filter(isA("event")),
        say: (frame) =>
          socket.send(typeof frame === "string" || frame instanceof Uint8Array ? frame : JSON.stringify(frame)),
        hear: (fits) => wait(() => frames.find(fits)),
        until: (holds) => Effect.asVoid(wait(() => holds() || undefined)),
        closed: wait(() => end),
        vanish: () => {
          gone = true
          socket.terminate()
        },
        stopReading: () => socket.pause(),
        readOn: () => socket.resume()
      }
      socket.on("open", () => resume(Effect.succeed({ client, socket })))
      socket.on("error", (error) => resume(Effect.fail(error)))
    }),
    ({ socket }) => Effect.sync(() => socket.terminate())
  ).pipe(
    Effect.map(({ client }) => client),
    Effect.orDie
  )

/** Connects and says who it is. */
export const connectAs = Effect.fnUntraced(function* (
  url: string,
  as: { readonly token: string } | { readonly api_key: string }
) {
  const client = yield* connect(url)
  client.say({ type: "authenticate", ...as })
  yield* client.hear(isA("authenticated"))
  return client
})

/** Follows a topic and returns where it began. */
export const follow = Effect.fnUntraced(function* (client: LiveClient, topic: string, after?: string) {
  client.say({ type: "subscribe", topic, ...(after !== undefined && { after }) })
  return (yield* client.hear(isA("subscribed", topic))).position
})
