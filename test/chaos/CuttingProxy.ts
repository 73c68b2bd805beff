/**
 * Stands between one runner and PostgreSQL and cuts their connections at a chosen point of a commit: before the server
 * has heard of it, while it works on it, or after it is done and before the answer arrives. It understands as much of the
 * protocol as it takes to see which message runs a commit, and alters nothing.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net"

export type CutAt = "before" | "during" | "after"

const commitMark = "INSERT INTO batch"
/** Asked for before the start-up message, and without a type byte like it: encryption. */
const encryptionRequests = [80_877_103, 80_877_104]
const lengthBytes = 4

interface Cut {
  readonly at: CutAt
  /** All connections of the runner go, and no new one for so long; otherwise only the one that commits. */
  readonly refuseMs: number | undefined
  readonly done: () => void
}

/** What one client sends, message by message. */
class ClientMessages {
  readonly #commits = new Set<string>()
  #rest: Buffer = Buffer.alloc(0)
  #isStarted = false

  /** Whether the chunk ends a message that runs a commit. */
  endsCommit(chunk: Buffer): boolean {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let found = false
    while (true) {
      const typeBytes = this.#isStarted ? 1 : 0
      if (this.#rest.length < typeBytes + lengthBytes) return found
      const end = typeBytes + this.#rest.readInt32BE(typeBytes)
      if (this.#rest.length < end) return found
      const message = this.#rest.subarray(0, end)
      this.#rest = this.#rest.subarray(end)
      if (this.#isStarted) found = this.#runsCommit(message) || found
      else if (!encryptionRequests.includes(message.readInt32BE(lengthBytes))) this.#isStarted = true
    }
  }

  #runsCommit(message: Buffer): boolean {
    const type = String.fromCodePoint(message[0] ?? 0)
    const [first = "", second = ""] =
      type === "P" || type === "B" ? message.toString("latin1", 1 + lengthBytes).split("\0", 2) : []
    if (type === "P") {
      if (second.includes(commitMark)) this.#commits.add(first)
      else this.#commits.delete(first)
    }
    return type === "B" && this.#commits.has(second)
  }
}

export class CuttingProxy {
  readonly #server: Server
  readonly #clients = new Set<Socket>()
  #armed: Cut | undefined
  #refusingUntil = 0

  private constructor(socketPath: () => string) {
    this.#server = createServer((client) => this.#join(client, connect(socketPath())))
  }

  static async open(socketPath: () => string): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(socketPath)
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve))
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Cuts at the next commit; tells whether there was one in time. */
  cut(at: CutAt, refuseMs: number | undefined, withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#armed = undefined
        resolve(false)
      }, withinMs)
      const done = (): void => {
        clearTimeout(timer)
        resolve(true)
      }
      this.#armed = { at, refuseMs, done }
    })
  }

  close(): void {
    this.#server.close()
    for (const client of this.#clients) client.destroy()
  }

  #join(client: Socket, server: Socket): void {
    const ended = (): void => {
      this.#clients.delete(client)
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) socket.on("error", ended).on("close", ended).setNoDelay(true)
    if (performance.now() < this.#refusingUntil) return ended()
    this.#clients.add(client)
    const messages = new ClientMessages()
    let swallowing: Cut | undefined
    client.on("data", (chunk: Buffer) => {
      const cut = messages.endsCommit(chunk) ? this.#armed : undefined
      if (cut === undefined) return void server.write(chunk)
      this.#armed = undefined
      if (cut.at === "after") {
        swallowing = cut
        return void server.write(chunk)
      }
      this.#clients.delete(client)
      if (cut.at === "during") {
        // All of it still reaches the server.
        server.removeListener("close", ended).end(chunk)
        client.removeAllListeners("close").destroy()
      } else ended()
      this.#sever(cut)
    })
    server.on("data", (chunk: Buffer) => {
      if (swallowing === undefined) return void client.write(chunk)
      const cut = swallowing
      swallowing = undefined
      ended()
      this.#sever(cut)
    })
  }

  #sever({ refuseMs, done }: Cut): void {
    if (refuseMs !== undefined) {
      this.#refusingUntil = performance.now() + refuseMs
      for (const client of this.#clients) client.destroy()
    }
    done()
  }
}
