-- When a message was sent, apart from when it is due. A message is due at once, which no clock may put off: written by a
-- runner whose clock ran an hour ahead, it would wait for that hour on the next one. Its age is told from here.

ALTER TABLE inbox ADD COLUMN at bigint NOT NULL DEFAULT 0;
