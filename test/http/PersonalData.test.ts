/**
 * Where a person's particulars are after a day at a real server, with an embedded database that also crashed and refused:
 * sealed or hashed in every table but the views that are known to hold them, and in no line that anybody wrote (decision
 * 10, P17). Every table that there is gets searched, so a new one is too.
 */
import { assert, describe, it, layer } from "@effect/vitest"
import { clearTextViews } from "#runtime/projection/ClearTextViews.ts"
import * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { hash } from "node:crypto"
import { eventually } from "../support/Eventually.ts"
import { finderOf } from "../support/Leaks.ts"
import { apiKey, bad, good, her, planted, visit, type Visit } from "../support/PersonalDay.ts"
import { served } from "../support/ServedProcess.ts"

const setupMaxMs = 400_000

/** The database refuses rows with her in them, and dies. */
const crashes = Effect.fnUntraced(function* (
  server: Effect.Success<ReturnType<typeof served>>,
  visitor: Visit,
  { id, own }: Effect.Success<ReturnType<typeof good>>
) {
  const { request } = visitor
  const sql = Effect.fnUntraced(
    function* (text: string) {
      const url = yield* Effect.promise(server.databaseUrl)
      const connection = yield* PgConnection.make({ url })
      yield* connection.query(text)
    },
    Effect.scoped,
    Effect.orDie
  )
  const mine = `/self-service/v2/contacts/${id}`
  const update = (name: string) => request("PUT", mine, { first_name: name, email: planted.email }, own)
  const statuses: Array<number> = []
  yield* sql("ALTER TABLE contact_directory RENAME TO elsewhere")
  statuses.push((yield* request("GET", `/backoffice/v2/contacts?search=${planted.lastName}`)).status)
  yield* sql("ALTER TABLE elsewhere RENAME TO contact_directory")
  yield* sql("ALTER TABLE event ADD CONSTRAINT refused CHECK (type <> 'ContactUpdated') NOT VALID")
  statuses.push((yield* update(planted.wrongName)).status)
  yield* sql("ALTER TABLE event DROP CONSTRAINT refused")
  yield* Effect.promise(server.killDatabase)
  yield* Effect.forEach([1, 2, 3], () => update(planted.firstName), { concurrency: 3 })
  const isReady = Effect.map(request("GET", "/health/ready"), ({ status }) => status === 200)
  yield* eventually("ready again", isReady)
  yield* eventually(
    "she is served again",
    Effect.map(update(planted.firstName), ({ status }) => status === 200)
  )
  yield* sql("ALTER TABLE contact_directory ADD CONSTRAINT refused CHECK (false) NOT VALID")
  yield* update(planted.middleName)
  yield* eventually(
    "the view stands still",
    Effect.map(isReady, (ready) => !ready)
  )
  return statuses
})

const day = Effect.gen(function* () {
  const server = yield* served(apiKey)
  const visitor = visit(server.url)
  const made = yield* good(visitor, server.storeId)
  const refused = yield* bad(visitor, server.storeId, made)
  const broken = yield* crashes(server, visitor, made)
  const url = yield* Effect.promise(server.databaseUrl)
  const connection = yield* Effect.orDie(PgConnection.make({ url }))
  const query = (text: string) =>
    Effect.map(
      Effect.orDie(connection.query(text)),
      ({ rows }) => rows as unknown as ReadonlyArray<Record<string, string>>
    )
  return { server, visitor, made, refused, broken, query }
})

class Day extends Context.Service<Day, Effect.Success<typeof day>>()("koinon/test/Day") {}

const particulars = Object.values(planted)

layer(Layer.effect(Day, day), { timeout: setupMaxMs, excludeTestServices: true })(
  "after a day with everything in it, her particulars",
  (it) => {
    it.effect(
      "stand in no table in the clear but the views that are listed for it, and neither do keys and tokens (decision 10, P17)",
      Effect.fnUntraced(function* () {
        const { made, query } = yield* Day
        const tables = yield* query(
          `SELECT table_name AS name FROM information_schema.tables
         WHERE table_schema NOT IN ('pg_catalog', 'information_schema')
         UNION SELECT matviewname FROM pg_matviews`
        )
        assert.includeMembers(
          tables.map(({ name }) => name),
          ["event", "command", "inbox", "claim", "snapshot", "data_key", "batch", ...Object.keys(clearTextViews)]
        )
        const find = finderOf([...particulars, made.walletCode])
        const findSecret = finderOf([...made.secrets, apiKey])
        const found = new Map<string, ReadonlyArray<string>>()
        const sizes = new Map<string, number>()
        for (const { name = "" } of tables) {
          const rows = yield* query(`SELECT to_jsonb(t)::text AS row FROM "${name}" t`)
          const text = rows.map(({ row }) => row).join("\n")
          sizes.set(name, rows.length)
          assert.deepStrictEqual(findSecret(text), [], `a key or token stands in ${name}`)
          const here = find(text)
          if (here.length > 0) found.set(name, here)
        }
        assert.deepStrictEqual(
          [...found.keys()].toSorted(),
          Object.keys(clearTextViews)
            // Months and days are no words that could be looked for.
            .filter((name) => name !== "contact_anniversary")
            .toSorted(),
          JSON.stringify([...found])
        )
        for (const name of ["event", "command", "inbox", "claim", "snapshot", "data_key"]) {
          assert.isAbove(sizes.get(name) ?? 0, 0, `${name} holds something to search`)
        }
      })
    )

    it.effect(
      "cannot be guessed from what is kept of a request to know it again: its hash needs a key of the installation",
      Effect.fnUntraced(function* () {
        const { query } = yield* Day
        const kept = (yield* query("SELECT fingerprint FROM command WHERE fingerprint <> ''")).map(
          (row) => row["fingerprint"]
        )
        assert.isAbove(kept.length, 5)
        const asked = `POST /backoffice/v2/contacts\n${JSON.stringify(her)}`
        for (const encoding of ["base64url", "base64", "hex"] as const) {
          assert.notInclude(kept, hash("sha256", asked, encoding))
        }
      })
    )

    it.effect(
      "stand in no problem that anybody was told, whatever was wrong with what they sent",
      Effect.fnUntraced(function* () {
        const { broken, refused, visitor } = yield* Day
        assert.deepStrictEqual(
          refused.filter((status) => status < 400 || status >= 500),
          []
        )
        assert.isTrue(
          broken.every((status) => status >= 500),
          broken.join()
        )
        assert.isAbove(visitor.refusals.length, refused.length)
        const find = finderOf(particulars)
        assert.deepStrictEqual(
          visitor.refusals.filter((text) => find(text).length > 0),
          []
        )
      })
    )

    it.effect(
      "stand in no line that the server or its database wrote, from the first to the last, and neither do keys and tokens",
      Effect.fnUntraced(function* () {
        const { made, server } = yield* Day
        yield* Effect.promise(server.stop)
        const written = server.written()
        assert.match(written, /has stopped/, "what went wrong was reported")
        assert.match(written, /violates check constraint/, "by the database too")
        assert.deepStrictEqual(finderOf([...particulars, ...made.secrets, apiKey])(written), [], written)
      })
    )
  }
)

describe("the search", () => {
  it("sees a value in any case, in a URL, as hex and in the middle of base64", () => {
    const find = finderOf([planted.lastName, planted.email])
    for (const text of [
      "ZOGRAPHOPOULOU",
      `/contacts?email=${encodeURIComponent(planted.email)}`,
      Buffer.from(`.${her.last_name}.`).toString("hex"),
      ...["", "a", "ab"].map((before) => Buffer.from(`${before}${her.last_name} lives here`).toString("base64"))
    ]) {
      assert.strictEqual(find(text).length, 1, text)
    }
    assert.deepStrictEqual(find("nobody"), [])
  })
})
