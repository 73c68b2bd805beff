/** What became of the messages of plans, for those who look at a run: a view of the journal. */
import * as Effect from "effect/Effect"
import { type Committed, type Projection, recordset } from "../projection/Projection.ts"

const request =
  "INSERT INTO plan_send (communication, business, plan, run_key, state, at) SELECT communication, business, plan, " +
  "run_key, 'PENDING', at FROM json_to_recordset($1::json) AS r(communication uuid, business uuid, plan uuid, " +
  "run_key text, at bigint) " +
  "ON CONFLICT (communication) DO NOTHING"
const end =
  "UPDATE plan_send p SET state = coalesce(r.state, p.state), reason = coalesce(r.reason, p.reason), " +
  "viewed = p.viewed OR r.viewed, clicked = p.clicked OR r.clicked FROM json_to_recordset($1::json) AS " +
  "r(communication uuid, business uuid, state text, reason text, viewed boolean, clicked boolean) " +
  "WHERE p.communication = r.communication AND p.business = r.business"

interface Change {
  readonly communication: string
  readonly business: string
  readonly state?: "COMPLETED" | "REJECTED"
  readonly reason?: string
  readonly viewed: boolean
  readonly clicked: boolean
}

const changed = (known: Change | undefined, { event, row: { business } }: Committed): Change | undefined => {
  switch (event._tag) {
    case "CommunicationCompleted": {
      const { communicationId: communication } = event
      return { viewed: false, clicked: false, ...known, communication, business, state: "COMPLETED" }
    }
    case "CommunicationRejected": {
      const { communicationId: communication, reason } = event
      return { viewed: false, clicked: false, ...known, communication, business, state: "REJECTED", reason }
    }
    case "CommunicationMarked": {
      const { communicationId: communication, mark } = event
      // Whoever clicks has seen it.
      const clicked = mark === "CLICKED" || known?.clicked === true
      const viewed = clicked || mark === "VIEWED" || known?.viewed === true
      return { ...known, communication, business, viewed, clicked }
    }
    default:
      return known
  }
}

const requested = ({ event, row: { business } }: Committed) =>
  event._tag === "CommunicationRequested" && event.planId !== undefined && event.planRun !== undefined
    ? [{ communication: event.communicationId, business, plan: event.planId, run_key: event.planRun, at: event.at }]
    : []

export const planSends: Projection = {
  name: "plan_sends",
  types: ["CommunicationRequested", "CommunicationCompleted", "CommunicationRejected", "CommunicationMarked"],
  // Of a request only ids are wanted, but it is sealed as a whole where it carries values.
  opensPersonalData: true,
  reset: (sql) => Effect.asVoid(sql.unsafe("TRUNCATE plan_send")),
  apply: Effect.fnUntraced(function* (sql, events) {
    const requests = events.flatMap(requested)
    if (requests.length > 0) yield* sql.unsafe(request, [recordset(requests)])
    const changes = new Map<string, Change>()
    for (const committed of events) {
      if (!("communicationId" in committed.event)) continue
      const { communicationId } = committed.event
      const change = changed(changes.get(communicationId), committed)
      if (change !== undefined) changes.set(communicationId, change)
    }
    // In one order, so that two writers cannot wait for each other.
    const ordered = [...changes.values()].toSorted((left, right) => (left.communication < right.communication ? -1 : 1))
    if (ordered.length > 0) yield* sql.unsafe(end, [recordset(ordered)])
  })
}
