/**
 * Endpoints: where an integrator is told what happens, of which kinds of events, and under which secret it is signed
 * (AUT-11). The secret itself is nowhere: it is derived from its id and the installation's master secret. Whether an
 * address may be called at all depends on the operator, and is judged at the door and again at each call.
 */
import { automationUsing, type WithAutomations } from "../automation/AutomationUse.ts"
import * as Schema from "effect/Schema"
import { defineDefinitions } from "../definition/DefinitionKind.ts"
import { invalidDefinition } from "../definition/DefinitionRules.ts"
import { EmailAddress } from "../shared/EmailAddress.ts"
import { EventType } from "./EventType.ts"

const endpointsMax = 50
const urlLengthMax = 2_048
const descriptionLengthMax = 500
const olderSecretsMax = 4

const FormerSecret = Schema.Struct({ secretId: Schema.String, until: Schema.Int })

/** Who is told by mail when it was switched off by itself. */
export const NoticeRecipients = Schema.Array(EmailAddress).check(Schema.isMaxLength(20))

export const EndpointDefinition = Schema.Struct({
  url: Schema.String.check(Schema.isMaxLength(urlLengthMax)),
  events: Schema.Union([Schema.Literal("*"), Schema.Array(EventType).check(Schema.isMinLength(1))]),
  description: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(descriptionLengthMax))),
  secretId: Schema.String,
  /** The secret before this one signs as well until then, epoch milliseconds. */
  previous: Schema.optionalKey(FormerSecret),
  /** Those before that, if it was rotated again while they were good. */
  older: Schema.optionalKey(Schema.Array(FormerSecret).check(Schema.isMaxLength(olderSecretsMax))),
  noticeRecipients: Schema.optionalKey(NoticeRecipients)
})
export type EndpointDefinition = typeof EndpointDefinition.Type

const kind = "endpoints"

/** What is wrong with an address, whoever operates this. */
const objectionToUrl = (text: string): string | undefined => {
  if (text.length > urlLengthMax) return `An address has at most ${urlLengthMax} characters.`
  if (!URL.canParse(text)) return "It is not an address: https://example.com/hooks."
  const { protocol, username, password, hash } = new URL(text)
  if (protocol !== "https:" && protocol !== "http:") return "An https address is needed."
  if (username !== "" || password !== "") return "An address holds no user name and no password; requests are signed."
  return hash === "" ? undefined : "An address that is called has no fragment."
}

export const {
  aggregate: endpoints,
  decider: endpointDecider,
  Event: EndpointEvent,
  Command: EndpointCommand
} = defineDefinitions<"endpoints", "Endpoint", EndpointDefinition, WithAutomations>({
  kind,
  code: 7,
  stateVersion: 1,
  name: "Endpoint",
  Body: EndpointDefinition,
  most: endpointsMax,
  others: ["automations"],
  objection: ({ body: { url, events } }) => {
    const rule = objectionToUrl(url)
    if (rule !== undefined) return invalidDefinition(kind, "/url", rule)
    if (events.length === 0) return invalidDefinition(kind, "/events", "At least one event type is needed, or `*`.")
    const twice = events === "*" ? -1 : events.findIndex((type, index) => events.indexOf(type) !== index)
    return twice === -1 ? undefined : invalidDefinition(kind, `/events/${twice}`, "An event type is named once.")
  },
  usedBy: (id, _, { automations }) => automationUsing(automations, kind, id),
  canBeOffInUse: true
})
export type EndpointEvent = typeof EndpointEvent.Type

/** The secrets that sign at an instant, the newest first. */
export const goodSecrets = (
  { secretId, previous, older = [] }: EndpointDefinition,
  at: number
): ReadonlyArray<string> => {
  const former = previous === undefined ? older : [previous, ...older]
  return [secretId, ...former.filter(({ until }) => until > at).map((each) => each.secretId)]
}

/** Under a new secret; each former one is good for as long as was said of it, and none when the last is to end at once. */
export const rotated = (body: EndpointDefinition, secretId: string, at: number, until: number): EndpointDefinition => {
  const { previous: last, older: before = [], ...same } = body
  const former = last === undefined ? before : [last, ...before]
  const older = until > at ? former.filter((each) => each.until > at).slice(0, olderSecretsMax) : []
  return { ...same, secretId, previous: { secretId: body.secretId, until }, ...(older.length > 0 && { older }) }
}

/** Whether an endpoint is told of such events. */
export const wants = ({ events }: EndpointDefinition, type: EventType): boolean =>
  events === "*" || events.includes(type)
