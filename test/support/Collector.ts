/** An OpenTelemetry collector as an exporter sees it: takes JSON over HTTP and keeps every span and log record. */
import * as Effect from "effect/Effect"
import { createServer, type IncomingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"

const waitMaxMs = 60_000
const lookIntervalMs = 20

interface Attribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

export interface CollectedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: ReadonlyArray<Attribute>
}

interface LogRecord {
  readonly traceId?: string
  readonly body: { readonly stringValue?: string }
}

interface Export {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** Listens on loopback until the scope closes. */
export const start = Effect.gen(function* () {
  const exports: Array<Export> = []
  const spans: Array<CollectedSpan> = []
  const logs: Array<LogRecord> = []
  const take = (exported: Export): void => {
    exports.push(exported)
    const sent = JSON.parse(exported.text)
    for (const { scopeSpans } of sent.resourceSpans ?? []) for (const each of scopeSpans) spans.push(...each.spans)
    for (const { scopeLogs } of sent.resourceLogs ?? []) for (const each of scopeLogs) logs.push(...each.logRecords)
  }
  const server = createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      take({ path: request.url ?? "", headers: request.headers, text: Buffer.concat(chunks).toString() })
      response.writeHead(200, { "content-type": "application/json" }).end("{}")
    })
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  )
  const { port } = server.address() as AddressInfo
  /** What is found as soon as it has arrived; undefined if it does not. */
  const wait = Effect.fnUntraced(function* <A>(find: () => A | undefined) {
    for (const until = performance.now() + waitMaxMs; performance.now() < until;) {
      const found = find()
      if (found !== undefined) return found
      yield* Effect.sleep(lookIntervalMs)
    }
    return undefined
  })
  return { url: `http://127.0.0.1:${port}`, exports, spans, logs, wait }
})

export const attributesOf = ({ attributes }: Pick<CollectedSpan, "attributes">): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
