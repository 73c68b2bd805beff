/**
 * The embedded PostgreSQL: a real server as a child process, fsync on, reachable only through a unix socket in a
 * directory that nobody else may enter. `start` makes the cluster at the first start, adopts a server that outlived a
 * killed Koinon, recovers one that was itself killed, and refuses a second Koinon on the same data directory. A server of
 * ours that dies is started again. When the scope closes it is stopped; one adopted from somebody other than a killed
 * Koinon is left alone in both respects.
 */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import { Clock, Effect, Redacted, Schedule, Schema } from "effect"
import type { Scope } from "effect"
import { createHash, randomBytes } from "node:crypto"
import * as fs from "node:fs/promises"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import * as path from "node:path"
import * as DataDirectoryLock from "./DataDirectoryLock.ts"
import * as PostgresAccount from "./PostgresAccount.ts"
import * as PostgresBinaries from "./PostgresBinaries.ts"
import * as PostgresCluster from "./PostgresCluster.ts"
import { PostgresServerFailed } from "./PostgresServerFailed.ts"

export interface Options {
  readonly dataDirectory: string
  /** Off only for test clusters: nothing is ever synced, and a power cut loses the cluster. */
  readonly durable?: boolean
  /** The default suits the platform: unix socket, on Windows 127.0.0.1 and a password. */
  readonly transport?: "socket" | "tcp"
}

/** A server that answers. `url` turns it into something to connect with. */
export interface Running {
  /** Empty when the server listens on 127.0.0.1 instead. */
  readonly socketDirectory: string
  readonly port?: number
  readonly database: "koinon"
  readonly user: string
  readonly password?: Redacted.Redacted
  /** It was already running. */
  readonly adopted: boolean
  readonly processId: number
}

const database = "koinon"
const socketPort = 5432
const startTimeoutSeconds = 300
const stopTimeoutSeconds = 30
const pollIntervalMs = 10
const orphanPollIntervalMs = 100
/** How long backends of a killed server may take to notice that it is gone. */
const orphanedBackendsMs = 15_000
/** How often a server of ours is looked after. */
const watchIntervalMs = 100
/** Restarts in a row before it is given up; a server that lived for a while begins a new row. */
const restartsMax = 20
const restartRowEndsMs = 10_000
/** Before the second restart in a row; doubled before each one after it. */
const restartDelayMs = 100
const restartDelayMaxMs = 10_000
/** `sun_path` without its closing zero byte; macOS has four bytes less than Linux. */
const socketPathBytesMax = process.platform === "linux" ? 107 : 103

export const start: (options: Options) => Effect.Effect<Running, PostgresServerFailed, Scope.Scope> = Effect.fn(
  "PostgresServer.start"
)(function* (options: Options) {
  const durable = options.durable ?? true
  const transport = options.transport ?? (process.platform === "win32" ? "tcp" : "socket")
  const dataDirectory = yield* enterDataDirectory(options.dataDirectory)
  const cluster = path.join(dataDirectory, "postgres")
  const passwordFile = path.join(dataDirectory, "postgres.password")

  const lock = yield* DataDirectoryLock.acquire(dataDirectory)
  const binaries = yield* PostgresBinaries.find(dataDirectory)
  const account = yield* PostgresAccount.choose(cluster)

  const existing = yield* awaitReady(cluster)
  if (existing !== undefined && lock.inheritsServer) yield* Effect.addFinalizer(() => stop(account, binaries, cluster))
  if (existing === undefined) {
    yield* checkRunnable(account, binaries, dataDirectory)
    yield* PostgresCluster.clearUnfinished(cluster)
    if (!(yield* isCluster(cluster))) {
      if (transport === "tcp") yield* writePassword(passwordFile)
      yield* PostgresCluster.create({
        cluster,
        binaries,
        account,
        durable,
        passwordFile: transport === "tcp" ? passwordFile : undefined
      })
    }
    const address = yield* transport === "tcp" ? freeAddress(cluster) : socketAddress(cluster, account)
    yield* PostgresCluster.configure({ cluster, binaries, account, durable, address })
    yield* lock.ownServer
    // Before the launch, so that an interrupted start leaves no server either.
    yield* Effect.addFinalizer(() => stop(account, binaries, cluster))
    yield* launch(account, binaries, cluster, address)
  }
  const server = existing ?? (yield* awaitReady(cluster))
  if (server === undefined) return yield* notStarted(cluster, "it ended as soon as it had started")
  const password = transport === "tcp" ? yield* readPassword(passwordFile) : undefined
  const running: Running = {
    socketDirectory: transport === "tcp" ? "" : server.socketDirectory,
    port: server.port,
    database,
    user: PostgresCluster.userName,
    ...(password === undefined ? {} : { password: Redacted.make(password) }),
    adopted: existing !== undefined,
    processId: server.processId
  }
  yield* ensureDatabase(running, cluster)
  if (existing === undefined || lock.inheritsServer) {
    yield* Effect.forkScoped(supervise(account, binaries, cluster, addressOf(server)))
  }
  return running
})

/** A libpq URL, also for a child process: a unix socket's directory travels in its `host` parameter. */
export const url = (running: Running, databaseName: string = running.database): Redacted.Redacted => {
  const port = running.port ?? socketPort
  if (running.socketDirectory === "") {
    const password = running.password === undefined ? "" : `:${encodeURIComponent(Redacted.value(running.password))}`
    return Redacted.make(
      `postgresql://${running.user}${password}@127.0.0.1:${port}/${encodeURIComponent(databaseName)}`
    )
  }
  const parameters = new URLSearchParams({ host: running.socketDirectory, port: String(port), user: running.user })
  return Redacted.make(`postgresql:///${encodeURIComponent(databaseName)}?${parameters.toString()}`)
}

const enterDataDirectory = (directory: string) =>
  Effect.tryPromise({
    try: async () => {
      await fs.mkdir(directory, { recursive: true, mode: 0o700 })
      await fs.access(directory, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK)
      return await fs.realpath(directory)
    },
    catch: (cause) =>
      new PostgresServerFailed({
        message:
          `The data directory ${path.resolve(directory)} cannot be made or written to: ` +
          `choose another one with KOINON_DATA_DIR, or correct its permissions.`,
        path: path.resolve(directory),
        cause
      })
  })

/** Whether the programs run at all, before anything is blamed on the cluster. */
const checkRunnable = Effect.fnUntraced(function* (
  account: PostgresAccount.PostgresAccount,
  binaries: PostgresBinaries.PostgresBinaries,
  dataDirectory: string
) {
  // Another user must be able to pass through to the cluster; the files beside it are closed by their own modes.
  if (account._tag === "Other") yield* Effect.promise(() => fs.chmod(dataDirectory, 0o711))
  const answer = yield* PostgresAccount.run(account, binaries, binaries.postgres, ["--version"])
  if (answer.exitCode === 0) return
  const whom = account._tag === "Other" ? ` as ${account.name}, since PostgreSQL does not run as root` : ""
  return yield* new PostgresServerFailed({
    message:
      `The embedded PostgreSQL at ${binaries.postgres} cannot be run${whom} (${PostgresCluster.lastLine(answer.output)}): ` +
      `it needs glibc and a folder that this user may enter; start Koinon as an ordinary user, or set DATABASE_URL.`,
    path: binaries.postgres,
    cause: answer.output
  })
})

const isCluster = Effect.fnUntraced(function* (cluster: string) {
  const entries = yield* Effect.promise(() => fs.readdir(cluster).catch(() => undefined))
  if (entries === undefined) return false
  if (entries.includes("PG_VERSION")) return true
  return yield* new PostgresServerFailed({
    message: `The folder ${cluster} is in the way: it is no PostgreSQL data directory; move it elsewhere or delete it.`,
    path: cluster
  })
})

/** The socket lies in the cluster, or in a short folder of our own when that path is too long for a socket. */
const socketAddress = Effect.fnUntraced(function* (cluster: string, account: PostgresAccount.PostgresAccount) {
  const socketOf = (directory: string): string => path.join(directory, `.s.PGSQL.${socketPort}`)
  // The setting is a list, so a comma or a quote in the path would be read as more than one directory.
  const isUsual = /^[\w./ -]+$/.test(cluster) && Buffer.byteLength(socketOf(cluster)) <= socketPathBytesMax
  if (isUsual) return { _tag: "Socket", directory: cluster, port: socketPort } satisfies PostgresCluster.Address

  const name = createHash("sha256").update(cluster).digest("hex").slice(0, 16)
  const directory = path.join(tmpdir(), `koinon-${name}`)
  const isOurs = yield* Effect.promise(async () => {
    await fs.mkdir(directory, { mode: 0o700 }).catch(() => undefined)
    const found = await fs.lstat(directory).catch(() => undefined)
    const owners = account._tag === "Other" ? [process.getuid?.(), account.userId] : [process.getuid?.()]
    return found !== undefined && found.isDirectory() && owners.includes(found.uid) && (found.mode & 0o077) === 0
  })
  if (isOurs && Buffer.byteLength(socketOf(directory)) <= socketPathBytesMax) {
    yield* PostgresAccount.give(account, directory)
    return { _tag: "Socket", directory, port: socketPort } satisfies PostgresCluster.Address
  }
  return yield* new PostgresServerFailed({
    message:
      `No folder for PostgreSQL's socket: ${cluster} is too long for one, and ${directory} cannot be used because it ` +
      `belongs to somebody else; choose a shorter KOINON_DATA_DIR, or another TMPDIR.`,
    path: directory
  })
})

/** Where a server that runs already listens: started again, it listens there too. */
const addressOf = ({ socketDirectory, port }: PostgresCluster.Postmaster): PostgresCluster.Address =>
  socketDirectory === "" ? { _tag: "Tcp", port } : { _tag: "Socket", directory: socketDirectory, port }

const freeAddress = (cluster: string) =>
  Effect.callback<PostgresCluster.Address, PostgresServerFailed>((resume) => {
    const probe = createServer()
    probe.on("error", (cause) => resume(Effect.fail(notStarted(cluster, cause.message))))
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resume(Effect.succeed({ _tag: "Tcp", port })))
    })
  })

const writePassword = (file: string) =>
  Effect.promise(() => fs.writeFile(file, randomBytes(24).toString("base64url"), { mode: 0o600 }))

const readPassword = (file: string) =>
  Effect.tryPromise({
    try: () => fs.readFile(file, "utf8"),
    catch: (cause) =>
      new PostgresServerFailed({
        message: `The database password in ${file} cannot be read: restore that file, or correct its permissions.`,
        path: file,
        cause
      })
  })

/**
 * Waits out a start, a recovery or a stop that is under way. The server is ready, or there is none.
 */
const awaitReady = Effect.fnUntraced(function* (cluster: string) {
  const state = yield* PostgresCluster.postmaster(cluster).pipe(
    Effect.repeat({
      while: (found) => found !== undefined && found.status !== "ready",
      schedule: Schedule.spaced(pollIntervalMs)
    }),
    Effect.timeoutOrElse({
      duration: startTimeoutSeconds * 1000,
      orElse: () =>
        Effect.fail(notStarted(cluster, `it is neither ready nor gone after ${startTimeoutSeconds} seconds`))
    })
  )
  return state
})

const launch = Effect.fnUntraced(function* (
  account: PostgresAccount.PostgresAccount,
  binaries: PostgresBinaries.PostgresBinaries,
  cluster: string,
  address: PostgresCluster.Address
) {
  const log = PostgresCluster.logFile(cluster)
  const start = ["start", "-w", "-s", "-t", String(startTimeoutSeconds), "-D", cluster, "-l", log]
  const attempt = Effect.gen(function* () {
    // A Koinon that was killed may have left a pg_ctl behind that is starting the server at this very moment.
    if ((yield* awaitReady(cluster)) !== undefined) return
    yield* PostgresCluster.forgetKilledPostmaster(cluster, address)
    const logSize = yield* PostgresCluster.logSize(cluster)
    const finished = yield* PostgresAccount.run(account, binaries, binaries.pgControl, start, { quiet: true })
    if (finished.exitCode === 0 || (yield* awaitReady(cluster)) !== undefined) return
    return yield* notStarted(cluster, yield* PostgresCluster.complaintSince(cluster, logSize))
  })
  yield* Effect.retry(attempt, {
    // A killed server's backends hold its shared memory until each of them notices.
    while: (failed) => failed.message.includes("is still in use"),
    schedule: Schedule.spaced(orphanPollIntervalMs).pipe(Schedule.upTo({ duration: orphanedBackendsMs }))
  })
})

/**
 * Starts the server again whenever it has died. Nothing else needs to know: connections fail meanwhile, and whoever had
 * a commit under way finds out what became of it when the server answers again.
 */
const supervise = Effect.fnUntraced(function* (
  account: PostgresAccount.PostgresAccount,
  binaries: PostgresBinaries.PostgresBinaries,
  cluster: string,
  address: PostgresCluster.Address
) {
  let restarts = 0
  while (true) {
    const since = yield* Clock.currentTimeMillis
    yield* Effect.repeat(PostgresCluster.postmaster(cluster), {
      while: (found) => found !== undefined,
      schedule: Schedule.spaced(watchIntervalMs)
    })
    if ((yield* Clock.currentTimeMillis) - since >= restartRowEndsMs) restarts = 0
    if (restarts >= restartsMax) {
      return yield* Effect.logError(
        `PostgreSQL at ${cluster} died ${restarts} times in a row and is given up: see ` +
          `${PostgresCluster.logFile(cluster)}, then start Koinon again`
      )
    }
    if (restarts > 0) yield* Effect.sleep(Math.min(restartDelayMs * 2 ** (restarts - 1), restartDelayMaxMs))
    restarts += 1
    yield* Effect.logWarning(
      `PostgreSQL at ${cluster} has died and is started again (${restarts} of at most ${restartsMax} times in a row)`
    )
    yield* Effect.catch(launch(account, binaries, cluster, address), (failed) => Effect.logError(failed.message))
  }
})

const stop = Effect.fnUntraced(function* (
  account: PostgresAccount.PostgresAccount,
  binaries: PostgresBinaries.PostgresBinaries,
  cluster: string
) {
  const stopIn = (mode: string) => {
    const words = ["stop", "-w", "-s", "-m", mode, "-t", String(stopTimeoutSeconds), "-D", cluster]
    return PostgresAccount.run(account, binaries, binaries.pgControl, words)
  }
  const server = yield* PostgresCluster.postmaster(cluster)
  if (server === undefined) return
  const finished = yield* stopIn("fast")
  if (finished.exitCode !== 0 && (yield* PostgresCluster.postmaster(cluster)) !== undefined) {
    yield* Effect.logWarning(`PostgreSQL at ${cluster} did not stop in ${stopTimeoutSeconds} seconds and is cut off`)
    yield* stopIn("immediate")
  }
  const { socketDirectory } = server
  if (socketDirectory === "" || socketDirectory === cluster) return
  yield* Effect.promise(() => fs.rmdir(socketDirectory).catch(() => undefined))
})

const ensureDatabase = (running: Running, cluster: string) =>
  Effect.gen(function* () {
    const connection = yield* PgConnection.make({ url: url(running, "postgres"), applicationName: "koinon start" })
    const [found] = (yield* connection.query(
      `SELECT current_setting('data_directory') AS directory,
              EXISTS (SELECT FROM pg_database WHERE datname = $1) AS present`,
      [database]
    )).rows
    const { directory, present } = yield* Schema.decodeUnknownEffect(Greeting)(found)
    if (path.resolve(directory) !== cluster) return yield* notStarted(cluster, `the socket leads to ${directory}`)
    if (!present) yield* connection.query(`CREATE DATABASE ${database}`)
  }).pipe(
    Effect.scoped,
    Effect.mapError((cause) =>
      cause._tag === "PostgresServerFailed"
        ? cause
        : new PostgresServerFailed({
            message:
              `PostgreSQL runs on ${cluster} (process ${running.processId}) but cannot be used (${cause.message}): ` +
              `stop that process and start Koinon again.`,
            path: cluster,
            cause
          })
    )
  )

const Greeting = Schema.Struct({ directory: Schema.String, present: Schema.Boolean })

const notStarted = (cluster: string, reason: string) =>
  new PostgresServerFailed({
    message:
      `PostgreSQL did not start on ${cluster} (${reason}): see ${PostgresCluster.logFile(cluster)}, ` +
      `or set DATABASE_URL to a server of your own.`,
    path: cluster
  })
