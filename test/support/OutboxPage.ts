/** The outbox page as somebody sees it who has signed in with the business's key. */
import * as Effect from "effect/Effect"
import type { TestServer } from "./TestServer.ts"

/** Answers the text of one of its pages. */
export const outboxReader = Effect.fnUntraced(function* (server: TestServer["Service"]) {
  const session = yield* Effect.promise(() =>
    fetch(`${server.url}/console/session`, {
      method: "POST",
      redirect: "manual",
      body: new URLSearchParams({ api_key: server.apiKey })
    })
  )
  const cookie = session.headers.get("set-cookie")?.split(";")[0] ?? ""
  return (path: string) =>
    Effect.map(server.request("GET", path, undefined, { cookie }), ({ body }): string => String(body))
})
