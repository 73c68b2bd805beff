/**
 * What a business that tells the world has standing: a webhook endpoint for everything, two live segments, automations on
 * events and on joins and leaves with every kind of action, one that holds changes, and a plan. Made through the back-office
 * door before anybody is there, so that all that ever happens is theirs. Beside each stands, in plain TypeScript, whom it is
 * for.
 */
import type { Population } from "../World.ts"

/** Minor units. */
const richFrom = 3_000
const poorBelow = 2_000
const purchasesLeast = 2
const debitsLeast = 8
const creditsLeast = 3
const distantMs = 30 * 24 * 60 * 60_000

/** Every fifth has no address for mail, every seventh wants no marketing. */
const noMailEvery = 5
const optedOutEvery = 7

export const population: Population = {
  detailsOf: (nth) => ({
    ...(nth % noMailEvery === 0 ? {} : { email: `contact.${nth}@chaos.example` }),
    ...(nth % optedOutEvery === 0 ? { email_opt_out: true } : {})
  }),
  weights: [
    ["credit", 24],
    ["debit", 22],
    ["purchase", 20],
    ["shared purchase", 14],
    ["cancel", 4],
    ["transfer", 6],
    ["award", 10],
    ["reversal", 3],
    ["registration", 10]
  ]
}

/** What has happened to one contact, counted from the journal alone. */
export interface Counted {
  balance: bigint
  credits: number
  debits: number
  purchases: number
}

interface Segment {
  readonly name: string
  readonly sets: ReadonlyArray<unknown>
  readonly describes: (contact: Counted) => boolean
}
const balance = (operator: string, cents: number) => ({
  type: "COMPARISON",
  field: "wallet.balance",
  operator,
  value: cents / 100
})
const count = (event: string, value: number) => ({ type: "COUNT", event, operator: "GREATER_OR_EQUAL", value })

export const segments = {
  rich: {
    name: "Rich",
    sets: [{ conditions: [balance("GREATER_OR_EQUAL", richFrom)] }],
    describes: (contact) => contact.balance >= BigInt(richFrom)
  },
  regular: {
    name: "Regulars",
    sets: [
      { conditions: [count("PurchasePaid", purchasesLeast), balance("LESS", poorBelow)] },
      { conditions: [count("FundsDebited", debitsLeast)] }
    ],
    describes: ({ balance, debits, purchases }) =>
      (purchases >= purchasesLeast && balance < BigInt(poorBelow)) || debits >= debitsLeast
  }
} satisfies Readonly<Record<string, Segment>>
export type SegmentName = keyof typeof segments

interface Automation {
  readonly name: string
  readonly trigger: string
  readonly segment?: SegmentName
  readonly filter?: ReadonlyArray<unknown>
  /** Of an event that sets it off, at its instant. */
  readonly holds?: (contact: Counted) => boolean
  /** Nothing behind an APPROVAL is done before somebody approves. */
  readonly actions: ReadonlyArray<"RECEIPT" | "OFFER" | "WEBHOOK" | "ACTIVITY" | "TAG" | "APPROVAL">
}

export const automations: ReadonlyArray<Automation> = [
  { name: "Receipt", trigger: "PURCHASE_POSTED", actions: ["RECEIPT", "WEBHOOK"] },
  { name: "Welcome", trigger: "CONTACT_REGISTERED", actions: ["OFFER"] },
  {
    name: "Keeps paying in",
    trigger: "WALLET_CREDITED",
    filter: [{ conditions: [count("FundsCredited", creditsLeast)] }],
    holds: ({ credits }) => credits >= creditsLeast,
    actions: ["WEBHOOK"]
  },
  { name: "Has become rich", trigger: "SEGMENT_JOINED", segment: "rich", actions: ["WEBHOOK", "OFFER"] },
  { name: "Has been given something", trigger: "AWARD_GIVEN", actions: ["ACTIVITY", "TAG", "WEBHOOK"] },
  { name: "Is asked about first", trigger: "AWARD_GIVEN", actions: ["APPROVAL", "ACTIVITY", "WEBHOOK"] },
  { name: "Regular no more", trigger: "SEGMENT_LEFT", segment: "regular", actions: ["WEBHOOK"] }
]

/** Whoever was given something bears it. */
export const awardedTag = "awarded"

/** The ids of what was made. */
export interface Standing {
  readonly endpoint: string
  readonly secret: string
  readonly segments: Readonly<Record<SegmentName, string>>
  /** In the order of `automations`. */
  readonly automations: ReadonlyArray<string>
  readonly plan: string
  /** Whose changes are asked for: all of them are held. */
  readonly changing: string
}

/** Asks the back office; throws unless it is done. */
export type Ask = (
  method: "GET" | "POST" | "PUT",
  path: string,
  body?: unknown
) => Promise<Readonly<Record<string, unknown>>>

const template = (name: string, purpose: "MANDATORY" | "MARKETING") => ({
  name,
  channel: "EMAIL",
  purpose,
  default_language: "ENG",
  variants: { ENG: { subject: `${name}: για #FIRST_NAME#`, text: "Γεια σου #FIRST_NAME# #LAST_NAME#." } },
  missing: { policy: "REJECT" }
})

const idOf = ({ id }: Readonly<Record<string, unknown>>): string => String(id)

export const establish = async (ask: Ask, hooks: string): Promise<Standing> => {
  const make = async (what: string, body: unknown) => ask("POST", `/backoffice/v2/${what}`, body)
  const endpoint = await make("webhooks", { name: "Till", url: hooks, events: "*" })
  const [receipt, offer] = [
    idOf(await make("templates", template("Receipt", "MANDATORY"))),
    idOf(await make("templates", template("Offer", "MARKETING")))
  ]
  const segment = async ({ name, sets }: Segment) =>
    idOf(await make("segments", { name, sets, refresh: { mode: "LIVE" } }))
  const made = { rich: await segment(segments.rich), regular: await segment(segments.regular) }
  const actionOf = (action: Automation["actions"][number]) => {
    if (action === "WEBHOOK") return { type: "WEBHOOK", endpoint_id: endpoint["id"] }
    if (action === "ACTIVITY")
      return { type: "ACTIVITY", activity_type: "CALL", subject: "Ask her", due_in_minutes: 60 }
    if (action === "TAG") return { type: "TAG", add: [awardedTag] }
    if (action === "APPROVAL") return { type: "APPROVAL", assignee: "desk" }
    return { type: "COMMUNICATION", template_id: action === "RECEIPT" ? receipt : offer, channel: "EMAIL" }
  }
  const running: Array<string> = []
  for (const { name, trigger, filter, segment: of, actions } of automations) {
    const body = {
      name,
      trigger,
      ...(filter !== undefined && { filter }),
      ...(of !== undefined && { segment_id: made[of] }),
      actions: actions.map(actionOf)
    }
    running.push(idOf(await make("automations", body)))
  }
  await make("automations", { name: "Changes wait", trigger: "PRIOR_TO_UPDATE", actions: [{ type: "HOLD" }] })
  const changing = await make("contacts", { type: "PERSON", first_name: "Eleni", last_name: "Georgiou" })
  // Its own time never comes: it is sent when the run says so.
  const at = Math.floor((Date.now() + distantMs) / 1_000)
  const plan = await make("plans", {
    name: "Campaign",
    template_id: offer,
    segment_ids: [made.rich, made.regular],
    schedule: { type: "ONCE", at }
  })
  return {
    endpoint: idOf(endpoint),
    secret: String(endpoint["secret"]),
    segments: made,
    automations: running,
    plan: idOf(plan),
    changing: idOf(changing)
  }
}
