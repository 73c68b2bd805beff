/**
 * A run with many live apps on one runner: what each costs in memory while nothing happens, how soon they are told while
 * debits go on, and that all of them come back at once without missing anything. Each is a bound that holds or is broken.
 */
import { type ChildProcess, fork } from "node:child_process"
import { setTimeout as pause } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { KoinonProcess } from "../chaos/KoinonProcess.ts"
import { arrange, bound, type Bound } from "./Run.ts"
import type { Counted, Debited, Done, Step, Stormed, Town } from "./SubscriberProcess.ts"

export interface Settings {
  readonly subscribers: number
  readonly debitsPerSecond: number
  readonly debitMs: number
  /** Nothing happens for so long before memory is looked at. */
  readonly idleMs: number
  /** Resident bytes of the server for each idle subscribed socket; absent: not judged, as few sockets cannot be. */
  readonly socketBytesMax?: number
  /** Bytes that each of them keeps alive on its heap: resident memory flatters where there was some to spare. */
  readonly socketHeapMax: number
  /** From when a debit was answered until its app was told, at p99; absent: not judged. */
  readonly pushMaxMs?: number
  /** All are back by then. */
  readonly backMaxMs: number
  /** Of all debits, those that are asked for again because the server wanted it so; absent: not judged. */
  readonly putOffShareMax?: number
}

export interface Report {
  readonly bounds: ReadonlyArray<Bound>
  /** Of the server: before anybody subscribed, when all did, and after the storm. */
  readonly memory: readonly [before: Memory, subscribed: Memory, after: Memory]
  readonly calm: Debited
  readonly storm: Stormed
}

/** Until then a few come and go, so that what is made once is not counted. */
const warmSubscribers = 200

/** At SIGUSR2 the server lets go of all that nobody needs. */
const nodeArguments = ["--expose-gc", `--import=data:text/javascript,process.on("SIGUSR2",()=>globalThis.gc())`]
const collections = 4
/** Between collections, for what a promise or a socket still holds is let go there. */
const collectMs = 250

interface Memory {
  readonly resident: number
  /** Of it, live on the heap. */
  readonly heap: number
}

/** After a full collection, in bytes. */
const memoryOf = async (koinon: KoinonProcess): Promise<Memory> => {
  for (let index = 0; index < collections; index += 1) {
    koinon.signal("SIGUSR2")
    await pause(collectMs)
  }
  const text = await (await fetch(`${koinon.url}/metrics`)).text()
  const bytes = (name: string): number => Number(new RegExp(`^koinon_memory_${name}_bytes (\\d+)`, "m").exec(text)?.[1])
  return { resident: bytes("resident"), heap: bytes("heap") }
}

const crowdOf = (town: Town) => {
  const child: ChildProcess = fork(fileURLToPath(new URL("SubscriberProcess.ts", import.meta.url)), {
    serialization: "advanced",
    execArgv: []
  })
  const lastResort = (): void => void child.kill("SIGKILL")
  process.once("exit", lastResort)
  const take = (step: Step) =>
    new Promise<Done["found"]>((resolve, reject) => {
      const ended = (code: number | null): void => reject(new Error(`the apps ended with ${code}`))
      child.once("exit", ended)
      child.once("message", ({ found }: Done) => {
        child.removeListener("exit", ended)
        resolve(found)
      })
      child.send(step)
    })
  return {
    begin: () => take({ tag: "town", ...town }),
    subscribe: (count: number) => take({ tag: "subscribe", count }),
    debit: async (ratePerSecond: number, durationMs: number) =>
      (await take({ tag: "debit", ratePerSecond, durationMs })) as Debited,
    storm: async (ratePerSecond: number) => (await take({ tag: "storm", ratePerSecond })) as Stormed,
    count: async () => (await take({ tag: "count" })) as Counted,
    end: (): void => {
      process.removeListener("exit", lastResort)
      child.kill("SIGKILL")
    }
  }
}

const kibibytes = (bytes: number): string => `${(bytes / 1_024).toFixed(1)} KiB`
const mebibytes = ({ resident }: Memory): number => Math.round(resident / 1_024 ** 2)
const milliseconds = (value: number): string => `${value.toFixed(1)} ms`

export const run = async (settings: Settings, watch: (line: string) => void): Promise<Report> => {
  const { subscribers, debitsPerSecond, debitMs, idleMs, socketBytesMax, socketHeapMax } = settings
  const { pushMaxMs, backMaxMs, putOffShareMax } = settings
  const koinon = await KoinonProcess.open({ nodeArguments })
  const contacts = await arrange(koinon, subscribers)
  const town = { port: Number(new URL(koinon.url).port), apiKey: koinon.apiKey, contacts }
  const crowds: Array<ReturnType<typeof crowdOf>> = []
  try {
    const warm = crowdOf({ ...town, contacts: contacts.slice(0, warmSubscribers) })
    await warm.begin()
    await warm.subscribe(warmSubscribers)
    await warm.debit(debitsPerSecond, 1_000)
    warm.end()
    const crowd = crowdOf(town)
    crowds.push(crowd)
    await crowd.begin()
    await pause(idleMs)
    const before = await memoryOf(koinon)
    await crowd.subscribe(subscribers)
    watch(`${subscribers} apps follow a wallet each`)
    await pause(idleMs)
    const subscribed = await memoryOf(koinon)
    const each = {
      resident: (subscribed.resident - before.resident) / subscribers,
      heap: (subscribed.heap - before.heap) / subscribers
    }
    watch(`${kibibytes(each.resident)} for each of them, and ${kibibytes(each.heap)} of the heap`)
    const calm = await crowd.debit(debitsPerSecond, debitMs)
    watch(
      `${calm.debits} debits, told after ${milliseconds(calm.pushedP50Ms)} and ${milliseconds(calm.pushedP99Ms)} at p99`
    )
    const storm = await crowd.storm(debitsPerSecond)
    watch(`all were cut off and are back after ${(storm.allBackMs / 1_000).toFixed(1)} s`)
    const counted = await crowd.count()
    await pause(idleMs)
    const after = await memoryOf(koinon)
    const bounds = [
      bound(
        `an idle app keeps at most ${kibibytes(socketHeapMax)} of the heap alive`,
        each.heap <= socketHeapMax,
        kibibytes(each.heap)
      ),
      ...(socketBytesMax === undefined
        ? []
        : [
            bound(
              `an idle app costs at most ${kibibytes(socketBytesMax)} of resident memory`,
              each.resident <= socketBytesMax,
              `${kibibytes(each.resident)}; the server holds ${mebibytes(before)} MiB, then ${mebibytes(subscribed)}, after the storm ${mebibytes(after)}`
            )
          ]),
      ...(pushMaxMs === undefined
        ? []
        : [
            bound(
              `at ${debitsPerSecond} debits/s its app is told within ${pushMaxMs} ms of the answer at p99`,
              calm.afterAnswerP99Ms <= pushMaxMs,
              `${milliseconds(calm.afterAnswerP99Ms)}; ${milliseconds(calm.pushedP99Ms)} from when it was due`
            )
          ]),
      bound(
        `all that are cut off at once are back within ${backMaxMs / 1_000} s`,
        counted.following === subscribers && storm.allBackMs <= backMaxMs,
        `${counted.following} of ${subscribers} after ${(storm.allBackMs / 1_000).toFixed(1)} s, ${storm.refused} attempts refused`
      ),
      bound(
        "every debit is answered, also in the storm",
        calm.failed + storm.failed === 0,
        `${calm.failed + storm.failed} of ${calm.debits + storm.debits} were not`
      ),
      ...(putOffShareMax === undefined
        ? []
        : [
            bound(
              `at most ${putOffShareMax * 100} % of the debits are put off, and told when to come again`,
              calm.putOff + storm.putOff <= putOffShareMax * (calm.debits + storm.debits),
              `${calm.putOff} of ${calm.debits} before the storm, ${storm.putOff} of ${storm.debits} in it`
            )
          ]),
      bound(
        "nobody has missed anything, or was told it twice, in another order, or to reload",
        counted.missed + counted.twice + counted.disordered + counted.reloads === 0,
        `${counted.told} told of ${counted.answered} answered: ${counted.missed} missed, ${counted.twice} twice, ${counted.disordered} in disorder, ${counted.reloads} reloads`
      )
    ]
    return { bounds, memory: [before, subscribed, after], calm, storm }
  } finally {
    for (const crowd of crowds) crowd.end()
    await koinon.close({ keepData: false })
  }
}
