/**
 * (n) What a live socket costs that does nothing: so many apps open one over `GET /live`, say who they are, follow a wallet
 * and are silent. What the server then holds more, resident and live on its heap, is divided among them. A collection
 * before each reading leaves out what nobody needs any more. The apps are a process of their own.
 */
import * as Effect from "effect/Effect"
import { join } from "node:path"
import { makeSecrets } from "./KoinonProcess.ts"
import * as KoinonServer from "./KoinonServer.ts"
import type { LiveAnswers } from "./LivePushes.ts"
import { BenchFailed, forkPeer } from "./Peer.ts"
import type { Plan } from "./Plan.ts"
import type { SocketRound } from "./Results.ts"
import { seed } from "./World.ts"

/** They come and go first, so that what is made once is not counted. */
const warmUpSockets = 500
const collections = 4
/** Between collections, for what a promise or a socket still holds is let go there. */
const settleMs = 250
/** At this signal everything is collected that can be. */
const collecting = ["--expose-gc", `--import=data:text/javascript,process.on("SIGUSR2",()=>globalThis.gc())`]

const memoryOf = (port: number) =>
  Effect.tryPromise({
    try: async () => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
      const bytes = (name: string): number =>
        Number(new RegExp(`^koinon_memory_${name}_bytes (\\d+)`, "m").exec(text)?.[1])
      return { resident: bytes("resident"), heap: bytes("heap") }
    },
    catch: (cause) => new BenchFailed({ message: `/metrics: ${String(cause)}` })
  })

export const measureIdleSockets = Effect.fn("IdleSockets.measureIdleSockets")(function* (
  plan: Plan,
  folder: string,
  say: (text: string) => void
) {
  say("(n) a server for idle sockets")
  const launch = { ...makeSecrets(), dataDirectory: join(folder, "sockets"), nodeFlags: collecting }
  yield* seed(launch.dataDirectory, launch.masterSecret)
  const { port, processId, apiKey, ready } = yield* KoinonServer.start(launch)
  yield* ready
  const live = yield* forkPeer<LiveAnswers>("./LivePushes.ts")
  const memory = Effect.gen(function* () {
    for (let index = 0; index < collections; index += 1) {
      yield* Effect.sync(() => process.kill(processId, "SIGUSR2"))
      yield* Effect.sleep(settleMs)
    }
    return yield* memoryOf(port)
  })
  yield* live.ask("open", { port, apiKey, count: warmUpSockets })
  yield* live.ask("close", undefined)
  const before = yield* memory
  say(`(n) ${plan.idleSockets} idle sockets`)
  yield* live.ask("open", { port, apiKey, count: plan.idleSockets })
  const after = yield* memory
  yield* live.ask("close", undefined)
  const round: SocketRound = {
    sockets: plan.idleSockets,
    residentBytes: (after.resident - before.resident) / plan.idleSockets,
    heapBytes: (after.heap - before.heap) / plan.idleSockets
  }
  return [round]
}, Effect.scoped)
