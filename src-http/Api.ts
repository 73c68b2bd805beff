/** The whole surface: every endpoint that is served, in the order of the docs. */
import { businessRoutes } from "./backoffice/BusinessRoutes.ts"
import { contactRoutes } from "./backoffice/ContactsRoutes.ts"
import { operationRoutes } from "./backoffice/OperationsRoutes.ts"
import { purchaseBatchRoutes } from "./backoffice/PurchaseBatchRoutes.ts"
import { purchaseRoutes } from "./backoffice/PurchasesRoutes.ts"
import { statusRoutes } from "./backoffice/StatusRoutes.ts"
import { walletRoutes } from "./backoffice/WalletsRoutes.ts"
import type { Endpoint } from "./door/Endpoint.ts"
import { ownContactRoutes } from "./selfservice/ContactsRoutes.ts"
import { peopleRoutes } from "./selfservice/PeopleRoutes.ts"
import { tokenRoutes } from "./selfservice/TokensRoutes.ts"
import { ownPurchaseRoutes } from "./selfservice/PurchasesRoutes.ts"
import { transferRoutes } from "./selfservice/TransfersRoutes.ts"
import { ownWalletRoutes } from "./selfservice/WalletsRoutes.ts"

const all = [
  ...ownContactRoutes,
  ...peopleRoutes,
  ...tokenRoutes,
  ...contactRoutes,
  ...businessRoutes,
  ...ownWalletRoutes,
  ...ownPurchaseRoutes,
  ...transferRoutes,
  ...walletRoutes,
  ...purchaseBatchRoutes,
  ...purchaseRoutes,
  ...operationRoutes,
  ...statusRoutes
]

/** The services that any of them needs. */
type Services<E> = E extends Endpoint<infer R> ? R : never

export const endpoints: ReadonlyArray<Endpoint<Services<(typeof all)[number]>>> = all
