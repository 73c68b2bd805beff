/**
 * The states of the world in which the operations must succeed. What reading operations ask about is arranged once and
 * shared by them; what writing ones change is new at every call. Each says what it wrote, so that it can be read again.
 */
import { randomInt } from "node:crypto"
import type { Json, JsonObject } from "./Description.ts"
import type { Reads } from "./Judge.ts"
import type { Given } from "./Sample.ts"
import { type Contact, country, group, type Membership, monthlyMax, type World } from "./World.ts"

/** A state of the world in which the operation must succeed. */
export interface Arrangement {
  readonly path: Readonly<Record<string, string>>
  readonly token: string
  /** Parameters that the operation cannot do without. */
  readonly query?: Readonly<Record<string, string>>
  readonly body?: JsonObject
  /** What fields, by pointer, and parameters, as `?name`, must hold to mean something here. */
  readonly given?: Given
  readonly reads?: Reads
}

export const at = (pointer: string, reads: Reads): Reads =>
  Object.fromEntries(Object.entries(reads).map(([inner, value]) => [`${pointer}${inner}`, value]))

/** Read with an exact page; a list shows that it ends here. */
export const firstOf = (reads: Reads): Reads => ({
  "/paging/page": 1,
  "/paging/has_more": false,
  ...at("/content/0", reads)
})

const sharing: JsonObject = { is_enabled: true, method: "AUTO" }
const nextDecade = 1_924_992_000

export const family = (world: World): Promise<Membership> => world.once("family", () => world.membership())

/** The family's member with money of her own, open and in a pool. */
const funded = (world: World): Promise<Contact> =>
  world.once("funded", async () => {
    const { owner, member } = await family(world)
    await world.credit(owner, 40)
    await world.credit(member, 30)
    await world.credit(member, 7, (await world.pool()).id)
    return member
  })

export const purchased = (world: World) =>
  world.once("purchased", async () => ({
    member: await funded(world),
    purchase: await world.purchase(await funded(world))
  }))

/** A contact with one message, which has come to its end. */
export const messaged = (world: World) => world.once("messaged", () => world.message())

export const messageReads = (contact: Contact, id: string): Reads => ({
  "/id": id,
  "/name": "Welcome",
  "/state": "COMPLETED",
  "/channel": "EMAIL",
  "/is_viewed": false,
  "/is_archived": false,
  "/created_on": undefined,
  "/language": undefined,
  "/recipient": contact.email,
  "/subject": "Welcome",
  "/content": undefined,
  "/contact/id": contact.id,
  "/contact/name": `${contact.firstName} ${contact.lastName}`,
  "/contact/code": contact.code
})
export const firstMessage = (contact: Contact, id: string): Reads => firstOf(messageReads(contact, id))

/** A contact with the one tag that the business has. */
export const tagged = (world: World): Promise<Contact> =>
  world.once("tagged", async () => {
    const contact = await world.contact()
    await world.request("PUT", `/backoffice/v2/contacts/${contact.id}/tags`, { add: ["Gold"] })
    return contact
  })

/** A contact whose change waits for approval. */
export const held = (world: World): Promise<Contact> =>
  world.once("held", async () => {
    const middleName = "Held"
    await world.backOffice("/automations", {
      name: "Ask first",
      trigger: "PRIOR_TO_UPDATE",
      filter: [{ conditions: [{ type: "COMPARISON", field: "middle_name", operator: "EQUAL", value: middleName }] }],
      actions: [{ type: "HOLD" }]
    })
    const contact = await world.contact()
    await world.request("PUT", `/self-service/v2/contacts/${contact.id}`, { middle_name: middleName }, contact.token)
    return contact
  })

export const tokened = (world: World) =>
  world.once("tokened", async () => {
    const member = await funded(world)
    const path = `/self-service/v2/contacts/${member.id}/tokens`
    await world.request("POST", path, { intent: "SPEND", spend_amount: 5 }, member.token)
    return member
  })

export const walletOf = async (
  world: World,
  reads: (member: Contact, poolId: string) => Reads
): Promise<Arrangement> => {
  const { member } = await purchased(world)
  const pool = await world.pool()
  return {
    path: { id: member.walletId },
    token: member.token,
    given: { "?commerce_pool_id": pool.id },
    reads: reads(member, pool.id)
  }
}

export const entry: Reads = {
  "/id": undefined,
  "/amount": undefined,
  "/currency": undefined,
  "/type": undefined,
  "/posted_on": undefined
}

export const memberReads = ({ member, relationshipId }: Membership): Reads => ({
  "/id": relationshipId,
  "/contact/id": member.id,
  "/contact/first_name": member.firstName,
  "/contact/phone/number": member.phone,
  "/contact/email": member.email,
  "/state": "ACCEPTED",
  "/group": group,
  "/wallet_sharing/is_enabled": true,
  "/wallet_sharing/method": "AUTO",
  "/wallet_sharing/max_amount": monthlyMax,
  "/wallet_sharing/remaining_amount": undefined
})

export const purchaseReads = async (world: World): Promise<Reads> => {
  const { purchase } = await purchased(world)
  const place = await world.place()
  return {
    "/id": purchase.id,
    "/reference_number": purchase.reference,
    "/state": "POSTED",
    "/transaction_amounts/net": 10.25,
    "/transaction_amounts/tax": 1.95,
    "/transaction_amounts/total": 12.2,
    "/spend_request/amount": 5,
    "/rewards/spend": 5,
    "/organisation/id": place.id,
    "/classification/name": "Groceries",
    "/currency_code": place.currency,
    "/date": undefined
  }
}

const phoneGiven = (number: string, pointer = "/phone"): Given => ({
  [`${pointer}/country_code`]: country,
  [`${pointer}/number`]: number
})

export const updated = async (world: World, about: string): Promise<Arrangement> => {
  const company = about.startsWith("/company")
  const contact = await world.contact(company ? "COMPANY" : "PERSON")
  return {
    path: { id: contact.id },
    token: contact.token,
    body: company ? { company_name: "Φούρνος Ζορπάς" } : { first_name: "Μαρία" },
    given: {
      "/id": contact.id,
      "/email": world.freshEmail(),
      ...phoneGiven(world.freshPhone()),
      "/phone/type": "MOBILE",
      "/demographics/passport/expiration_date": nextDecade,
      "/demographics/id_details/expiration_date": nextDecade,
      "/custom_fields/0/key": "back_office",
      "/custom_fields/0/value": "0001-12345"
    },
    reads: { "/id": contact.id }
  }
}

export const invited = async (world: World, about: string): Promise<Arrangement> => {
  const owner = await world.contact()
  // A name is needed only for a person who is not registered, so the questions about it are asked with a new number.
  const stranger = about.startsWith("/contact")
  const { phone, email } = stranger ? { phone: world.freshPhone(), email: world.freshEmail() } : await world.contact()
  const pools: Given = about.startsWith("/wallet_sharing/commerce_pools")
    ? { "/wallet_sharing/commerce_pools": [(await world.pool()).id] }
    : {}
  return {
    path: { id: owner.id },
    token: owner.token,
    body: {
      phone: { country_code: country, number: phone },
      wallet_sharing: sharing,
      ...(stranger ? { contact: { first_name: "Ανδρέας", last_name: "Γεωργίου" } } : {})
    },
    given: {
      "/email": email,
      ...phoneGiven(phone),
      "/contact/first_name": "Ανδρέας",
      "/contact/last_name": "Γεωργίου",
      "/contact/email_address": email,
      ...phoneGiven(phone, "/contact/phone"),
      "/wallet_sharing/max_amount": monthlyMax,
      ...pools
    },
    reads: { "/id": undefined }
  }
}

export const membershipUpdated = async (world: World, about: string): Promise<Arrangement> => {
  const { owner, relationshipId } = await world.membership()
  const pools: Given = about.startsWith("/wallet_sharing/commerce_pools")
    ? { "/wallet_sharing/commerce_pools": [(await world.pool()).id] }
    : {}
  return {
    path: { id: owner.id, relationship_id: relationshipId },
    token: owner.token,
    body: { group: "Friends", wallet_sharing: sharing },
    given: { "/id": relationshipId, "/wallet_sharing/max_amount": monthlyMax, ...pools },
    reads: { "/id": relationshipId }
  }
}

export const transferred = async (world: World): Promise<Arrangement> => {
  const [origin, destination] = [await world.contact(), await world.contact()]
  await world.credit(origin, 20)
  const code: Json = Array.from({ length: 16 }, () => String(randomInt(10))).join("")
  return {
    path: {},
    token: origin.token,
    body: { origin: { wallet_id: origin.walletId }, destination: { wallet_id: destination.walletId }, amount: 1 },
    given: {
      "/id": world.freshId(),
      "/origin/wallet_id": origin.walletId,
      "/destination/wallet_id": destination.walletId,
      "/transfer_date": Math.floor(Date.now() / 1000),
      "/amount": 1,
      "/code": code,
      "/commerce_pool_id": (await world.pool()).id
    },
    reads: { "/id": undefined }
  }
}
