import { assert, describe, it } from "@effect/vitest"
import type { Pool } from "#domain/organisation/Business.ts"
import { business } from "#domain/organisation/BusinessAggregate.ts"
import type { OpenBusiness } from "#domain/organisation/BusinessCommand.ts"
import { businessDecider } from "#domain/organisation/BusinessDecider.ts"
import type { BusinessEvent } from "#domain/organisation/BusinessEvent.ts"
import { noon, scenario } from "../../support/Given.ts"

const { given } = scenario(businessDecider, { business })

const settings = { sharingOrder: "OWNER_FIRST", walletCodeMode: "STATIC" } as const
const facts = {
  businessId: "bakery",
  name: "Zygos Bakeries",
  serviceOwnerId: "koinon",
  serviceOwnerName: "Koinon",
  currency: "EUR",
  country: "CYP",
  timeZone: "Europe/Nicosia",
  settings
} as const
const open = (rest: Partial<typeof OpenBusiness.Type> = {}): typeof OpenBusiness.Type => ({
  _tag: "OpenBusiness",
  ...facts,
  apiKeys: [],
  organisations: [],
  ...rest
})
const opened: BusinessEvent = { _tag: "BusinessOpened", ...facts, at: noon }
const north = { id: "north", type: "MERCHANT", name: "Zygos North", parentId: "bakery" } as const
const ledra = { id: "ledra", type: "VENUE", name: "Ledra Street", parentId: "north" } as const
const key = { id: "k1", hash: "00ff", kind: "SECRET", serviceOwner: false } as const
const added = (organisation: typeof north | typeof ledra): BusinessEvent => ({
  _tag: "OrganisationAdded",
  organisation,
  at: noon
})
const history = [opened, added(north), added(ledra)] as const
const pool = (rest: Partial<Pool> = {}): Pool => ({
  id: "coffee",
  name: "Coffee",
  organisationIds: [],
  skus: [],
  timings: [],
  needsActivation: false,
  ...rest
})

describe("a business", () => {
  it("opens below its service owner, with its merchants, venues and keys", () => {
    given()
      .when(open({ organisations: [{ id: "north", type: "MERCHANT", name: "Zygos North" }, ledra], apiKeys: [key] }))
      .journals(...history, { _tag: "ApiKeyIssued", key, at: noon })
      .answers({ _tag: "Done", id: "bakery" })
      .leaves(({ business }) => {
        assert.deepStrictEqual(Object.keys(business.organisations), ["koinon", "bakery", "north", "ledra"])
        assert.strictEqual(business.organisations["bakery"]?.parentId, "koinon")
        assert.deepStrictEqual(business.apiKeys, [key])
      })
  })

  it("opens once, and before everything else", () => {
    given(opened).when(open()).refuses({ _tag: "AlreadyExists", kind: "business", id: "bakery" })
    given().when({ _tag: "CreatePool", pool: pool() }).refusesTag("OrganisationNotFound")
  })

  it.each([
    ["time_zone", { timeZone: "Mars/Olympus" }],
    ["currency_code", { currency: "euro" }],
    ["country", { country: "CY" }],
    ["name", { name: " " }],
    ["id", { businessId: "koinon" }],
    ["parent_id", { organisations: [{ ...ledra, parentId: "bakery" }] }]
  ] as const)("does not open with a wrong %s", (field, rest) => {
    const { judgement } = given().when(open(rest))
    assert.deepInclude((judgement as { failure?: unknown }).failure, { _tag: "InvalidOrganisation", field })
  })

  it("does not open with two organisations of one id", () => {
    given()
      .when(open({ organisations: [north, north] }))
      .refuses({ _tag: "AlreadyExists", kind: "organisation", id: "north" })
  })
})

describe("an organisation", () => {
  const add = (organisation: object) =>
    ({ _tag: "AddOrganisation", organisation: { ...ledra, ...organisation } }) as const

  it("is added below its parent, and again without effect", () => {
    given(opened, added(north)).when(add({})).journals(added(ledra)).answers({ _tag: "Done", id: "ledra" })
    given(...history)
      .when(add({}))
      .journals()
      .answers({ _tag: "Done", id: "ledra" })
  })

  it("keeps its id to itself", () => {
    given(...history)
      .when(add({ name: "Other" }))
      .refuses({ _tag: "AlreadyExists", kind: "organisation", id: "ledra" })
  })

  it.each([
    ["a parent that is none", { id: "new", parentId: "unheard" }, "OrganisationNotFound"],
    ["a venue for a parent", { id: "new", parentId: "ledra" }, "InvalidOrganisation"],
    ["the rank of a business", { id: "new", type: "BUSINESS" }, "InvalidOrganisation"],
    ["no name", { id: "new", name: "" }, "InvalidOrganisation"],
    ["an unknown zone", { id: "new", timeZone: "Mars/Olympus" }, "InvalidOrganisation"]
  ] as const)("is refused with %s", (_, organisation, tag) => {
    given(...history)
      .when(add(organisation))
      .refusesTag(tag)
  })
})

describe("a pool", () => {
  const create = (rest: Partial<Pool> = {}) => ({ _tag: "CreatePool", pool: pool(rest) }) as const

  it("WAL-3: is created with its conditions, and again without effect", () => {
    const conditions = { organisationIds: ["north"], skus: ["coffee"], timings: [{ day: 1, startTime: "08:00" }] }
    given(...history)
      .when(create(conditions))
      .journals({ _tag: "PoolCreated", pool: pool(conditions), at: noon })
      .answers({ _tag: "Done", id: "coffee" })
      .leaves(({ business }) => assert.property(business.pools, "coffee"))
    given(...history)
      .after(create(conditions))
      .when(create(conditions))
      .journals()
    given(...history)
      .after(create())
      .when(create(conditions))
      .refuses({ _tag: "AlreadyExists", kind: "commerce_pool", id: "coffee" })
  })

  it.each([
    ["timings.day", { timings: [{ day: 8 }] }],
    ["timings.month", { timings: [{ month: 0 }] }],
    ["timings.start_time", { timings: [{ startTime: "8:00" }] }],
    ["timings.end_time", { timings: [{ endTime: "24:00" }] }],
    ["validity_days", { validityDays: -1 }],
    ["skus", { skus: [""] }],
    ["name", { name: "" }]
  ] as const)("WAL-3: is refused with a wrong %s", (field, rest) => {
    const { judgement } = given(...history).when(create(rest))
    assert.deepInclude((judgement as { failure?: unknown }).failure, { _tag: "InvalidOrganisation", field })
  })

  it("WAL-3: is for organisations of this business", () => {
    given(...history)
      .when(create({ organisationIds: ["elsewhere"] }))
      .refuses({ _tag: "OrganisationNotFound", id: "elsewhere" })
  })
})

describe("reference data", () => {
  it("PUR-3: has one rate for a currency, the one posted last", () => {
    const post = (currency: string, rate: string) => ({ _tag: "PostExchangeRate", currency, rate }) as const
    const posted = given(opened).after(post("USD", "0.9"))
    posted.when(post("USD", "0.9")).journals().answers({ _tag: "Done", id: "USD" })
    posted
      .when(post("USD", "0.91"))
      .leaves(({ business }) => assert.deepStrictEqual(business.exchangeRates, { USD: "0.91" }))
    for (const [currency, rate] of [
      ["EUR", "1"],
      ["usd", "1"],
      ["USD", "0"],
      ["USD", "0.0"],
      ["USD", "1e3"]
    ] as const) {
      posted.when(post(currency, rate)).refusesTag("InvalidOrganisation")
    }
  })

  it("SHR-5, IDN-2: is set for sharing order and wallet codes", () => {
    const change = { _tag: "ChangeBusinessSettings", settings: { ...settings, sharingOrder: "MEMBER_FIRST" } } as const
    given(opened).when(change).journals({ _tag: "BusinessSettingsChanged", settings: change.settings, at: noon })
    given(opened).after(change).when(change).journals()
  })

  it("knows a key by its hash, under an id that is used once", () => {
    const issue = { _tag: "IssueApiKey", key } as const
    given(opened).when(issue).journals({ _tag: "ApiKeyIssued", key, at: noon })
    given(opened).after(issue).when(issue).journals()
    given(opened)
      .after(issue)
      .when({ ...issue, key: { ...key, hash: "beef" } })
      .refuses({ _tag: "AlreadyExists", kind: "api_key", id: "k1" })
  })

  it("is judged on the business of the placement key", () => {
    assert.deepStrictEqual(businessDecider.needs(open(), "bakery"), { business: "bakery" })
  })
})
