/**
 * PostgreSQL refuses to run as root. This file decides under which account its programs run, and runs them:
 *
 *     not root                             this process's own account
 *     root, cluster owned by somebody      that somebody
 *     root, user namespaces allowed        root, seen as an ordinary user inside a namespace of its own
 *     root otherwise                       an existing ordinary user, who is given the cluster
 */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import type { PostgresBinaries } from "./PostgresBinaries.ts"
import { PostgresServerFailed } from "./PostgresServerFailed.ts"

export type PostgresAccount =
  | { readonly _tag: "Own" }
  | { readonly _tag: "Namespace" }
  | { readonly _tag: "Other"; readonly name: string; readonly userId: number; readonly groupId: number }

/** What a program answered. Without an exit code it never started, and `output` says why. */
export interface Finished {
  readonly exitCode: number | undefined
  readonly output: string
}

const namespaceUserId = 1000
const userNamesPreferred = ["postgres", "node", "nobody"]
const outputLengthMax = 16_384

export const choose = Effect.fn("PostgresAccount.choose")(function* (clusterDirectory: string) {
  if (process.getuid?.() !== 0) return { _tag: "Own" } satisfies PostgresAccount
  const owner = yield* Effect.promise(() => fs.stat(clusterDirectory).catch(() => undefined))
  if (owner !== undefined && owner.uid !== 0) {
    return { _tag: "Other", name: `user ${owner.uid}`, userId: owner.uid, groupId: owner.gid } satisfies PostgresAccount
  }
  const probe = yield* runPlain("unshare", [...namespaceArguments, "true"], { PATH: process.env["PATH"] ?? "" })
  if (probe.exitCode === 0) return { _tag: "Namespace" } satisfies PostgresAccount
  const other = yield* ordinaryUser
  if (other !== undefined) return other
  return yield* new PostgresServerFailed({
    message:
      `PostgreSQL does not run as root, and for ${clusterDirectory} neither user namespaces (unshare) nor an ordinary ` +
      `user (${userNamesPreferred.join(", ")}) is available: start Koinon as an ordinary user, or set DATABASE_URL.`,
    path: clusterDirectory,
    cause: probe.output
  })
})

/** Runs one of the programs to its end. Interruption ends the program, not the server that it may have started. */
export const run = (
  account: PostgresAccount,
  binaries: PostgresBinaries,
  program: string,
  programArguments: ReadonlyArray<string>,
  options: { readonly quiet: boolean } = { quiet: false }
): Effect.Effect<Finished> =>
  account._tag === "Namespace"
    ? runPlain("unshare", [...namespaceArguments, program, ...programArguments], binaries.environment, options)
    : runPlain(program, programArguments, binaries.environment, {
        ...options,
        ...(account._tag === "Other" ? { uid: account.userId, gid: account.groupId } : {})
      })

/** Makes a directory tree the account's own. Nothing to do unless that account is another user. */
export const give = (account: PostgresAccount, directory: string): Effect.Effect<void> =>
  Effect.promise(async () => {
    if (account._tag !== "Other") return
    for (const entry of await fs.readdir(directory, { recursive: true })) {
      await fs.lchown(path.join(directory, entry), account.userId, account.groupId)
    }
    await fs.lchown(directory, account.userId, account.groupId)
  })

const namespaceArguments = ["--user", `--map-user=${namespaceUserId}`]

const ordinaryUser: Effect.Effect<PostgresAccount | undefined> = Effect.promise(async () => {
  const users = (await fs.readFile("/etc/passwd", "utf8").catch(() => "")).split("\n").map((line) => line.split(":"))
  for (const name of userNamesPreferred) {
    const found = users.find((fields) => fields[0] === name && Number(fields[2]) > 0)
    if (found !== undefined) return { _tag: "Other", name, userId: Number(found[2]), groupId: Number(found[3]) }
  }
  return undefined
})

const runPlain = (
  program: string,
  programArguments: ReadonlyArray<string>,
  environment: Record<string, string>,
  options: { readonly quiet?: boolean; readonly uid?: number; readonly gid?: number } = {}
): Effect.Effect<Finished> =>
  Effect.callback((resume) => {
    const { quiet, ...identity } = options
    // The root directory is the one place that each account may stand in; initdb fails in one that it may not read.
    const child = spawn(program, programArguments, {
      cwd: path.parse(process.cwd()).root,
      env: environment,
      // A server inherits the pipes of the program that starts it, and they would then never close.
      stdio: quiet === true ? "ignore" : ["ignore", "pipe", "pipe"],
      windowsHide: true,
      ...identity
    })
    let output = ""
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-outputLengthMax)
    }
    child.stdout?.on("data", collect)
    child.stderr?.on("data", collect)
    child.on("error", (cause) => resume(Effect.succeed({ exitCode: undefined, output: cause.message })))
    child.on("close", (exitCode, signal) =>
      resume(Effect.succeed({ exitCode: exitCode ?? undefined, output: output || `ended by ${signal}` }))
    )
    return Effect.callback<void>((ended) => {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return ended(Effect.void)
      child.on("close", () => ended(Effect.void))
      child.kill()
    })
  })
