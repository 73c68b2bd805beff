/** Who is in a community (COM-1..4, SHR-1): each decision by itself, and what the person concerned hears of it. */
import { assert, describe, it } from "@effect/vitest"
import { community, relationWith } from "#domain/community/Community.ts"
import { communityDecider } from "#domain/community/CommunityDecider.ts"
import { invitationValidityMs, peopleMax } from "#domain/community/People.ts"
import { contact } from "#domain/contact/Contact.ts"
import type { Membership } from "#domain/contact/Membership.ts"
import { dayMs, noon, registered, scenario, turnAt } from "../../support/Given.ts"
import { done, household, invitation, joined, sharing } from "../../support/Household.ts"

const { given } = scenario(communityDecider, { contact, community })
const andreas = registered("andreas")
const expiresAt = noon + invitationValidityMs

const told = (revision: number, view: Partial<Membership>) => ({
  id: `relation-eleni/${revision}`,
  to: "eleni",
  command: {
    _tag: "NoteMembership" as const,
    membership: {
      ownerId: "andreas",
      relationshipId: "relation-eleni",
      state: "PENDING" as const,
      sharing: true,
      revision,
      ...view
    }
  }
})

const respond = (action: "ACCEPT" | "REJECT") =>
  ({ _tag: "RespondToInvitation", relationshipId: "relation-eleni", memberId: "eleni", action }) as const
const leave = { _tag: "LeaveCommunity", memberId: "eleni" } as const
const remove = { _tag: "RemovePerson", relationshipId: "relation-eleni" } as const
const update = (terms = sharing()) => ({ _tag: "UpdatePerson", relationshipId: "relation-eleni", terms }) as const

describe("invitations", () => {
  it("COM-1 an invitation by the app waits for an answer, for thirty days", () => {
    const { relationshipId, memberId, terms } = invitation("eleni")
    given(andreas)
      .when(invitation("eleni"))
      .journals({
        _tag: "PersonInvited",
        relationshipId,
        memberId,
        ownerId: "andreas",
        terms,
        state: "PENDING",
        expiresAt,
        at: noon
      })
      .answers({ _tag: "Done", id: relationshipId })
      .sends(told(1, {}))
      .arms({ name: `invitation/${relationshipId}`, at: expiresAt, command: { _tag: "ExpireInvitations" } })
  })

  it("COM-1 a person whom the back office adds is in at once", () => {
    given(andreas)
      .when(invitation("eleni", { joinsAtOnce: true }))
      .sends(told(1, { state: "ACCEPTED" }))
      .arms()
      .leaves((states) => assert.strictEqual(relationWith(states.community, "eleni")?.state, "ACCEPTED"))
  })

  it("COM-1 an invitation is accepted or rejected, and the person hears of it", () => {
    const invited = given(andreas).after(invitation("eleni"))
    invited
      .when(respond("ACCEPT"))
      .journalsTags("InvitationAccepted")
      .sends(told(2, { state: "ACCEPTED" }))
    invited
      .when(respond("REJECT"))
      .journalsTags("InvitationRejected")
      .sends(told(2, { state: "REJECTED", sharing: false }))
  })

  it("COM-1 the same answer again changes nothing, the opposite one is refused", () => {
    const accepted = given(andreas).after(invitation("eleni")).after(respond("ACCEPT"))
    accepted.when(respond("ACCEPT")).journals().sends().answers({ _tag: "Done", id: "relation-eleni" })
    accepted.when(respond("REJECT")).refuses({ _tag: "InvitationNotPending", id: "relation-eleni", state: "ACCEPTED" })
  })

  it("COM-1 an invitation of somebody else cannot be answered", () => {
    given(andreas)
      .after(invitation("eleni"))
      .when({ ...respond("ACCEPT"), memberId: "nikos" })
      .refuses({ _tag: "RelationNotFound", id: "relation-eleni" })
  })

  it("COM-2 a company may own a community but not be in one", () => {
    given(registered("andreas", { type: "COMPANY" }))
      .when(invitation("eleni"))
      .journalsTags("PersonInvited")
    given(andreas)
      .when(invitation("eleni", { memberType: "COMPANY" }))
      .refuses({ _tag: "MemberNotPerson", id: "eleni" })
  })

  it("COM-2 nobody invites herself", () => {
    given(andreas).when(invitation("andreas")).refuses({ _tag: "OwnerInvitedSelf", id: "andreas" })
  })

  it("COM-2 there is one live relation between two people, and the same invitation again is no second one", () => {
    const invited = given(andreas).after(invitation("eleni"))
    invited.when(invitation("eleni")).journals().sends().answers({ _tag: "Done", id: "relation-eleni" })
    invited
      .when(invitation("eleni", { relationshipId: "relation-2" }))
      .refuses({ _tag: "AlreadyInCommunity", relationshipId: "relation-eleni", state: "PENDING" })
    invited
      .after(respond("ACCEPT"))
      .when(invitation("eleni", { relationshipId: "relation-2" }))
      .refuses({ _tag: "AlreadyInCommunity", relationshipId: "relation-eleni", state: "ACCEPTED" })
  })

  it("COM-4 a person who rejected may be invited again", () => {
    given(andreas)
      .after(invitation("eleni"))
      .after(respond("REJECT"))
      .when(invitation("eleni", { relationshipId: "relation-2" }))
      .journalsTags("PersonInvited")
      .leaves((states) => {
        assert.strictEqual(states.community.relations.length, 1)
        assert.strictEqual(relationWith(states.community, "eleni")?.state, "PENDING")
      })
  })

  it("COM-4 an invitation lapses after thirty days, by its timer", () => {
    const world = household()
    done(world.run("andreas", invitation("eleni")))
    world.passUntil(expiresAt - 1)
    assert.strictEqual(relationWith(world.community("andreas"), "eleni")?.state, "PENDING")
    world.passUntil(expiresAt)
    world.settle()
    assert.deepStrictEqual(world.community("andreas").relations, [])
    assert.deepStrictEqual(world.contact("eleni").memberships, [])
  })

  it("COM-4 a lapsed invitation cannot be accepted even while its timer is late, and can be sent anew", () => {
    const late = turnAt(expiresAt)
    const invited = given(andreas).after(invitation("eleni"))
    invited
      .when(respond("ACCEPT"), late)
      .refuses({ _tag: "InvitationNotPending", id: "relation-eleni", state: "EXPIRED" })
    invited
      .when(invitation("eleni", { relationshipId: "relation-2" }), late)
      .journalsTags("InvitationExpired", "PersonInvited")
    invited.when({ _tag: "ExpireInvitations" }, turnAt(expiresAt + dayMs)).journalsTags("InvitationExpired")
  })

  it("COM-4 the timer of an invitation that was answered finds nothing to do", () => {
    given(andreas)
      .after(invitation("eleni"))
      .after(respond("ACCEPT"))
      .when({ _tag: "ExpireInvitations" }, turnAt(expiresAt))
      .journals()
      .sends()
  })

  it("a community has room for a thousand people", () => {
    const everybody = Array.from({ length: peopleMax }, (_, index) => joined(`person-${index}`))
    given(andreas, ...everybody)
      .when(invitation("eleni"))
      .refuses({ _tag: "TooManyPeople", limit: peopleMax })
    given(andreas, ...everybody.slice(1))
      .when(invitation("eleni"))
      .journalsTags("PersonInvited")
  })

  it("only a registered contact has a community", () => {
    given().when(invitation("eleni")).refusesTag("ContactNotFound")
  })
})

describe("people who are in", () => {
  const inside = given(andreas, joined("eleni"))

  it("COM-4 a member leaves, or is removed, and hears that it is over", () => {
    const over = told(2, { state: "ENDED", sharing: false })
    inside.when(leave).journalsTags("PersonLeft").sends(over)
    inside.when(remove).journalsTags("PersonRemoved").sends(over)
  })

  it("COM-4 who is gone cannot go again", () => {
    inside.after(leave).when(leave).refuses({ _tag: "RelationNotFound", id: "eleni" })
    inside.after(leave).when(remove).refuses({ _tag: "RelationNotFound", id: "relation-eleni" })
  })

  it("SHR-1 the terms of a member change as a whole, and the same terms again change nothing", () => {
    const terms = sharing({ isEnabled: false })
    inside
      .when(update(terms))
      .journalsTags("PersonUpdated")
      .sends(told(2, { state: "ACCEPTED", sharing: false }))
    inside.after(update(terms)).when(update(terms)).journals().sends()
  })

  it("SHR-1 the method MANUAL is refused, not ignored", () => {
    const terms = sharing({ method: "MANUAL" })
    inside.when(update(terms)).refusesTag("NotSupported")
    given(andreas).when(invitation("eleni", { terms })).refusesTag("NotSupported")
  })

  it("SHR-1 a limit below zero and a pool that does not exist are refused", () => {
    inside.when(update(sharing({ maxAmount: -1n }))).refusesTag("InvalidAmount")
    inside.when(update(sharing({ poolIds: ["coffee", "tea"] }))).refuses({ _tag: "PoolNotFound", id: "tea" })
  })

  it("COM-1 the terms of a rejected invitation cannot be changed", () => {
    given(andreas)
      .after(invitation("eleni"))
      .after(respond("REJECT"))
      .when(update(sharing({ isEnabled: false })))
      .refuses({ _tag: "InvitationNotPending", id: "relation-eleni", state: "REJECTED" })
  })
})
