-- For each query the fragments of a good plan over the layout of schema.sql, and what is done with their rows above the shards.
-- bench/tpch/floor.py runs them by hand, without Tessera, and shows what such a plan costs at least: rows and bytes from and to
-- the shards and the shards' own time. It computes the answer, too, and compares it: so these plans are right ones.
--
--   -- step NAME        runs on every shard, with tables standing for the shard's partitions; its rows become a table NAME
--   -- above NAME       runs above, on the tables of the steps (in SQLite: amounts are floating there)
--   -- answer           the same, and gives the query's answer
-- q3b and so on: another plan for q3, to see which of them the cost model should choose.
-- {NAME.column} is the list of different values of a column that came before: keys that are sent down with the fragment.

-- q1
-- step lines
SELECT l_returnflag, l_linestatus, SUM(l_quantity) AS q, SUM(l_extendedprice) AS p, SUM(l_extendedprice * (1 - l_discount)) AS d,
       SUM(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS c, SUM(l_discount) AS s, COUNT(*) AS n
FROM lineitem
WHERE l_shipdate <= DATE '1998-12-01' - INTERVAL 90 DAY
GROUP BY l_returnflag, l_linestatus;
-- answer
SELECT l_returnflag, l_linestatus, SUM(q), SUM(p), SUM(d), SUM(c), SUM(q) / SUM(n), SUM(p) / SUM(n), SUM(s) / SUM(n), SUM(n)
FROM lines GROUP BY 1, 2 ORDER BY 1, 2;

-- q1b
-- step lines
SELECT l_returnflag, l_linestatus, l_quantity AS q, l_extendedprice AS p, l_discount AS d, l_tax AS t
FROM lineitem
WHERE l_shipdate <= DATE '1998-12-01' - INTERVAL 90 DAY;
-- answer
SELECT l_returnflag, l_linestatus, SUM(q), SUM(p), SUM(p * (1 - d)), SUM(p * (1 - d) * (1 + t)), AVG(q), AVG(p), AVG(d), COUNT(*)
FROM lines GROUP BY 1, 2 ORDER BY 1, 2;

-- q2
-- step stock
SELECT p_partkey, p_mfgr, ps_suppkey, ps_supplycost
FROM part JOIN partsupp ON ps_partkey = p_partkey
WHERE p_size = 15 AND p_type LIKE '%BRASS';
-- step suppliers
SELECT s_suppkey, s_acctbal, s_name, n_name
FROM supplier JOIN nation ON n_nationkey = s_nationkey JOIN region ON r_regionkey = n_regionkey
WHERE r_name = 'EUROPE';
-- above best
SELECT * FROM (SELECT s_suppkey, s_acctbal, s_name, n_name, p_partkey, p_mfgr, ps_supplycost, MIN(ps_supplycost) OVER (PARTITION BY p_partkey) AS least
               FROM stock JOIN suppliers ON s_suppkey = ps_suppkey)
WHERE ps_supplycost = least ORDER BY s_acctbal DESC, n_name, s_name, p_partkey LIMIT 100;
-- step rest
SELECT s_suppkey AS k, s_address, s_phone, s_comment FROM supplier WHERE s_suppkey IN ({best.s_suppkey});
-- answer
SELECT s_acctbal, s_name, n_name, p_partkey, p_mfgr, s_address, s_phone, s_comment FROM best JOIN rest ON k = s_suppkey
ORDER BY s_acctbal DESC, n_name, s_name, p_partkey;

-- q3
-- step builders
SELECT c_custkey FROM customer WHERE c_mktsegment = 'BUILDING';
-- step top
SELECT l_orderkey, SUM(l_extendedprice * (1 - l_discount)) AS revenue, o_orderdate, o_shippriority
FROM orders JOIN lineitem ON l_orderkey = o_orderkey
WHERE o_orderdate < DATE '1995-03-15' AND l_shipdate > DATE '1995-03-15' AND o_custkey IN ({builders.c_custkey})
GROUP BY l_orderkey, o_orderdate, o_shippriority
ORDER BY revenue DESC, o_orderdate
LIMIT 10;
-- answer
SELECT * FROM top ORDER BY revenue DESC, o_orderdate LIMIT 10;

-- q3b
-- step builders
SELECT c_custkey FROM customer WHERE c_mktsegment = 'BUILDING';
-- step open
SELECT l_orderkey, SUM(l_extendedprice * (1 - l_discount)) AS revenue, o_orderdate, o_shippriority, o_custkey
FROM orders JOIN lineitem ON l_orderkey = o_orderkey
WHERE o_orderdate < DATE '1995-03-15' AND l_shipdate > DATE '1995-03-15'
GROUP BY l_orderkey, o_orderdate, o_shippriority, o_custkey;
-- answer
SELECT l_orderkey, revenue, o_orderdate, o_shippriority FROM open JOIN builders ON c_custkey = o_custkey ORDER BY revenue DESC, o_orderdate LIMIT 10;

-- q4
-- step counts
SELECT o_orderpriority, COUNT(*) AS n
FROM orders
WHERE o_orderdate >= DATE '1993-07-01' AND o_orderdate < DATE '1993-07-01' + INTERVAL 3 MONTH
  AND EXISTS (SELECT 1 FROM lineitem WHERE l_orderkey = o_orderkey AND l_commitdate < l_receiptdate)
GROUP BY o_orderpriority;
-- answer
SELECT o_orderpriority, SUM(n) FROM counts GROUP BY 1 ORDER BY 1;

-- q5
-- step suppliers
SELECT s_suppkey, n_name FROM supplier JOIN nation ON n_nationkey = s_nationkey JOIN region ON r_regionkey = n_regionkey WHERE r_name = 'ASIA';
-- step customers
SELECT c_custkey, n_name AS c_nation FROM customer JOIN nation ON n_nationkey = c_nationkey JOIN region ON r_regionkey = n_regionkey WHERE r_name = 'ASIA';
-- step lines
SELECT o_custkey, l_suppkey, l_extendedprice * (1 - l_discount) AS r
FROM orders JOIN lineitem ON l_orderkey = o_orderkey
WHERE o_orderdate >= DATE '1994-01-01' AND o_orderdate < DATE '1994-01-01' + INTERVAL 1 YEAR
  AND o_custkey IN ({customers.c_custkey}) AND l_suppkey IN ({suppliers.s_suppkey});
-- answer
SELECT n_name, SUM(r) AS revenue FROM lines JOIN customers ON c_custkey = o_custkey JOIN suppliers ON s_suppkey = l_suppkey AND n_name = c_nation
GROUP BY 1 ORDER BY 2 DESC;

-- q5b
-- step suppliers
SELECT s_suppkey, n_name FROM supplier JOIN nation ON n_nationkey = s_nationkey JOIN region ON r_regionkey = n_regionkey WHERE r_name = 'ASIA';
-- step customers
SELECT c_custkey, n_name AS c_nation FROM customer JOIN nation ON n_nationkey = c_nationkey JOIN region ON r_regionkey = n_regionkey WHERE r_name = 'ASIA';
-- step lines
SELECT o_custkey, l_suppkey, l_extendedprice * (1 - l_discount) AS r
FROM orders JOIN lineitem ON l_orderkey = o_orderkey
WHERE o_orderdate >= DATE '1994-01-01' AND o_orderdate < DATE '1994-01-01' + INTERVAL 1 YEAR AND l_suppkey IN ({suppliers.s_suppkey});
-- answer
SELECT n_name, SUM(r) AS revenue FROM lines JOIN customers ON c_custkey = o_custkey JOIN suppliers ON s_suppkey = l_suppkey AND n_name = c_nation
GROUP BY 1 ORDER BY 2 DESC;

-- q6
-- step lines
SELECT SUM(l_extendedprice * l_discount) AS r
FROM lineitem
WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1994-01-01' + INTERVAL 1 YEAR
  AND l_discount BETWEEN 0.06 - 0.01 AND 0.06 + 0.01 AND l_quantity < 24;
-- answer
SELECT SUM(r) FROM lines;

-- q7
-- step suppliers
SELECT s_suppkey, n_name AS supp_nation FROM supplier JOIN nation ON n_nationkey = s_nationkey WHERE n_name IN ('FRANCE', 'GERMANY');
-- step customers
SELECT c_custkey, n_name AS cust_nation FROM customer JOIN nation ON n_nationkey = c_nationkey WHERE n_name IN ('FRANCE', 'GERMANY');
-- step lines
SELECT l_suppkey, o_custkey, EXTRACT(YEAR FROM l_shipdate) AS l_year, l_extendedprice * (1 - l_discount) AS r
FROM orders JOIN lineitem ON l_orderkey = o_orderkey
WHERE l_shipdate BETWEEN DATE '1995-01-01' AND DATE '1996-12-31'
  AND o_custkey IN ({customers.c_custkey}) AND l_suppkey IN ({suppliers.s_suppkey});
-- answer
SELECT supp_nation, cust_nation, l_year, SUM(r)
FROM lines JOIN suppliers ON s_suppkey = l_suppkey JOIN customers ON c_custkey = o_custkey AND cust_nation <> supp_nation
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- q7b
-- step suppliers
SELECT s_suppkey, n_name AS supp_nation FROM supplier JOIN nation ON n_nationkey = s_nationkey WHERE n_name IN ('FRANCE', 'GERMANY');
-- step customers
SELECT c_custkey, n_name AS cust_nation FROM customer JOIN nation ON n_nationkey = c_nationkey WHERE n_name IN ('FRANCE', 'GERMANY');
-- step lines
SELECT l_suppkey, o_custkey, EXTRACT(YEAR FROM l_shipdate) AS l_year, l_extendedprice * (1 - l_discount) AS r
FROM orders JOIN lineitem ON l_orderkey = o_orderkey
WHERE l_shipdate BETWEEN DATE '1995-01-01' AND DATE '1996-12-31' AND l_suppkey IN ({suppliers.s_suppkey});
-- answer
SELECT supp_nation, cust_nation, l_year, SUM(r)
FROM lines JOIN suppliers ON s_suppkey = l_suppkey JOIN customers ON c_custkey = o_custkey AND cust_nation <> supp_nation
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- q8
-- step parts
SELECT p_partkey FROM part WHERE p_type = 'ECONOMY ANODIZED STEEL';
-- step lines
SELECT o_custkey, l_suppkey, EXTRACT(YEAR FROM o_orderdate) AS o_year, l_extendedprice * (1 - l_discount) AS volume
FROM lineitem JOIN orders ON o_orderkey = l_orderkey
WHERE o_orderdate BETWEEN DATE '1995-01-01' AND DATE '1996-12-31' AND l_partkey IN ({parts.p_partkey});
-- step customers
SELECT c_custkey FROM customer JOIN nation ON n_nationkey = c_nationkey JOIN region ON r_regionkey = n_regionkey
WHERE r_name = 'AMERICA' AND c_custkey IN ({lines.o_custkey});
-- above american
SELECT lines.* FROM lines JOIN customers ON c_custkey = o_custkey;
-- step suppliers
SELECT s_suppkey, n_name AS nation FROM supplier JOIN nation ON n_nationkey = s_nationkey WHERE s_suppkey IN ({american.l_suppkey});
-- answer
SELECT o_year, SUM(CASE WHEN nation = 'BRAZIL' THEN volume ELSE 0 END) / SUM(volume) FROM american JOIN suppliers ON s_suppkey = l_suppkey
GROUP BY 1 ORDER BY 1;

-- q9
-- step stock
SELECT ps_partkey, ps_suppkey, ps_supplycost FROM part JOIN partsupp ON ps_partkey = p_partkey WHERE p_name LIKE '%green%';
-- step suppliers
SELECT s_suppkey, n_name AS nation FROM supplier JOIN nation ON n_nationkey = s_nationkey;
-- step lines
SELECT l_partkey, l_suppkey, EXTRACT(YEAR FROM o_orderdate) AS o_year, l_extendedprice * (1 - l_discount) AS r, l_quantity AS q
FROM lineitem JOIN orders ON o_orderkey = l_orderkey
WHERE l_partkey IN ({stock.ps_partkey});
-- answer
SELECT nation, o_year, SUM(r - ps_supplycost * q)
FROM lines JOIN stock ON ps_partkey = l_partkey AND ps_suppkey = l_suppkey JOIN suppliers ON s_suppkey = l_suppkey
GROUP BY 1, 2 ORDER BY 1, 2 DESC;

-- q9b
-- step stock
SELECT ps_partkey, ps_suppkey, ps_supplycost FROM part JOIN partsupp ON ps_partkey = p_partkey WHERE p_name LIKE '%green%';
-- step suppliers
SELECT s_suppkey, n_name AS nation FROM supplier JOIN nation ON n_nationkey = s_nationkey;
-- step lines
SELECT l_partkey, l_suppkey, EXTRACT(YEAR FROM o_orderdate) AS o_year, l_extendedprice * (1 - l_discount) AS r, l_quantity AS q
FROM lineitem JOIN orders ON o_orderkey = l_orderkey;
-- answer
SELECT nation, o_year, SUM(r - ps_supplycost * q)
FROM lines JOIN stock ON ps_partkey = l_partkey AND ps_suppkey = l_suppkey JOIN suppliers ON s_suppkey = l_suppkey
GROUP BY 1, 2 ORDER BY 1, 2 DESC;

-- q10
-- step sums
SELECT o_custkey, SUM(l_extendedprice * (1 - l_discount)) AS r
FROM orders JOIN lineitem ON l_orderkey = o_orderkey
WHERE o_orderdate >= DATE '1993-10-01' AND o_orderdate < DATE '1993-10-01' + INTERVAL 3 MONTH AND l_returnflag = 'R'
GROUP BY o_custkey;
-- above top
SELECT o_custkey, SUM(r) AS revenue FROM sums GROUP BY 1 ORDER BY 2 DESC LIMIT 40;
-- step customers
SELECT c_custkey, c_name, c_acctbal, n_name, c_address, c_phone, c_comment
FROM customer JOIN nation ON n_nationkey = c_nationkey WHERE c_custkey IN ({top.o_custkey});
-- answer
SELECT c_custkey, c_name, revenue, c_acctbal, n_name, c_address, c_phone, c_comment FROM top JOIN customers ON c_custkey = o_custkey
ORDER BY revenue DESC LIMIT 20;

-- q11
-- step suppliers
SELECT s_suppkey FROM supplier JOIN nation ON n_nationkey = s_nationkey WHERE n_name = 'GERMANY';
-- step stock
SELECT ps_partkey, ps_supplycost * ps_availqty AS v FROM partsupp WHERE ps_suppkey IN ({suppliers.s_suppkey});
-- answer
SELECT ps_partkey, SUM(v) AS value FROM stock GROUP BY 1 HAVING value > (SELECT SUM(v) * :fraction FROM stock) ORDER BY 2 DESC;

-- q12
-- step counts
SELECT l_shipmode, SUM(CASE WHEN o_orderpriority IN ('1-URGENT', '2-HIGH') THEN 1 ELSE 0 END) AS high,
       SUM(CASE WHEN o_orderpriority NOT IN ('1-URGENT', '2-HIGH') THEN 1 ELSE 0 END) AS low
FROM orders JOIN lineitem ON l_orderkey = o_orderkey
WHERE l_shipmode IN ('MAIL', 'SHIP') AND l_commitdate < l_receiptdate AND l_shipdate < l_commitdate
  AND l_receiptdate >= DATE '1994-01-01' AND l_receiptdate < DATE '1994-01-01' + INTERVAL 1 YEAR
GROUP BY l_shipmode;
-- answer
SELECT l_shipmode, SUM(high), SUM(low) FROM counts GROUP BY 1 ORDER BY 1;

-- q13
-- step counts
SELECT o_custkey, COUNT(*) AS n FROM orders WHERE o_comment NOT LIKE '%special%requests%' GROUP BY o_custkey;
-- step customers
SELECT c_custkey FROM customer;
-- answer
SELECT c_count, COUNT(*) AS custdist
FROM (SELECT c_custkey, COALESCE(SUM(n), 0) AS c_count FROM customers LEFT JOIN counts ON o_custkey = c_custkey GROUP BY 1)
GROUP BY 1 ORDER BY 2 DESC, 1 DESC;

-- q13b
-- step orders_of
SELECT o_custkey FROM orders WHERE o_comment NOT LIKE '%special%requests%';
-- step customers
SELECT c_custkey FROM customer;
-- answer
SELECT c_count, COUNT(*) AS custdist
FROM (SELECT c_custkey, COALESCE(n, 0) AS c_count FROM customers LEFT JOIN (SELECT o_custkey, COUNT(*) AS n FROM orders_of GROUP BY 1) ON o_custkey = c_custkey)
GROUP BY 1 ORDER BY 2 DESC, 1 DESC;

-- q14
-- step lines
SELECT l_partkey, l_extendedprice * (1 - l_discount) AS r
FROM lineitem WHERE l_shipdate >= DATE '1995-09-01' AND l_shipdate < DATE '1995-09-01' + INTERVAL 1 MONTH;
-- step parts
SELECT p_partkey, p_type LIKE 'PROMO%' AS promoted FROM part WHERE p_partkey IN ({lines.l_partkey});
-- answer
SELECT 100 * SUM(CASE WHEN promoted THEN r ELSE 0 END) / SUM(r) FROM lines JOIN parts ON p_partkey = l_partkey;

-- q14b
-- step lines
SELECT l_partkey, l_extendedprice * (1 - l_discount) AS r
FROM lineitem WHERE l_shipdate >= DATE '1995-09-01' AND l_shipdate < DATE '1995-09-01' + INTERVAL 1 MONTH;
-- step parts
SELECT p_partkey, p_type LIKE 'PROMO%' AS promoted FROM part;
-- answer
SELECT 100 * SUM(CASE WHEN promoted THEN r ELSE 0 END) / SUM(r) FROM lines JOIN parts ON p_partkey = l_partkey;

-- q15
-- step sums
SELECT l_suppkey, SUM(l_extendedprice * (1 - l_discount)) AS r
FROM lineitem WHERE l_shipdate >= DATE '1996-01-01' AND l_shipdate < DATE '1996-01-01' + INTERVAL 3 MONTH
GROUP BY l_suppkey;
-- above best
WITH revenue AS (SELECT l_suppkey, SUM(r) AS total FROM sums GROUP BY 1)
SELECT l_suppkey, total FROM revenue WHERE total = (SELECT MAX(total) FROM revenue);
-- step suppliers
SELECT s_suppkey, s_name, s_address, s_phone FROM supplier WHERE s_suppkey IN ({best.l_suppkey});
-- answer
SELECT s_suppkey, s_name, s_address, s_phone, total FROM suppliers JOIN best ON l_suppkey = s_suppkey ORDER BY 1;

-- q16
-- step complained
SELECT s_suppkey FROM supplier WHERE s_comment LIKE '%Customer%Complaints%';
-- step stock
SELECT p_brand, p_type, p_size, ps_suppkey
FROM part JOIN partsupp ON ps_partkey = p_partkey
WHERE p_brand <> 'Brand#45' AND p_type NOT LIKE 'MEDIUM POLISHED%' AND p_size IN (49, 14, 23, 45, 19, 3, 36, 9)
  AND ps_suppkey NOT IN ({complained.s_suppkey});
-- answer
SELECT p_brand, p_type, p_size, COUNT(DISTINCT ps_suppkey) FROM stock GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3;

-- q17
-- step parts
SELECT p_partkey FROM part WHERE p_brand = 'Brand#23' AND p_container = 'MED BOX';
-- step lines
SELECT l_partkey, l_quantity, l_extendedprice FROM lineitem WHERE l_partkey IN ({parts.p_partkey});
-- answer
SELECT SUM(l_extendedprice) / 7 FROM lines l WHERE l_quantity < (SELECT 0.2 * AVG(l_quantity) FROM lines l2 WHERE l2.l_partkey = l.l_partkey);

-- q18
-- step large
SELECT o_custkey, o_orderkey, o_orderdate, o_totalprice, SUM(l_quantity) AS pieces
FROM orders JOIN lineitem ON l_orderkey = o_orderkey
WHERE o_orderkey IN (SELECT l_orderkey FROM lineitem GROUP BY l_orderkey HAVING SUM(l_quantity) > 300)
GROUP BY o_custkey, o_orderkey, o_orderdate, o_totalprice;
-- step customers
SELECT c_custkey, c_name FROM customer WHERE c_custkey IN ({large.o_custkey});
-- answer
SELECT c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice, pieces FROM large JOIN customers ON c_custkey = o_custkey
ORDER BY o_totalprice DESC, o_orderdate LIMIT 100;

-- q18b
-- step large
SELECT l_orderkey, SUM(l_quantity) AS pieces FROM lineitem GROUP BY l_orderkey HAVING SUM(l_quantity) > 300;
-- step orders_of
SELECT o_orderkey, o_custkey, o_orderdate, o_totalprice FROM orders WHERE o_orderkey IN ({large.l_orderkey});
-- step customers
SELECT c_custkey, c_name FROM customer WHERE c_custkey IN ({orders_of.o_custkey});
-- answer
SELECT c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice, pieces
FROM orders_of JOIN large ON l_orderkey = o_orderkey JOIN customers ON c_custkey = o_custkey
ORDER BY o_totalprice DESC, o_orderdate LIMIT 100;

-- q19
-- step parts
SELECT p_partkey, p_brand
FROM part
WHERE p_brand = 'Brand#12' AND p_container IN ('SM CASE', 'SM BOX', 'SM PACK', 'SM PKG') AND p_size BETWEEN 1 AND 5
   OR p_brand = 'Brand#23' AND p_container IN ('MED BAG', 'MED BOX', 'MED PKG', 'MED PACK') AND p_size BETWEEN 1 AND 10
   OR p_brand = 'Brand#34' AND p_container IN ('LG CASE', 'LG BOX', 'LG PACK', 'LG PKG') AND p_size BETWEEN 1 AND 15;
-- step lines
SELECT l_partkey, l_quantity, l_extendedprice * (1 - l_discount) AS r
FROM lineitem
WHERE l_shipmode IN ('AIR', 'AIR REG') AND l_shipinstruct = 'DELIVER IN PERSON' AND l_quantity BETWEEN 1 AND 30 AND l_partkey IN ({parts.p_partkey});
-- answer
SELECT SUM(r) FROM lines JOIN parts ON p_partkey = l_partkey
WHERE p_brand = 'Brand#12' AND l_quantity BETWEEN 1 AND 11 OR p_brand = 'Brand#23' AND l_quantity BETWEEN 10 AND 20
   OR p_brand = 'Brand#34' AND l_quantity BETWEEN 20 AND 30;

-- q20
-- step suppliers
SELECT s_suppkey, s_name, s_address FROM supplier JOIN nation ON n_nationkey = s_nationkey WHERE n_name = 'CANADA';
-- step stock
SELECT ps_partkey, ps_suppkey, ps_availqty
FROM part JOIN partsupp ON ps_partkey = p_partkey
WHERE p_name LIKE 'forest%' AND ps_suppkey IN ({suppliers.s_suppkey});
-- step shipped
SELECT l_partkey, l_suppkey, SUM(l_quantity) AS q
FROM lineitem
WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1994-01-01' + INTERVAL 1 YEAR
  AND l_partkey IN ({stock.ps_partkey}) AND l_suppkey IN ({stock.ps_suppkey})
GROUP BY l_partkey, l_suppkey;
-- answer
SELECT s_name, s_address FROM suppliers
WHERE s_suppkey IN (SELECT ps_suppkey FROM stock
                    WHERE ps_availqty > (SELECT 0.5 * SUM(q) FROM shipped WHERE l_partkey = ps_partkey AND l_suppkey = ps_suppkey))
ORDER BY 1;

-- q21
-- step suppliers
SELECT s_suppkey, s_name FROM supplier JOIN nation ON n_nationkey = s_nationkey WHERE n_name = 'SAUDI ARABIA';
-- step counts
SELECT l1.l_suppkey AS k, COUNT(*) AS n
FROM lineitem l1 JOIN orders ON o_orderkey = l1.l_orderkey
WHERE o_orderstatus = 'F' AND l1.l_receiptdate > l1.l_commitdate AND l1.l_suppkey IN ({suppliers.s_suppkey})
  AND EXISTS (SELECT 1 FROM lineitem l2 WHERE l2.l_orderkey = l1.l_orderkey AND l2.l_suppkey <> l1.l_suppkey)
  AND NOT EXISTS (SELECT 1 FROM lineitem l3
                  WHERE l3.l_orderkey = l1.l_orderkey AND l3.l_suppkey <> l1.l_suppkey AND l3.l_receiptdate > l3.l_commitdate)
GROUP BY l1.l_suppkey;
-- answer
SELECT s_name, SUM(n) FROM counts JOIN suppliers ON s_suppkey = k GROUP BY s_suppkey, s_name ORDER BY 2 DESC, 1 LIMIT 100;

-- q22
-- step average
SELECT SUM(c_acctbal) AS s, COUNT(*) AS n FROM customer
WHERE c_acctbal > 0.00 AND SUBSTRING(c_phone FROM 1 FOR 2) IN ('13', '31', '23', '29', '30', '18', '17');
-- above least
SELECT SUM(s) / SUM(n) AS a FROM average;
-- step customers
SELECT c_custkey, SUBSTRING(c_phone FROM 1 FOR 2) AS code, c_acctbal FROM customer
WHERE SUBSTRING(c_phone FROM 1 FOR 2) IN ('13', '31', '23', '29', '30', '18', '17') AND c_acctbal > {least.a};
-- step ordering
SELECT DISTINCT o_custkey FROM orders WHERE o_custkey IN ({customers.c_custkey});
-- answer
SELECT code, COUNT(*), SUM(c_acctbal) FROM customers WHERE c_custkey NOT IN (SELECT o_custkey FROM ordering) GROUP BY 1 ORDER BY 1;

-- q22b
-- step average
SELECT SUM(c_acctbal) AS s, COUNT(*) AS n FROM customer
WHERE c_acctbal > 0.00 AND SUBSTRING(c_phone FROM 1 FOR 2) IN ('13', '31', '23', '29', '30', '18', '17');
-- above least
SELECT SUM(s) / SUM(n) AS a FROM average;
-- step customers
SELECT c_custkey, SUBSTRING(c_phone FROM 1 FOR 2) AS code, c_acctbal FROM customer
WHERE SUBSTRING(c_phone FROM 1 FOR 2) IN ('13', '31', '23', '29', '30', '18', '17') AND c_acctbal > {least.a};
-- step ordering
SELECT DISTINCT o_custkey FROM orders;
-- answer
SELECT code, COUNT(*), SUM(c_acctbal) FROM customers WHERE c_custkey NOT IN (SELECT o_custkey FROM ordering) GROUP BY 1 ORDER BY 1;
