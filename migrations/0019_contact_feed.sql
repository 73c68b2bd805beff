-- What the activity feed of a contact is read by (FED-1), beside her own stream and that of her community.

-- What happens at her key in streams of their own: purchases that were refused, and requests that waited for approval.
-- Few of all events, so that what is committed costs no more; the types are those of `asideTypes` in `Journal.ts`.
CREATE INDEX event_aside ON event (key, shard_offset)
  WHERE type IN ('PurchaseRefused', 'CommandHeld', 'HeldApproved', 'HeldRejected', 'HeldLapsed');

-- Her joins and leaves of all segments, by when they were.
CREATE INDEX segment_change_of_contact ON segment_change (business, contact, at, id);
