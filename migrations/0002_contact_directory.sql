-- The contact directory: the one table that holds personal data in the clear, because people search it.
-- A view of the journal: it may be dropped and rebuilt at any time, and erasing a contact has to delete her row here.

CREATE TABLE contact_directory (
  business            uuid     NOT NULL,
  contact             uuid     NOT NULL,
  type                text     NOT NULL,
  code                text     NOT NULL,
  referral_code       text     NOT NULL,
  wallet_code         text     NOT NULL,
  display_name        text     NOT NULL,
  first_name          text,
  middle_name         text,
  last_name           text,
  company_name        text,
  email               text,
  -- As it was given, and as it is compared.
  phone_number        text,
  phone_e164          text,
  loyalty_identifiers text[]   NOT NULL,
  registered_at       bigint   NOT NULL,
  updated_at          bigint   NOT NULL,
  -- Folded by the application: without accents, case or a final sigma, and short enough to be indexed. "C" compares the
  -- folded text as it stands, so a page begins where the last one ended whatever the server's locale is.
  name_key            text     COLLATE "C" NOT NULL,
  code_key            text     COLLATE "C" NOT NULL,
  -- Every word that finds the contact, folded by the application in the same way for Greek and Latin.
  words               tsvector NOT NULL,
  PRIMARY KEY (business, contact)
);
CREATE INDEX contact_directory_registered ON contact_directory (business, registered_at, contact);
CREATE INDEX contact_directory_name ON contact_directory (business, name_key, contact);
CREATE INDEX contact_directory_code ON contact_directory (business, code_key, contact);
-- Hashed: values of any length, and equality is all that is asked.
CREATE INDEX contact_directory_email ON contact_directory USING hash (email);
CREATE INDEX contact_directory_phone ON contact_directory USING hash (phone_e164);
CREATE INDEX contact_directory_words ON contact_directory USING gin (words);
