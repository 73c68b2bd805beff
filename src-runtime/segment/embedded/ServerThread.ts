/** The thread of the embedded segment store: what it scans and what it collects holds up no command of the actors. */
import { parentPort, workerData } from "node:worker_threads"
import { listen } from "./Server.ts"

const { path } = workerData as { readonly path: string }
await listen(path)
parentPort?.postMessage("listening", [])
