/** Writes that were answered 202, and how they end. */
import { declare } from "../door/Endpoint.ts"
import { Operation } from "../resource/Operation.ts"

export const getOperation = declare({
  method: "GET",
  path: "/backoffice/v2/operations/:id",
  tag: "Operations",
  name: "getOperation",
  summary: "Read an operation",
  description:
    "What became of a write that was answered 202. It is RUNNING for moments, and HELD for as long as it waits for the approval " +
    "of the business, for seven days at most. It is kept as long as the answers to repeated requests are: a day at " +
    "least. A contact's token reads the operations on that contact.",
  access: "contact-or-secret",
  status: 200,
  success: Operation
})
