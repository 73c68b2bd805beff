/** The tags of the business of whoever asks. */
import { ContactTags, contactTags } from "#runtime/projection/ContactTags.ts"
import * as Effect from "effect/Effect"
import { serve } from "../door/Endpoint.ts"
import { answerOf, caughtUp, requestOf, viewFault } from "../door/Views.ts"
import { pageOf } from "../resource/Paging.ts"
import { listTags } from "./TagsApi.ts"

export const tagRoutes = [
  serve(
    listTags,
    Effect.fnUntraced(function* ({ principal, query }) {
      const { entity, sort = "CREATED_DATE" } = query
      if (entity !== "CONTACTS") return { body: pageOf([], query) }
      yield* caughtUp(contactTags.name)
      const tags = yield* ContactTags
      const page = yield* tags
        .list({
          ...requestOf(query),
          business: principal.business.id,
          sort: sort === "SCHEDULED_DATE" ? "CREATED_DATE" : sort
        })
        .pipe(Effect.mapError(viewFault))
      const rendered = answerOf(page, query, ({ id, name, bearers }) => {
        const state: "ACTIVE" | "INACTIVE" = bearers > 0 ? "ACTIVE" : "INACTIVE"
        return { id, name, entity, state }
      })
      return { body: rendered }
    })
  )
]
