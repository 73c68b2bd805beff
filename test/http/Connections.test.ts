/** What a connection may do before anybody reads a request (P11): each bound is reached, told, and harms nobody else. */
import { assert, describe, it } from "@effect/vitest"
import { DoorLimits } from "#http/door/DoorLimits.ts"
import * as Effect from "effect/Effect"
import { connect, type Socket } from "node:net"
import { request as httpRequest } from "node:http"
import { eventually } from "../support/Eventually.ts"
import { start, type TestServer } from "../support/TestServer.ts"

type Server = TestServer["Service"]

/** Sockets beyond the bound; the long run is for a machine that lets a process open as many. */
const socketsBeyond =
  process.env["KOINON_TEST_SOCKETS"] === undefined ? 2_000 : Number(process.env["KOINON_TEST_SOCKETS"])
const answerWithinMs = 60_000

/** Longer than any test: each is about one bound, and a busy machine is to meet no other. */
const patient = {
  farewellsMax: 1_000_000,
  headWithinMs: 600_000,
  requestWithinMs: 600_000,
  quietMaxMs: 600_000,
  lookIntervalMs: 50
} satisfies DoorLimits
/** Long enough for whoever does send what it has to at once. */
const impatient: DoorLimits = { ...patient, headWithinMs: 4_000, requestWithinMs: 5_000 }
/** A whole request, and no line, takes longer. */
const impatientOfBodies: DoorLimits = { ...patient, requestWithinMs: 2_000, quietMaxMs: 5_000 }

/** A connection on which bytes are sent as they are, and what came back of it. */
interface Wire {
  readonly socket: Socket
  readonly say: (text: string) => void
  /** Everything that was heard, once the server has ended it. */
  readonly ended: Promise<string>
  /** What was heard until something of it is as expected. */
  readonly until: (isThere: (heard: string) => boolean) => Promise<string>
}

const wire = (server: Server): Promise<Wire> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port: Number(new URL(server.url).port), host: "127.0.0.1" })
    let heard = ""
    const listeners = new Set<() => void>()
    const ended = new Promise<string>((done) => socket.once("close", () => done(heard)))
    socket.on("data", (chunk) => {
      heard += chunk.toString("utf8")
      for (const listen of listeners) listen()
    })
    socket.once("error", reject)
    socket.on("error", () => undefined)
    socket.once("connect", () =>
      resolve({
        socket,
        say: (text) => void socket.write(text),
        ended,
        until: (isThere) =>
          new Promise((done, failed) => {
            const late = setTimeout(() => failed(new Error(`only this was heard: ${heard}`)), answerWithinMs)
            const listen = (): void => {
              if (!isThere(heard)) return
              clearTimeout(late)
              listeners.delete(listen)
              done(heard)
            }
            listeners.add(listen)
            listen()
          })
      })
    )
  })

const open = (server: Server) =>
  Effect.acquireRelease(
    Effect.promise(() => wire(server)),
    ({ socket }) => Effect.sync(() => socket.destroy())
  )

const settings = (server: Server, headers = "") =>
  `GET /backoffice/v2/settings HTTP/1.1\r\nhost: koinon\r\napi_key: ${server.apiKey}\r\n${headers}\r\n`

/** Says a little now and then, for as long as the scope lasts. */
const dripping = (drip: () => void) => Effect.forkScoped(Effect.forever(Effect.delay(Effect.sync(drip), 50)))

/** A refusal as it has to be: the status, problem details that say what to do, and the end of the connection. */
const isRefusal = (heard: string, status: number, code: string): void => {
  assert.match(heard, new RegExp(`^HTTP/1.1 ${status} `), heard.slice(0, 300))
  const [head = "", body = ""] = heard.split("\r\n\r\n")
  assert.match(head, /content-type: application\/problem\+json/i)
  assert.match(head, /connection: close/i)
  const problem = JSON.parse(body)
  assert.deepStrictEqual([problem.error, problem.status], [code, status])
  assert.isAbove(problem.detail.length, 20)
}

const served = (server: Server) =>
  Effect.map(server.request("GET", "/backoffice/v2/settings", undefined, { connection: "close" }), ({ status }) =>
    assert.strictEqual(status, 200)
  )

/** Asked until it is answered: an impatient door may find this too slow as well. */
const refusals = (server: Server, reason: string) =>
  Effect.map(
    eventually(
      "a scrape",
      Effect.map(server.request("GET", "/metrics"), ({ body, status }) => status === 200 && String(body))
    ),
    (text) =>
      Number(
        new RegExp(`^koinon_http_connections_refused_total\\{reason="${reason}"\\} (\\d+)$`, "m").exec(text)?.[1] ?? 0
      )
  )

describe("a head", () => {
  it.live("that is too large is 431, one with too many headers 431, a URL that is too long 414, nonsense 400", () =>
    Effect.gen(function* () {
      const server = yield* start()
      const many = Array.from({ length: 101 }, (_, index) => `x-${index}: 1\r\n`).join("")
      for (const [text, status, code] of [
        [settings(server, `x-bomb: ${"b".repeat(20_000)}\r\n`), 431, "KOINON.HEAD_TOO_LARGE"],
        [settings(server, many), 431, "KOINON.TOO_MANY_HEADERS"],
        [`GET /${"u".repeat(9_000)} HTTP/1.1\r\nhost: koinon\r\n\r\n`, 414, "KOINON.URL_TOO_LONG"],
        ["this is no request\r\n\r\n", 400, "KOINON.MALFORMED_REQUEST"]
      ] as const) {
        const client = yield* open(server)
        client.say(text)
        isRefusal(yield* Effect.promise(() => client.ended), status, code)
        yield* served(server)
      }
      assert.strictEqual(yield* refusals(server, "headers"), 1)
      assert.strictEqual(yield* refusals(server, "head"), 1)
    }).pipe(Effect.scoped)
  )
})

describe("an impatient door", () => {
  it.live("ends a head and a body that do not arrive in time with 408, also when bytes keep dripping", () =>
    Effect.gen(function* () {
      const server = yield* Effect.provideService(start(), DoorLimits, impatient)
      const [silent, slowHead, slowBody] = [yield* open(server), yield* open(server), yield* open(server)]
      slowHead.say("GET /backoffice/v2/settings HTTP/1.1\r\nhost: koinon\r\n")
      slowBody.say(
        `POST /backoffice/v2/purchases HTTP/1.1\r\nhost: koinon\r\napi_key: ${server.apiKey}\r\ncontent-length: 1000\r\n\r\n{`
      )
      yield* dripping(() => {
        slowHead.say("x-drip: 1\r\n")
        slowBody.say(" ")
      })
      for (const client of [silent, slowHead, slowBody]) {
        isRefusal(yield* Effect.promise(() => client.ended), 408, "KOINON.REQUEST_TOO_SLOW")
      }
      yield* served(server)
      assert.strictEqual(yield* refusals(server, "late"), 3)
    }).pipe(Effect.scoped)
  )

  it.live("lets a batch take longer than other requests as long as lines come, and ends it when they stop", () =>
    Effect.gen(function* () {
      const server = yield* Effect.provideService(start(), DoorLimits, impatientOfBodies)
      const client = yield* open(server)
      client.say(
        `POST /backoffice/v2/purchases/batch HTTP/1.1\r\nhost: koinon\r\napi_key: ${server.apiKey}\r\ntransfer-encoding: chunked\r\n\r\n`
      )
      const beganAt = performance.now()
      for (let line = 1; performance.now() - beganAt < 1.5 * impatientOfBodies.requestWithinMs; line++) {
        client.say("3\r\n{}\n\r\n")
        yield* Effect.promise(() => client.until((heard) => heard.includes(`"line":${line},`)))
        yield* Effect.sleep(impatientOfBodies.lookIntervalMs)
      }
      // One byte of a line that never ends is no line.
      yield* dripping(() => client.say("1\r\n \r\n"))
      yield* Effect.promise(() => client.ended)
      assert.isAbove(performance.now() - beganAt, impatientOfBodies.quietMaxMs)
      assert.strictEqual(yield* refusals(server, "quiet"), 1)
    }).pipe(Effect.scoped)
  )
})

describe("a full runner", () => {
  it.live(
    `answers ${socketsBeyond} connections beyond its bound with 503 and Retry-After, and lets in again when some have left`,
    () =>
      Effect.gen(function* () {
        const connectionsMax = 20
        // Those that are held say nothing, for as long as it takes.
        const server = yield* Effect.provideService(
          start({ KOINON_CONNECTIONS_MAX: String(connectionsMax) }),
          DoorLimits,
          patient
        )
        const held = yield* Effect.forEach(Array.from({ length: connectionsMax }), () => open(server), {
          concurrency: "unbounded"
        })
        let refused = 0
        yield* Effect.forEach(
          Array.from({ length: socketsBeyond }),
          () =>
            Effect.scoped(
              Effect.gen(function* () {
                const client = yield* open(server)
                client.say(settings(server))
                const heard = yield* Effect.promise(() => client.ended)
                isRefusal(heard, 503, "KOINON.TOO_MANY_CONNECTIONS")
                assert.match(heard, /retry-after: \d+\r\n/i)
                refused += 1
              })
            ),
          { concurrency: 200 }
        )
        assert.strictEqual(refused, socketsBeyond)
        const [first, second] = held
        first?.say(settings(server))
        yield* Effect.promise(() => first?.until((heard) => heard.startsWith("HTTP/1.1 200")) ?? Promise.resolve(""))
        second?.socket.destroy()
        yield* Effect.promise(() => second?.ended ?? Promise.resolve(""))
        first?.say(`GET /metrics HTTP/1.1\r\nhost: koinon\r\n\r\n`)
        const metrics = yield* Effect.promise(
          () => first?.until((heard) => heard.includes("koinon_uptime_seconds ")) ?? Promise.resolve("")
        )
        assert.match(
          metrics,
          new RegExp(`koinon_http_connections_refused_total\\{reason="connections"\\} ${socketsBeyond}\n`)
        )
        // The one that left made room for one.
        const next = yield* open(server)
        next.say(settings(server))
        yield* Effect.promise(() => next.until((heard) => heard.startsWith("HTTP/1.1 200")))
      }).pipe(Effect.scoped),
    240_000
  )

  it.live("holds as many live sockets as the setting says, and refuses the next with 503", () =>
    Effect.gen(function* () {
      const server = yield* start({ KOINON_LIVE_SOCKETS_MAX: "0" })
      const client = yield* open(server)
      client.say(
        "GET /live HTTP/1.1\r\nhost: koinon\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n" +
          "sec-websocket-key: a29pbm9ua29pbm9ua29pbg==\r\n\r\n"
      )
      const heard = yield* Effect.promise(() => client.until((text) => text.includes("\r\n\r\n")))
      assert.match(heard, /^HTTP\/1.1 503 /)
      assert.match(heard, /retry-after: \d+/i)
    }).pipe(Effect.scoped)
  )
})

describe("a connection", () => {
  it.live("that sends a thousand requests without reading gets 32 and one answers, is told so and closed", () =>
    Effect.gen(function* () {
      const server = yield* start()
      const client = yield* open(server)
      const write = JSON.stringify({ type: "PERSON", first_name: "Eleni", last_name: "Georgiou" })
      const post =
        `POST /backoffice/v2/contacts HTTP/1.1\r\nhost: koinon\r\napi_key: ${server.apiKey}\r\n` +
        `content-length: ${write.length}\r\n\r\n${write}`
      client.say(post.repeat(1_000))
      const heard = yield* Effect.promise(() => client.ended)
      const statuses = [...heard.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => status)
      assert.deepStrictEqual(statuses, [...Array.from({ length: 33 }, () => "201"), "429"])
      assert.match(heard, /KOINON\.PIPELINE_TOO_DEEP/)
      yield* served(server)
    }).pipe(Effect.scoped)
  )

  it.live("that asks before it sends its body is told to go on, and answered", () =>
    Effect.gen(function* () {
      const server = yield* start()
      const body = JSON.stringify({ type: "PERSON", first_name: "Eleni", last_name: "Georgiou" })
      const answered = yield* Effect.promise(
        () =>
          new Promise<{ readonly continued: boolean; readonly status: number | undefined }>((resolve, reject) => {
            let continued = false
            const asked = httpRequest(`${server.url}/backoffice/v2/contacts`, {
              method: "POST",
              headers: { api_key: server.apiKey, expect: "100-continue", "content-length": body.length }
            })
            asked.on("continue", () => {
              continued = true
              asked.end(body)
            })
            asked.on("response", (response) => resolve({ continued, status: response.resume().statusCode }))
            asked.on("error", reject)
            asked.flushHeaders()
          })
      )
      assert.deepStrictEqual(answered, { continued: true, status: 201 })
    }).pipe(Effect.scoped)
  )
})

describe("a body", () => {
  it.live("nested too deeply is 400 with the depth, whatever is in its texts is not counted", () =>
    Effect.gen(function* () {
      const server = yield* start()
      const post = (text: string) => server.request("POST", "/backoffice/v2/contacts", text)
      for (const text of [
        `${"[".repeat(33)}${"]".repeat(33)}`,
        '{"a":'.repeat(33),
        "[".repeat(500_000),
        `{"first_name":"\\\\","a":${"[".repeat(40)}`
      ]) {
        const { status, body } = yield* post(text)
        assert.deepStrictEqual([status, body.error], [400, "KOINON.JSON_TOO_DEEP"], text.slice(0, 60))
        assert.match(body.detail, /at most 32 deep/)
      }
      const deepEnough = yield* post(`${"[".repeat(32)}${"]".repeat(32)}`)
      assert.strictEqual(deepEnough.body.error, "KOINON.INVALID_REQUEST")
      const said = yield* post(
        JSON.stringify({ type: "PERSON", first_name: '"[{'.repeat(20), last_name: "[".repeat(40) })
      )
      assert.notStrictEqual(said.body.error, "KOINON.JSON_TOO_DEEP")
    }).pipe(Effect.scoped)
  )
})
