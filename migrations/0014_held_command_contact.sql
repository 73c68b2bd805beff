-- A contact's app lists what of hers is held: found by her, and not among all that her business has held.
CREATE INDEX held_command_contact ON held_command (business, contact, held_at, id);
