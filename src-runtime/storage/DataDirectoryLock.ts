/**
 * One Koinon per data directory. The lock is the file `koinon.pid`, which names its holder by process id and the time
 * that process started, so an id that the system reused does not pass for a living holder and a killed one is taken
 * over at once. The file also says whether its holder runs the database server: who takes over from a killed holder
 * inherits the duty to stop that server. Does not protect against a second machine or container on a shared volume.
 */
import { Effect, Option, Schema } from "effect"
import { execFile } from "node:child_process"
import { randomUUID } from "node:crypto"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { promisify } from "node:util"
import { PostgresServerFailed } from "./PostgresServerFailed.ts"

export interface DataDirectoryLock {
  /** The holder before us was killed while the database server was its own. */
  readonly inheritsServer: boolean
  /** Writes down that the database server is ours to stop. */
  readonly ownServer: Effect.Effect<void, PostgresServerFailed>
}

const Holder = Schema.Struct({ processId: Schema.Int, startedAt: Schema.String, ownsServer: Schema.Boolean })
type Holder = typeof Holder.Type

const decodeHolder = Schema.decodeUnknownOption(Schema.fromJsonString(Holder))
const takeoversMax = 5

export const acquire = Effect.fn("DataDirectoryLock.acquire")(function* (dataDirectory: string) {
  const file = path.join(dataDirectory, "koinon.pid")
  const attempt = <A>(work: () => Promise<A>) =>
    Effect.tryPromise({
      try: work,
      catch: (cause) =>
        new PostgresServerFailed({
          message: `The lock file ${file} could not be written: make the data directory writable for this user.`,
          path: file,
          cause
        })
    })
  const startedAt = yield* attempt(() => startTimeOf(process.pid))
  const write = (target: string, ownsServer: boolean): Promise<void> =>
    fs.writeFile(target, `${JSON.stringify({ processId: process.pid, startedAt, ownsServer } satisfies Holder)}\n`)
  const draft = `${file}.${randomUUID()}`

  const inheritsServer = yield* Effect.acquireRelease(
    Effect.gen(function* () {
      let inherits = false
      for (let takeover = 0; takeover <= takeoversMax; takeover++) {
        if (yield* attempt(() => claim(file, draft, () => write(draft, inherits)))) return inherits
        const found = yield* attempt(() => fs.readFile(file, "utf8").catch(() => ""))
        const holder = decodeHolder(found)
        if (Option.isSome(holder)) {
          if (yield* attempt(() => isAlive(holder.value))) return yield* refused(dataDirectory, holder.value.processId)
          inherits = holder.value.ownsServer
        }
        yield* attempt(() => discard(file, draft, found))
      }
      return yield* refused(dataDirectory, undefined)
    }),
    () => Effect.promise(() => release(file, startedAt))
  )

  return {
    inheritsServer,
    ownServer: attempt(async () => {
      await write(draft, true)
      await fs.rename(draft, file)
    })
  } satisfies DataDirectoryLock
})

const refused = (dataDirectory: string, processId: number | undefined) =>
  new PostgresServerFailed({
    message:
      `Another Koinon${processId === undefined ? "" : ` (process ${processId})`} is using ${dataDirectory}: ` +
      `stop it first, or give this one a data directory of its own with KOINON_DATA_DIR.`,
    path: dataDirectory
  })

/** A link either appears whole, with the draft's content, or fails because the name is taken. */
const claim = async (file: string, draft: string, writeDraft: () => Promise<void>): Promise<boolean> => {
  await writeDraft()
  try {
    await fs.link(draft, file)
    return true
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "EEXIST") return false
    throw cause
  } finally {
    await fs.rm(draft, { force: true })
  }
}

/**
 * Takes away the lock of a dead holder. Another process may have done so a moment ago and hold the name by now, hence
 * the second look at what was moved away: a living holder's file is put back.
 */
const discard = async (file: string, draft: string, expected: string): Promise<void> => {
  const aside = `${draft}.stale`
  const moved = await fs.rename(file, aside).then(
    () => true,
    () => false
  )
  if (!moved) return
  if ((await fs.readFile(aside, "utf8")) !== expected) await fs.link(aside, file).catch(() => undefined)
  await fs.rm(aside, { force: true })
}

const release = async (file: string, startedAt: string): Promise<void> => {
  const holder = decodeHolder(await fs.readFile(file, "utf8").catch(() => ""))
  const isOurs = Option.isSome(holder) && holder.value.processId === process.pid && holder.value.startedAt === startedAt
  if (isOurs) await fs.rm(file, { force: true })
}

const isAlive = async (holder: Holder): Promise<boolean> => {
  try {
    process.kill(holder.processId, 0)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ESRCH") return false
  }
  return (await startTimeOf(holder.processId)) === holder.startedAt
}

/** Empty where the system does not tell; the process id alone decides there. */
const startTimeOf = async (processId: number): Promise<string> => {
  if (process.platform === "linux") {
    const [boot, status] = await Promise.all([
      fs.readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => ""),
      fs.readFile(`/proc/${processId}/stat`, "utf8").catch(() => "")
    ])
    // Field 22; counted from behind the program's name, which may itself hold spaces and brackets.
    const ticks = status.slice(status.lastIndexOf(")") + 2).split(" ")[19]
    return ticks === undefined ? "" : `${boot.trim()} ${ticks}`
  }
  if (process.platform === "win32") return ""
  const answer = await promisify(execFile)("ps", ["-o", "lstart=", "-p", String(processId)], {
    env: { LC_ALL: "C", PATH: process.env["PATH"] }
  }).catch(() => ({ stdout: "" }))
  return answer.stdout.trim()
}
