-- The catalogue: products and classifications that purchases have named (PUR-3). A view of the journal without personal
-- data. Shards are read in no order among each other, so each column keeps what does not depend on one: the earliest
-- instant, and the name that was given last.

CREATE TABLE catalogue_product (
  business      uuid   NOT NULL,
  id            text   NOT NULL,
  sku           text   COLLATE "C" NOT NULL,
  -- Absent while no purchase has said it.
  name          text,
  named_at      bigint NOT NULL,
  first_seen_at bigint NOT NULL,
  PRIMARY KEY (business, id)
);
CREATE INDEX catalogue_product_sku ON catalogue_product (business, sku, id);

CREATE TABLE catalogue_classification (
  business      uuid   NOT NULL,
  id            text   NOT NULL,
  name          text   COLLATE "C" NOT NULL,
  named_at      bigint NOT NULL,
  first_seen_at bigint NOT NULL,
  PRIMARY KEY (business, id)
);
CREATE INDEX catalogue_classification_name ON catalogue_classification (business, name, id);
