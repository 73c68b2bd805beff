/**
 * (a) The ceiling: what `node:http` alone answers when it reads a JSON body, parses it and sends JSON back. Nothing is
 * judged and nothing is stored. No server on Node that reads the same body can be faster.
 */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { httpRequest } from "./LoadProcess.ts"
import { answerParent } from "./Peer.ts"

const answers = {
  listen: (): Promise<number> =>
    new Promise((resolve) => {
      const server = createServer((request, response) => {
        const chunks: Array<Buffer> = []
        request.on("data", (chunk: Buffer) => chunks.push(chunk))
        request.on("end", () => {
          const { action, amount } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as Record<string, unknown>
          const body = JSON.stringify({ id: "00000000-0000-4000-8000-000000000000", action, amount })
          response.writeHead(201, { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
          response.end(body)
        })
      })
      server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port))
    })
}
export type BareHttpAnswers = typeof answers

/** The body is the one of (d). */
export const bareRequests = [httpRequest("/", {}, { action: "DEBIT", amount: 0.01, currency_code: "EUR" })]

if (process.send !== undefined && import.meta.main) answerParent(answers, () => process.exit())
