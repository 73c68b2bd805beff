-- Which tags a business has put on its contacts, as lists of them show: a view of the journal. Tags are the business's own
-- words, so nothing here is personal. Shards are read in no order among each other, so each column keeps what does not
-- depend on one: the first and the last instant, and a sum.
CREATE TABLE contact_tag (
  business   uuid    NOT NULL,
  name       text    COLLATE "C" NOT NULL,
  -- Contacts that have it now.
  bearers    bigint  NOT NULL,
  -- When it was put on a contact first; when it was put on one or taken from one last.
  created_at bigint  NOT NULL,
  updated_at bigint  NOT NULL,
  PRIMARY KEY (business, name)
);
CREATE INDEX contact_tag_created ON contact_tag (business, created_at, name);
CREATE INDEX contact_tag_updated ON contact_tag (business, updated_at, name);

-- What each contact has, to know what the next change of hers adds and takes away.
CREATE TABLE tagged_contact (
  business uuid   NOT NULL,
  contact  uuid   NOT NULL,
  tags     text[] NOT NULL,
  PRIMARY KEY (business, contact)
);
