/** The activity feed: all business events of a contact, as the back office reads them (FED-1). */
import { ActivityFeed } from "#runtime/projection/ActivityFeed.ts"
import * as Effect from "effect/Effect"
import { definedBy } from "../door/Defined.ts"
import { serve } from "../door/Endpoint.ts"
import { answerOf, requestOf, viewFault } from "../door/Views.ts"
import { type FeedType, isLinkedTo, renderFeedEntry, tagsOf } from "../resource/ContactFeed.ts"
import { periodOf } from "../resource/Period.ts"
import { wordsOf } from "../resource/Words.ts"
import { listContactActivities } from "./ContactFeedApi.ts"
import { findContact } from "./ContactReference.ts"

export const contactFeedRoutes = [
  serve(
    listContactActivities,
    Effect.fnUntraced(function* ({ principal, params, query }) {
      const { business } = principal
      const { id } = (yield* findContact(principal, params["id"] ?? "")).state
      const { type, linked_to } = query
      const feed = yield* ActivityFeed
      const segments = yield* definedBy(principal.business, "segments")
      const filters = {
        ...periodOf(query, "at"),
        tags: tagsOf(type === undefined ? undefined : wordsOf<FeedType>(type)),
        matches:
          linked_to === undefined
            ? undefined
            : (recorded: Parameters<typeof isLinkedTo>[1]) => isLinkedTo(linked_to, recorded, business)
      }
      const found = yield* Effect.mapError(feed.list(business.id, id, filters, requestOf(query)), viewFault)
      return { body: answerOf(found, query, (recorded) => renderFeedEntry(recorded, business, segments)) }
    })
  )
]
