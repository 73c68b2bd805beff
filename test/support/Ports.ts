/**
 * Ports for those who have to know theirs before they open it. Between this and that nobody else may get it, so they are not
 * of those that the system gives to whoever names none, and each process that runs tests has some of its own.
 */
import { createServer } from "node:net"

/** Below where Linux (32768) and macOS (49152) begin to give ports away. */
const [first, end] = [16_000, 32_000]
const slots = 1_000
const portsEach = (end - first) / slots
const slot = process.pid % slots
let given = 0

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer().once("error", () => resolve(false))
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)))
  })

/** Nobody listens there now, and nobody who asks here again gets it before long. */
export const takePort = async (): Promise<number> => {
  for (let tried = 0; tried < end - first; tried++) {
    const port = first + ((slot * portsEach + given++) % (end - first))
    if (await isFree(port)) return port
  }
  throw new Error("no port is free")
}
