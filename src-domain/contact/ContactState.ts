/**
 * A contact as its turns see it: who it is, the lots of its wallet, the dates on which it interacted, the communities it
 * belongs to. Bounded: emptied lots, used tokens and ended memberships leave it; history stays in the journal.
 */
import * as Schema from "effect/Schema"
import { Personal } from "../shared/Personal.ts"
import { Lot } from "../wallet/Lot.ts"
import { OpenActivity } from "./Activity.ts"
import { CountedSend, PendingCommunication } from "./Communication.ts"
import { ConsentState } from "./Consent.ts"
import { Device } from "./Device.ts"
import { ContactToken } from "./ContactToken.ts"
import { ExpiredLot } from "./ExpiredLots.ts"
import { emptyLog, InteractionLog, InteractionState } from "./Interaction.ts"
import { Membership } from "./Membership.ts"
import { Identity, Profile } from "./Profile.ts"

export const ContactState = Schema.Struct({
  /** Empty until registered. */
  id: Schema.String,
  type: Schema.Literals(["PERSON", "COMPANY"]),
  countryOfAgreement: Schema.String,
  languageCode: Schema.String,
  currency: Schema.String,
  /** Where she lives: her clock says when it is quiet, and on which day she is remembered. */
  timeZone: Schema.String,
  /** INT-4: that of the business; the dates of `interactions` are taken in it, wherever she moves. */
  businessTimeZone: Schema.String,
  emailOptOut: Schema.Boolean,
  smsOptOut: Schema.Boolean,
  profile: Personal(Profile),
  identity: Personal(Identity),
  registeredAt: Schema.Int,
  lots: Schema.Array(Lot),
  expiredLots: Schema.Array(ExpiredLot),
  interactions: InteractionLog,
  interactionState: InteractionState,
  memberships: Schema.Array(Membership),
  tokens: Personal(Schema.Array(ContactToken)),
  dynamicCode: Schema.optionalKey(Personal(Schema.Struct({ value: Schema.String, expiresAt: Schema.Int }))),
  activePoolIds: Schema.Array(Schema.String),
  spendBlocked: Schema.Boolean,
  tags: Schema.Array(Schema.String),
  /** CON-1. */
  consent: ConsentState,
  openActivities: Schema.Array(OpenActivity),
  /** Messages that have not come to their end. */
  communications: Schema.Array(PendingCommunication),
  countedSends: Schema.Array(CountedSend),
  devices: Personal(Schema.Array(Device)),
  /** When the armed timers fire, epoch milliseconds; one in the past has fired or is about to. */
  timers: Schema.Struct({
    interaction: Schema.optionalKey(Schema.Int),
    expiry: Schema.optionalKey(Schema.Int)
  })
})
export type ContactState = typeof ContactState.Type

export const initial: ContactState = {
  id: "",
  type: "PERSON",
  countryOfAgreement: "",
  languageCode: "",
  currency: "",
  timeZone: "",
  businessTimeZone: "",
  emailOptOut: false,
  smsOptOut: false,
  profile: {},
  identity: { code: "", referralCode: "", walletCode: "", loyaltyIdentifiers: [], cards: [], giftPasses: [] },
  registeredAt: 0,
  lots: [],
  expiredLots: [],
  interactions: emptyLog,
  interactionState: "NEVER_ENGAGED",
  memberships: [],
  tokens: [],
  activePoolIds: [],
  spendBlocked: false,
  tags: [],
  consent: "PENDING",
  openActivities: [],
  communications: [],
  countedSends: [],
  devices: [],
  timers: {}
}
