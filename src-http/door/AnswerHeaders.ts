/**
 * The headers that every answer carries, whoever gives it: no sniffing, no referrer, kept by no cache, nothing to load or
 * frame. Self-service answers also say which other origins may read them, if any are allowed; the back office never does.
 * Lines are made once for each combination: an answer only picks one. `Strict-Transport-Security` is added where a
 * proxy in front says that it was asked over TLS; forged, it reaches nobody but the forger, and over plain HTTP it is ignored.
 */
import * as Context from "effect/Context"

/** Name, value, name, value …: as `writeHead` takes them. */
type Lines = Array<string>

/** For JSON and everything else that is no page. */
export const plainHeaders = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'"
} as const

/** A year; for this host alone, because what is beside it is not ours. */
const strictTransport = ["strict-transport-security", "max-age=31536000"]
const openPath = "/self-service/"
/** A browser may keep the answer to a preflight this long. */
const preflightMaxAgeSeconds = 600
const allowed = [
  "access-control-allow-methods",
  "GET, POST, PUT, DELETE",
  "access-control-allow-headers",
  "api_key, authorization, content-type, idempotency-key, if-match, prefer",
  "access-control-max-age",
  String(preflightMaxAgeSeconds)
]
const exposed = ["access-control-expose-headers", "etag, idempotency-replayed, location, retry-after"]

interface Variants {
  readonly plain: Lines
  readonly overTls: Lines
}

const variants = (more: ReadonlyArray<string>): Variants => {
  const plain = [...Object.entries(plainHeaders).flat(), ...more]
  return { plain, overTls: [...plain, ...strictTransport] }
}

/** Origins whose pages may ask the self-service operations and read the answers, as a browser sends them. */
export const AllowedOrigins = Context.Reference<ReadonlyArray<string>>("koinon/http/AllowedOrigins", {
  defaultValue: () => []
})

/** What of a request decides. */
interface Asked {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
}

export class AnswerHeaders {
  readonly #closed = variants([])
  /** To an origin that is not listed, or to none: a cache that keeps answers apart by origin keeps this one too. */
  readonly #unlisted = variants(["vary", "origin"])
  readonly #listed: ReadonlyMap<string, Variants>
  readonly #preflights: ReadonlyMap<string, Variants>

  constructor(origins: ReadonlyArray<string>) {
    const of = (more: ReadonlyArray<string>) =>
      new Map(
        origins.map((origin) => [origin, variants(["vary", "origin", "access-control-allow-origin", origin, ...more])])
      )
    this.#listed = of(exposed)
    this.#preflights = of(allowed)
  }

  /** The same array each time: not to be changed. */
  of(request: Asked): Lines {
    return this.#pick(request, this.#variantsOf(request, this.#listed) ?? this.#closed)
  }

  /** The headers of the answer to a preflight of a listed origin, which is empty; any other `OPTIONS` is as good as unknown. */
  preflight(request: Asked): Lines | undefined {
    if (request.method !== "OPTIONS" || request.headers["access-control-request-method"] === undefined) return undefined
    const found = this.#variantsOf(request, this.#preflights)
    return found === undefined || found === this.#unlisted ? undefined : this.#pick(request, found)
  }

  #variantsOf({ headers, url }: Asked, origins: ReadonlyMap<string, Variants>): Variants | undefined {
    if (origins.size === 0 || url?.startsWith(openPath) !== true) return undefined
    const { origin } = headers
    return (typeof origin === "string" ? origins.get(origin) : undefined) ?? this.#unlisted
  }

  #pick({ headers }: Asked, { plain, overTls }: Variants): Lines {
    const protocol = headers["x-forwarded-proto"]
    return typeof protocol === "string" && protocol.startsWith("https") ? overTls : plain
  }
}
