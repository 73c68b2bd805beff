/**
 * The HTTP load generator, a process of its own so that what it costs is not the server's: raw keep-alive sockets, one
 * request under way on each, requests made beforehand, and of an answer only its status and its end looked at. An
 * answer with another status than the one wanted fails the run.
 */
import { connect, type Socket } from "node:net"
import { drive, type Load, type Observation, type Send } from "./Loop.ts"
import { answerParent } from "./Peer.ts"

export interface Requests {
  readonly name: string
  /** Of the servers, which get the connections in turn. */
  readonly ports: ReadonlyArray<number>
  /** Whole HTTP/1.1 requests; one is drawn at random each time. */
  readonly texts: ReadonlyArray<string>
  /** `numberMark` is drawn below it. */
  readonly among?: number
  readonly status: number
}

export interface HttpLoad extends Load {
  readonly name: string
  readonly connections: number
}

/** Replaced in each request by a number that never comes twice, of as many digits. */
export const serialMark = "############"

/** Replaced in each request by a number drawn at random, padded with zeros to as many digits. */
export const numberMark = "@@@@@@@@@@@@"

export const httpRequest = (path: string, headers: Readonly<Record<string, string>>, body: unknown): string => {
  const text = JSON.stringify(body)
  const lines = Object.entries({
    host: "127.0.0.1",
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(text)),
    ...headers
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `POST ${path} HTTP/1.1\r\n${lines.join("")}\r\n${text}`
}

interface Template {
  readonly bytes: Buffer
  readonly serialAt: number
  readonly numberAt: number
}
interface Prepared {
  readonly ports: ReadonlyArray<number>
  readonly status: number
  readonly among: number
  readonly templates: ReadonlyArray<Template>
  readonly longest: number
}

const failureCharacters = 400
const nothing = Buffer.alloc(0)
const headEnd = Buffer.from("\r\n\r\n")

/** A keep-alive connection with one request under way at a time. */
export class Connection {
  readonly #socket: Socket
  readonly #status: number
  #bytes: Buffer = nothing
  #done: ((failure?: string) => void) | undefined
  /** Of the last answer, for a look at what it says. */
  body: Buffer = nothing

  constructor(socket: Socket, status: number) {
    this.#socket = socket
    this.#status = status
    socket.on("data", (chunk) => this.#take(chunk))
    socket.on("error", (cause) => this.#settle(cause.message))
    socket.on("close", () => this.#settle("the server closed the connection"))
  }

  send(request: Buffer, done: (failure?: string) => void): void {
    if (this.#socket.destroyed) return done("the server closed the connection before the request")
    this.#done = done
    this.#socket.write(request)
  }

  close(): void {
    this.#done = undefined
    this.#socket.destroy()
  }

  #take(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    const bodyAt = this.#bytes.indexOf(headEnd) + headEnd.length
    if (bodyAt < headEnd.length) return
    const head = this.#bytes.toString("latin1", 0, bodyAt)
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
    const isWhole =
      length === undefined
        ? !/\r\ntransfer-encoding:/i.test(head) || this.#bytes.subarray(-5).equals(Buffer.from("0\r\n\r\n"))
        : this.#bytes.length >= bodyAt + Number(length)
    if (!isWhole) return
    const status = Number(head.slice(9, 12))
    this.body = this.#bytes.subarray(bodyAt)
    this.#bytes = nothing
    this.#settle(status === this.#status ? undefined : `${status} ${this.body.toString().slice(0, failureCharacters)}`)
  }

  #settle(failure?: string): void {
    const done = this.#done
    this.#done = undefined
    done?.(failure)
  }
}

export const openSocket = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true })
    socket.once("connect", () => resolve(socket))
    socket.once("error", reject)
  })

let serial = 0
const digits = (value: number): string => String(value).padStart(serialMark.length, "0")

/** With its own number in place of the mark. */
export const withSerial = (request: string): string => request.replace(serialMark, digits(++serial))

const prepared = new Map<string, Prepared>()
const answers = {
  prepare: async ({ name, ports, texts, status, among = 1 }: Requests): Promise<void> => {
    const templates = texts.map((text) => {
      const bytes = Buffer.from(text)
      return { bytes, serialAt: bytes.indexOf(serialMark), numberAt: bytes.indexOf(numberMark) }
    })
    const longest = Math.max(...templates.map(({ bytes }) => bytes.length))
    prepared.set(name, { ports, status, among, templates, longest })
  },

  /** Opens the connections, drives the load, closes them. `lastBody` is one of the answers. */
  run: async ({ name, connections, ...load }: HttpLoad): Promise<Observation & { readonly lastBody: string }> => {
    const requests = prepared.get(name)
    if (requests === undefined) throw new Error(`nothing was prepared as ${name}`)
    const { ports, status, among, templates, longest } = requests
    const lines = await Promise.all(
      Array.from({ length: connections }, async (_, index) => ({
        connection: new Connection(await openSocket(ports[index % ports.length] ?? 0), status),
        room: Buffer.alloc(longest)
      }))
    )
    let last: Connection | undefined
    const send: Send = (slot, settled) => {
      const line = lines[slot] as (typeof lines)[number]
      const done = (failure?: string): void => {
        last = line.connection
        settled(failure)
      }
      const template = templates[Math.floor(Math.random() * templates.length)] as Template
      const { bytes, serialAt, numberAt } = template
      if (serialAt < 0 && numberAt < 0) return line.connection.send(bytes, done)
      // The room is the slot's own and its last request was answered, so nobody reads it any more.
      bytes.copy(line.room)
      if (serialAt >= 0) line.room.write(digits(++serial), serialAt, "latin1")
      if (numberAt >= 0) line.room.write(digits(Math.floor(Math.random() * among)), numberAt, "latin1")
      line.connection.send(line.room.subarray(0, bytes.length), done)
    }
    try {
      const observation = await drive(connections, load, send)
      return { ...observation, lastBody: last?.body.toString() ?? "" }
    } finally {
      for (const { connection } of lines) connection.close()
    }
  }
}
export type LoadAnswers = typeof answers

// Imported by the questions for its types and `httpRequest`; a program only when it was forked.
if (process.send !== undefined && import.meta.main) answerParent(answers, () => process.exit())
