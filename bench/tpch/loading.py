"""Making, loading and checking the data: the generator's rows go to a server, or through Tessera, over several connections."""
import json
import os
import re
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "t", "it"))
from lib import BUILD, Fleet, PlainClient, texts

GEN = os.environ.get("TESSERA_TPCH_GEN") or os.path.join(BUILD, "bench", "tpch", "gen")
DB = "tpch"
SEED = 6
TABLES = ("region", "nation", "supplier", "part", "partsupp", "customer", "orders", "lineitem")


def gen(*args):
    """The generator's output as bytes."""
    return subprocess.run([GEN, *map(str, args)], check=True, capture_output=True).stdout


def counts(scale, seed):
    """Rows of each table."""
    lines = gen("--scale", scale, "--seed", seed, "--counts").decode().split("\n")
    return {name: int(n) for name, n in (line.split("\t") for line in lines if line)}


def statements(path):
    """The statements of a file of SQL, without its comment lines."""
    with open(path) as f:
        text = "".join(line for line in f if not line.startswith("--"))
    return [s.strip() for s in re.split(r";\s*\n", text) if s.strip()]


class KeptFleet(Fleet):
    """A fleet in a folder that stays: stopped at the end, started again by the next run with what was loaded into it."""

    def __init__(self, folder, **more):
        super().__init__(**more)
        os.rmdir(self.home)
        self.home = folder
        self.dir = os.path.join(folder, "fleet")
        os.makedirs(folder, exist_ok=True)

    def __exit__(self, *_):
        self.pg("stop", check=False)


def fleet(kept, name, **more):
    """A fleet of its own (removed at the end), or the one kept under that name in a folder."""
    return KeptFleet(os.path.join(kept, name), **more) if kept else Fleet(**more)


def loaded(f, what):
    """Whether this kept fleet holds the data described so."""
    try:
        with open(os.path.join(f.home, "loaded.json")) as file:
            return json.load(file) == what
    except (OSError, ValueError):
        return False


def mark_loaded(f, what):
    with open(os.path.join(f.home, "loaded.json"), "w") as file:
        json.dump(what, file)


def create(port, collation=None):
    with PlainClient(port, timeout=120) as c:
        c.query("DROP DATABASE IF EXISTS " + DB)
        c.query("CREATE DATABASE " + DB + (" COLLATE " + collation if collation else ""))
        c.query("USE " + DB)
        for s in statements(os.path.join(HERE, "schema.sql")):
            c.query(s)


def load(port, scale, seed, connections=4, tables=TABLES, statement_bytes=512 << 10):
    """Multi-row INSERTs over several connections, each of which makes and loads its share of every table."""
    errors = []

    def work(i):
        argv = [GEN, "--scale", str(scale), "--seed", str(seed), "--part", "%d/%d" % (i + 1, connections),
                "--statement-bytes", str(statement_bytes), *tables]
        source = subprocess.Popen(argv, stdout=subprocess.PIPE)
        try:
            with PlainClient(port, timeout=600) as c:
                c.query("USE " + DB)
                for line in source.stdout:
                    if errors:
                        return
                    c.query(line[:-2])
            if source.wait():
                raise RuntimeError("the generator ended with %d" % source.returncode)
        except Exception as e:
            errors.append(e)
        finally:
            source.stdout.close()
            source.terminate()
            source.wait()
    threads = [threading.Thread(target=work, args=(i,)) for i in range(connections)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]


def analyze(port):
    """Statistics of every table that a server has (of its partitions, on a shard)."""
    with PlainClient(port, timeout=600) as c:
        names = [r[0] for r in texts(c.query("SELECT table_name FROM information_schema.tables WHERE table_schema = '%s' AND table_type = 'BASE TABLE'" % DB))]
        for name in names:
            c.query("ANALYZE TABLE `%s`.`%s`" % (DB, name))


def total_bytes(port):
    with PlainClient(port, timeout=120) as c:
        return int(texts(c.query("SELECT COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables WHERE table_schema = '%s'" % DB))[0][0])


# --- what must hold of the data ---------------------------------------------------------------------------------------------

# (what, statement giving one number, lowest, highest); a function of the scale gives both.
EXACT = [
    ("suppliers of each part differ", "SELECT COUNT(*) FROM (SELECT ps_partkey FROM partsupp GROUP BY ps_partkey HAVING COUNT(*) <> 4) x", 0, 0),
    ("order keys are 8 of each 32", "SELECT COUNT(*) FROM orders WHERE (o_orderkey - 1) % 32 >= 8", 0, 0),
    ("every third customer has no order", "SELECT COUNT(*) FROM orders WHERE o_custkey % 3 = 0", 0, 0),
    ("orders have customers", "SELECT COUNT(*) FROM orders LEFT JOIN customer ON c_custkey = o_custkey WHERE c_custkey IS NULL", 0, 0),
    ("lines have orders", "SELECT COUNT(*) FROM lineitem LEFT JOIN orders ON o_orderkey = l_orderkey WHERE o_orderkey IS NULL", 0, 0),
    ("orders have lines", "SELECT COUNT(*) FROM orders LEFT JOIN lineitem ON l_orderkey = o_orderkey AND l_linenumber = 1 WHERE l_orderkey IS NULL", 0, 0),
    ("lines have a supplier of their part",
     "SELECT COUNT(*) FROM lineitem LEFT JOIN partsupp ON ps_partkey = l_partkey AND ps_suppkey = l_suppkey WHERE ps_partkey IS NULL", 0, 0),
    ("stock has parts and suppliers",
     "SELECT COUNT(*) FROM partsupp LEFT JOIN part ON p_partkey = ps_partkey LEFT JOIN supplier ON s_suppkey = ps_suppkey"
     " WHERE p_partkey IS NULL OR s_suppkey IS NULL", 0, 0),
    ("fewest lines of an order", "SELECT MIN(n) FROM (SELECT COUNT(*) AS n FROM lineitem GROUP BY l_orderkey) x", 1, 1),
    ("most lines of an order", "SELECT MAX(n) FROM (SELECT COUNT(*) AS n FROM lineitem GROUP BY l_orderkey) x", 7, 7),
    ("a line's price is quantity times retail price",
     "SELECT COUNT(*) FROM lineitem JOIN part ON p_partkey = l_partkey WHERE l_extendedprice <> l_quantity * p_retailprice", 0, 0),
    ("an order's price is the sum of its lines' charges",
     "SELECT COUNT(*) FROM (SELECT o_orderkey FROM orders JOIN lineitem ON l_orderkey = o_orderkey GROUP BY o_orderkey, o_totalprice"
     " HAVING o_totalprice <> SUM(ROUND(l_extendedprice * (1 + l_tax) * (1 - l_discount), 2))) x", 0, 0),
    ("an order's status follows from its lines'",
     "SELECT COUNT(*) FROM (SELECT o_orderkey FROM orders JOIN lineitem ON l_orderkey = o_orderkey GROUP BY o_orderkey, o_orderstatus"
     " HAVING o_orderstatus <> CASE SUM(l_linestatus = 'O') WHEN 0 THEN 'F' WHEN COUNT(*) THEN 'O' ELSE 'P' END) x", 0, 0),
    ("dates of a line follow its order's",
     "SELECT COUNT(*) FROM orders JOIN lineitem ON l_orderkey = o_orderkey WHERE DATEDIFF(l_shipdate, o_orderdate) NOT BETWEEN 1 AND 121"
     " OR DATEDIFF(l_commitdate, o_orderdate) NOT BETWEEN 30 AND 90 OR DATEDIFF(l_receiptdate, l_shipdate) NOT BETWEEN 1 AND 30", 0, 0),
    ("orders are of 1992-01-01 to 1998-08-02", "SELECT COUNT(*) FROM orders WHERE o_orderdate NOT BETWEEN '1992-01-01' AND '1998-08-02'", 0, 0),
    ("returned or not, shipped or not, follow from 1995-06-17",
     "SELECT COUNT(*) FROM lineitem WHERE (l_linestatus = 'O') <> (l_shipdate > '1995-06-17') OR (l_returnflag = 'N') <> (l_receiptdate > '1995-06-17')", 0, 0),
    ("return flag and line status: groups of Q1", "SELECT COUNT(DISTINCT l_returnflag, l_linestatus) FROM lineitem", 4, 4),
    ("retail prices follow from keys",
     "SELECT COUNT(*) FROM part WHERE p_retailprice <> (90000 + (p_partkey DIV 10) % 20001 + 100 * (p_partkey % 1000)) / 100", 0, 0),
    ("a brand belongs to its maker", "SELECT COUNT(*) FROM part WHERE SUBSTRING(p_brand, 7, 1) <> SUBSTRING(p_mfgr, 14, 1)", 0, 0),
    ("country codes are nations", "SELECT COUNT(*) FROM customer WHERE SUBSTRING(c_phone, 1, 2) <> c_nationkey + 10", 0, 0),
    ("brands", "SELECT COUNT(DISTINCT p_brand) FROM part", 25, 25),
    ("containers", "SELECT COUNT(DISTINCT p_container) FROM part", 40, 40),
    ("types", "SELECT COUNT(DISTINCT p_type) FROM part", 150, 150),
    ("modes", "SELECT COUNT(DISTINCT l_shipmode) FROM lineitem", 7, 7),
    ("suppliers about whom customers complained",
     "SELECT COUNT(*) FROM supplier WHERE s_comment LIKE '%Customer%Complaints%'", lambda scale: max(1, int(scale * 5 + 0.5)), None),
]
# Proportions: (what, statement giving one number, what is expected, the table whose rows are the independent trials). {t}: rows of t.
SHARES = [
    ("lines an order", "SELECT COUNT(*) / {orders} FROM lineitem", 4.0, None),
    ("selectivity of Q1", "SELECT COUNT(*) / {lineitem} FROM lineitem WHERE l_shipdate <= '1998-09-02'", 0.986, "lineitem"),
    ("selectivity of Q6",
     "SELECT COUNT(*) / {lineitem} FROM lineitem WHERE l_shipdate >= '1994-01-01' AND l_shipdate < '1995-01-01'"
     " AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24", 365 / 2405 * 3 / 11 * 23 / 50, "lineitem"),
    ("a month of shipping (Q14)", "SELECT COUNT(*) / {lineitem} FROM lineitem WHERE l_shipdate >= '1995-09-01' AND l_shipdate < '1995-10-01'", 30 / 2405, "orders"),
    ("a quarter of orders (Q4, Q10)", "SELECT COUNT(*) / {orders} FROM orders WHERE o_orderdate >= '1993-07-01' AND o_orderdate < '1993-10-01'", 92 / 2406, "orders"),
    ("green parts (Q9)", "SELECT COUNT(*) / {part} FROM part WHERE p_name LIKE '%green%'", 5 / 92, "part"),
    ("forest parts (Q20)", "SELECT COUNT(*) / {part} FROM part WHERE p_name LIKE 'forest%'", 1 / 92, "part"),
    ("one type (Q8)", "SELECT COUNT(*) / {part} FROM part WHERE p_type = 'ECONOMY ANODIZED STEEL'", 1 / 150, "part"),
    ("brass of one size (Q2)", "SELECT COUNT(*) / {part} FROM part WHERE p_size = 15 AND p_type LIKE '%BRASS'", 1 / 250, "part"),
    ("a brand in a container (Q17)", "SELECT COUNT(*) / {part} FROM part WHERE p_brand = 'Brand#23' AND p_container = 'MED BOX'", 1 / 1000, "part"),
    ("special requests (Q13)", "SELECT COUNT(*) / {orders} FROM orders WHERE o_comment LIKE '%special%requests%'", 0.0107, "orders"),
    ("one segment (Q3)", "SELECT COUNT(*) / {customer} FROM customer WHERE c_mktsegment = 'BUILDING'", 0.2, "customer"),
    ("late lines (Q4)", "SELECT COUNT(*) / {lineitem} FROM lineitem WHERE l_commitdate < l_receiptdate", 0.632, "lineitem"),
    ("seven countries (Q22)", "SELECT COUNT(*) / {customer} FROM customer WHERE SUBSTRING(c_phone, 1, 2) IN ('13','31','23','29','30','18','17')",
     7 / 25, "customer"),
    ("customers with orders", "SELECT COUNT(DISTINCT o_custkey) / {customer} FROM orders", 0.6667, "customer"),
]


def check_counts(c, n):
    """(what, got, wanted) of each table whose number of rows is not right."""
    out = []
    for table in TABLES:
        got = int(texts(c.query("SELECT COUNT(*) FROM %s.%s" % (DB, table)))[0][0])
        if got != n[table]:
            out.append(("rows of " + table, got, n[table]))
    return out


def check_data(c, n, scale):
    """Every rule on a server that holds everything: a list of (what, got, lowest, highest, holds)."""
    c.query("USE " + DB)
    out = []
    for what, sql, low, high in EXACT:
        got = float(texts(c.query(sql))[0][0])
        if callable(low):
            low = high = low(scale)
        out.append((what, got, low, high, low <= got <= high))
    for what, sql, share, trials in SHARES:
        got = float(texts(c.query(sql.format(**n)))[0][0])
        # Five standard deviations of so many independent trials; and what rounded expectations leave open.
        away = 5 * (share * (1 - share) / n[trials]) ** 0.5 + 0.02 * share if trials else 0.05 * share
        out.append((what, got, share - away, share + away, share - away <= got <= share + away))
    return out
