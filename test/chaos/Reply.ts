/** Whether an answer says what the journal has stored: the ids that it names, and what a purchase has cost. */
import type { Told } from "./Fold.ts"
import type { Operation } from "./Operation.ts"

const minorPerMajor = 100

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined

/** What is wrong with the answer to something that was done, in words. */
export const replyFault = (operation: Operation, body: string, told: Told | undefined): string | undefined => {
  let said: unknown
  try {
    said = JSON.parse(body)
  } catch {
    return "that is no JSON"
  }
  const id = fieldOf(said, "id")
  if (operation.kind === "cancel") {
    return id === operation.purchaseId && fieldOf(said, "state") === "CANCELLED"
      ? undefined
      : `${operation.purchaseId} was cancelled`
  }
  if (operation.kind === "reversal") {
    return id === operation.awardId && fieldOf(said, "state") === "REVERSED"
      ? undefined
      : `${operation.awardId} was taken back`
  }
  if (told === undefined) return undefined
  if (id !== told.id) return `the journal has ${told.id}`
  if (told.spent === undefined) return undefined
  const spent = Math.round(Number(fieldOf(fieldOf(said, "rewards"), "spend")) * minorPerMajor)
  return BigInt(spent) === told.spent ? undefined : `${told.spent} were spent`
}
