/**
 * One step for each self-service operation that Koinon serves: whom to ask about, with whose token, the body that
 * must be taken, and what was written that must be read again. Everything else about an operation is read from its
 * description. An operation that begins to be served gets a step here; the tool says so if it has none.
 */
import {
  type Arrangement,
  at,
  entry,
  family,
  firstOf,
  held,
  invited,
  memberReads,
  membershipUpdated,
  messaged,
  messageReads,
  firstMessage,
  purchased,
  purchaseReads,
  tagged,
  tokened,
  transferred,
  updated,
  walletOf
} from "./Arrangements.ts"
import { country, group, monthlyMax, type World } from "./World.ts"

export interface Step {
  /** `about` is the field or parameter in question, for one that only makes sense of a certain contact. */
  readonly arrange: (world: World, about: string) => Promise<Arrangement>
  /** Fields, or `field=value`, that name what no served operation can make yet. */
  readonly unserved?: ReadonlyArray<string>
  /** The path names a thing of the whole business, so that every contact may ask about it. */
  readonly everybodys?: boolean
  /** May not be served at all: then it counts neither way. */
  readonly optional?: boolean
}

/** MANUAL sharing waits for approvals of draws (SHR-10). */
const personUnserved = ["/relation_id", "/devices", "/usage_allowance", "/wallet_sharing/method=MANUAL"]

/** What a browser gives for a token; as good as any for an app. */
const subscription = JSON.stringify({
  endpoint: "https://fcm.googleapis.com/fcm/send/conformance",
  keys: { p256dh: "B".repeat(87), auth: "A".repeat(22) }
})

export const steps: Readonly<Record<string, Step>> = {
  "GET /contacts/{id}": {
    arrange: async (world) => {
      const contact = await world.once("contact", () => world.contact())
      return {
        path: { id: contact.id },
        token: contact.token,
        reads: {
          "/id": contact.id,
          "/code": contact.code,
          "/type": "PERSON",
          "/first_name": contact.firstName,
          "/last_name": contact.lastName,
          "/email": contact.email,
          "/phone/type": "MOBILE",
          "/phone/country_code": country,
          "/phone/number": contact.phone,
          "/referral_code": contact.referralCode,
          "/wallet/id": contact.walletId,
          "/wallet/code": contact.walletCode
        }
      }
    }
  },
  "PUT /contacts/{id}": {
    arrange: updated,
    unserved: ["/company_profile/industry_id", "/company_profile/sub_industries"]
  },
  "POST /contacts/refresh": {
    arrange: async (world) => {
      const contact = await world.once("contact", () => world.contact())
      return {
        path: {},
        token: contact.refreshToken,
        reads: { "/access_token": undefined, "/refresh_token": undefined, "/contact/id": contact.id }
      }
    },
    everybodys: true
  },
  "GET /contacts/{id}/people": {
    arrange: async (world) => {
      const membership = await family(world)
      const { owner } = membership
      return {
        path: { id: owner.id },
        token: owner.token,
        given: { "?group": group },
        reads: firstOf(memberReads(membership))
      }
    }
  },
  "POST /contacts/{id}/people": { arrange: invited, unserved: personUnserved },
  "GET /contacts/{id}/people/{relationship_id}": {
    arrange: async (world) => {
      const membership = await family(world)
      const { owner, relationshipId } = membership
      return {
        path: { id: owner.id, relationship_id: relationshipId },
        token: owner.token,
        reads: memberReads(membership)
      }
    }
  },
  "PUT /contacts/{id}/people/{relationship_id}": {
    arrange: membershipUpdated,
    unserved: [...personUnserved, "/termed_transfer"]
  },
  "DELETE /contacts/{id}/people/{relationship_id}": {
    arrange: async (world) => {
      const { owner, relationshipId } = await world.membership()
      return { path: { id: owner.id, relationship_id: relationshipId }, token: owner.token }
    }
  },
  "POST /contacts/{id}/people/{relationship_id}/actions": {
    arrange: async (world) => {
      const { member, relationshipId } = await world.invitation()
      const path = { id: member.id, relationship_id: relationshipId }
      return { path, token: member.token, body: { action: "ACCEPT" }, reads: { "/id": undefined } }
    }
  },
  "GET /contacts/{id}/communities": {
    arrange: async (world) => {
      const { owner, member } = await family(world)
      return {
        path: { id: member.id },
        token: member.token,
        reads: firstOf({
          "/community_owner/id": owner.id,
          "/community_owner/first_name": owner.firstName,
          "/community_owner/wallet/id": owner.walletId,
          "/state": "ACCEPTED",
          "/group": group,
          "/wallet_sharing/is_enabled": true,
          "/wallet_sharing/method": "AUTO",
          "/wallet_sharing/max_amount": monthlyMax
        })
      }
    }
  },
  "DELETE /contacts/{id}/communities/{community_owner_id}": {
    arrange: async (world) => {
      const { owner, member } = await world.membership()
      return { path: { id: member.id, community_owner_id: owner.id }, token: member.token }
    }
  },
  "GET /contacts/{id}/tokens": {
    arrange: async (world) => {
      const member = await tokened(world)
      const { owner } = await family(world)
      return {
        path: { id: member.id },
        token: member.token,
        given: { "?community_id": owner.id },
        reads: at("/content/0", { "/id": undefined, "/value": undefined, "/expiration": undefined, "/intent": "SPEND" })
      }
    }
  },
  "POST /contacts/{id}/tokens": {
    arrange: async (world) => {
      const { owner, member } = await world.membership()
      return {
        path: { id: member.id },
        token: member.token,
        body: { intent: "SPEND" },
        given: { "/spend_amount": 5, "/community_id": owner.id },
        reads: { "/id": undefined, "/value": undefined, "/alternative_token": undefined, "/expiration": undefined }
      }
    },
    unserved: ["/purchase", "/intent=APPROVE_PURCHASE", "/intent=REJECT_PURCHASE"]
  },
  "GET /wallets/{id}": {
    arrange: (world) =>
      walletOf(world, (member) => ({
        "/id": member.walletId,
        "/code": undefined,
        "/balances/0/type": "BUSINESS",
        "/balances/0/currency_code": undefined,
        "/total_balance": undefined,
        "/total_open": undefined,
        "/total_commerce": undefined
      }))
  },
  "GET /wallets/{id}/code": { arrange: (world) => walletOf(world, () => ({ "/code": undefined })) },
  "GET /wallets/{id}/commerce_balances": {
    arrange: (world) =>
      walletOf(world, (_member, poolId) =>
        at("/content/0", { "/id": poolId, "/name": undefined, "/amount": undefined, "/currency_code": undefined })
      )
  },
  "PUT /commerce_pools/{id}/actions": {
    arrange: async (world) => {
      const member = await world.contact()
      const poolId = await world.activatablePool()
      return { path: { id: poolId }, token: member.token, body: { action: "ACTIVATE" }, reads: { "/id": poolId } }
    },
    everybodys: true
  },
  "GET /wallets/{id}/journals": { arrange: (world) => walletOf(world, () => at("/content/0", entry)) },
  "GET /wallets/{id}/transactions": {
    // The owner's, because only hers shows what a member took.
    arrange: async (world) => {
      await purchased(world)
      const { owner, member } = await family(world)
      return {
        path: { id: owner.walletId },
        token: owner.token,
        given: { "?community_member_id": member.id },
        reads: at("/content/0", entry)
      }
    }
  },
  "GET /contacts/{id}/purchases": {
    arrange: async (world) => {
      const { member } = await purchased(world)
      return { path: { id: member.id }, token: member.token, reads: firstOf(await purchaseReads(world)) }
    }
  },
  "GET /purchases/{id}": {
    arrange: async (world) => {
      const { member, purchase } = await purchased(world)
      return {
        path: { id: purchase.id },
        token: member.token,
        reads: { ...(await purchaseReads(world)), "/contact/id": member.id, "/products/0/product_sku/sku": "COF-5541" }
      }
    }
  },
  "GET /purchases/{id}/rewards": {
    arrange: async (world) => {
      const { member, purchase } = await purchased(world)
      return {
        path: { id: purchase.id },
        token: member.token,
        reads: at("/content/0", { "/type": "SPEND", "/amount": undefined })
      }
    },
    optional: true
  },
  "GET /contacts/{id}/analytics": {
    arrange: async (world) => {
      const { member } = await purchased(world)
      return {
        path: { id: member.id },
        token: member.token,
        query: {
          frequency: "LAST_QUARTER",
          metrics: "ORDER_TOTALS,WALLET_TOTALS,AWARDS_PER_MONTH,REDEEMS_PER_MONTH"
        },
        reads: {
          "/total_orders": 1,
          "/wallet_totals/total_spent": 5,
          "/wallet_totals/total_top_ups": 37,
          "/wallet_totals/total_sent": 0,
          // Drawn from the owner's wallet: Received is TRANSFER and WALLET_SHARING.
          "/wallet_totals/total_received": 5,
          "/awards_per_month/0/timestamp": undefined
        }
      }
    }
  },
  "GET /communications/{id}": {
    arrange: async (world) => {
      const { contact, id } = await messaged(world)
      return { path: { id }, token: contact.token, reads: messageReads(contact, id) }
    },
    unserved: ["/subtitle", "/message_type"]
  },
  "GET /contacts/{id}/communications": {
    arrange: async (world) => {
      const { contact, id } = await messaged(world)
      const given = { "?channel": "EMAIL", "?order": "ASC", "?created_on": 1_700_000_000 }
      return { path: { id: contact.id }, token: contact.token, given, reads: firstMessage(contact, id) }
    },
    unserved: ["/content/0/subtitle", "/content/0/message_type"]
  },
  "PUT /communications/{id}/actions": {
    arrange: async (world) => {
      const { contact, id } = await world.message()
      const body = { viewed: true, archived: true }
      return { path: { id }, token: contact.token, body, given: { "/id": id }, reads: { "/id": id } }
    }
  },
  "POST /printout": {
    arrange: async (world) => {
      const { member, purchase } = await purchased(world)
      const entity = { type: "ORDERS", id: purchase.id }
      const body = { entity, format: "WEB_VIEW" }
      const given = { "/entity": entity, "/entity/id": purchase.id }
      return { path: {}, token: member.token, body, given, reads: { "/id": undefined } }
    },
    // Purchases and credits of wallets alone can be printed out; a credit has an id of its own.
    unserved: [
      ...[
        "INVOICE",
        "PAYMENT",
        "CREDIT_NOTE",
        "REFUND",
        "PAYOUT",
        "SERVICE_REQUEST",
        "SUBSCRIPTIONS",
        "REWARD_OFFERS"
      ].map((type) => `/entity/type=${type}`),
      "/entity/type=TOP_UP"
    ]
  },
  // Printouts are the only files.
  "GET /files/{id}": {
    arrange: async (world) => {
      const { member, purchase } = await purchased(world)
      return { path: { id: `PW.${Buffer.from(purchase.id).toString("base64url")}` }, token: member.token }
    }
  },
  "GET /contacts/{id}/devices": {
    arrange: async (world) => {
      const { contact, id, token } = await world.once("device", () => world.device())
      const reads = { "/id": id, "/platform": "MOBILE", "/registration_token": token, "/registration_date": undefined }
      return { path: { id: contact.id }, token: contact.token, reads: firstOf(reads) }
    }
  },
  "POST /contacts/{id}/devices": {
    // Neither products nor usage are sold yet.
    unserved: ["/product_id", "/application_id"],
    arrange: async (world) => {
      const { id, token } = await world.contact()
      const body = { platform: "MOBILE", registration_token: subscription }
      const given = { "/registration_token": subscription }
      return { path: { id }, token, body, given, reads: { "/id": undefined } }
    }
  },
  "DELETE /contacts/{id}/devices/{fcm_token}": {
    arrange: async (world) => {
      const { contact, token } = await world.device()
      return { path: { id: contact.id, fcm_token: token }, token: contact.token }
    }
  },
  "POST /transfers": {
    arrange: transferred,
    unserved: ["/origin/account_id", "/destination/account_id", "/cash_pocket=true"]
  },
  "GET /tags": {
    arrange: async (world) => {
      const { token } = await tagged(world)
      const tag = { "/id": undefined, "/name": "Gold", "/entity": "CONTACTS", "/state": "ACTIVE" }
      return { path: {}, token, query: { entity: "CONTACTS" }, reads: firstOf(tag) }
    },
    everybodys: true
  },
  "GET /contacts/{id}/approval_requests": {
    arrange: async (world) => {
      const contact = await held(world)
      const reads = firstOf({
        "/id": undefined,
        "/state": "PENDING",
        "/entity/id": contact.id,
        "/entity/reference": contact.code
      })
      return {
        path: { id: contact.id },
        token: contact.token,
        given: { "?entity_types": "ORDERS,ORGANISATIONS" },
        reads
      }
    },
    // Contacts are what is held, and no type of entity that is described; a decision comes without a comment.
    unserved: ["/content/0/entity/type", "/content/0/comments"]
  },
  // Described as one rule; its example, and so every client, has a list of them.
  "GET /name_day_rules": {
    arrange: async (world) => {
      const { token } = await world.contact()
      const rule = { "/description": undefined, "/month": undefined, "/day": undefined, "/names": undefined }
      return { path: {}, token, query: { first_name: "George" }, reads: at("/name_day_rules/0", rule) }
    },
    everybodys: true
  }
}
