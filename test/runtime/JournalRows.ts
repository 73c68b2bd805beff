/** Rows for a journal: small, valid, and each its own unless a test says otherwise. */
import { randomUUID } from "node:crypto"
import type { ShardHold } from "#runtime/journal/Journal.ts"
import type { Batch, ClaimRow, CommandRow, EventRow, InboxRow, SnapshotRow, Unit } from "#runtime/journal/Unit.ts"

export const business = randomUUID()
export const otherBusiness = randomUUID()
const runner = randomUUID()

export const unit = (parts: Partial<Unit> = {}): Unit => ({
  business,
  key: randomUUID(),
  shard: 1,
  command: undefined,
  events: [],
  inbox: [],
  done: undefined,
  settles: [],
  takes: [],
  releases: [],
  dataKey: undefined,
  ...parts
})

/** At epoch 1, the first that a shard ever has. */
export const batch = (units: ReadonlyArray<Unit>, fence: Batch["fence"] = [[1, 1]]): Batch => ({
  id: randomUUID(),
  runner,
  at: 1_000,
  fence,
  units
})

export const fenceOf = (holds: ReadonlyArray<ShardHold>): Batch["fence"] =>
  holds.map((hold) => [hold.shard, hold.epoch] as const)

export const command = (parts: Partial<CommandRow> = {}): CommandRow => ({
  id: randomUUID(),
  business,
  key: randomUUID(),
  fingerprint: "fingerprint",
  outcome: '{"answer":{"_tag":"Done","id":"1"}}',
  at: 1_000,
  ...parts
})

export const event = (parts: Partial<EventRow> = {}): EventRow => ({
  business,
  key: randomUUID(),
  aggregate: 2,
  id: randomUUID(),
  seq: 1,
  shard: 1,
  offset: 1,
  type: "FundsCredited",
  version: 1,
  body: '{"amount":"12"}',
  checksum: 4_294_967_295,
  at: 1_000,
  ...parts
})

/** Events of one stream, in sequence and in shard order from the numbers given. */
export const events = (count: number, parts: Partial<EventRow> = {}): ReadonlyArray<EventRow> => {
  const first = event(parts)
  return Array.from({ length: count }, (_, index) => ({
    ...first,
    seq: first.seq + index,
    offset: first.offset + index,
    body: `{"number":"${first.seq + index}"}`
  }))
}

export const message = (parts: Partial<InboxRow> = {}): InboxRow => ({
  id: randomUUID(),
  business,
  key: randomUUID(),
  shard: 1,
  command: '{"_tag":"ReviewInteraction"}',
  deliverAt: 1_000,
  at: 0,
  ...parts
})

export const claim = (value: string, parts: Partial<ClaimRow> = {}): ClaimRow => ({
  scope: business,
  kind: "email",
  hash: Buffer.from(value.padEnd(32, ".")),
  business,
  holder: randomUUID(),
  ...parts
})

export const snapshot = (parts: Partial<SnapshotRow> = {}): SnapshotRow => ({
  business,
  aggregate: 2,
  id: randomUUID(),
  seq: 1,
  stateVersion: 1,
  body: '{"lots":[]}',
  checksum: 12,
  ...parts
})
