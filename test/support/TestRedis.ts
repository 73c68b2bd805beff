/** The Redis of `REDIS_URL`, or one on this machine: what needs one is skipped without it, and says so. */
import { connect } from "node:net"

export const redisUrl = process.env["REDIS_URL"] ?? "redis://127.0.0.1:6379"

export const answers = await new Promise<boolean>((resolve) => {
  const { hostname, port } = new URL(redisUrl)
  const socket = connect({ host: hostname, port: Number(port || 6379) })
  socket.once("connect", () => socket.write("PING\r\n"))
  socket.once("data", (bytes) => resolve(/^(\+PONG|-NOAUTH)/.test(bytes.toString()) && socket.destroy() !== undefined))
  socket.once("error", () => resolve(false))
  socket.setTimeout(1_000, () => resolve(false))
})

export const notTested = (what: string): void => {
  process.stderr.write(`\nSKIPPED: no Redis answers at ${redisUrl}; ${what} is not tested.\n\n`)
}
