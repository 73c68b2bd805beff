/** `koinon openapi`: the description that a running server answers at /openapi.json, without a server. */
import { endpoints } from "#http/Api.ts"
import { describe } from "#http/operator/OperatorDoor.ts"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Command from "effect/cli/Command"

export const openApiVerb = Command.make("openapi", {}, () =>
  Effect.suspend(() =>
    Console.log(JSON.stringify(describe(endpoints.map(({ declaration }) => declaration)), undefined, 2))
  )
).pipe(Command.withDescription("Print the OpenAPI 3.1 description of every operation"))
