/**
 * (k) How soon a debit is seen: apps that listen to a wallet each over `GET /live`, and tills that debit those wallets at
 * an even rate, over as many connections as (d) has. One time begins with the debit's turn, at the instant that its event
 * bears, and ends when its app is told: it holds the commit as well as the push. A longer one begins when the debit was due
 * and ends when it is answered and pushed, so it holds the request too. A debit that is not pushed, or pushed with another
 * entry's id, fails the run. A process of its own, as the load generator is.
 */
import { WebSocket } from "ws"
import { Connection, openSocket, withSerial } from "./LoadProcess.ts"
import { drive, type Load, type Observation, percentile, type Send } from "./Loop.ts"
import { answerParent } from "./Peer.ts"
import { debitRequestOf } from "./WalletDebits.ts"
import { contactId, wallets } from "./World.ts"

export const subscribers = 1_000
export const debitsPerSecond = 2_000
const created = 201
const subscribeTimeoutMs = 15_000

interface Frame {
  readonly type: string
  readonly event?: { readonly type: string; readonly at: string; readonly entry_id?: string }
}

/** Resolves when the wallet is listened to; `pushed` is called with the entry of each of its debits and its instant. */
const listen = (
  port: number,
  apiKey: string,
  wallet: string,
  pushed: (entry: string, at: string) => void
): Promise<WebSocket> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/live`)
    const timer = setTimeout(() => reject(new Error(`wallet ${wallet} was not subscribed to`)), subscribeTimeoutMs)
    const say = (frame: object): void => socket.send(JSON.stringify(frame))
    socket.on("open", () => say({ type: "authenticate", api_key: apiKey }))
    socket.on("error", reject)
    socket.on("message", (data: Buffer) => {
      const { type, event } = JSON.parse(data.toString()) as Frame
      if (type === "authenticated") say({ type: "subscribe", topic: `wallet/${wallet}` })
      else if (type === "subscribed") {
        clearTimeout(timer)
        resolve(socket)
      } else if (type === "error") reject(new Error(data.toString()))
      else if (event?.type === "wallet.debited") pushed(event.entry_id ?? "", event.at)
    })
  })

interface App {
  readonly request: string
  answered: string | undefined
  pushed: string | undefined
  done: ((failure?: string) => void) | undefined
}

/** Both the answer and the push have come, and are of the same entry. */
const settle = (app: App): void => {
  const { answered, pushed, done } = app
  if (answered === undefined || pushed === undefined || done === undefined) return
  app.done = undefined
  done(answered === pushed ? undefined : `entry ${answered} was answered and ${pushed} was pushed`)
}

const connectingMax = 64
const inLanes = async (count: number, open: (number: number) => Promise<void>): Promise<void> => {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) await open(next++)
  }
  await Promise.all(Array.from({ length: Math.min(connectingMax, count) }, lane))
}

const idle: Array<WebSocket> = []

const answers = {
  /** Opens so many that listen to a wallet each, in turn, and to nothing else. */
  open: async ({ port, apiKey, count }: { readonly port: number; readonly apiKey: string; readonly count: number }) => {
    await inLanes(count, async (number) => {
      idle.push(await listen(port, apiKey, contactId(number % wallets), () => undefined))
    })
  },
  close: async () => {
    for (const socket of idle.splice(0)) socket.terminate()
  },
  push: async (wanted: Load & { readonly port: number; readonly apiKey: string; readonly connections: number }) => {
    const { port, apiKey, connections, ...load } = wanted
    const sockets: Array<WebSocket> = []
    const tills: Array<Connection> = []
    const apps: Array<App> = []
    const sinceTurn: Array<number> = []
    try {
      const open = async (wallet: string): Promise<void> => {
        const request = debitRequestOf(apiKey, wallet, "live")
        const app: App = { request, answered: undefined, pushed: undefined, done: undefined }
        apps.push(app)
        const pushed = (entry: string, at: string): void => {
          // Both processes have the clock of one machine; the event's instant is in whole milliseconds.
          sinceTurn.push(performance.timeOrigin + performance.now() - Date.parse(at))
          app.pushed = entry
          settle(app)
        }
        sockets.push(await listen(port, apiKey, wallet, pushed))
      }
      await inLanes(subscribers, (number) => open(contactId(number)))
      await inLanes(connections, async () => {
        tills.push(new Connection(await openSocket(port), created))
      })
      // In turn, for the loop itself would take the same few again and again.
      const free = [...apps]
      const send: Send = (slot, done) => {
        const till = tills[slot] as Connection
        const app = free.shift() as App
        app.answered = undefined
        app.pushed = undefined
        app.done = (failure) => {
          free.push(app)
          done(failure)
        }
        till.send(Buffer.from(withSerial(app.request)), (failure) => {
          if (failure !== undefined) return app.done?.(failure)
          app.answered = (JSON.parse(till.body.toString()) as { readonly id: string }).id
          settle(app)
        })
      }
      const observed = await drive(connections, load, send)
      const sorted = Float64Array.from(sinceTurn).toSorted()
      return { ...observed, turnP50Ms: percentile(sorted, 0.5), turnP99Ms: percentile(sorted, 0.99) }
    } finally {
      for (const till of tills) till.close()
      for (const socket of sockets) socket.terminate()
    }
  }
} satisfies Record<string, (input: never) => Promise<Observation | void>>
export type LiveAnswers = typeof answers

// Imported for its types and figures too; a program only when it was forked.
if (process.send !== undefined && import.meta.main) answerParent(answers, () => process.exit())
