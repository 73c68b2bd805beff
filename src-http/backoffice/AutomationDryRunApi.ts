/** What an automation would have done with what has happened, and what another would have done instead. Safe to share with clients. */
import * as Schema from "effect/Schema"
import { declare } from "../door/Endpoint.ts"
import { ActionShape, automationShape } from "../resource/Automation.ts"
import { Id, Instant } from "../resource/Fields.ts"

/** An action, and its place among the automation's, counted from 0. */
const doing = { index: Schema.Int, action: ActionShape }
const Doing = Schema.Struct(doing)
/** What the other does as well, at its place there. */
const SharedDoing = Schema.Struct({ ...doing, compared_index: Schema.Int })

const firing = {
  contact: Schema.Struct({ id: Schema.String }),
  /** Its type, or TIME where an instant had come. */
  event: Schema.String,
  happened_on: Schema.Int
}
/** What would have been done, in this order. */
const Firing = Schema.Struct({ ...firing, actions: Schema.Array(Doing) })
const Tally = Schema.Struct({
  /** How often the trigger happened. */
  considered: Schema.Int,
  /** How often the filter held as well. */
  fired: Schema.Int,
  /** By type. */
  actions: Schema.Record(Schema.String, Schema.Int),
  /** By date, in the business's zone. */
  days: Schema.Record(Schema.String, Schema.Int),
  /** The first hundred. */
  sample: Schema.Array(Firing)
})

/** Of one event: what is done only by `automation`, only by what it is compared with, and by both. */
const ChangedFiring = Schema.Struct({
  ...firing,
  only_first: Schema.Array(Doing),
  only_second: Schema.Array(Doing),
  both: Schema.Array(SharedDoing)
})
const Group = Schema.Struct({ count: Schema.Int, sample: Schema.Array(ChangedFiring) })
/** One action, and how often only the first would have done it, only the second, and both. */
const CountedDoing = Schema.Struct({
  action: ActionShape,
  /** Where it stands in the first, if it does. */
  index: Schema.optionalKey(Schema.Int),
  /** Where it stands in the second, if it does. */
  compared_index: Schema.optionalKey(Schema.Int),
  only_first: Schema.Int,
  only_second: Schema.Int,
  both: Schema.Int
})

const Dry = Schema.Struct(automationShape)
/** A saved automation, in the version of that number, or the one in force. */
const Saved = Schema.Struct({ id: Id, version: Schema.optionalKey(Schema.Int) })

export const dryRunAutomation = declare({
  method: "POST",
  path: "/backoffice/v2/automations/dry_run",
  tag: "Automations",
  name: "dryRunAutomation",
  summary: "See what an automation would have done",
  description:
    "Over what has happened between two instants, with nothing done, sent or stored. An automation is written out in " +
    "`automation`, or named in `automation_version`: one that is saved, in any version that it ever had. With a second one in " +
    "`compared_with` or `compared_with_version` also what sets the two apart: `only_first` of the difference is what goes where " +
    "the second takes the place of the first, `only_second` what comes, `both` what stays, by event and contact and for each " +
    "action. Nothing is done after a REJECT; what follows a HOLD, a DECISION or an APPROVAL is listed as if they had let it " +
    "through. Segments are taken as live, by their rules as they are now: contacts join and leave " +
    "with each event and when time has it so (a birthday, ninety days without a purchase). `assumed_live` names those that " +
    "are not live, or are switched off: really their members change with a refresh or by hand, at other instants and perhaps " +
    "others. One with a PRIOR_TO trigger is asked about the changes that were made, as before each: on what had happened to the " +
    "contact, and the segments that she was in, until then, and on the profile that came of it; a saved version that " +
    "judged the change then is taken at its word. Not looked into: changes that were turned away, members from a file, and what " +
    "the actions themselves would have set off.",
  access: "secret",
  body: Schema.Struct({
    automation: Schema.optionalKey(Dry),
    automation_version: Schema.optionalKey(Saved),
    /** To be compared with it. */
    compared_with: Schema.optionalKey(Dry),
    compared_with_version: Schema.optionalKey(Saved),
    /** Epoch seconds. */
    from: Instant,
    /** Now if absent. */
    until: Schema.optionalKey(Instant)
  }),
  status: 200,
  success: Schema.Struct({
    result: Tally,
    /** False: time alone moves some contact through segments so often that her later joins and leaves are not counted. */
    complete: Schema.Boolean,
    /** Segments, by id, that are judged here as if they were live, and are not; also where another names them. */
    assumed_live: Schema.Array(Schema.String),
    compared: Schema.optionalKey(Tally),
    difference: Schema.optionalKey(
      Schema.Struct({ only_first: Group, only_second: Group, both: Group, actions: Schema.Array(CountedDoing) })
    )
  })
})
