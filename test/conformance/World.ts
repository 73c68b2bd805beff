/**
 * The people, wallets, communities and purchases that the questions are asked about, made through the back-office
 * door. Nothing is shared between two things made here, so an answer never depends on what was asked before; what the
 * reading operations have in common is made once, on first use.
 */
import { randomBytes, randomInt, randomUUID } from "node:crypto"
import { isArray, isObject, type Json, type JsonObject } from "./Description.ts"
import { valueAt } from "./Sample.ts"
import { patientFetch, type Server } from "./Server.ts"

export interface Contact {
  readonly id: string
  readonly code: string
  readonly referralCode: string
  readonly walletId: string
  readonly walletCode: string
  readonly firstName: string
  readonly lastName: string
  readonly email: string
  /** National digits, of a Cypriot mobile number. */
  readonly phone: string
  readonly token: string
  readonly refreshToken: string
}

export interface Membership {
  readonly owner: Contact
  readonly member: Contact
  readonly relationshipId: string
}

export const country = "CYP"
export const group = "Family"
export const monthlyMax = 50

const requestTimeoutMs = 60_000
const phonesPerPrefix = 1_000_000

/** The world could not be brought into the state that a question needs. */
export class ArrangementFailed extends Error {
  override readonly name = "ArrangementFailed"
}

const textAt = (value: Json, pointer: string, from: string): string => {
  const found = valueAt(value, pointer)
  if (typeof found === "string" && found !== "") return found
  throw new ArrangementFailed(`${from}: ${pointer} is missing in ${JSON.stringify(value).slice(0, 300)}`)
}

export class World {
  readonly server: Server
  readonly #made = new Map<string, Promise<unknown>>()
  #phone = randomInt(phonesPerPrefix)

  constructor(server: Server) {
    this.server = server
  }

  /** Made at the first call and the same ever after. */
  once<Thing>(name: string, make: () => Promise<Thing>): Promise<Thing> {
    const known = this.#made.get(name) as Promise<Thing> | undefined
    const thing = known ?? make()
    this.#made.set(name, thing)
    return thing
  }

  async request(method: string, path: string, body?: Json, token?: string): Promise<Json> {
    const answer = await patientFetch(`${this.server.url}${path}`, {
      method,
      headers: {
        api_key: this.server.apiKey,
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` })
      },
      signal: AbortSignal.timeout(requestTimeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    const text = await answer.text()
    if (!answer.ok) throw new ArrangementFailed(`${method} ${path} answered ${answer.status} ${text.slice(0, 300)}`)
    try {
      return text === "" ? null : (JSON.parse(text) as Json)
    } catch {
      throw new ArrangementFailed(`${method} ${path} answered no JSON: ${text.slice(0, 300)}`)
    }
  }

  backOffice(path: string, body: JsonObject): Promise<Json> {
    return this.request("POST", `/backoffice/v2${path}`, body)
  }

  /** The place nearest to a till that the server knows, and the currency of its business. */
  place(): Promise<{ readonly id: string; readonly currency: string }> {
    return this.once("place", async () => {
      const path = "/backoffice/v2/organisations"
      const content = valueAt(await this.request("GET", path), "/content")
      const all = isArray(content) ? content.filter(isObject) : []
      const ofType = (type: string) => all.find((each) => each["type"] === type)
      const place = ofType("VENUE") ?? ofType("MERCHANT") ?? ofType("BUSINESS")
      if (place === undefined) throw new ArrangementFailed(`GET ${path}: no VENUE, MERCHANT or BUSINESS`)
      const currency = [place, ofType("BUSINESS"), ofType("SERVICE_OWNER")]
        .map((each) => each?.["currency_code"])
        .find((each) => typeof each === "string")
      return { id: textAt(place, "/id", `GET ${path}`), currency: currency ?? "EUR" }
    })
  }

  freshPhone(): string {
    this.#phone = (this.#phone + 1) % phonesPerPrefix
    return `99${String(this.#phone).padStart(6, "0")}`
  }

  freshEmail(): string {
    return `conformance.${randomBytes(6).toString("hex")}@example.com`
  }

  freshId(): string {
    return randomUUID()
  }

  async contact(type: "PERSON" | "COMPANY" = "PERSON"): Promise<Contact> {
    const [firstName, lastName, email, phone] = ["Ελένη", "Χριστοδούλου", this.freshEmail(), this.freshPhone()]
    const named =
      type === "PERSON" ? { first_name: firstName, last_name: lastName } : { company_name: "Φούρνος Ζορπάς" }
    const path = "/contacts"
    const made = await this.backOffice(path, {
      type,
      ...named,
      email,
      phone: { type: "MOBILE", country_code: country, number: phone }
    })
    const id = textAt(made, "/id", path)
    const access = await this.backOffice(`/contacts/${id}/access_token`, {})
    return {
      id,
      code: textAt(made, "/code", path),
      referralCode: textAt(made, "/referral_code", path),
      walletId: textAt(made, "/wallet/id", path),
      walletCode: textAt(made, "/wallet/code", path),
      firstName,
      lastName,
      email,
      phone,
      token: textAt(access, "/access_token", "access_token"),
      refreshToken: textAt(access, "/refresh_token", "access_token")
    }
  }

  /** A member who may draw on the owner's wallet at once, as the back office adds one. */
  async membership(): Promise<Membership> {
    const [owner, member] = [await this.contact(), await this.contact()]
    const made = await this.backOffice(`/contacts/${owner.id}/people`, {
      phone: { country_code: country, number: member.phone },
      group,
      wallet_sharing: { is_enabled: true, method: "AUTO", max_amount: monthlyMax }
    })
    return { owner, member, relationshipId: textAt(made, "/id", "people") }
  }

  /** A member who has not answered yet, as an owner's app invites one. */
  async invitation(): Promise<Membership> {
    const [owner, member] = [await this.contact(), await this.contact()]
    const body = { phone: { country_code: country, number: member.phone } }
    const made = await this.request("POST", `/self-service/v2/contacts/${owner.id}/people`, body, owner.token)
    return { owner, member, relationshipId: textAt(made, "/id", "people") }
  }

  /** Mail to a new contact, waited for until it has ended. */
  async message(): Promise<{ readonly contact: Contact; readonly id: string }> {
    const contact = await this.contact()
    const template = await this.once("template", async () =>
      textAt(
        await this.backOffice("/templates", {
          name: "Welcome",
          channel: "EMAIL",
          purpose: "MANDATORY",
          default_language: "en",
          variants: { en: { subject: "Welcome", text: "Hello #FIRST_NAME#" } },
          missing: { policy: "EMPTY" }
        }),
        "/id",
        "templates"
      )
    )
    const path = `/contacts/${contact.id}/communications`
    const id = textAt(await this.backOffice(path, { template_id: template }), "/id", path)
    const deadline = Date.now() + requestTimeoutMs
    for (;;) {
      const state = valueAt(await this.request("GET", `/backoffice/v2/deliveries/${id}`), "/state")
      if (state !== "PENDING") return { contact, id }
      if (Date.now() > deadline) throw new ArrangementFailed(`the message ${id} is still pending`)
    }
  }

  async device(): Promise<{ readonly contact: Contact; readonly id: string; readonly token: string }> {
    const contact = await this.contact()
    const token = this.freshId()
    const path = `/self-service/v2/contacts/${contact.id}/devices`
    const body = { platform: "MOBILE", registration_token: token }
    return { contact, token, id: textAt(await this.request("POST", path, body, contact.token), "/id", path) }
  }

  pool(): Promise<{ readonly id: string; readonly name: string }> {
    return this.once("pool", async () => {
      const name = "Coffee"
      const made = await this.backOffice("/commerce_pools", { name, description: "Coffee at any hour" })
      return { id: textAt(made, "/id", "commerce_pools"), name }
    })
  }

  activatablePool(): Promise<string> {
    return this.once("activatable pool", async () => {
      const pool = { name: "Brunch", applicable_for_activation: true }
      return textAt(await this.backOffice("/commerce_pools", pool), "/id", "commerce_pools")
    })
  }

  /** Into the open pocket, or into a pool. */
  async credit(contact: Contact, amount: number, poolId?: string): Promise<void> {
    const { currency } = await this.place()
    await this.backOffice(`/wallets/${contact.walletId}/journals`, {
      action: "CREDIT",
      amount,
      currency_code: currency,
      ...(poolId === undefined ? {} : { commerce_pool_id: poolId }),
      notes: "conformance"
    })
  }

  /** A purchase of 12.20 that asks to spend 5.00. */
  async purchase(contact: Contact): Promise<{ readonly id: string; readonly reference: string }> {
    const place = await this.place()
    const reference = `C-${randomBytes(6).toString("hex")}`
    const amounts = { net_amount: 10.25, tax_amount: 1.95, total_amount: 12.2 }
    const made = await this.backOffice("/purchases", {
      contact: { id: contact.id },
      organisation: { id: place.id },
      reference_number: reference,
      transaction_amounts: { net: 10.25, tax: 1.95, total: 12.2 },
      currency_code: place.currency,
      classification: { name: "Groceries" },
      products: [{ product_sku: { sku: "COF-5541", name: "Καφές" }, quantity: 1, ...amounts }],
      spend_request: { amount: 5, restrict_fully_covered: false }
    })
    return { id: textAt(made, "/id", "purchases"), reference }
  }
}
