/** Every door of the process: the declared operations, the live feed, and what operators and developers ask for. */
import * as Layer from "effect/Layer"
import * as ConsoleDoor from "./console/ConsoleDoor.ts"
import * as SegmentDownloads from "./backoffice/SegmentDownloads.ts"
import * as Door from "./door/Door.ts"
import type { Endpoint } from "./door/Endpoint.ts"
import * as LiveDoor from "./live/LiveDoor.ts"
import * as MessageDoor from "./message/MessageDoor.ts"
import * as PrintoutDownloads from "./selfservice/PrintoutDownloads.ts"
import * as OperatorDoor from "./operator/OperatorDoor.ts"

type Needs<One> = One extends Endpoint<infer R> ? R : never

/** What each of the endpoints needs, all of them need together. */
export const layer = <One extends Endpoint<unknown>>(endpoints: ReadonlyArray<One>) =>
  Layer.mergeAll(
    Door.layer(endpoints as unknown as ReadonlyArray<Endpoint<Needs<One>>>),
    SegmentDownloads.layer,
    PrintoutDownloads.layer,
    LiveDoor.layer,
    MessageDoor.layer,
    ConsoleDoor.layer,
    OperatorDoor.layer(endpoints.map(({ declaration }) => declaration))
  )
