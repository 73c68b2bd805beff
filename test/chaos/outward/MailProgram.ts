/**
 * A mail server in a process of its own, to be killed: it writes down each mail before it says that it has it, as one line
 * of JSON in a file that outlives it. Told to, it kills itself at a chosen point of the next mail: in the middle of DATA,
 * with all of it there and nothing written, or written and not yet said.
 *
 *     node MailProgram.ts PORT FILE
 */
import { appendFileSync } from "node:fs"
import { SMTPServer } from "smtp-server"
import type { DyingAt, FromMail, TakenMail } from "./MailProcess.ts"

const [port = "0", file = ""] = process.argv.slice(2)
let dyingAt: DyingAt | undefined
process.on("message", (told: DyingAt) => {
  dyingAt = told
})
// Nobody is left to kill it.
process.on("disconnect", () => process.exit())

const tell = (said: FromMail): void => void process.send?.(said)
const dieIf = (at: DyingAt): void => {
  if (dyingAt === at) process.kill(process.pid, "SIGKILL")
}

const server = new SMTPServer({
  disabledCommands: ["AUTH", "STARTTLS"],
  logger: false,
  onData: (stream, { envelope }, done) => {
    dieIf("DATA")
    const chunks: Array<Buffer> = []
    stream.on("data", (chunk: Buffer) => chunks.push(chunk))
    stream.on("end", () => {
      dieIf("UNWRITTEN")
      const to = envelope.rcptTo.map(({ address }) => address)
      const taken: TakenMail = { at: Date.now(), to, raw: Buffer.concat(chunks).toString("utf8") }
      appendFileSync(file, `${JSON.stringify(taken)}\n`)
      dieIf("WRITTEN")
      done()
      tell({ _tag: "Taken" })
    })
  }
})
// Connections that break are what this is about.
server.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EADDRINUSE" || error.code === "EACCES") throw error
})
server.listen(Number(port), "127.0.0.1", () => {
  const address = server.server.address()
  tell({ _tag: "Listening", port: typeof address === "object" && address !== null ? address.port : 0 })
})
