/**
 * What was to be sent to contacts and what became of it, as rows that lists are read from, and the tasks by which it is
 * sent. Both follow the journal. The view names nobody, and can be rebuilt; a task that is enqueued again by a rebuild finds
 * that its message has ended, and ends.
 */
import type { Gateway } from "#domain/contact/Communication.ts"
import type { Event } from "#domain/Event.ts"
import * as Effect from "effect/Effect"
import type { Json } from "effect/Schema"
import type { SqlError } from "effect/sql/SqlError"
import { nameUuid } from "../actor/Naming.ts"
import type { NewTask } from "../outbox/Task.ts"
import { type Committed, type Projection, recordset } from "../projection/Projection.ts"

type Requested = Extract<Event, { readonly _tag: "CommunicationRequested" }>

/** What follows from events that come after the request; later ones over earlier ones. */
interface Change {
  readonly business: string
  readonly id: string
  readonly updated_at: number
  readonly state?: string
  readonly reason?: string
  readonly reason_code?: string
  readonly gateway?: string
  readonly language?: string
  readonly authorized_at?: number
  readonly ended_at?: number
  /** The first time counts. */
  readonly viewed_at?: number
  readonly clicked_at?: number
  readonly archived?: boolean
}

const requestColumns = {
  business: "uuid",
  id: "uuid",
  contact: "uuid",
  plan: "text",
  plan_run: "text",
  template: "text",
  name: "text",
  channel: "text",
  purpose: "text",
  state: "text",
  created_at: "bigint",
  updated_at: "bigint"
}
const names = Object.keys(requestColumns).join(", ")
const typed = (columns: Readonly<Record<string, string>>): string =>
  Object.entries(columns)
    .map(([name, type]) => `${name} ${type}`)
    .join(", ")
const insert =
  `INSERT INTO communication (${names}) SELECT ${names} FROM json_to_recordset($1::json) ` +
  `AS r(${typed(requestColumns)}) ON CONFLICT (business, id) DO NOTHING`

const changeColumns = {
  business: "uuid",
  id: "uuid",
  updated_at: "bigint",
  state: "text",
  reason: "text",
  reason_code: "text",
  gateway: "text",
  language: "text",
  authorized_at: "bigint",
  ended_at: "bigint",
  viewed_at: "bigint",
  clicked_at: "bigint",
  archived: "boolean"
}
const replaced = ["state", "reason", "reason_code", "gateway", "language", "authorized_at", "ended_at", "archived"]
const update =
  "UPDATE communication c SET updated_at = greatest(c.updated_at, r.updated_at), " +
  replaced.map((name) => `${name} = coalesce(r.${name}, c.${name})`).join(", ") +
  ", viewed_at = coalesce(c.viewed_at, r.viewed_at), clicked_at = coalesce(c.clicked_at, r.clicked_at) " +
  `FROM json_to_recordset($1::json) AS r(${typed(changeColumns)}) WHERE c.business = r.business AND c.id = r.id`

const rowOf = (event: Requested, { row: { business, key } }: Committed) => ({
  business,
  id: event.communicationId,
  contact: key,
  plan: event.planId ?? null,
  plan_run: event.planRun ?? null,
  template: event.templateId,
  name: event.name,
  channel: event.channel,
  purpose: event.purpose,
  state: "PENDING",
  created_at: event.at,
  updated_at: event.at
})

const markOf = ({ mark, at }: Extract<Event, { readonly _tag: "CommunicationMarked" }>): Partial<Change> => {
  switch (mark) {
    case "VIEWED":
      return { viewed_at: at }
    case "CLICKED":
      // Whoever followed a link has seen it.
      return { viewed_at: at, clicked_at: at }
    case "ARCHIVED":
    case "UNARCHIVED":
      return { archived: mark === "ARCHIVED" }
  }
}

const changeOf = ({ event, row }: Committed): Change | undefined => {
  const { business } = row
  switch (event._tag) {
    case "SendAuthorized":
      return { business, id: event.communicationId, updated_at: event.at, authorized_at: event.at }
    case "CommunicationCompleted": {
      const { communicationId: id, language, gateway, at } = event
      const ended = { state: "COMPLETED", language, ended_at: at }
      return { business, id, updated_at: at, ...ended, ...(gateway !== undefined && { gateway }) }
    }
    case "CommunicationRejected": {
      const { communicationId: id, reason, code, at } = event
      const ended = { state: "REJECTED", reason, ended_at: at }
      return { business, id, updated_at: at, ...ended, ...(code !== undefined && { reason_code: code }) }
    }
    case "CommunicationMarked":
      return { business, id: event.communicationId, updated_at: event.at, ...markOf(event) }
    default:
      return undefined
  }
}

/** One change for each message, however many events a batch has of it. */
const merged = (changes: ReadonlyArray<Change>): ReadonlyArray<Change> => {
  const byId = new Map<string, Change>()
  for (const change of changes) {
    const known = byId.get(`${change.business}/${change.id}`)
    const first = {
      ...(known?.viewed_at !== undefined && { viewed_at: known.viewed_at }),
      ...(known?.clicked_at !== undefined && { clicked_at: known.clicked_at })
    }
    byId.set(`${change.business}/${change.id}`, { ...known, ...change, ...first })
  }
  return [...byId.values()]
}

export const communicationView: Projection = {
  name: "communication",
  types: [
    "CommunicationRequested",
    "SendAuthorized",
    "CommunicationCompleted",
    "CommunicationRejected",
    "CommunicationMarked"
  ],
  opensPersonalData: true,
  reset: (sql) => Effect.asVoid(sql.unsafe("TRUNCATE communication")),
  apply: Effect.fnUntraced(function* (sql, events) {
    const rows = events.flatMap((each) =>
      each.event._tag === "CommunicationRequested" ? [rowOf(each.event, each)] : []
    )
    const changes = merged(events.flatMap((each) => changeOf(each) ?? []))
    if (rows.length > 0) yield* sql.unsafe(insert, [recordset(rows)])
    if (changes.length > 0) yield* sql.unsafe(update, [recordset(changes)])
  })
}

/** Characters of the values that travel with a task; a message that brings more is refused when it is to be written. */
const valuesLengthMax = 262_144

/** What is known once a gateway has taken a message, and is still to be stated. */
export interface Handed {
  readonly gateway: Gateway
  readonly language: string
  readonly recipient: string
  readonly subject?: string
  readonly providerId?: string
  /** Devices that the gateway knows no more. */
  readonly gone?: ReadonlyArray<string>
}

/** What a task of the queue says; one that was handed over must not be again. */
export type SendTask = Omit<Requested, "_tag" | "cause"> & { readonly tooLong?: true; readonly handed?: Handed }

/** The id of the task by which a message is sent. */
export const taskOf = (business: string, communication: string): string =>
  nameUuid("communication", business, communication)

const newTask = (event: Requested, { row: { business, key } }: Committed): NewTask => {
  const { _tag, cause: _cause, values, ...rest } = event
  const tooLong = values !== undefined && JSON.stringify(values).length > valuesLengthMax
  const body = { ...rest, ...(tooLong ? { tooLong } : values !== undefined && { values }) }
  return {
    id: taskOf(business, event.communicationId),
    queue: "communication",
    business,
    key,
    // What waits for the morning, or for a mail server, keeps nothing else of hers waiting.
    lane: `${event.channel}/${event.purpose}`,
    body: body satisfies SendTask as Json,
    dueAt: event.at
  }
}

/** Who waits for a message would notice more. */
const tasksGatherMs = 20

/** `enqueue` writes within the projection's transaction, so each message has its task exactly once. */
export const communicationTasks = (
  enqueue: (tasks: ReadonlyArray<NewTask>) => Effect.Effect<void, SqlError>
): Projection => ({
  name: "communication_tasks",
  types: ["CommunicationRequested"],
  opensPersonalData: true,
  gatherMs: tasksGatherMs,
  reset: () => Effect.void,
  apply: (_sql, events) =>
    enqueue(events.flatMap((each) => (each.event._tag === "CommunicationRequested" ? [newTask(each.event, each)] : [])))
})
