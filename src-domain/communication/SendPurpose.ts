/**
 * As what a message goes (CON-6): one rule for plans, automations and direct sends. The template says it, and nobody who uses
 * it can make it pass more. What an automation or a direct send sends goes as its template is. A plan writes to many, when it
 * wants to: what it sends is never MANDATORY, and is CRITICAL only where it overrides and the template is no marketing.
 */
import { Purpose } from "../contact/Communication.ts"
import type { Plan } from "./Plan.ts"
import type { Template } from "./Template.ts"

type OfTemplate = Pick<Template, "purpose">

/** Of a plan's messages. */
export const purposeOf = ({ override }: Pick<Plan, "override">, { purpose }: OfTemplate): Purpose =>
  override && purpose !== "MARKETING" ? "CRITICAL" : "MARKETING"

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
