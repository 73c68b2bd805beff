/**
 * A real SMTP server on a free port that keeps what it is sent, raw and as `postal-mime` reads it, and answers as the test
 * says: takes it, puts it off, refuses it, hangs, or hangs up in the middle.
 */
import * as Effect from "effect/Effect"
import { createServer, type Socket } from "node:net"
import PostalMime, { type Email } from "postal-mime"
import { SMTPServer } from "smtp-server"

export type Conduct =
  | "TAKE"
  /** Takes it, and hangs up before it says so. */
  | "TAKE_AND_DIE"
  | "HANG"
  | "DIE"
  | { readonly at: "RCPT" | "DATA"; readonly code: number }

export interface Received {
  readonly from: string
  readonly to: ReadonlyArray<string>
  readonly raw: string
  readonly mail: Email
}

const answerOf = (code: number): Error => Object.assign(new Error("as the test says"), { responseCode: code })

/** Closed with the scope. `port` where it comes back to a place that is known. */
export const mailServer = (port = 0) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const received: Array<Received> = []
      const state = { conduct: (_to: string, _nth: number): Conduct => "TAKE", attempts: 0, connectionsMax: 0 }
      const sockets = new Set<Socket>()
      const server = new SMTPServer({
        disabledCommands: ["AUTH", "STARTTLS"],
        logger: false,
        onRcptTo: ({ address }, _session, done) => {
          state.attempts += 1
          const conduct = state.conduct(address, state.attempts)
          if (typeof conduct === "object" && conduct.at === "RCPT") done(answerOf(conduct.code))
          else done()
        },
        onData: (stream, { envelope }, done) => {
          const chunks: Array<Buffer> = []
          const to = envelope.rcptTo.map(({ address }) => address)
          const conduct = state.conduct(to[0] ?? "", state.attempts)
          stream.on("data", (chunk: Buffer) => chunks.push(chunk))
          stream.on("end", () => {
            const end = async (): Promise<void> => {
              if (conduct === "HANG") return
              if (conduct === "DIE") return sockets.forEach((socket) => socket.destroy())
              if (typeof conduct === "object") return done(answerOf(conduct.code))
              const raw = Buffer.concat(chunks).toString("utf8")
              const from = envelope.mailFrom === false ? "" : envelope.mailFrom.address
              received.push({ from, to, raw, mail: await PostalMime.parse(raw) })
              if (conduct === "TAKE_AND_DIE") sockets.forEach((socket) => socket.destroy())
              else done()
            }
            void end()
          })
        }
      })
      // Connections that were put through, so that they can be cut as a crash would.
      const front = createServer((socket) => {
        sockets.add(socket)
        state.connectionsMax = Math.max(state.connectionsMax, sockets.size)
        socket.on("close", () => sockets.delete(socket)).on("error", () => socket.destroy())
        server.server.emit("connection", socket)
      })
      server.on("error", () => undefined)
      await new Promise<void>((resolve) => front.listen(port, "127.0.0.1", resolve))
      const address = front.address()
      const heard = typeof address === "object" && address !== null ? address.port : 0
      return {
        url: `smtp://127.0.0.1:${heard}`,
        port: heard,
        received,
        state,
        /** What is known of a mail by its Message-ID: received more than once, it is one. */
        once: (): ReadonlyArray<Received> => [
          ...new Map(received.map((each) => [each.mail.messageId ?? each.raw, each])).values()
        ],
        stop: async (): Promise<void> => {
          for (const socket of sockets) socket.destroy()
          await new Promise<void>((resolve) => void front.close(() => resolve()))
        }
      }
    }),
    ({ stop }) => Effect.promise(stop)
  )
export type MailServer = Effect.Success<ReturnType<typeof mailServer>>
