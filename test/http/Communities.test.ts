import { assert, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bodyOf, contact, freshEmail, freshPhone, type HttpContact, pointersOf } from "../support/HttpContacts.ts"
import * as TestServer from "../support/TestServer.ts"

const own = (id: string) => `/self-service/v2/contacts/${id}`
const ofBackOffice = (id: string) => `/backoffice/v2/contacts/${id}`
const sharing = (maxAmount?: number) => ({
  is_enabled: true,
  method: "AUTO",
  ...(maxAmount === undefined ? {} : { max_amount: maxAmount })
})

/** The owner invites the member by phone, as her app does. */
const invited = Effect.fnUntraced(function* (owner: HttpContact, member: HttpContact, fields: object = {}) {
  const server = yield* TestServer.TestServer
  const body = { phone: { country_code: "CYP", number: member.phone }, ...fields }
  return bodyOf(yield* server.requestAs(owner.accessToken, "POST", `${own(owner.id)}/people`, body), 201).id as string
})

const answer = Effect.fnUntraced(function* (member: HttpContact, relationshipId: string, action: string) {
  const server = yield* TestServer.TestServer
  const path = `${own(member.id)}/people/${relationshipId}/actions`
  return yield* server.requestAs(member.accessToken, "POST", path, { action })
})

const communitiesOf = Effect.fnUntraced(function* (member: HttpContact) {
  const server = yield* TestServer.TestServer
  return bodyOf(yield* server.requestAs(member.accessToken, "GET", `${own(member.id)}/communities`), 200)
})

const peopleOf = Effect.fnUntraced(function* (owner: HttpContact, query = "") {
  const server = yield* TestServer.TestServer
  return bodyOf(yield* server.requestAs(owner.accessToken, "GET", `${own(owner.id)}/people${query}`), 200)
})

const pair = Effect.gen(function* () {
  const server = yield* TestServer.TestServer
  return [yield* contact(server), yield* contact(server)] as const
})

layer(TestServer.layer)("communities in contacts' apps", (it) => {
  it.effect(
    "wait for the person's answer: she sees the invitation at once, the owner lists her once she accepted (COM-1)",
    () =>
      Effect.gen(function* () {
        const [owner, member] = yield* pair
        const relationshipId = yield* invited(owner, member, { group: "Family", wallet_sharing: sharing(50) })
        const pending = (yield* communitiesOf(member)).content[0]
        assert.strictEqual(pending.relationship_id, relationshipId)
        assert.strictEqual(pending.state, "PENDING")
        assert.strictEqual(pending.community_owner.id, owner.id)
        assert.strictEqual(pending.community_owner.first_name, "Ελένη")
        assert.deepStrictEqual((yield* peopleOf(owner)).content, [])

        assert.deepStrictEqual(bodyOf(yield* answer(member, relationshipId, "ACCEPT"), 200), { id: relationshipId })
        bodyOf(yield* answer(member, relationshipId, "ACCEPT"), 200)
        const person = (yield* peopleOf(owner, "?include_total=true&sort=NAME")).content[0]
        assert.deepStrictEqual(person, {
          id: relationshipId,
          group: "Family",
          is_admin: false,
          permissions: [],
          wallet_sharing: {
            is_enabled: true,
            commerce_pools: [],
            method: "AUTO",
            max_amount: 50,
            remaining_amount: 50
          },
          state: "ACCEPTED",
          devices: [],
          contact: {
            id: member.id,
            first_name: "Ελένη",
            last_name: "Χριστοδούλου",
            phone: { country_code: "CYP", number: member.phone },
            email: member.email,
            wallet: { id: member.id }
          }
        })
      })
  )

  it.effect("show what is left of the month on both sides after a shared purchase (SHR-2)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const [owner, member] = yield* pair
      const relationshipId = yield* invited(owner, member, { wallet_sharing: sharing(50) })
      bodyOf(yield* answer(member, relationshipId, "ACCEPT"), 200)
      const credit = { action: "CREDIT", amount: 100, currency_code: "EUR", notes: "opening balance" }
      bodyOf(yield* server.request("POST", `/backoffice/v2/wallets/${owner.id}/journals`, credit), 201)
      const purchase = yield* server.request("POST", "/backoffice/v2/purchases", {
        contact: { id: member.id },
        organisation: { id: server.storeId },
        reference_number: relationshipId,
        transaction_amounts: { total: 12.2 },
        spend_request: { amount: 12.2, restrict_fully_covered: true }
      })
      assert.strictEqual(bodyOf(purchase, 201).community.id, owner.id)
      const path = `${own(owner.id)}/people/${relationshipId}`
      const person = bodyOf(yield* server.requestAs(owner.accessToken, "GET", path), 200)
      assert.strictEqual(person.wallet_sharing.remaining_amount, 37.8)
      assert.strictEqual((yield* communitiesOf(member)).content[0].wallet_sharing.remaining_amount, 37.8)
    })
  )

  it.effect("are declined for good by one answer, and may be offered again (COM-4)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const [owner, member] = yield* pair
      const relationshipId = yield* invited(owner, member)
      const headers = { api_key: undefined, authorization: `Bearer ${member.accessToken}`, "idempotency-key": "no" }
      const path = `${own(member.id)}/people/${relationshipId}/actions`
      const first = yield* server.request("POST", path, { action: "REJECT" }, headers)
      const again = yield* server.request("POST", path, { action: "REJECT" }, headers)
      assert.deepStrictEqual(bodyOf(again, 200), bodyOf(first, 200))
      bodyOf(yield* server.request("POST", path, { action: "ACCEPT" }, headers), 422)
      bodyOf(yield* answer(member, relationshipId, "ACCEPT"), 404)
      assert.deepStrictEqual((yield* communitiesOf(member)).content, [])
      bodyOf(yield* answer(member, yield* invited(owner, member), "ACCEPT"), 200)
    })
  )

  it.effect("hold one relation a person, persons only, and never the owner (COM-2)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const [owner, member] = yield* pair
      const company = yield* contact(server, {
        type: "COMPANY",
        first_name: null,
        last_name: null,
        company_name: "Ζορπάς"
      })
      yield* invited(owner, member)
      const invite = (body: object) => server.requestAs(owner.accessToken, "POST", `${own(owner.id)}/people`, body)
      bodyOf(yield* invite({ email: member.email }), 409)
      bodyOf(yield* invite({ email: company.email }), 400)
      bodyOf(yield* invite({ email: owner.email }), 400)
      yield* invited(company, member)
    })
  )

  it.effect("register a person who is not a contact yet, or invite whoever holds the number (COM-3)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const [owner, known] = yield* pair
      const [number, email] = [freshPhone(), freshEmail()]
      const stranger = {
        phone: { country_code: "CYP", number },
        contact: { first_name: "Ανδρέας", last_name: "Γεωργίου", email_address: email, phone: { number } }
      }
      const path = `${own(owner.id)}/people`
      const headers = {
        api_key: undefined,
        authorization: `Bearer ${owner.accessToken}`,
        "idempotency-key": "stranger"
      }
      const first = yield* server.request("POST", path, stranger, headers)
      const again = yield* server.request("POST", path, stranger, headers)
      assert.deepStrictEqual(bodyOf(again, 201), bodyOf(first, 201))
      const found = bodyOf(yield* server.request("GET", `/backoffice/v2/contacts?phone=${number}`), 200)
      assert.strictEqual(found.content.length, 1)
      assert.strictEqual(found.content[0].email, email)
      const person = bodyOf(yield* server.requestAs(owner.accessToken, "GET", `${path}/${first.body.id}`), 200)
      assert.strictEqual(person.state, "PENDING")
      assert.strictEqual(person.contact.first_name, "Ανδρέας")

      const holder = { email: known.email, contact: { first_name: "Ένα", last_name: "Όνομα" } }
      const invitation = bodyOf(yield* server.requestAs(owner.accessToken, "POST", path, holder), 201)
      const name = bodyOf(yield* server.requestAs(owner.accessToken, "GET", `${path}/${invitation.id}`), 200)
      assert.strictEqual(name.contact.id, known.id)
      assert.strictEqual(name.contact.first_name, "Ελένη")
    })
  )

  it.effect("need somebody to invite: known by what is given, or said who she is (COM-3)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const [owner, member] = yield* pair
      const other = yield* contact(server)
      const invite = (body: object) => server.requestAs(owner.accessToken, "POST", `${own(owner.id)}/people`, body)
      assert.deepStrictEqual(pointersOf(yield* invite({})), ["/phone"])
      bodyOf(yield* invite({ phone: { country_code: "CYP", number: freshPhone() } }), 404)
      bodyOf(yield* invite({ email: other.email, phone: { number: member.phone } }), 409)
      const two = {
        phone: { number: member.phone },
        contact: { first_name: "Α", last_name: "Β", phone: { number: other.phone } }
      }
      assert.deepStrictEqual(pointersOf(yield* invite(two)), ["/contact/phone"])
      assert.deepStrictEqual(pointersOf(yield* invite({ phone: { number: "12" } })), ["/phone/number"])
      assert.deepStrictEqual(pointersOf(yield* invite({ email: member.email, contact: { first_name: "Α" } })), [
        "/contact/last_name"
      ])
    })
  )

  it.effect("refuse by name what is documented and not built, and take what asks for nothing", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const [owner, member] = yield* pair
      const invite = (body: object) =>
        server.requestAs(owner.accessToken, "POST", `${own(owner.id)}/people`, { email: member.email, ...body })
      for (const [name, body] of [
        ["relation_id", { relation_id: owner.id }],
        ["devices", { devices: [owner.id] }],
        ["usage_allowance", { usage_allowance: { same_as_owner: true } }]
      ] as const) {
        const refused = bodyOf(yield* invite(body), 422)
        assert.strictEqual(refused.error, "KOINON.NOT_SUPPORTED")
        assert.include(refused.detail, name)
      }
      bodyOf(yield* invite({ wallet_sharing: { is_enabled: true, method: "MANUAL" } }), 422)
      assert.deepStrictEqual(pointersOf(yield* invite({ wallet_sharing: { is_enabled: true } })), [
        "/wallet_sharing/method"
      ])
      bodyOf(yield* invite({ wallet_sharing: { is_enabled: true, method: "AUTO", commerce_pools: [owner.id] } }), 404)
      assert.deepStrictEqual(pointersOf(yield* invite({ termed_transfer: {} })), ["/termed_transfer"])
      bodyOf(yield* invite({ devices: [], usage_allowance: { same_as_owner: false } }), 201)
      const { id } = (yield* communitiesOf(member)).content[0].community_owner
      assert.strictEqual(id, owner.id)
    })
  )

  it.effect("change what is agreed with a person: what is left out stays, at the version seen if one is named", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const [owner, member] = yield* pair
      const relationshipId = yield* invited(owner, member, { group: "Family", wallet_sharing: sharing(50) })
      const path = `${own(owner.id)}/people/${relationshipId}`
      const headers = { api_key: undefined, authorization: `Bearer ${owner.accessToken}` }
      const etag = (yield* server.request("GET", path, undefined, headers)).headers.get("etag") ?? ""
      const update = (body: object, version = etag) =>
        server.request("PUT", path, body, { ...headers, "if-match": version })
      bodyOf(yield* update({ id: relationshipId, is_admin: true }), 200)
      bodyOf(yield* update({ is_admin: false }), 412)
      bodyOf(yield* update({ wallet_sharing: sharing(20) }, "*"), 200)
      const person = bodyOf(yield* server.request("GET", path, undefined, headers), 200)
      assert.isTrue(person.is_admin)
      assert.strictEqual(person.group, "Family")
      assert.strictEqual(person.wallet_sharing.max_amount, 20)
      bodyOf(yield* update({ id: owner.id }, "*"), 400)
      bodyOf(yield* update({ termed_transfer: { active: true, amount: 5 } }, "*"), 422)
      bodyOf(yield* update({ termed_transfer: { active: false } }, "*"), 200)
    })
  )

  it.effect("end when the member leaves or the owner removes her (COM-4)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const [owner, member] = yield* pair
      bodyOf(yield* answer(member, yield* invited(owner, member), "ACCEPT"), 200)
      const leaving = `${own(member.id)}/communities/${owner.id}`
      bodyOf(yield* server.requestAs(member.accessToken, "DELETE", leaving), 204)
      bodyOf(yield* server.requestAs(member.accessToken, "DELETE", leaving), 404)
      assert.deepStrictEqual((yield* peopleOf(owner)).content, [])

      const relationshipId = yield* invited(owner, member)
      const removal = `${own(owner.id)}/people/${relationshipId}`
      bodyOf(yield* server.requestAs(owner.accessToken, "DELETE", removal), 204)
      bodyOf(yield* server.requestAs(owner.accessToken, "GET", removal), 404)
      assert.deepStrictEqual((yield* communitiesOf(member)).content, [])

      bodyOf(yield* answer(member, yield* invited(owner, member), "ACCEPT"), 200)
      bodyOf(yield* server.request("DELETE", leaving), 204)
    })
  )

  it.effect("are nobody else's business", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const [owner, member] = yield* pair
      const relationshipId = yield* invited(owner, member)
      for (const path of [
        `${own(owner.id)}/people`,
        `${own(owner.id)}/people/${relationshipId}`,
        `${own(owner.id)}/communities`
      ]) {
        bodyOf(yield* server.requestAs(member.accessToken, "GET", path), 403)
        bodyOf(yield* server.request("GET", path), 401)
      }
      // An invitation is the member's to answer, not the owner's.
      bodyOf(yield* answer(owner, relationshipId, "ACCEPT"), 404)
    })
  )

  it.effect("are listed by page, group and order", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const owner = yield* contact(server)
      for (const [first_name, group] of [
        ["Γιώργος", "Work"],
        ["Άννα", "Family"],
        ["Βασίλης", "Family"]
      ] as const) {
        const member = yield* contact(server, { first_name })
        bodyOf(yield* answer(member, yield* invited(owner, member, { group }), "ACCEPT"), 200)
      }
      const namesOf = (list: {
        readonly content: ReadonlyArray<{ readonly contact: { readonly first_name: string } }>
      }) => list.content.map((person) => person.contact.first_name)
      assert.deepStrictEqual(namesOf(yield* peopleOf(owner, "?sort=NAME&order=ASC")), ["Άννα", "Βασίλης", "Γιώργος"])
      assert.deepStrictEqual(namesOf(yield* peopleOf(owner, "?sort=NAME&order=DESC&group=Family")), ["Βασίλης", "Άννα"])
      const page = yield* peopleOf(owner, "?sort=NAME&order=ASC&size=2&page=2&include_total=true")
      assert.deepStrictEqual(namesOf(page), ["Γιώργος"])
      assert.deepStrictEqual(page.paging, { page: 2, size: 2, total: 3, has_more: false })
    })
  )
})

layer(TestServer.layer)("communities in the back office", (it) => {
  it.effect("take a person at once, by number, code or who she is (COM-1, COM-3)", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const [owner, member] = yield* pair
      const other = yield* contact(server)
      const people = `${ofBackOffice(owner.code)}/people`
      const added = bodyOf(yield* server.request("POST", people, { contact: { code: member.code } }), 201)
      bodyOf(yield* server.request("POST", people, { phone: { country_code: "CYP", number: other.phone } }), 201)
      const stranger = { email: freshEmail(), contact: { first_name: "Ανδρέας", last_name: "Γεωργίου" } }
      bodyOf(yield* server.request("POST", people, stranger), 201)
      const list = bodyOf(yield* server.request("GET", `${people}?include_total=true&order=ASC`), 200)
      assert.strictEqual(list.paging.total, 3)
      assert.deepStrictEqual(
        list.content.map(({ state }: { state: string }) => state),
        ["ACCEPTED", "ACCEPTED", "ACCEPTED"]
      )
      assert.strictEqual(list.content[0].id, added.id)
      assert.strictEqual((yield* communitiesOf(member)).content[0].state, "ACCEPTED")
    })
  )

  it.effect("show who has not answered yet, and by state", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const [owner, member] = yield* pair
      yield* invited(owner, member)
      const people = `${ofBackOffice(owner.id)}/people`
      assert.strictEqual(bodyOf(yield* server.request("GET", people), 200).content[0].state, "PENDING")
      assert.deepStrictEqual(bodyOf(yield* server.request("GET", `${people}?state=ACCEPTED`), 200).content, [])
    })
  )

  it.effect("refuse a person named in two ways, or in none", () =>
    Effect.gen(function* () {
      const server = yield* TestServer.TestServer
      const [owner, member] = yield* pair
      const people = `${ofBackOffice(owner.id)}/people`
      for (const [pointer, body] of [
        ["/contact", { email: owner.email, contact: { id: member.id } }],
        ["/contact", { contact: { id: member.id, first_name: "Α" } }],
        ["/contact/last_name", { email: member.email, contact: { first_name: "Α" } }],
        ["/phone", {}]
      ] as const) {
        assert.deepStrictEqual(pointersOf(yield* server.request("POST", people, body)), [pointer])
      }
      bodyOf(yield* server.request("POST", people, { contact: { code: "nobody" } }), 404)
      bodyOf(yield* server.request("POST", `${ofBackOffice("nobody")}/people`, { email: member.email }), 404)
    })
  )
})
