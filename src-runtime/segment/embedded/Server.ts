/**
 * The embedded segment store as a server: connections on a socket, each answered in the order of what it asks. Whoever sends
 * what cannot be read loses its connection, and nobody else's is touched.
 */
import { createServer, type Server, type Socket } from "node:net"
import { Store } from "./Commands.ts"
import { Malformed, type Request, replyTo, Requests } from "./Wire.ts"

const connectionsMax = 256
/** Requests of one connection that wait for their turn; a driver sends one at a time. */
const waitingMax = 64

const converse = (store: Store, socket: Socket): void => {
  const requests = new Requests()
  const waiting: Array<Request> = []
  let isAnswering = false
  const answer = async (): Promise<void> => {
    isAnswering = true
    for (let request = waiting.shift(); request !== undefined; request = waiting.shift()) {
      const reply = await store.answer(request.command)
      if (request.wantsReply && !socket.destroyed) socket.write(replyTo(request, reply))
    }
    isAnswering = false
  }
  socket.on("data", (chunk: Buffer) => {
    try {
      for (const request of requests.take(chunk)) {
        if (waiting.length === waitingMax) throw new Malformed("too much at once")
        waiting.push(request)
      }
    } catch {
      socket.destroy()
      return
    }
    if (!isAnswering && waiting.length > 0) answer().catch(() => socket.destroy())
  })
  socket.on("error", () => socket.destroy())
}

/** Resolves once it listens. */
export const listen = (path: string): Promise<Server> => {
  const store = new Store()
  const server = createServer((socket) => converse(store, socket))
  server.maxConnections = connectionsMax
  return new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(path, () => resolve(server))
  })
}
