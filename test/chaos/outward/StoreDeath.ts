/**
 * Loaded into a `koinon serve` before all else (`node --import`): at SIGUSR2 the thread of the embedded segment store is
 * ended in the middle of whatever it does, as an exhausted memory would end it. Each death of a thread is a line in the file
 * that `KOINON_CHAOS_DEATHS` names. Nothing of Koinon knows of it.
 */
import { appendFileSync } from "node:fs"
import type { Worker } from "node:worker_threads"

const file = process.env["KOINON_CHAOS_DEATHS"] ?? ""
let current: Worker | undefined

process.on("worker", (worker) => {
  current = worker
  worker.once("exit", () => appendFileSync(file, "it has ended\n"))
})
process.on("SIGUSR2", () => void current?.terminate())
