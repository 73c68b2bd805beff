/** What an owner has given her community, as facts: made anew for what can be asked about, and for nothing else. */
import { assert, it } from "@effect/vitest"
import { type CommunityState, initial as nobody, type Relation } from "#domain/community/CommunityState.ts"
import { initial } from "#domain/contact/ContactState.ts"
import { profileDocument } from "#domain/segment/Facts.ts"

const relation = (number: number): Relation => ({
  relationshipId: `relation-${number}`,
  memberId: `member-${number}`,
  state: "ACCEPTED",
  terms: {
    isAdmin: false,
    permissions: [],
    walletSharing: { isEnabled: true, method: "AUTO", maxAmount: 5_000n, poolIds: [] }
  },
  invitedAt: 1,
  used: { month: "2026-11", amount: 0n }
})
const of = (community: CommunityState) => profileDocument({ id: "shop" }, { ...initial, id: "maria" }, community)

const before: CommunityState = { ...nobody, relations: [relation(1), relation(2)] }
const withFirst = (changes: Partial<Relation>): CommunityState => ({
  ...before,
  relations: before.relations.map((each, index) => (index === 0 ? { ...each, ...changes } : each))
})

it("SHR-2: a draw, which no fact is about, leaves a thousand people as they are", () => {
  const drawn = withFirst({ used: { month: "2026-11", amount: 100n } })
  assert.strictEqual(of(drawn)["people"], of(before)["people"])
})

it("SHR-1: a state, an end or terms that change are seen, also behind a draw and back again", () => {
  const rejected = withFirst({ state: "REJECTED", used: { month: "2026-11", amount: 100n } })
  assert.deepInclude(of(rejected), { people_count: { pending: 0, accepted: 1, rejected: 1 } })
  assert.deepInclude(of(before), { people_count: { pending: 0, accepted: 2, rejected: 0 } })
  const terms = { ...relation(1).terms, isAdmin: true }
  for (const changed of [withFirst({ expiresAt: 9 }), withFirst({ terms }), { ...before, relations: [relation(1)] }]) {
    assert.notDeepEqual(of(changed)["people"], of(before)["people"])
  }
  assert.deepStrictEqual(of(nobody)["people"], [])
})
