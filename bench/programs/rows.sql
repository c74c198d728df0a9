-- A database in memory: rows made, indexed, changed, joined, grouped, dropped.
PRAGMA journal_mode = OFF;
CREATE TABLE item(id INTEGER PRIMARY KEY, kind INTEGER, name TEXT, note TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < @ROWS@)
INSERT INTO item SELECT i, (i * 7919) % 997, 'item ' || (i * 31 % 65537), substr('abcdefghijklmnopqrstuvwxyz', 1, i % 26) FROM n;
CREATE INDEX by_kind ON item(kind, name);
CREATE INDEX by_name ON item(name);
UPDATE item SET note = note || '-' || kind WHERE id % 3 = 0;
DELETE FROM item WHERE id % 10 = 4;
SELECT count(*), sum(length(note)) FROM item;
SELECT kind, count(*), group_concat(name, '|') FROM item WHERE kind < 20 GROUP BY kind;
SELECT count(*) FROM item a JOIN item b ON a.name = b.name AND a.id < b.id;
SELECT name, count(*) c FROM item GROUP BY name ORDER BY c DESC, name LIMIT 20;
