/** The business as an aggregate: how each fact changes the reference data that its turns look up. */
import { absurd, defineAggregate } from "../shared/Aggregate.ts"
import { Business, initial } from "./Business.ts"
import type { BusinessOpened } from "./BusinessEvent.ts"
import { BusinessEvent } from "./BusinessEvent.ts"

const open = (state: Business, event: typeof BusinessOpened.Type): Business => {
  const { businessId, name, serviceOwnerId, serviceOwnerName, currency, country, timeZone, settings } = event
  return {
    ...state,
    id: businessId,
    name,
    serviceOwnerId,
    currency,
    country,
    timeZone,
    settings,
    organisations: {
      [serviceOwnerId]: { id: serviceOwnerId, type: "SERVICE_OWNER", name: serviceOwnerName },
      [businessId]: { id: businessId, type: "BUSINESS", name, parentId: serviceOwnerId }
    }
  }
}

const evolve = (state: Business, event: BusinessEvent): Business => {
  switch (event._tag) {
    case "BusinessOpened":
      return open(state, event)
    case "OrganisationAdded":
      return { ...state, organisations: { ...state.organisations, [event.organisation.id]: event.organisation } }
    case "PoolCreated":
      return { ...state, pools: { ...state.pools, [event.pool.id]: event.pool } }
    case "ApiKeyIssued":
      return { ...state, apiKeys: [...state.apiKeys, event.key] }
    case "ExchangeRatePosted":
      return { ...state, exchangeRates: { ...state.exchangeRates, [event.currency]: event.rate } }
    case "BusinessSettingsChanged":
      return { ...state, settings: event.settings }
    case "PriorAutomationsChanged":
      return { ...state, priorAutomations: { creation: event.creation, update: event.update } }
    default:
      return absurd(event)
  }
}

export const business = defineAggregate({
  kind: "business",
  code: 1,
  State: Business,
  stateVersion: 2,
  initial,
  Event: BusinessEvent,
  evolve
})
