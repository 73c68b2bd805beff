/**
 * The cluster on disk: making it, its settings, and what its files tell about the server that runs on it. A cluster
 * appears under its name only when it is whole, so an initdb killed half way leaves nothing to repair. The settings
 * are written anew at each start; what an operator changes with ALTER SYSTEM overrides them.
 */
import { Effect } from "effect"
import { execFile } from "node:child_process"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { promisify } from "node:util"
import * as PostgresAccount from "./PostgresAccount.ts"
import type { PostgresBinaries } from "./PostgresBinaries.ts"
import { PostgresServerFailed } from "./PostgresServerFailed.ts"

export const userName = "koinon"

/** Where the server listens: a unix socket, or 127.0.0.1 with a password on Windows, where Node has no unix sockets. */
export type Address =
  | { readonly _tag: "Socket"; readonly directory: string; readonly port: number }
  | { readonly _tag: "Tcp"; readonly port: number }

/** The lines of `postmaster.pid`, which the server keeps while it runs and a killed one leaves behind. */
export interface Postmaster {
  readonly processId: number
  readonly port: number
  readonly socketDirectory: string
  readonly status: string
}

const sharedBuffers = "256MB"
const walSizeMax = "4GB"
/** Log that stays to be written over once a checkpoint has passed it; for files of 4 MiB the default is a fourth of it. */
const walSizeMin = "80MB"
/**
 * Size of a file of the write-ahead log. A new file is filled with zeros before it is written to, while every commit waits,
 * until the first checkpoint leaves files to be written over: that is 11 ms with PostgreSQL's usual 16 MiB and 3 ms with 4, on
 * an idle machine.
 */
const walFileMebibytes = 4
const connectionsMax = 100
const logSizeBytesMax = 10 * 1024 * 1024
const complaintBytesMax = 65_536

export const logFile = (cluster: string): string => path.join(cluster, "server.log")

export const create = Effect.fn("PostgresCluster.create")(function* (options: {
  readonly cluster: string
  readonly binaries: PostgresBinaries
  readonly account: PostgresAccount.PostgresAccount
  readonly durable: boolean
  readonly passwordFile: string | undefined
}) {
  const { account, binaries, cluster } = options
  // A name of its own: the initdb of a killed Koinon may still be at work in the folder that it was given.
  const unfinished = yield* Effect.acquireRelease(
    Effect.promise(() => fs.mkdtemp(unfinishedPrefix(cluster))),
    (directory) => Effect.promise(() => fs.rm(directory, { recursive: true, force: true }))
  )
  yield* PostgresAccount.give(account, unfinished)
  const made = yield* PostgresAccount.run(account, binaries, binaries.initdb, [
    `--pgdata=${unfinished}`,
    `--username=${userName}`,
    "--encoding=UTF8",
    `--wal-segsize=${walFileMebibytes}`,
    // PostgreSQL's own C.UTF-8: the same order and the same upper case on each operating system and libc version.
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    ...(options.passwordFile === undefined
      ? ["--auth=trust"]
      : ["--auth=scram-sha-256", `--pwfile=${options.passwordFile}`]),
    ...(options.durable ? [] : ["--no-sync"])
  ])
  if (made.exitCode !== 0) {
    return yield* new PostgresServerFailed({
      message:
        `The PostgreSQL data directory ${cluster} could not be made (${lastLine(made.output)}): ` +
        `check free space and permissions of ${path.dirname(cluster)}, or set DATABASE_URL.`,
      path: cluster,
      cause: made.output
    })
  }
  yield* Effect.promise(async () => {
    await fs.appendFile(path.join(unfinished, "postgresql.conf"), "\ninclude_if_exists = 'koinon.conf'\n")
    await fs.rename(unfinished, cluster)
    // Until the rename itself is on disk, a power cut could bring back the unfinished name, which the next start wipes.
    if (options.durable) await syncDirectory(path.dirname(cluster))
  })
}, Effect.scoped)

/** Clears away what an initdb left that was killed together with its Koinon. */
export const clearUnfinished = (cluster: string): Effect.Effect<void> =>
  Effect.promise(async () => {
    const parent = path.dirname(cluster)
    for (const name of await fs.readdir(parent)) {
      if (!path.join(parent, name).startsWith(unfinishedPrefix(cluster))) continue
      await fs.rm(path.join(parent, name), { recursive: true, force: true }).catch(() => undefined)
    }
  })

const unfinishedPrefix = (cluster: string): string => `${cluster}.new-`

export const configure = Effect.fn("PostgresCluster.configure")(function* (options: {
  readonly cluster: string
  readonly binaries: PostgresBinaries
  readonly account: PostgresAccount.PostgresAccount
  readonly durable: boolean
  readonly address: Address
}) {
  const { account, binaries, cluster } = options
  const probe = ["-D", cluster, "-C", "wal_compression", "-c", "wal_compression=lz4"]
  const compressesWithLz4 = (yield* PostgresAccount.run(account, binaries, binaries.postgres, probe)).exitCode === 0
  const syncs = options.durable ? "on" : "off"
  const settings: Record<string, string> = {
    listen_addresses: options.address._tag === "Tcp" ? "127.0.0.1" : "",
    unix_socket_directories: options.address._tag === "Socket" ? options.address.directory : "",
    unix_socket_permissions: "0700",
    port: String(options.address.port),
    max_connections: String(connectionsMax),
    shared_buffers: sharedBuffers,
    fsync: syncs,
    full_page_writes: syncs,
    synchronous_commit: syncs,
    max_wal_size: walSizeMax,
    min_wal_size: walSizeMin,
    autovacuum: "on",
    timezone: "UTC",
    log_timezone: "UTC",
    log_checkpoints: "off",
    // Without the details of an error, which quote whole rows, names and numbers included.
    log_error_verbosity: "terse",
    ...(compressesWithLz4 ? { wal_compression: "lz4" } : {})
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`)
  yield* Effect.promise(async () => {
    await fs.writeFile(
      path.join(cluster, "koinon.conf"),
      `# Written by Koinon at each start. Change a setting with ALTER SYSTEM, which overrides this file.\n${lines.join("\n")}\n`
    )
  })
  if ((yield* logSize(cluster)) > logSizeBytesMax) {
    yield* Effect.promise(() => fs.rename(logFile(cluster), `${logFile(cluster)}.1`))
  }
  yield* PostgresAccount.give(account, cluster)
})

/** The server that runs on the cluster now; a file left by one that was killed counts as none. */
export const postmaster = (cluster: string): Effect.Effect<Postmaster | undefined> =>
  Effect.promise(async () => {
    const text = await fs.readFile(path.join(cluster, "postmaster.pid"), "utf8").catch(() => "")
    const [processId, , , port, socketDirectory, , , status] = text.split("\n").map((line) => line.trim())
    if (processId === undefined || !/^\d+$/.test(processId)) return undefined
    if (!(await isPostmasterOf(Number(processId), cluster))) return undefined
    return {
      processId: Number(processId),
      port: Number(port ?? 0),
      socketDirectory: socketDirectory ?? "",
      status: status ?? ""
    }
  })

/**
 * PostgreSQL itself believes a left-over file while any process bears its number, be it a stranger after a reboot or a
 * zombie in a container. Call it only when `postmaster` found none; the server still guards its shared memory.
 */
export const forgetKilledPostmaster = (cluster: string, address: Address): Effect.Effect<void> =>
  Effect.promise(async () => {
    const socket = address._tag === "Socket" ? path.join(address.directory, `.s.PGSQL.${address.port}`) : undefined
    const left = [path.join(cluster, "postmaster.pid"), ...(socket === undefined ? [] : [socket, `${socket}.lock`])]
    for (const file of left) await fs.rm(file, { force: true })
  })

export const logSize = (cluster: string): Effect.Effect<number> =>
  Effect.promise(() =>
    fs.stat(logFile(cluster)).then(
      (file) => file.size,
      () => 0
    )
  )

/** What made the server give up, in its own words, since the log had the given size. */
export const complaintSince = (cluster: string, logSizeBefore: number): Effect.Effect<string> =>
  Effect.promise(async () => {
    const file = await fs.open(logFile(cluster), "r").catch(() => undefined)
    if (file === undefined) return "it left no log"
    try {
      const { buffer, bytesRead } = await file.read(
        Buffer.alloc(complaintBytesMax),
        0,
        complaintBytesMax,
        logSizeBefore
      )
      const lines = buffer.toString("utf8", 0, bytesRead).trim().split("\n")
      // A killed server's backends say their last words into the same file.
      const fatal = lines.filter((line) => /\b(FATAL|PANIC):/.test(line) && !line.includes("terminating connection"))
      return lastLine(fatal.at(-1) ?? lines.at(-1) ?? "")
    } finally {
      await file.close()
    }
  })

const isPostmasterOf = async (processId: number, cluster: string): Promise<boolean> => {
  try {
    process.kill(processId, 0)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ESRCH") return false
  }
  if (process.platform === "win32") return true
  if (process.platform !== "linux") {
    const answer = await promisify(execFile)("ps", ["-o", "command=", "-p", String(processId)]).catch(() => undefined)
    return answer?.stdout.includes("postgres") ?? false
  }
  // A postmaster stands in its data directory. A process that we may not look at is given the benefit of the doubt.
  return fs.readlink(`/proc/${processId}/cwd`).then(
    (directory) => directory === cluster,
    (cause: NodeJS.ErrnoException) => cause.code === "EACCES" || cause.code === "EPERM"
  )
}

const syncDirectory = async (directory: string): Promise<void> => {
  if (process.platform === "win32") return
  const handle = await fs.open(directory, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

export const lastLine = (output: string): string =>
  (output.trim().split("\n").at(-1) ?? "").replace(/^.*\b(FATAL|PANIC|ERROR|error):\s*/, "").trim()
