/** `npm run chaos`: strikes Koinon and its PostgreSQL under load, again and again, and checks what is promised. */
import { randomInt } from "node:crypto"
import { mkdir, writeFile } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import { finale } from "./Finale.ts"
import { KoinonProcess } from "./KoinonProcess.ts"
import { type ClusterFault, clusterFaults, Nemesis } from "./Nemesis.ts"
import { findingLine, json, roundLine, table } from "./Report.ts"
import { outwardPace, runOutward } from "./outward/Outward.ts"
import { clusterPace, type Report, run, type Settings, type Watch } from "./Run.ts"
import { runProgram } from "../support/Program.ts"

const reportFolder = ".koinon-chaos"
const clients = 32
const operationsPerKey = 20
const killWithinMs = 2_000
const keysAlone = 100
const clusterKeys = 30
const clusterClients = 8
const exitOnSignal = 130
const seedMax = 2 ** 31

const wholeNumber = (name: string, text: string, least: number): number => {
  const number = Number(text)
  if (!Number.isInteger(number) || number < least) throw new Error(`--${name} takes a whole number from ${least} on`)
  return number
}

const faultsIn = (text: string): ReadonlyArray<ClusterFault> => {
  const faults = text.split(",").filter((name) => name !== "")
  const known = clusterFaults.filter((fault) => faults.includes(fault))
  if (known.length === 0 || known.length < faults.length) {
    throw new Error(`--faults takes some of ${clusterFaults.join(",")}`)
  }
  return known
}

const runAlone = async (settings: Settings, watch: Watch): Promise<Report> =>
  run(await KoinonProcess.open(), settings, watch)

const runSeveral = async (
  runners: number,
  faults: ReadonlyArray<ClusterFault>,
  settings: Settings,
  watch: Watch
): Promise<Report> => {
  const { target, skipped } = await Nemesis.open(runners, faults)
  for (const { fault, reason } of skipped) process.stderr.write(`NOT TRIED: ${fault}, because ${reason}\n`)
  return run(target, settings, watch, { skipped, finale: (it, world) => finale(it, target, world) })
}

/** One Koinon as it is, or with all that it tells the world; or several of them. */
const settingsOf = (
  given: { readonly rounds: number; readonly seed: number; readonly keys?: number; readonly clients?: number },
  { isAlone, isOutward }: { readonly isAlone: boolean; readonly isOutward: boolean }
): Settings => {
  if (isOutward) return { ...outwardPace, ...given }
  if (!isAlone) return { keys: clusterKeys, clients: clusterClients, ...given, ...clusterPace }
  const { keys = keysAlone } = given
  return { clients, ...given, keys, operationsMax: keys * operationsPerKey, killWithinMs, impatient: 0 }
}

const usage = `npm run chaos -- [options]

Strikes Koinon and its PostgreSQL under load, again and again, and checks what is promised.

  --rounds 30      how many times
  --runners 3      several runners on one database instead of one Koinon
  --faults a,b     what befalls them: some of ${clusterFaults.join(",")}
  --kills 100      one runner with segments, automations, mail and webhooks instead, and so many kills: of the
                   process, the segment store, the mail server, the database
  --keys N         contacts and communities under load
  --clients N      who ask at the same time
  --seed N         the same operations and faults again
  --json           the report as JSON on stdout instead of a table
  --out FILE       where both are kept as well; ${reportFolder}/ if not told
  --help           this text

Progress goes to stderr. Exit 0: every promise held; 1: one did not; 2: it could not be tried.
`

await runProgram({
  name: "chaos",
  usage,
  options: {
    rounds: { type: "string", default: "30" },
    keys: { type: "string" },
    clients: { type: "string" },
    runners: { type: "string", default: "1" },
    faults: { type: "string" },
    kills: { type: "string" },
    seed: { type: "string" },
    json: { type: "boolean", default: false },
    out: { type: "string" }
  },
  run: async (values) => {
    const kills = values.kills === undefined ? undefined : wholeNumber("kills", values.kills, 1)
    const runners = wholeNumber("runners", values.runners, 1)
    const isAlone = runners === 1
    if (kills !== undefined && !isAlone) throw new Error("--kills is for one runner and all that it tells the world")
    if (isAlone && values.faults !== undefined) throw new Error("--faults needs --runners 2 or more")
    const faults = isAlone ? [] : faultsIn(values.faults ?? clusterFaults.join(","))
    const given = {
      rounds: kills ?? wholeNumber("rounds", values.rounds, 1),
      seed: values.seed === undefined ? randomInt(seedMax) : wholeNumber("seed", values.seed, 0),
      ...(values.keys !== undefined && { keys: wholeNumber("keys", values.keys, 2) }),
      ...(values.clients !== undefined && { clients: wholeNumber("clients", values.clients, 1) })
    }
    const settings = settingsOf(given, { isAlone, isOutward: kills !== undefined })
    const out = resolve(values.out ?? join(reportFolder, `seed-${settings.seed}.json`))
    // What runs is killed, and its data swept away, as this process exits.
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(exitOnSignal))
    const alone = kills === undefined ? "one Koinon" : `one Koinon and the world, ${kills} kills`
    const what = isAlone ? alone : `${runners} runners, ${faults.join(", ")}`
    process.stderr.write(`seed ${settings.seed}: ${settings.rounds} rounds on ${settings.keys} keys, ${what}\n`)
    const watch: Watch = {
      arranged: (people, dataDirectory) => process.stderr.write(`${people} contacts are there, in ${dataDirectory}\n`),
      round: (round, found) => {
        process.stderr.write(`${roundLine(round, settings.rounds)}\n`)
        for (const finding of found.slice(0, 5)) process.stderr.write(`  ${findingLine(finding)}\n`)
      }
    }
    const report =
      kills !== undefined
        ? await runOutward(kills, settings, watch)
        : await (isAlone ? runAlone(settings, watch) : runSeveral(runners, faults, settings, watch))
    await mkdir(dirname(out), { recursive: true })
    await writeFile(out, `${json(report)}\n`)
    await writeFile(out.replace(/(\.json)?$/, ".txt"), table(report))
    process.stdout.write(values.json ? `${json(report)}\n` : table(report))
    const sameAlone = kills === undefined ? "" : ` --kills ${kills}`
    const same = isAlone ? sameAlone : ` --runners ${runners} --faults ${faults.join(",")} --rounds ${settings.rounds}`
    process.stderr.write(`the report is in ${out}; the same again: npm run chaos -- --seed ${settings.seed}${same}\n`)
    return report.findings.found.length === 0 ? 0 : 1
  }
})
