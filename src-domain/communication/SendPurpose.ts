/**
 * As what a message goes (CON-6): one rule for plans, automations and direct sends. The template says it, and nobody who uses
 * it can make it pass more. What goes by itself is CRITICAL only where the plan, or the action of the automation, overrides and
 * the template is no marketing. A plan writes to many, when it wants to: what it sends is never MANDATORY. What a person sends
 * to one contact goes as its template is.
 */
import { Purpose } from "../contact/Communication.ts"
import type { Plan } from "./Plan.ts"
import type { Template } from "./Template.ts"

type OfTemplate = Pick<Template, "purpose">

/** Of a plan's messages. */
export const purposeOf = ({ override }: Pick<Plan, "override">, { purpose }: OfTemplate): Purpose =>
  override && purpose !== "MARKETING" ? "CRITICAL" : "MARKETING"

/** Of the messages of an action: a system message is one whoever sends it. */
export const purposeOfAction = ({ override = false }: { readonly override?: boolean }, template: OfTemplate): Purpose =>
  template.purpose === "MANDATORY" ? "MANDATORY" : purposeOf({ override }, template)

/** What is asked of a message, and who asked. */
interface Asked {
  readonly purpose: Purpose
  readonly planId?: string
}

/** Of the two the one that passes less: they are declared from the one that passes most. */
const stricter = (one: Purpose, other: Purpose): Purpose =>
  Purpose.literals.indexOf(one) < Purpose.literals.indexOf(other) ? other : one

/**
 * At the send, whatever was asked for once: it may have waited, and its template have become something else since. Asked for
 * before plans were refused what is MANDATORY, a plan's message is marketing like any other of its kind.
 */
export const purposeAtSend = ({ purpose, planId }: Asked, template: OfTemplate): Purpose =>
  stricter(planId !== undefined && purpose === "MANDATORY" ? "MARKETING" : purpose, template.purpose)
