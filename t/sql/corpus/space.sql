-- mode: ignore_space
SELECT COUNT (*), MAX (a), NOW (), SUBSTRING (a, 1), count FROM t;
SELECT CAST (a AS CHAR), f (1);
