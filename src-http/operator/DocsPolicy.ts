/**
 * The content security policy of the docs page, which is made of inline scripts and styles: its scripts run by their hashes
 * and no others, it asks this server alone, and nobody frames it. An api_key that is tried out there goes nowhere else.
 */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { hash } from "node:crypto"

const policyOf = (page: string): string => {
  const scripts = [...page.matchAll(/<script>([^]*?)<\/script>/g)].map(
    ([, script]) => `'sha256-${hash("sha256", script ?? "", "base64")}'`
  )
  return [
    "default-src 'none'",
    `script-src ${scripts.join(" ")}`,
    // The page writes its styles while it runs.
    "style-src 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'"
  ].join("; ")
}

/** Made once: the page is megabytes, and the same response each time. */
const secured = new WeakMap<HttpServerResponse.HttpServerResponse, HttpServerResponse.HttpServerResponse>()

const secure = (page: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse => {
  let known = secured.get(page)
  if (known === undefined && page.body._tag === "Uint8Array") {
    const policy = policyOf(new TextDecoder().decode(page.body.body))
    known = HttpServerResponse.setHeader(page, "content-security-policy", policy)
    secured.set(page, known)
  }
  // Without a policy of its own it has that of every answer, and shows nothing.
  return known ?? page
}

export const layer = HttpRouter.middleware((page) => Effect.map(page, secure)).layer
