-- The tables of the TPC-H-like benchmark, as a DBA would lay them over shards. What stands in /*T! */ only Tessera reads:
-- one plain server gets the same tables whole. Statements end with a semicolon at the end of a line.
--
-- How the layout was chosen (bench/tpch/README has what it means query by query):
--  - lineitem is three quarters of all bytes, and orders most of the rest. Nearly every query that joins two large tables
--    joins these two on the order key, and groups by order or sums up: the order key as partition key of both, in one
--    table group, keeps that join on the shards (Q3, Q4, Q5, Q7, Q8, Q9, Q10, Q12, Q18, Q21).
--  - partsupp is joined with part on the part key (Q2, Q11, Q16, Q20): one group by part key. A group by the supplier key
--    would serve Q11 and Q20 as well, and nothing else.
--  - customer by its key: the alternative, copies everywhere, would make its updates two-phase on all shards, and customers
--    grow with the business.
--  - supplier likewise by its key. It is small enough for copies at these scales (10,000 rows at scale 1), but a DBA does not
--    know that the same holds next year; the planner can send it around when that is cheaper.
--  - nation and region never change: a copy everywhere costs nothing and makes every join with them local.
-- All unique keys contain the partition key, so no index has to be global.
--
-- Secondary indexes: on the foreign keys that the queries go by and on the dates of orders and shipping, which is what the
-- specification allows and a DBA would make; no covering indexes made for one query. On the shards they are local.
-- Foreign keys are left out on both sides, since they do not hold over shards.

CREATE TABLE region (
    r_regionkey  INT            NOT NULL,
    r_name       CHAR(25)       NOT NULL,
    r_comment    VARCHAR(152)   NOT NULL,
    PRIMARY KEY (r_regionkey)
) /*T! BROADCAST */;

CREATE TABLE nation (
    n_nationkey  INT            NOT NULL,
    n_name       CHAR(25)       NOT NULL,
    n_regionkey  INT            NOT NULL,
    n_comment    VARCHAR(152)   NOT NULL,
    PRIMARY KEY (n_nationkey)
) /*T! BROADCAST */;

CREATE TABLE supplier (
    s_suppkey    INT            NOT NULL,
    s_name       CHAR(25)       NOT NULL,
    s_address    VARCHAR(40)    NOT NULL,
    s_nationkey  INT            NOT NULL,
    s_phone      CHAR(15)       NOT NULL,
    s_acctbal    DECIMAL(15,2)  NOT NULL,
    s_comment    VARCHAR(101)   NOT NULL,
    PRIMARY KEY (s_suppkey),
    KEY s_nation (s_nationkey)
) /*T! PARTITION BY KEY (s_suppkey) */;

CREATE TABLE part (
    p_partkey      INT            NOT NULL,
    p_name         VARCHAR(55)    NOT NULL,
    p_mfgr         CHAR(25)       NOT NULL,
    p_brand        CHAR(10)       NOT NULL,
    p_type         VARCHAR(25)    NOT NULL,
    p_size         INT            NOT NULL,
    p_container    CHAR(10)       NOT NULL,
    p_retailprice  DECIMAL(15,2)  NOT NULL,
    p_comment      VARCHAR(23)    NOT NULL,
    PRIMARY KEY (p_partkey)
) /*T! PARTITION BY KEY (p_partkey) */;

CREATE TABLE partsupp (
    ps_partkey     INT            NOT NULL,
    ps_suppkey     INT            NOT NULL,
    ps_availqty    INT            NOT NULL,
    ps_supplycost  DECIMAL(15,2)  NOT NULL,
    ps_comment     VARCHAR(199)   NOT NULL,
    PRIMARY KEY (ps_partkey, ps_suppkey),
    KEY ps_supp (ps_suppkey)
) /*T! PARTITION BY KEY (ps_partkey) */;

CREATE TABLE customer (
    c_custkey     INT            NOT NULL,
    c_name        VARCHAR(25)    NOT NULL,
    c_address     VARCHAR(40)    NOT NULL,
    c_nationkey   INT            NOT NULL,
    c_phone       CHAR(15)       NOT NULL,
    c_acctbal     DECIMAL(15,2)  NOT NULL,
    c_mktsegment  CHAR(10)       NOT NULL,
    c_comment     VARCHAR(117)   NOT NULL,
    PRIMARY KEY (c_custkey),
    KEY c_nation (c_nationkey)
) /*T! PARTITION BY KEY (c_custkey) */;

-- BIGINT: of each 32 order keys 8 are used, so they pass 2^31 at scale 357.
CREATE TABLE orders (
    o_orderkey       BIGINT         NOT NULL,
    o_custkey        INT            NOT NULL,
    o_orderstatus    CHAR(1)        NOT NULL,
    o_totalprice     DECIMAL(15,2)  NOT NULL,
    o_orderdate      DATE           NOT NULL,
    o_orderpriority  CHAR(15)       NOT NULL,
    o_clerk          CHAR(15)       NOT NULL,
    o_shippriority   INT            NOT NULL,
    o_comment        VARCHAR(79)    NOT NULL,
    PRIMARY KEY (o_orderkey),
    KEY o_cust (o_custkey),
    KEY o_date (o_orderdate)
) /*T! PARTITION BY KEY (o_orderkey) */;

CREATE TABLE lineitem (
    l_orderkey       BIGINT         NOT NULL,
    l_partkey        INT            NOT NULL,
    l_suppkey        INT            NOT NULL,
    l_linenumber     INT            NOT NULL,
    l_quantity       DECIMAL(15,2)  NOT NULL,
    l_extendedprice  DECIMAL(15,2)  NOT NULL,
    l_discount       DECIMAL(15,2)  NOT NULL,
    l_tax            DECIMAL(15,2)  NOT NULL,
    l_returnflag     CHAR(1)        NOT NULL,
    l_linestatus     CHAR(1)        NOT NULL,
    l_shipdate       DATE           NOT NULL,
    l_commitdate     DATE           NOT NULL,
    l_receiptdate    DATE           NOT NULL,
    l_shipinstruct   CHAR(25)       NOT NULL,
    l_shipmode       CHAR(10)       NOT NULL,
    l_comment        VARCHAR(44)    NOT NULL,
    PRIMARY KEY (l_orderkey, l_linenumber),
    KEY l_part_supp (l_partkey, l_suppkey),
    KEY l_ship (l_shipdate)
) /*T! PARTITION BY KEY (l_orderkey) */;
