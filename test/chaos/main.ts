/**
 * `npm run chaos`: kills Koinon, its PostgreSQL or both under load, again and again, and checks what is promised. Options
 * after `--`: `--rounds 30 --seed 1 --keys 200 --json --out FILE`. Exit 0: every promise held; 1: one did not; 2: it
 * could not be tried. Progress goes to stderr, the table or the JSON to stdout, and the JSON to a file as well.
 */
import { randomInt } from "node:crypto"
import { mkdir, writeFile } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import { parseArgs } from "node:util"
import { findingLine, json, roundLine, table } from "./Report.ts"
import { run, type Settings } from "./Run.ts"

const reportFolder = ".koinon-chaos"
const clients = 32
const operationsPerKey = 20
const killWithinMs = 2_000
const exitOnSignal = 130
const seedMax = 2 ** 31

const wholeNumber = (name: string, text: string, least: number): number => {
  const number = Number(text)
  if (!Number.isInteger(number) || number < least) throw new Error(`--${name} takes a whole number from ${least} on`)
  return number
}

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "30" },
      keys: { type: "string", default: "100" },
      seed: { type: "string" },
      json: { type: "boolean", default: false },
      out: { type: "string" }
    }
  })
  const keys = wholeNumber("keys", values.keys, 2)
  const settings: Settings = {
    rounds: wholeNumber("rounds", values.rounds, 1),
    seed: values.seed === undefined ? randomInt(seedMax) : wholeNumber("seed", values.seed, 0),
    keys,
    clients,
    operationsMax: keys * operationsPerKey,
    killWithinMs
  }
  const out = resolve(values.out ?? join(reportFolder, `seed-${settings.seed}.json`))
  // What runs is killed, and its data swept away, as this process exits.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(exitOnSignal))
  process.stderr.write(`seed ${settings.seed}: ${settings.rounds} rounds on ${keys} keys\n`)
  const report = await run(settings, {
    arranged: (people, dataDirectory) => process.stderr.write(`${people} contacts are there, in ${dataDirectory}\n`),
    round: (round, found) => {
      process.stderr.write(`${roundLine(round, settings.rounds)}\n`)
      for (const finding of found.slice(0, 5)) process.stderr.write(`  ${findingLine(finding)}\n`)
    }
  })
  await mkdir(dirname(out), { recursive: true })
  await writeFile(out, `${json(report)}\n`)
  process.stdout.write(values.json ? `${json(report)}\n` : table(report))
  process.stderr.write(`the report is in ${out}; the same again: npm run chaos -- --seed ${settings.seed}\n`)
  return report.findings.found.length === 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (cause) {
  process.stderr.write(`chaos: ${cause instanceof Error ? cause.message : String(cause)}\n`)
  process.exitCode = 2
}
