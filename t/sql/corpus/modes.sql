-- mode: ansi_quotes,pipes,no_backslash,high_not
SELECT "a"."b c", 'x\', "d""e" FROM "t";
SELECT a || b || 'c', a || b ^ c, -a || b, a OR b;
SELECT NOT a = b, NOT (a = b), NOT NOT a, NOT a BETWEEN b AND c;
INSERT INTO "t" ("a") VALUES ('it''s \n');
SELECT 'a\%' LIKE 'b' ESCAPE '\';
EXPLAIN FORMAT="json" SELECT 1;
