/** The processes of a PostgreSQL that runs on a cluster directory of ours: found by that directory, and killed. */
import { execFileSync } from "node:child_process"
import { readFileSync, readlinkSync } from "node:fs"
import { join } from "node:path"
import { killHard } from "./ServeProcess.ts"

/** The processes that a process has started itself. */
const childrenOf = (processId: number): ReadonlyArray<number> => {
  const words = (text: string): ReadonlyArray<number> => text.split(/\s+/).filter(Boolean).map(Number)
  try {
    return process.platform === "linux"
      ? words(readFileSync(`/proc/${processId}/task/${processId}/children`, "utf8"))
      : words(execFileSync("pgrep", ["-P", String(processId)], { encoding: "utf8" }))
  } catch {
    return []
  }
}

/** The postmaster that runs on the cluster; a left-over file may name a stranger by now. */
const postmasterOn = (cluster: string): number | undefined => {
  try {
    const processId = Number.parseInt(readFileSync(join(cluster, "postmaster.pid"), "utf8"), 10)
    if (!(processId > 0)) return undefined
    const isOurs =
      process.platform === "linux"
        ? readlinkSync(`/proc/${processId}/cwd`) === cluster
        : execFileSync("ps", ["-o", "command=", "-p", String(processId)], { encoding: "utf8" }).includes(cluster)
    return isOurs ? processId : undefined
  } catch {
    return undefined
  }
}

/** First the parent, so that it starts nothing anew, then its children. */
export const killServer = (cluster: string): void => {
  const postmaster = postmasterOn(cluster)
  if (postmaster === undefined) return
  const children = childrenOf(postmaster)
  for (const processId of [postmaster, ...children]) killHard(processId)
}

/** As `pg_ctl stop -m immediate` does: no checkpoint, recovery at the next start. */
export const stopImmediately = (cluster: string): void => {
  const postmaster = postmasterOn(cluster)
  if (postmaster !== undefined) process.kill(postmaster, "SIGQUIT")
}
