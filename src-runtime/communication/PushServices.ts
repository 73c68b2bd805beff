/**
 * Which push services a browser's subscription may name. The address comes from outside and the server posts to it, so it
 * is one of a list and nothing else: no address of the operator's own network can be reached by registering a device.
 */
import * as Context from "effect/Context"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

const Subscription = Schema.fromJsonString(
  Schema.Struct({
    endpoint: Schema.String.check(Schema.isMaxLength(1_000)),
    keys: Schema.Struct({
      p256dh: Schema.String.check(Schema.isPattern(/^[\w-]{80,100}=*$/)),
      auth: Schema.String.check(Schema.isPattern(/^[\w-]{16,32}=*$/))
    })
  })
)
export type Subscription = typeof Subscription.Type
const decode = Schema.decodeUnknownOption(Subscription)

/** As a browser gives it: JSON of a PushSubscription. `undefined` when it is none. */
export const subscriptionOf = (token: string): Subscription | undefined => Option.getOrUndefined(decode(token))

/** The list. */
export const PushServices = Context.Reference<ReadonlyArray<string>>("koinon/runtime/PushServices", {
  defaultValue: () => []
})

/** `*.example.com` stands for every host below it; an origin stands for itself, with its scheme and port. */
export const isPushService = (services: ReadonlyArray<string>, endpoint: string): boolean => {
  if (!URL.canParse(endpoint)) return false
  const { origin, protocol, hostname, port, username, password } = new URL(endpoint)
  if (username !== "" || password !== "") return false
  return services.some((service) => {
    if (service.includes("://")) return service === origin
    if (protocol !== "https:" || port !== "") return false
    return service.startsWith("*.") ? hostname.endsWith(service.slice(1)) : hostname === service
  })
}
