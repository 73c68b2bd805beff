/**
 * Judges what is asked of a business. Each thing is added once under its id: the same again answers the same, something
 * else under a known id is refused, because what was spent or earned under it stays explained by it.
 */
import * as Equal from "effect/Equal"
import * as Result from "effect/Result"
import type { Refusal } from "../Refusal.ts"
import { absurd, defineDecider } from "../shared/Aggregate.ts"
import type { Judgement, Turn } from "../shared/Decision.ts"
import type { Business, Organisation } from "./Business.ts"
import { business as aggregate } from "./BusinessAggregate.ts"
import type { OpenBusiness } from "./BusinessCommand.ts"
import { BusinessCommand } from "./BusinessCommand.ts"
import type { BusinessEvent } from "./BusinessEvent.ts"
import {
  objectionToBusiness,
  objectionToOrganisation,
  objectionToPool,
  objectionToRate,
  objectionToSettings
} from "./OrganisationRules.ts"

const accept = (id: string, ...events: ReadonlyArray<BusinessEvent>): Judgement =>
  Result.succeed({ events, answer: { _tag: "Done", id } })

/** One thing under its id: new and sound, known and the same, or neither. */
const add = <A extends { readonly id: string }>(
  kind: string,
  given: A,
  known: A | undefined,
  objection: () => Refusal | undefined,
  event: BusinessEvent
): Judgement => {
  if (known !== undefined) {
    return Equal.equals(known, given) ? accept(given.id) : Result.fail({ _tag: "AlreadyExists", kind, id: given.id })
  }
  const refusal = objection()
  return refusal === undefined ? accept(given.id, event) : Result.fail(refusal)
}

/** A merchant stands below the business, also when nobody says so. */
const placed = (business: Business, organisation: Organisation): Organisation =>
  organisation.type === "MERCHANT" && organisation.parentId === undefined
    ? { ...organisation, parentId: business.id }
    : organisation

const open = (business: Business, command: typeof OpenBusiness.Type, turn: Turn): Judgement => {
  const { _tag, organisations, apiKeys, ...facts } = command
  if (business.id !== "") return Result.fail({ _tag: "AlreadyExists", kind: "business", id: business.id })
  const refusal = objectionToBusiness(command)
  if (refusal !== undefined) return Result.fail(refusal)
  const events: Array<BusinessEvent> = [{ _tag: "BusinessOpened", ...facts, at: turn.at }]
  let opened = events.reduce(aggregate.evolve, business)
  for (const given of organisations) {
    const organisation = placed(opened, given)
    const objection: Refusal | undefined =
      opened.organisations[organisation.id] === undefined
        ? objectionToOrganisation(opened, organisation)
        : { _tag: "AlreadyExists", kind: "organisation", id: organisation.id }
    if (objection !== undefined) return Result.fail(objection)
    const added: BusinessEvent = { _tag: "OrganisationAdded", organisation, at: turn.at }
    opened = aggregate.evolve(opened, added)
    events.push(added)
  }
  for (const key of apiKeys) events.push({ _tag: "ApiKeyIssued", key, at: turn.at })
  return accept(command.businessId, ...events)
}

type OfOpened = Exclude<BusinessCommand, { _tag: "OpenBusiness" }>

const decideOpened = (business: Business, command: OfOpened, turn: Turn): Judgement => {
  const { at } = turn
  switch (command._tag) {
    case "AddOrganisation": {
      const organisation = placed(business, command.organisation)
      const known = business.organisations[organisation.id]
      const objection = () => objectionToOrganisation(business, organisation)
      return add("organisation", organisation, known, objection, { _tag: "OrganisationAdded", organisation, at })
    }
    case "CreatePool": {
      const { pool } = command
      const objection = () => objectionToPool(business, pool)
      return add("commerce_pool", pool, business.pools[pool.id], objection, { _tag: "PoolCreated", pool, at })
    }
    case "IssueApiKey": {
      const { key } = command
      const known = business.apiKeys.find((other) => other.id === key.id)
      return add("api_key", key, known, () => undefined, { _tag: "ApiKeyIssued", key, at })
    }
    case "PostExchangeRate": {
      const { currency, rate } = command
      const refusal = objectionToRate(business, currency, rate)
      if (refusal !== undefined) return Result.fail(refusal)
      if (business.exchangeRates[currency] === rate) return accept(currency)
      return accept(currency, { _tag: "ExchangeRatePosted", currency, rate, at })
    }
    case "ChangeBusinessSettings": {
      const { settings } = command
      const refusal = objectionToSettings(settings)
      if (refusal !== undefined) return Result.fail(refusal)
      if (Equal.equals(settings, business.settings)) return accept(business.id)
      return accept(business.id, { _tag: "BusinessSettingsChanged", settings, at })
    }
    default:
      return absurd(command)
  }
}

const decide = (business: Business, command: BusinessCommand, turn: Turn): Judgement => {
  if (command._tag === "OpenBusiness") return open(business, command, turn)
  // An unopened business has no name of its own yet: its turn says whose it is.
  if (business.id === "") return Result.fail({ _tag: "OrganisationNotFound", id: turn.business.id })
  return decideOpened(business, command, turn)
}

export const businessDecider = defineDecider<{ business: Business }, BusinessCommand>({
  commands: BusinessCommand.members.map((member) => member.fields._tag.schema.literal),
  needs: (_, key) => ({ business: key }),
  decide: (states, command, turn) => decide(states.business, command, turn)
})
