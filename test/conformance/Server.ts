/**
 * A running server to put the questions to: the one that `KOINON_URL` and `KOINON_API_KEY` name, or else a child
 * process of our own with an empty data directory, a free port and a fresh key, stopped and swept away at the end
 * and when this process is told to end.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { setTimeout as pause } from "node:timers/promises"

export interface Server {
  readonly url: string
  readonly apiKey: string
  readonly stop: () => Promise<void>
}

const startTimeoutMs = 120_000
const readyPollMs = 50
const stopTimeoutMs = 60_000
const signals = ["SIGINT", "SIGTERM"] as const
const exitOnSignal = 130
const outputKeptCharacters = 4_000

const repository = fileURLToPath(new URL("../../", import.meta.url))
/** Whatever follows the address ends it, so that one cut off at the end of a chunk is not taken for whole. */
const listening = /listening on (http:\/\/[\w.:[\]-]*\w)[^\w.:[\]-]/

const exited = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise((resolve) => child.once("exit", () => resolve()))

const stopChild = async (child: ChildProcess): Promise<void> => {
  child.kill("SIGTERM")
  const timer = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs)
  await exited(child)
  clearTimeout(timer)
}

/** Whoever reads a view that is late is told to come again, and does until the signal ends it. */
export const patientFetch = async (url: string, asked: RequestInit): Promise<Response> => {
  while (true) {
    const answer = await fetch(url, asked)
    if (asked.method !== "GET" || answer.status !== 503 || asked.signal?.aborted === true) return answer
    await answer.arrayBuffer()
    await pause(readyPollMs)
  }
}

const isReady = async (url: string): Promise<boolean> => {
  try {
    const answer = await fetch(`${url}/health/ready`)
    await answer.arrayBuffer()
    return answer.status === 200
  } catch {
    return false
  }
}

const startOwn = async (): Promise<Server> => {
  const directory = await mkdtemp(join(tmpdir(), "koinon-conformance-"))
  const apiKey = `conformance-${randomBytes(24).toString("hex")}`
  const { DATABASE_URL: _outside, ...surroundings } = process.env
  const child = spawn(process.execPath, ["src/main.ts", "serve"], {
    cwd: repository,
    env: { ...surroundings, PORT: "0", KOINON_DATA_DIR: directory, KOINON_BOOTSTRAP_API_KEY: apiKey },
    stdio: ["ignore", "pipe", "pipe"]
  })
  const seen: { output: string; address?: string | undefined; spawnFailure?: string } = { output: "" }
  const keep = (chunk: Buffer): void => {
    seen.output = (seen.output + chunk.toString("utf8")).slice(-outputKeptCharacters)
    seen.address ??= listening.exec(seen.output)?.[1]
  }
  child.stdout.on("data", keep)
  child.stderr.on("data", keep)
  child.on("error", (cause) => {
    seen.spawnFailure = cause.message
  })
  const stop = async (): Promise<void> => {
    if (seen.spawnFailure === undefined) await stopChild(child)
    await rm(directory, { recursive: true, force: true })
    for (const signal of signals) process.removeListener(signal, interrupted)
  }
  const interrupted = () => void stop().finally(() => process.exit(exitOnSignal))
  for (const signal of signals) process.on(signal, interrupted)
  const deadline = Date.now() + startTimeoutMs
  while (
    Date.now() < deadline &&
    child.exitCode === null &&
    child.signalCode === null &&
    seen.spawnFailure === undefined
  ) {
    const { address } = seen
    if (address !== undefined && (await isReady(address))) return { url: address, apiKey, stop }
    await pause(readyPollMs)
  }
  await stop()
  const { address, output, spawnFailure } = seen
  const silent = address === undefined ? "it named no address" : `${address}/health/ready was not 200`
  throw new Error(`the server did not become ready: ${spawnFailure ?? silent}\n${output}`)
}

/** Throws a sentence for the reader when no server can be had. */
export const start = async (): Promise<Server> => {
  const url = process.env["KOINON_URL"]
  if (url === undefined || url === "") return startOwn()
  const apiKey = process.env["KOINON_API_KEY"]
  if (apiKey === undefined || apiKey === "")
    throw new Error("KOINON_URL is set: set KOINON_API_KEY to its secret key too")
  const trimmed = url.replace(/\/$/, "")
  if (!(await isReady(trimmed))) throw new Error(`${trimmed}/health/ready does not answer 200`)
  return { url: trimmed, apiKey, stop: () => Promise.resolve() }
}
