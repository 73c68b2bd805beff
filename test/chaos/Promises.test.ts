/**
 * The judge of the kill loop is worth what it finds: one story in which all is well, and for each promise a version of
 * it in which that promise is broken.
 */
import { assert, describe, it } from "@effect/vitest"
import type { Event } from "#domain/Event.ts"
import { aggregateOf } from "#runtime/journal/Kinds.ts"
import { shardOf } from "#runtime/actor/Placement.ts"
import { Fold } from "./Fold.ts"
import { type Exchange, type Kind, note, type Record as OperationRecord } from "./Operation.ts"
import { Judge, noFindings } from "./Promises.ts"

const owner = "c0000000-0000-4000-8000-000000000001"
const member = "c0000000-0000-4000-8000-000000000002"
const purchaseId = "d0000000-0000-4000-8000-000000000001"
const at = 1_795_000_000_000

interface Step {
  readonly key: string
  /** Of the stream; the key's own unless it is said. */
  readonly id?: string
  readonly event: Event
}

const lot = { lotId: "lot", pocket: "BUSINESS", creditedAt: at } as const
const money = { currency: "EUR", counts: false, at } as const
const relation = { relationshipId: "r", memberId: member, at }
const draw = { drawId: "draw", purchaseId }
const shared = {
  drawId: "draw",
  ownerId: owner,
  amount: 300n,
  parts: [{ ...lot, amount: 300n }],
  month: "2026-11",
  drawnAt: at
}
const sharing = { isEnabled: true, method: "AUTO", maxAmount: 500n, poolIds: [] } as const

const creditedWith = (notes: string, lotId: string): Event => ({
  ...money,
  _tag: "FundsCredited",
  lotId,
  pocket: "BUSINESS",
  amount: 1_000n,
  reason: "MANUAL_JOURNAL",
  notes
})
const debitedBy = (amount: bigint, taken: bigint): Event => ({
  ...money,
  _tag: "FundsDebited",
  entryId: "debit",
  amount,
  parts: [{ ...lot, amount: taken }],
  reason: "MANUAL_JOURNAL",
  notes: "debit"
})
const opened: Event = {
  _tag: "PurchaseOpened",
  receipt: {
    purchaseId,
    code: "P",
    contactId: member,
    organisationId: "store",
    referenceNumber: "purchase",
    amounts: { net: 300n, tax: 0n, total: 300n },
    currency: "EUR",
    totalDefaultCurrency: 300n,
    defaultCurrency: "EUR",
    lines: [],
    date: at,
    fingerprint: ""
  },
  commandId: "command",
  drawId: "draw",
  ownerId: owner,
  requested: 300n,
  memberFirst: false,
  at
}
const invited: Event = {
  ...relation,
  _tag: "PersonInvited",
  ownerId: owner,
  terms: { isAdmin: false, permissions: [], walletSharing: sharing },
  state: "ACCEPTED"
}
const drawn = (amount: bigint): Event => ({
  ...money,
  ...draw,
  _tag: "FundsDebited",
  entryId: "draw/draw",
  amount,
  parts: [{ ...lot, amount }],
  reason: "WALLET_SHARING"
})
const drawCounted = (amount: bigint): Event => ({ ...relation, ...draw, _tag: "DrawCounted", amount, month: "2026-11" })
const paid: Event = { ...money, _tag: "PurchasePaid", purchaseId, organisationId: "store", total: 300n, shared }

const story: ReadonlyArray<Step> = [
  { key: owner, event: creditedWith("credit", "lot") },
  { key: owner, event: invited },
  { key: member, id: purchaseId, event: opened },
  { key: owner, event: drawn(300n) },
  { key: owner, event: drawCounted(300n) },
  { key: member, id: purchaseId, event: { _tag: "PurchasePosted", shared, at } },
  { key: member, event: paid },
  { key: owner, event: debitedBy(100n, 100n) }
]

const folded = (steps: ReadonlyArray<Step>): Fold => {
  const fold = new Fold()
  const seqs = new Map<string, number>()
  for (const { key, id = key, event } of steps) {
    const aggregate = aggregateOf(event).code
    const seq = (seqs.get(`${aggregate}/${id}`) ?? 0) + 1
    seqs.set(`${aggregate}/${id}`, seq)
    const shard = shardOf(key)
    const offset = fold.offsetOf(shard) + 1
    const row = { business: "b", key, aggregate, id, seq, shard, offset, type: event._tag, version: 1, body: "" }
    fold.take({ ...row, checksum: 0, at }, event)
  }
  return fold
}

const done: Exchange = { status: 201, body: "{}", replayed: false }
/** What the door answers, by the mark of what was asked. */
const replies: Readonly<Record<string, Exchange>> = {
  credit: { ...done, body: '{"id":"lot"}' },
  debit: { ...done, body: '{"id":"debit"}' },
  purchase: { ...done, body: JSON.stringify({ id: purchaseId, rewards: { spend: 3 } }) }
}
const doneOf = (mark: string): Exchange => replies[mark] ?? done
const refused: Exchange = { status: 400, body: "{}", replayed: false }

const record = (mark: string, kind: Kind, invokedAt: number, ...answers: ReadonlyArray<Exchange>): OperationRecord => {
  const operation = { mark, kind, path: "/", body: "" }
  const told: OperationRecord = {
    operation,
    round: 1,
    invokedAt,
    returnedAt: invokedAt,
    answer: undefined,
    acceptedAt: undefined,
    sent: 0,
    oddities: []
  }
  for (const answer of answers) note(told, answer)
  told.returnedAt = invokedAt + 1
  return told
}

const told: ReadonlyArray<OperationRecord> = [
  record("credit", "credit", 0, doneOf("credit"), { ...doneOf("credit"), replayed: true }),
  record("purchase", "shared purchase", 10, doneOf("purchase")),
  record("debit", "debit", 20, doneOf("debit"))
]
const nothingLeft = { due: 0, parked: 0, open: 0 }

const broken = (
  steps: ReadonlyArray<Step>,
  records: ReadonlyArray<OperationRecord> = told,
  backlog = nothingLeft
): ReadonlyArray<string> => {
  const findings = noFindings()
  new Judge(findings, 1).judge(records, folded(steps), backlog)
  return [...new Set(findings.found.map(({ promise }) => promise))].toSorted()
}

const replaced = (tag: Event["_tag"], event: Event, place = 0): ReadonlyArray<Step> => {
  const index = story.flatMap((step, index) => (step.event._tag === tag ? [index] : []))[place] ?? -1
  return story.with(index, { ...(story[index] as Step), event })
}
const without = (...tags: ReadonlyArray<Event["_tag"]>) => story.filter(({ event }) => !tags.includes(event._tag))
const again = (mark: string, ...answers: ReadonlyArray<Exchange>) =>
  told.map((one) => (one.operation.mark === mark ? record(mark, one.operation.kind, one.invokedAt, ...answers) : one))

describe("the judge", () => {
  it("finds nothing where nothing is wrong", () => {
    assert.deepStrictEqual(broken(story), [])
  })

  it("P1: finds an answered operation that left no trace, an answer that changed, one that never came", () => {
    assert.deepStrictEqual(broken(story.slice(0, -1)), ["P1"])
    assert.deepStrictEqual(broken(story, again("credit", doneOf("credit"), { ...done, body: '{"id":1}' })), ["P1"])
    assert.deepStrictEqual(broken(story, again("credit")), ["P1"])
  })

  it("P1: finds an answer that names something else than the journal, and a purchase that was answered with another price", () => {
    assert.deepStrictEqual(broken(story, again("credit", { ...done, body: '{"id":"another lot"}' })), ["P1"])
    const dearer = { ...done, body: JSON.stringify({ id: purchaseId, rewards: { spend: 3.01 } }) }
    assert.deepStrictEqual(broken(story, again("purchase", dearer)), ["P1"])
    assert.deepStrictEqual(broken(story, again("debit", { ...done, body: "no JSON" })), ["P1"])
  })

  it("P2: finds an operation of unknown fate that took effect twice, and lets one or none pass", () => {
    const lost = again("credit")
    const effects = (steps: ReadonlyArray<Step>) => folded(steps).effectsOf("credit").count
    assert.deepStrictEqual(broken(story, lost), ["P1"], "nobody was ever answered")
    assert.deepStrictEqual([effects(story), effects(story.slice(1))], [1, 0])
    const twice = [...story, { key: owner, event: creditedWith("credit", "lot 2") }]
    assert.deepStrictEqual(broken(twice, lost), ["P1", "P2"])
  })

  it("P2: finds what took effect twice, and what took effect though it was refused", () => {
    assert.deepStrictEqual(broken([...story, { key: owner, event: creditedWith("credit", "lot 2") }]), ["P2", "P6"])
    assert.deepStrictEqual(broken(story, again("credit", refused)), ["P2"])
  })

  it("P3: finds a wallet below zero, a month above its limit, and a gap in the journal", () => {
    assert.include(broken(replaced("FundsDebited", debitedBy(800n, 800n), 1)), "P3")
    assert.include(broken(replaced("DrawCounted", drawCounted(501n))), "P3")
    const fold = folded(story)
    const rows = { business: "b", key: owner, aggregate: 2, id: owner, seq: 9, shard: shardOf(owner), offset: 99 }
    fold.take({ ...rows, type: "", version: 1, body: "", checksum: 0, at }, creditedWith("late", "lot 3"))
    const findings = noFindings()
    new Judge(findings, 1).judge([], fold, nothingLeft)
    assert.deepStrictEqual(
      findings.found.map(({ promise }) => promise),
      ["P3", "P3"]
    )
  })

  it("P4: finds money that an entry names and no wallet lost", () => {
    assert.deepStrictEqual(broken(replaced("FundsDebited", debitedBy(100n, 99n), 1)), ["P4"])
  })

  it("P6: finds what stands before something that was answered before it began", () => {
    const late = [record("debit", "debit", 0, doneOf("debit")), record("credit", "credit", 50, doneOf("credit"))]
    assert.deepStrictEqual(broken(story, [...late, ...again("purchase", doneOf("purchase")).slice(1, 2)]), ["P6"])
  })

  it("P8: finds messages and commands that are left over", () => {
    for (const left of [{ due: 1 }, { parked: 1 }, { open: 1 }]) {
      assert.deepStrictEqual(broken(story, told, { ...nothingLeft, ...left }), ["P8"])
    }
  })

  it("P8: finds a transfer that overtook another on the same way", () => {
    const sent = (id: string): Step => ({
      key: owner,
      event: { ...debitedBy(10n, 10n), entryId: id, reason: "TRANSFER", transferId: id, notes: id } as Event
    })
    const arrived = (id: string): Step => ({
      key: member,
      event: { ...creditedWith("", id), amount: 10n, reason: "TRANSFER", transferId: id } as Event
    })
    const inOrder = [...story, sent("first"), sent("second"), arrived("first"), arrived("second")]
    assert.deepStrictEqual(broken(inOrder), [])
    assert.deepStrictEqual(broken([...story, sent("first"), sent("second"), arrived("second"), arrived("first")]), [
      "P8"
    ])
  })

  it("P8: finds what was accepted first and done last", () => {
    const accepted = (mark: string, invokedAt: number) => {
      const told = record(mark, "credit", invokedAt, { ...done, body: JSON.stringify({ id: `${mark}-lot` }) })
      told.acceptedAt = invokedAt + 1
      told.returnedAt = 1_000
      return told
    }
    const step = (mark: string): Step => ({ key: owner, event: creditedWith(mark, `${mark}-lot`) })
    const records = [accepted("one", 100), accepted("two", 110)]
    assert.deepStrictEqual(broken([...story, step("one"), step("two")], records), [])
    assert.deepStrictEqual(broken([...story, step("two"), step("one")], records), ["P8"])
  })

  it("P16: finds a month that was opened twice, because the clock was set back over its beginning", () => {
    const counted = (drawId: string, month: string, amount: bigint): Step => ({
      key: owner,
      event: { ...relation, _tag: "DrawCounted", drawId, purchaseId, amount, month }
    })
    const drawnAs = (drawId: string, amount: bigint): Step => ({
      key: owner,
      event: { ...drawn(amount), drawId, entryId: drawId } as Event
    })
    const twice = [
      ...story.slice(0, -1),
      drawnAs("december", 100n),
      counted("december", "2026-12", 100n),
      drawnAs("again", 300n),
      counted("again", "2026-11", 300n)
    ]
    assert.include(broken(twice), "P16")
  })

  it("keeps what it is told of one cause short", () => {
    const findings = noFindings()
    const judge = new Judge(findings, 1)
    for (let count = 0; count < 1_000; count++) judge.expect("P7", `finding ${count}`)
    assert.deepStrictEqual([findings.checked.get("P7"), findings.found.length], [1_000, 20])
  })

  it("P10: finds a purchase that is still open, and a draw that was refused and not given back", () => {
    assert.include(broken(without("PurchasePosted", "PurchasePaid")), "P10")
    const refusal: Event = { _tag: "PurchaseRefused", reason: "InsufficientFunds", at }
    const kept = replaced("PurchasePosted", refusal).filter(({ event }) => event._tag !== "PurchasePaid")
    assert.deepStrictEqual(broken(kept, again("purchase", refused)), ["P10"])
  })
})
