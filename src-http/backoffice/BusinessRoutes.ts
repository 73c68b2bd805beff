/** Organisations, commerce pools, rates and settings: all of them are one business, at its own key. */
import type * as Domain from "#domain/organisation/Business.ts"
import { Actors } from "#runtime/actor/Actors.ts"
import { nameUuid } from "#runtime/actor/Naming.ts"
import { Catalogue, catalogue } from "#runtime/projection/Catalogue.ts"
import * as Effect from "effect/Effect"
import { answer } from "../door/Asking.ts"
import { serve } from "../door/Endpoint.ts"
import { forbidden, invalidField, notFound } from "../door/Fault.ts"
import { caughtUp, viewFault } from "../door/Views.ts"
import { conditionsOf } from "../resource/CommerceBalance.ts"
import { present } from "../resource/Fields.ts"
import { pageOf } from "../resource/Paging.ts"
import * as Api from "./BusinessApi.ts"
import { openBusiness } from "./BusinessOpening.ts"

const renderOrganisation = (business: Domain.Business, organisation: Domain.Organisation): Api.Organisation =>
  present({
    id: organisation.id,
    type: organisation.type,
    name: organisation.name,
    parent_id: organisation.parentId,
    currency_code: business.currency,
    country: business.country,
    time_zone: organisation.timeZone ?? business.timeZone
  })

const renderPool = (business: Domain.Business, pool: Domain.Pool): Api.CommercePool =>
  present({
    id: pool.id,
    name: pool.name,
    description: pool.description,
    ...conditionsOf(business, pool),
    applicable_for_activation: pool.needsActivation,
    validity_days: pool.validityDays
  })

const renderSettings = (settings: Domain.BusinessSettings): Api.Settings =>
  present({
    sharing_order: settings.sharingOrder,
    wallet_code_mode: settings.walletCodeMode,
    consent_effects: settings.consentEffects,
    quiet_hours: settings.quietHours,
    frequency_caps: settings.frequencyCaps
  })

/** What is given in place of what is there; `null` takes away. */
const settingsOf = (
  known: Domain.BusinessSettings,
  given: NonNullable<typeof Api.changeSettings.body>["Type"]
): Domain.BusinessSettings => {
  const { consent_effects, quiet_hours, frequency_caps } = given
  return present({
    sharingOrder: given.sharing_order ?? known.sharingOrder,
    walletCodeMode: given.wallet_code_mode ?? known.walletCodeMode,
    consentEffects: consent_effects === null ? undefined : (consent_effects ?? known.consentEffects),
    quietHours: quiet_hours === null ? undefined : (quiet_hours ?? known.quietHours),
    frequencyCaps: frequency_caps === null ? undefined : (frequency_caps ?? known.frequencyCaps)
  })
}

/** From the top down, each level by name. */
const levels: ReadonlyArray<Domain.OrganisationType> = ["SERVICE_OWNER", "BUSINESS", "MERCHANT", "VENUE"]
const fromTheTop = (left: Domain.Organisation, right: Domain.Organisation): number =>
  levels.indexOf(left.type) - levels.indexOf(right.type) || byName(left, right)
const byName = (left: { readonly name: string; readonly id: string }, right: typeof left): number =>
  left.name === right.name ? (left.id < right.id ? -1 : 1) : left.name < right.name ? -1 : 1

/** A pool's products are SKUs; a product that is named by its id has to have been sold before. */
const skusOf = Effect.fnUntraced(function* (
  business: Domain.Business,
  products: ReadonlyArray<typeof Api.PoolProduct.Type>
) {
  const ids: Array<string> = []
  for (const product of products) {
    if ("sku" in product) continue
    const { id, id_type = "PRODUCT" } = product
    if (id_type !== "PRODUCT") {
      return yield* Effect.fail({ _tag: "NotSupported" as const, feature: `A pool for a product ${id_type}` })
    }
    ids.push(id.toLowerCase())
  }
  const skus = new Map<string, string>()
  if (ids.length > 0) {
    yield* caughtUp(catalogue.name)
    const view = yield* Catalogue
    const asked = { business: business.id, productIds: ids, size: ids.length, order: "ASC" as const }
    const { rows } = yield* Effect.mapError(view.products(asked), viewFault)
    for (const { productId, sku } of rows) skus.set(productId, sku)
  }
  const unknown = ids.find((id) => !skus.has(id))
  if (unknown !== undefined) return yield* Effect.fail(notFound("product", unknown))
  return products.map((product) => ("sku" in product ? product.sku : (skus.get(product.id.toLowerCase()) ?? "")))
})

export const businessRoutes = [
  serve(
    Api.createOrganisation,
    Effect.fnUntraced(function* (call) {
      const { business, apiKey } = call.principal
      const { type, name, parent_id, time_zone: timeZone, currency_code, country } = call.body
      if (type === "BUSINESS") {
        if (apiKey?.serviceOwner !== true) {
          return yield* Effect.fail(forbidden("A business is opened with the service owner's key."))
        }
        return yield* openBusiness(call, call.body)
      }
      if (currency_code !== undefined) {
        return yield* Effect.fail(
          invalidField("/currency_code", "Only a business has one; what is below it has the same.")
        )
      }
      if (country !== undefined) {
        return yield* Effect.fail(invalidField("/country", "Only a business has one; what is below it has the same."))
      }
      const parentId = parent_id?.toLowerCase() ?? (type === "MERCHANT" ? business.id : undefined)
      const id = nameUuid("organisation", call.commandId)
      const organisation: Domain.Organisation = present({ id, type, name, parentId, timeZone })
      const { replayed } = yield* answer(call, business.id, { _tag: "AddOrganisation", organisation })
      return { body: renderOrganisation(business, organisation), replayed }
    })
  ),
  serve(Api.listOrganisations, ({ principal: { business }, query }) => {
    const organisations = Object.values(business.organisations)
      .filter((organisation) => query.type === undefined || organisation.type === query.type)
      .toSorted(fromTheTop)
    const inOrder = query.order === "DESC" ? organisations.toReversed() : organisations
    return Effect.succeed({
      body: pageOf(
        inOrder.map((each) => renderOrganisation(business, each)),
        query
      )
    })
  }),
  serve(
    Api.createCommercePool,
    Effect.fnUntraced(function* (call) {
      const { business } = call.principal
      const { body } = call
      const pool: Domain.Pool = present({
        id: nameUuid("commerce_pool", call.commandId),
        name: body.name,
        description: body.description,
        organisationIds: (body.organisations ?? []).map(({ id }) => id.toLowerCase()),
        skus: yield* skusOf(business, body.products ?? []),
        timings: (body.timings ?? []).map(({ day, month, start_time, end_time }) =>
          present({ day, month, startTime: start_time, endTime: end_time })
        ),
        needsActivation: body.applicable_for_activation ?? false,
        validityDays: body.validity_days
      })
      const { replayed } = yield* answer(call, business.id, { _tag: "CreatePool", pool })
      return { body: renderPool(business, pool), replayed }
    })
  ),
  serve(Api.listCommercePools, ({ principal: { business }, query }) => {
    const pools = Object.values(business.pools).toSorted(byName)
    const inOrder = query.order === "DESC" ? pools.toReversed() : pools
    return Effect.succeed({
      body: pageOf(
        inOrder.map((pool) => renderPool(business, pool)),
        query
      )
    })
  }),
  serve(
    Api.postExchangeRate,
    Effect.fnUntraced(function* (call) {
      const { currency_code: currency, rate } = call.body
      const { business } = call.principal
      const { expectedSeq } = call
      const command = { _tag: "PostExchangeRate" as const, currency, rate: String(rate) }
      const { replayed, seq } = yield* answer(call, business.id, command, { expectedSeq })
      return { body: call.body, replayed, seq }
    })
  ),
  serve(
    Api.getSettings,
    Effect.fnUntraced(function* ({ principal: { business } }) {
      const actors = yield* Actors
      const { state, seq } = yield* actors.read(business.id, business.id, "business")
      return { body: renderSettings(state.settings), seq }
    })
  ),
  serve(
    Api.changeSettings,
    Effect.fnUntraced(function* (call) {
      const { business } = call.principal
      const settings = settingsOf(business.settings, call.body)
      const { expectedSeq } = call
      const { replayed, seq } = yield* answer(
        call,
        business.id,
        { _tag: "ChangeBusinessSettings", settings },
        { expectedSeq }
      )
      return { body: renderSettings(settings), replayed, seq }
    })
  )
]
