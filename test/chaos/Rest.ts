/** Waits until nothing is under way any more: no message is due and no command open; or for too long, and tells what is left. */
import { setTimeout as pause } from "node:timers/promises"
import { type Backlog, backlog } from "./Audit.ts"
import type { Target } from "./Target.ts"

const restTimeoutMs = 120_000
const restPollMs = 50

export const awaitRest = async (target: Target): Promise<Backlog> => {
  const deadline = performance.now() + restTimeoutMs
  while (true) {
    const left = await backlog(target).catch((): Backlog => ({ due: 1, parked: 0, open: 1 }))
    if ((left.due === 0 && left.open === 0) || performance.now() > deadline) return left
    await pause(restPollMs)
  }
}
