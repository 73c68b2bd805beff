/** A receiver of webhooks: a real HTTP server that keeps what it is sent and answers as a test says. */
import * as Effect from "effect/Effect"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

export interface Received {
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  readonly body: {
    readonly type: string
    readonly timestamp: string
    readonly sequence: number
    readonly contact_id?: string
    readonly position?: string
    readonly data: Readonly<Record<string, unknown>>
  }
}

/** Answers one request, or does not; `nth` counts those of this id, from 1. */
export type Behaviour = (response: ServerResponse, received: Received, nth: number) => void

export const ok: Behaviour = (response) => void response.writeHead(204).end()

export const receiver = Effect.fnUntraced(function* (first: Behaviour = ok) {
  const received: Array<Received> = []
  const times = new Map<string, number>()
  const state = { behaviour: first }
  const server = createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8")
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
      const id = headers["webhook-id"] ?? ""
      const nth = (times.get(id) ?? 0) + 1
      times.set(id, nth)
      const one: Received = { id, headers, text, body: JSON.parse(text) }
      received.push(one)
      state.behaviour(response, one, nth)
    })
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      })
  )
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/hooks`,
    port,
    received,
    behave: (behaviour: Behaviour): void => void (state.behaviour = behaviour),
    /** Without repetitions, as a receiver keeps them that tells them by their id. */
    kept: (): ReadonlyArray<Received> =>
      received.filter((one, index) => received.findIndex(({ id }) => id === one.id) === index)
  }
})
