/** Purchases by the thousand, as gateways post them. */
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { Line } from "../resource/Fields.ts"
import { Operation } from "../resource/Operation.ts"
import { Purchase } from "../resource/Purchase.ts"
import { PurchaseBody } from "./PurchasesApi.ts"

const BatchLine = Schema.Struct({
  ...PurchaseBody.fields,
  /** Names the line as an Idempotency-Key would; absent, organisation and reference number do (PUR-2). */
  idempotency_key: Schema.optionalKey(Line)
})

export const postPurchaseBatch = declare({
  method: "POST",
  path: "/backoffice/v2/purchases/batch",
  tag: "Purchases",
  name: "postPurchaseBatch",
  summary: "Post a batch of purchases",
  description:
    "One purchase a line (NDJSON), of at most 1 MiB a line and any number of lines; one verdict a line, in the order of " +
    "the lines, as soon as it is there. Lines are handled side by side, so two lines of one batch have no order among " +
    "each other. Read while you write: verdicts that nobody reads stop the lines from being taken.",
  access: "secret",
  body: BatchLine,
  identityOf: (line, caller) =>
    line.idempotency_key === undefined ? undefined : `batch\n${caller}\n${line.idempotency_key}`,
  batch: "purchase",
  status: 201,
  success: Schema.Struct({
    /** Counted from 1, blank lines included. */
    line: Schema.Int,
    status: Schema.Int,
    purchase: Schema.optionalKey(Purchase),
    problem: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json)),
    /** With status 202: it was not done in time, and goes on. */
    operation: Schema.optionalKey(Operation),
    replayed: Schema.optionalKey(Schema.Boolean)
  })
})
