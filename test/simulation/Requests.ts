/** What the operations of a plan ask of the actors, and the little town that they live in: six people, two households. */
import { clientCommandId } from "#runtime/actor/Naming.ts"
import type { Ask } from "#runtime/actor/Actors.ts"
import {
  award,
  businessId,
  cancel,
  changeEmail,
  commandId,
  contactId,
  credit,
  debit,
  openBusiness,
  purchase,
  purchaseId,
  register,
  reverseAward,
  share,
  transfer
} from "../runtime/SampleCommands.ts"
import type { Operation } from "./Plan.ts"

/** What opens the town, one after the other. */
export const founding: ReadonlyArray<Ask> = [
  openBusiness(),
  ...[1, 2, 3, 4, 5, 6].map((number) => register(number)),
  credit(1, 5_000n, "founding-1"),
  credit(2, 300n, "founding-2"),
  credit(4, 1_500n, "founding-4"),
  credit(6, 800n, "founding-6"),
  share(1, 2, 2_000n),
  share(1, 3, 600n),
  share(4, 5)
]

/** An id and what was asked under it. `mark` ends up in the events. */
export interface Request {
  readonly ask: Ask & { readonly id: string; readonly fingerprint: string }
  readonly mark: string
}

/** Ids of clients are hashes. Those of `commandId` share a place in the runner's memory of ids. */
const idOf = ({ number, isForgettable }: Operation): string =>
  isForgettable ? commandId(number) : clientCommandId(businessId, "till", String(number))

const contested = (number: number): string => `contested.${number}@example.com`

const shareOf = (amount: bigint) => ({ _tag: "Share", basisPoints: Number(amount) * 10 }) as const

const withNotes = (ask: Ask, notes: string): Ask => ({ ...ask, command: { ...ask.command, notes } as Ask["command"] })

const commandOf = (operation: Operation, amount: bigint, mark: string): Ask => {
  const { kind, person, other, number, isAllOrNothing, isAccepted } = operation
  switch (kind) {
    case "credit":
    case "debit": {
      const ask = (kind === "credit" ? credit : debit)(person, amount, `entry-${number}`)
      // What is accepted before it is judged may hold nothing personal, such as notes.
      return isAccepted ? ask : withNotes(ask, mark)
    }
    case "purchase":
    case "shared purchase": {
      // Half of those who will not have all ask for a part.
      const part = isAllOrNothing || number % 2 === 0 ? {} : { amount: amount / 2n + 1n }
      const spendRequest = { ...part, restrictFullyCovered: isAllOrNothing }
      return purchase(person, number, amount, { spendRequest, referenceNumber: mark })
    }
    case "cancel":
      return cancel(person, other)
    case "transfer":
      return withNotes(transfer(person, other, amount, `transfer-${number}`), mark)
    case "award": {
      if (other === 0) return award(person, number, { _tag: "Amount", amount }, { name: mark })
      // Half of those for a purchase are a share of it, of up to seven tenths.
      const worth = number % 2 === 0 ? ({ _tag: "Amount", amount } as const) : shareOf(amount)
      return award(person, number, worth, { name: mark, purchaseId: purchaseId(other) })
    }
    case "reversal":
      return reverseAward(person, other)
    case "e-mail":
      return changeEmail(person, contested(other))
    case "registration": {
      const ask = register(person)
      const { command } = ask
      if (command._tag !== "RegisterContact") return ask
      return { ...ask, command: { ...command, profile: { ...command.profile, email: contested(other) } } }
    }
    case "read":
      return { business: businessId, key: contactId(person), command: { _tag: "ReviewInteraction" } }
  }
}

export const requestOf = (operation: Operation): Request => {
  const { number, amount } = operation
  const mark = `mark-${number}`
  const fingerprint = operation.isAccepted ? "" : `${number}/${amount}`
  return { ask: { ...commandOf(operation, BigInt(amount), mark), id: idOf(operation), fingerprint }, mark }
}

/** The same id for something else. */
export const alteredOf = (operation: Operation): Request => {
  const { number, amount } = operation
  const mark = `altered-${number}`
  const ask = commandOf(operation, BigInt(amount) + 1n, mark)
  return { ask: { ...ask, id: idOf(operation), fingerprint: `${number}/${amount + 1}` }, mark }
}
