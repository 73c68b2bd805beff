/** The groups that a runner holds in memory: made when they are first asked for, let go when they were idle for long. */
import { Group } from "./Group.ts"
import type { Host } from "./Host.ts"

/** Groups kept in memory; beyond it the least recently used idle ones leave. */
const residentGroupsMax = 100_000
/** A group idle for longer leaves memory. */
const idleTimeoutMs = 5 * 60_000

export class Groups {
  readonly #host: Host
  readonly #byBusiness = new Map<string, Map<string, Group>>()
  #size = 0

  constructor(host: Host) {
    this.#host = host
  }

  get size(): number {
    return this.#size
  }

  /** The group if it is in memory. */
  peek(business: string, key: string): Group | undefined {
    return this.#byBusiness.get(business)?.get(key)
  }

  of(business: string, key: string): Group {
    const known = this.peek(business, key)
    if (known !== undefined) return known
    const group = new Group(this.#host, business, key)
    let siblings = this.#byBusiness.get(business)
    if (siblings === undefined) {
      siblings = new Map()
      this.#byBusiness.set(business, siblings)
    }
    siblings.set(key, group)
    this.#size += 1
    return group
  }

  /** Turns away all who wait at the groups of the shards, which are another runner's from now on. */
  surrender(shards: ReadonlySet<number>): void {
    for (const siblings of this.#byBusiness.values()) {
      for (const [key, group] of siblings) {
        if (!shards.has(group.shard)) continue
        siblings.delete(key)
        this.#size -= 1
        group.surrender()
      }
    }
  }

  /** Lets go of those that were idle for long, or that are too many; `leaving` is told of each before it goes. */
  passivate(now: number, leaving: (group: Group) => void): void {
    let surplus = Math.max(0, this.#size - residentGroupsMax)
    for (const siblings of this.#byBusiness.values()) {
      for (const [key, group] of siblings) {
        if (!group.isIdle || (now - group.usedAt < idleTimeoutMs && surplus <= 0)) continue
        surplus -= 1
        leaving(group)
        siblings.delete(key)
        this.#size -= 1
      }
    }
  }
}
