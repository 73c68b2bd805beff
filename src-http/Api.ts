/** The whole surface: every endpoint that is served, in the order of the docs. */
import { activityRoutes } from "./backoffice/ActivitiesRoutes.ts"
import { awardRoutes } from "./backoffice/AwardsRoutes.ts"
import { automationDryRunRoute } from "./backoffice/AutomationDryRunRoute.ts"
import { automationRunRoutes } from "./backoffice/AutomationRunsRoutes.ts"
import { automationRoutes } from "./backoffice/AutomationsRoutes.ts"
import { approvalRoutes } from "./backoffice/ApprovalsRoutes.ts"
import { businessRoutes } from "./backoffice/BusinessRoutes.ts"
import { contactFeedRoutes } from "./backoffice/ContactFeedRoutes.ts"
import { contactPreferenceRoutes } from "./backoffice/ContactPreferencesRoutes.ts"
import { contactRoutes } from "./backoffice/ContactsRoutes.ts"
import { deliveryRoutes } from "./backoffice/DeliveriesRoutes.ts"
import { operationRoutes } from "./backoffice/OperationsRoutes.ts"
import { planRoutes } from "./backoffice/PlansRoutes.ts"
import { purchaseBatchRoutes } from "./backoffice/PurchaseBatchRoutes.ts"
import { purchaseRoutes } from "./backoffice/PurchasesRoutes.ts"
import { segmentFileRoutes } from "./backoffice/SegmentFilesRoutes.ts"
import { segmentRoutes } from "./backoffice/SegmentsRoutes.ts"
import { statusRoutes } from "./backoffice/StatusRoutes.ts"
import { templateRoutes } from "./backoffice/TemplatesRoutes.ts"
import { walletRoutes } from "./backoffice/WalletsRoutes.ts"
import { webhookRoutes } from "./backoffice/WebhooksRoutes.ts"
import type { Endpoint } from "./door/Endpoint.ts"
import { approvalRequestRoutes } from "./selfservice/ApprovalRequestsRoutes.ts"
import { analyticsRoutes } from "./selfservice/AnalyticsRoutes.ts"
import { printoutRoutes } from "./selfservice/PrintoutRoutes.ts"
import { ownCommunicationRoutes } from "./selfservice/CommunicationsRoutes.ts"
import { ownContactRoutes } from "./selfservice/ContactsRoutes.ts"
import { deviceRoutes } from "./selfservice/DevicesRoutes.ts"
import { nameDayRoutes } from "./selfservice/NameDaysRoutes.ts"
import { peopleRoutes } from "./selfservice/PeopleRoutes.ts"
import { tagRoutes } from "./selfservice/TagsRoutes.ts"
import { tokenRoutes } from "./selfservice/TokensRoutes.ts"
import { ownPurchaseRoutes } from "./selfservice/PurchasesRoutes.ts"
import { transferRoutes } from "./selfservice/TransfersRoutes.ts"
import { ownWalletRoutes } from "./selfservice/WalletsRoutes.ts"

const all = [
  ...ownContactRoutes,
  ...peopleRoutes,
  ...analyticsRoutes,
  ...tokenRoutes,
  ...tagRoutes,
  ...contactRoutes,
  ...contactPreferenceRoutes,
  ...contactFeedRoutes,
  ...businessRoutes,
  ...ownWalletRoutes,
  ...ownPurchaseRoutes,
  ...transferRoutes,
  ...ownCommunicationRoutes,
  ...printoutRoutes,
  ...deviceRoutes,
  ...approvalRequestRoutes,
  ...walletRoutes,
  ...purchaseBatchRoutes,
  ...purchaseRoutes,
  ...approvalRoutes,
  ...segmentRoutes,
  ...segmentFileRoutes,
  ...webhookRoutes,
  ...automationRoutes,
  automationDryRunRoute,
  ...automationRunRoutes,
  ...activityRoutes,
  ...awardRoutes,
  ...templateRoutes,
  ...planRoutes,
  ...nameDayRoutes,
  ...operationRoutes,
  ...deliveryRoutes,
  ...statusRoutes
]

/** The services that any of them needs. */
type Services<E> = E extends Endpoint<infer R> ? R : never

export const endpoints: ReadonlyArray<Endpoint<Services<(typeof all)[number]>>> = all
