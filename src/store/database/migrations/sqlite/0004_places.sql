-- Into which object storage a recording went, or may have gone; empty if that is not known.
ALTER TABLE recordings ADD COLUMN place TEXT NOT NULL DEFAULT '';
-- Of the plain file, in hexadecimal digits; empty while nobody has read it.
ALTER TABLE recordings ADD COLUMN sha256 TEXT NOT NULL DEFAULT '';
