/**
 * `npm run conformance`: drives every self-service operation that Koinon serves against a running server and compares
 * it with the published description.
 */
import { readFile } from "node:fs/promises"
import { isObject, type Json, type Operation, prefix, read } from "./Description.ts"
import { drive, type Verdict } from "./Drive.ts"
import { progress, render, type Summary } from "./Report.ts"
import { steps } from "./Scenario.ts"
import { type Server, start } from "./Server.ts"
import { World } from "./World.ts"
import { runProgram } from "../support/Program.ts"

const readDescription = async (): Promise<ReadonlyMap<string, Operation>> => {
  const path = process.env["SELF_SERVICE_DESCRIPTION"]
  if (path === undefined || path === "") {
    throw new Error(
      "SELF_SERVICE_DESCRIPTION is not set. Set it to the path of the published OpenAPI description of the\n" +
        "self-service API (YAML or JSON), for example:\n" +
        "  SELF_SERVICE_DESCRIPTION=self-service-v2.openapi.yaml npm run conformance"
    )
  }
  try {
    return await read(path)
  } catch (cause) {
    throw new Error(
      `SELF_SERVICE_DESCRIPTION=${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause }
    )
  }
}

const readFloor = async (): Promise<number> => {
  const file = JSON.parse(await readFile(new URL("floor.json", import.meta.url), "utf8")) as Json
  const floor = isObject(file) ? file["conformant"] : undefined
  if (typeof floor === "number" && Number.isInteger(floor)) return floor
  throw new Error("test/conformance/floor.json must hold the number of conformant operations")
}

/** What the server says that it serves, so that a new operation cannot go unasked. */
const servedWithoutStep = async (
  server: Server,
  description: ReadonlyMap<string, Operation>
): Promise<ReadonlyArray<string>> => {
  const answer = await fetch(`${server.url}/openapi.json`)
  const text = await answer.text()
  if (!answer.ok) return []
  const own = JSON.parse(text) as Json
  const paths = isObject(own) && isObject(own["paths"]) ? own["paths"] : {}
  const bare = (key: string) => key.replaceAll(/\{[^}]+\}/g, "{}")
  const served = new Set(
    Object.entries(paths)
      .filter(([path]) => path.startsWith(`${prefix}/`))
      .flatMap(([path, item]) =>
        Object.keys(isObject(item) ? item : {}).map((method) =>
          bare(`${method.toUpperCase()} ${path.slice(prefix.length)}`)
        )
      )
  )
  return [...description.keys()].filter((key) => served.has(bare(key)) && steps[key] === undefined)
}

const driveAll = async (
  description: ReadonlyMap<string, Operation>,
  only: string,
  server: Server
): Promise<ReadonlyArray<Verdict>> => {
  const world = new World(server)
  const chosen = Object.entries(steps).filter(([key]) => key.includes(only))
  if (chosen.length === 0) throw new Error(`no operation's name contains ${only}`)
  const verdicts: Array<Verdict> = []
  for (const [key, step] of chosen) {
    const operation = description.get(key)
    if (operation === undefined) throw new Error(`the description does not know ${key}, which the scenario drives`)
    const verdict = await drive(operation, step, world)
    verdicts.push(verdict)
    process.stderr.write(progress(verdicts.length, chosen.length, verdict))
  }
  return verdicts
}

const usage = `SELF_SERVICE_DESCRIPTION=FILE npm run conformance -- [options]

Drives every self-service operation that Koinon serves, and compares what it answers with the published description.

  --only TEXT   only the operations whose name contains the text; the floor is left alone
  --json        the findings as JSON
  --help        this text

Progress goes to stderr. Exit 0: as described, and not fewer operations than the floor says; 1: not so; 2: it could not
be tried.
`

await runProgram({
  name: "conformance",
  usage,
  options: { json: { type: "boolean" }, only: { type: "string" } },
  run: async (values) => {
    const description = await readDescription()
    const committedFloor = await readFloor()
    const server = await start()
    try {
      const withoutStep = await servedWithoutStep(server, description)
      const operations = await driveAll(description, values.only ?? "", server)
      const summary: Summary = {
        total: description.size,
        served: operations.filter(({ result }) => result !== "not served").length,
        conformant: operations.filter(({ result }) => result === "conformant").length,
        floor: values.only === undefined ? committedFloor : undefined,
        operations,
        withoutStep
      }
      process.stdout.write(values.json === true ? `${JSON.stringify(summary, null, 2)}\n` : render(summary))
      const differs = operations.some(({ result }) => result === "differs") || withoutStep.length > 0
      return differs || summary.conformant < (summary.floor ?? 0) ? 1 : 0
    } finally {
      await server.stop()
    }
  }
})
