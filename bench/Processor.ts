/**
 * CPU seconds and memory of processes, from `/proc`. On systems without it there is nothing to tell, and the report says
 * so. Of PostgreSQL it is the postmaster, all its children, and those that have ended.
 */
import { readdirSync, readFileSync } from "node:fs"

/** Kernel ticks a second; 100 on every Linux that Node runs on. */
const ticksPerSecond = 100

interface Stat {
  readonly parent: number
  readonly ownSeconds: number
  /** Of children that have ended and were waited for. */
  readonly endedSeconds: number
}

const statOf = (processId: number): Stat | undefined => {
  try {
    const text = readFileSync(`/proc/${processId}/stat`, "latin1")
    // The name in parentheses may hold spaces: what is counted stands after it, from the third field on.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
    const seconds = (first: number): number => (Number(fields[first]) + Number(fields[first + 1])) / ticksPerSecond
    return { parent: Number(fields[1]), ownSeconds: seconds(11), endedSeconds: seconds(13) }
  } catch {
    return undefined
  }
}

export const processSeconds = (processId: number): number | undefined => statOf(processId)?.ownSeconds

export const postgresSeconds = (postmaster: number): number | undefined => {
  const root = statOf(postmaster)
  if (root === undefined) return undefined
  let total = root.ownSeconds + root.endedSeconds
  for (const name of readdirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : undefined
    if (stat?.parent === postmaster) total += stat.ownSeconds
  }
  return total
}

/** What the process holds of the machine's memory, MiB. */
export const residentMebibytes = (processId: number): number | undefined => {
  try {
    const kibibytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${processId}/status`, "latin1"))?.[1]
    return kibibytes === undefined ? undefined : Math.round(Number(kibibytes) / 1024)
  } catch {
    return undefined
  }
}
