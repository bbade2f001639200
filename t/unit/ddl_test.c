/* Unit tests of ddl/. Shapes and names need no server. The statements run where TESSERA_TEST_SERVERS names two or more.
 */
#include "catalog/names.h"
#include "ddl/shape.h"
#include "ddl/show.h"
#include "t/unit/ddl_rig.h"
#include "util/fault.h"
#include "util/log.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- without servers ---- */

static struct arena mem;

static void mem_setup(void)
{
    arena_init(&mem, 0);
}

static void mem_teardown(void)
{
    arena_free(&mem);
}

static struct shape shape_of(const char *text, int part_no)
{
    struct shape s;
    struct diag d = {0};

    ck_assert_msg(shape_parse(&mem, sv_cstr(text), part_no, &s, &d), "%s", d.text);
    return s;
}

static const char shape_text[] = "CREATE TABLE `t__p3` (\n  `id` int NOT NULL AUTO_INCREMENT,\n  `a,b` varchar(10) "
                                 "DEFAULT 'x,(''\\'y',\n  `c``d` enum('a','b)') DEFAULT NULL,\n"
                                 "  `g` int GENERATED ALWAYS AS ((`id` + 1)) VIRTUAL,\n  PRIMARY KEY (`id`),\n  UNIQUE "
                                 "KEY `u(` (`a,b`),\n  KEY `f` (((`id` + 1))),\n"
                                 "  CONSTRAINT `pos__p3` CHECK ((`id` > 0))\n) ENGINE=InnoDB AUTO_INCREMENT=17 DEFAULT "
                                 "CHARSET=utf8mb4 COMMENT='AUTO_INCREMENT=3'";

START_TEST(test_shape_parse)
{
    struct shape s = shape_of(shape_text, 3);

    ck_assert_uint_eq(s.n_items, 8);
    ck_assert_uint_eq(s.auto_increment, 17);
    ck_assert_str_eq(s.options.ptr, "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='AUTO_INCREMENT=3'");
    ck_assert(sv_eq(s.items[2].name, SV("c`d")));
    ck_assert(s.items[4].kind == SHAPE_PRIMARY && s.items[5].kind == SHAPE_KEY && sv_eq(s.items[5].name, SV("u(")));
    ck_assert(s.items[7].kind == SHAPE_CHECK && sv_eq(s.items[7].name, SV("pos")));
}
END_TEST

struct alter_case {
    const char *what, *from, *to, *expect;
    bool lossy, lost_back;
};

static const struct alter_case alter_cases[] = {
    {"nothing", "`a` int,\n `b` int", "`a` int,\n `b` int", "", false, false},
    {"type", "`a` int,\n `b` int", "`a` int,\n `b` bigint", "CHANGE COLUMN `b` `b` bigint", false, false},
    {"drop", "`a` int,\n `b` int,\n `c` int", "`a` int,\n `c` int", "DROP COLUMN `b`", true, false},
    {"add in the middle", "`a` int,\n `c` int", "`a` int,\n `b` int,\n `c` int", "ADD COLUMN `b` int AFTER `a`", false,
     true},
    {"add first", "`c` int", "`b` int,\n `c` int", "ADD COLUMN `b` int FIRST", false, true},
    {"order", "`a` int,\n `b` int,\n `c` int", "`c` int,\n `a` int,\n `b` int", "CHANGE COLUMN `c` `c` int FIRST",
     false, false},
    {"unique", "`a` int", "`a` int,\n UNIQUE KEY `u` (`a`)", "ADD UNIQUE KEY `u` (`a`)", false, false},
    {"no unique", "`a` int,\n UNIQUE KEY `u` (`a`)", "`a` int", "DROP KEY `u`", false, false},
    {"check", "`a` int", "`a` int,\n CONSTRAINT `k__p3` CHECK ((`a` > 0))", "ADD CONSTRAINT `k__p3` CHECK ((`a` > 0))",
     false, false},
    {"no check", "`a` int,\n CONSTRAINT `k__p3` CHECK ((`a` > 0))", "`a` int", "DROP CONSTRAINT `k__p3`", false, false},
};

START_TEST(test_shape_alter)
{
    const struct alter_case *c = &alter_cases[_i];
    struct shape from = shape_of(arena_printf(&mem, "CREATE TABLE `t__p3` (\n %s\n) ENGINE=InnoDB", c->from).ptr, 3);
    struct shape to = shape_of(arena_printf(&mem, "CREATE TABLE `t__p3` (\n %s\n) ENGINE=InnoDB", c->to).ptr, 3);
    bool lossy, lost_back;
    struct sv sql = shape_alter(&mem, &from, &to, NULL, 0, 3, &lossy, &lost_back);

    ck_assert_msg(sv_eq_cstr(sql, c->expect), "%s: %.*s", c->what, SV_ARG(sql));
    ck_assert_msg(lossy == c->lossy && lost_back == c->lost_back, "%s", c->what);
}
END_TEST

START_TEST(test_shape_rename)
{
    struct shape from = shape_of("CREATE TABLE `t` (\n `a` int,\n `new` int\n) ENGINE=InnoDB COMMENT='x'", NAMES_BARE);
    struct shape to = shape_of("CREATE TABLE `t` (\n `a` int,\n `old` int\n) ENGINE=InnoDB", NAMES_BARE);
    struct shape_rename r = {SV("new"), SV("old")};
    bool lossy, lost_back;
    struct sv sql = shape_alter(&mem, &from, &to, &r, 1, NAMES_BARE, &lossy, &lost_back);

    ck_assert_msg(sv_eq(sql, SV("CHANGE COLUMN `new` `old` int, ENGINE=InnoDB COMMENT=''")), "%.*s", SV_ARG(sql));
    ck_assert(!lossy && !lost_back);
}
END_TEST

START_TEST(test_shape_print)
{
    struct shape s = shape_of("CREATE TABLE `t__p0` (\n  `_tessera_row_id` bigint unsigned NOT NULL AUTO_INCREMENT "
                              "/*!80023 INVISIBLE */,\n  `a` int DEFAULT NULL,\n"
                              "  PRIMARY KEY (`_tessera_row_id`)\n) ENGINE=InnoDB AUTO_INCREMENT=2",
                              0);

    ck_assert_str_eq(shape_print(&mem, &s, SV("t"), SV("_tessera_row_id"), SV("/*T! X */")).ptr,
                     "CREATE TABLE `t` (\n  `a` int DEFAULT NULL\n) ENGINE=InnoDB\n/*T! X */");
}
END_TEST

struct name_case {
    const char *text, *table, *expect;
};

static const struct name_case name_cases[] = {
    {"Duplicate entry '1' for key 't__p3.PRIMARY'", "t", "Duplicate entry '1' for key 't.PRIMARY'"},
    {"Table 'db.t__p12' doesn't exist", "", "Table 'db.t' doesn't exist"},
    {"Check constraint 'pos__p0' is violated.", "t", "Check constraint 'pos' is violated."},
    {"Check constraint 't__p0_chk_1' is violated.", "t", "Check constraint 't_chk_1' is violated."},
    {"a__px b__p c__p1d", "", "a__px b__p c__p1d"},
};

START_TEST(test_names)
{
    const struct name_case *c = &name_cases[_i];

    ck_assert_str_eq(names_to_logical(&mem, sv_cstr(c->text), sv_cstr(c->table)).ptr, c->expect);
}
END_TEST

static const struct name_case scope_cases[] = {
    {"Duplicate entry 't__p1' for key 't__p1.PRIMARY'", "", "Duplicate entry 't__p1' for key 't.PRIMARY'"},
    {"Duplicate entry 'a' for key 'b' for key 't__p1.u'", "", "Duplicate entry 'a' for key 'b' for key 't.u'"},
    {"Table 'db.t__p3' doesn't exist", "", "Table 'db.t' doesn't exist"},
    {"Table 'db.t__p4' doesn't exist", "", "Table 'db.t__p4' doesn't exist"}, /* it has four partitions */
    {"Table 'db.tt__p1' doesn't exist", "", "Table 'db.tt__p1' doesn't exist"},
    {"Table 'db.one__p0' doesn't exist", "", "Table 'db.one__p0' doesn't exist"},
    {"CONSTRAINT `pos__p2` failed for `db`.`t__p2`", "", "CONSTRAINT `pos` failed for `db`.`t`"},
    {"Check constraint 't__p0_chk_1' is violated.", "", "Check constraint 't_chk_1' is violated."},
    {"Check constraint 'other__p0' is violated.", "", "Check constraint 'other__p0' is violated."},
    {"value 'x__p1' for column `db`.`t__p1`.`v` at row 1", "", "value 'x__p1' for column `db`.`t`.`v` at row 1"},
    {"`my t__p1` and `t__p1x`", "", "`my t` and `t__p1x`"},
    {"__p1", "", "__p1"},
};

START_TEST(test_names_of_tables)
{
    const struct name_case *c = &scope_cases[_i];
    static const struct cat_check check = {.name = {"pos", 3}};
    uint32_t shards[4] = {1, 1, 1, 1};
    struct cat_table *t = cat_table_new(SV("db"), SV("t")), *one = cat_table_new(SV("db"), SV("one"));
    const struct cat_table *both[2] = {one, t};
    struct names_scope s = {.tables = both, .n = 2}, none = {.n = 0};

    t->checks = &check;
    t->checks_n = 1;
    cat_table_spread(t, 4, shards);
    cat_table_spread(one, 1, shards);
    ck_assert_str_eq(names_scope_text(&mem, sv_cstr(c->text), &s).ptr, c->expect);
    ck_assert_str_eq(names_scope_text(&mem, sv_cstr(c->text), &none).ptr, c->text);
    ck_assert(sv_eq(names_scope_table(SV("t__p3"), &s), SV("t")) && sv_eq(names_scope_table(SV("t__p4"), &s), SV("t__p4")));
    ck_assert(sv_eq(names_scope_table(SV("one__p0"), &s), SV("one__p0")));
    cat_table_unref(t);
    cat_table_unref(one);
}
END_TEST

/* The one rule of physical names. */
START_TEST(test_physical_names)
{
    const char *longest = "a234567890123456789012345678901234567890123456789012345678901234";
    struct sv cut;

    ck_assert_int_eq(names_part_no(0, 1), NAMES_BARE);
    ck_assert_int_eq(names_part_no(3, 4), 3);
    ck_assert_str_eq(names_physical(&mem, SV("t"), names_part_no(0, 1)).ptr, "t");
    ck_assert_str_eq(names_physical(&mem, SV("t"), names_part_no(0, 2)).ptr, "t__p0");
    ck_assert(names_fit(sv_cstr(longest), 1) && !names_fit(sv_cstr(longest), 2));
    ck_assert(names_fit(sv_make(longest, 57), LIMIT_PARTITIONS) && !names_fit(sv_make(longest, 58), 2));
    ck_assert_str_eq(names_scratch(&mem, SV("t"), NAMES_SCRATCH_PART).ptr, "t__p999999");
    cut = names_scratch(&mem, sv_cstr(longest), 800001);
    ck_assert(cut.len == NAMES_MAX && !sv_eq(cut, names_scratch(&mem, sv_make(longest, 63), 800001)));
    ck_assert(sv_eq(names_scratch(&mem, SV("t12345678901234567890123456789012345678901234567890123"), 1),
                    SV("t12345678901234567890123456789012345678901234567890123__p000001")));
}
END_TEST

/* ---- with servers ---- */

static struct rig rig;
static const char *const dbs[] = {"ddlt", "ddlt2", NULL};

/* Runs; the error must be code (0: none). Returns how many notes came. */
static size_t run_as(const char *db, const char *sql, unsigned code)
{
    struct ddl_result *r = rig_run(&rig, db, sql);
    size_t notes = r->n_notes;

    ck_assert_msg(r->ok ? code == 0 : r->diag.code == code, "%s: %u %s (expected %u)", sql, r->ok ? 0 : r->diag.code,
                  r->ok ? "" : r->diag.text, code);
    ddl_result_free(r);
    return notes;
}

static size_t run(const char *sql)
{
    return run_as("ddlt", sql, 0);
}

static void setup(void)
{
    ck_assert(rig_servers(&rig, 2));
    ck_assert_msg(mconn_library_begin(), "library");
    mconn_thread_begin();
    log_set_level(getenv("DDL_TEST_LOG") ? LOG_DEBUG : LOG_ERROR);
    rig_wipe(&rig, dbs);
    rig_conf(&rig, rig.n);
    rig_start(&rig);
    run("CREATE DATABASE ddlt");
}

static void teardown(void)
{
    const char *wrong = rig_check(&rig, dbs);

    ck_assert_msg(!wrong, "%s", wrong);
    fault_disarm_all();
    rig_stop(&rig);
}

static void fails(const char *sql, unsigned code)
{
    (void)run_as("ddlt", sql, code);
}

static const struct cat_table *table(const char *name)
{
    return cat_find_table(rig_snapshot(&rig), SV("ddlt"), sv_cstr(name));
}

static const char *printed(const char *name)
{
    struct diag d = {0};
    const struct ddl_rows *rows = show_create_table(rig_snapshot(&rig), SV("ddlt"), sv_cstr(name), &rig.arena, &d);

    ck_assert_msg(rows, "%s", d.text);
    return rows->cells[1].ptr;
}

/* SHOW CREATE TABLE executed again gives the same table. */
static void check_round_trip(const char *name)
{
    const char *before = printed(name);
    enum cat_table_kind kind = table(name)->kind;
    uint32_t parts = table(name)->parts_n;

    run(arena_printf(&rig.arena, "DROP TABLE %s", name).ptr);
    run(before);
    ck_assert_str_eq(printed(name), before);
    ck_assert(table(name)->kind == kind && table(name)->parts_n == parts);
}

/* What stands in the catalog while a job waits for those who use its tables. */
static struct {
    unsigned calls, enough; /* settled from this call on; 0: never */
    bool was_held;
    uint64_t id;
} watched;

static bool look(void *arg, uint64_t version, const uint64_t *ids, size_t n)
{
    struct rig *r = arg;
    struct cat_snapshot *s = cat_pins_get(&r->pins);
    const struct cat_table *t = cat_find_table(s, SV("ddlt"), SV("t"));

    if (n) {
        watched.was_held = watched.was_held || (t && t->state == CAT_HELD && s->version >= version);
        watched.id = ids[0];
        watched.calls++;
    }
    cat_snapshot_unref(s);
    return n == 0 || (watched.enough && watched.calls >= watched.enough);
}

struct hold_case {
    const char *sql;
    bool holds;
};

static const struct hold_case hold_cases[] = {
    {"ALTER TABLE t ADD COLUMN c INT", true},
    {"ALTER TABLE t ADD KEY (a)", false},
    {"ALTER TABLE t COMMENT = 'x'", false},
    {"ALTER TABLE t MODIFY a BIGINT FIRST", true},
    {"TRUNCATE TABLE t", true},
    {"RENAME TABLE t TO u", true},
    {"DROP TABLE t", true},
    {"DROP DATABASE ddlt", true},
    {"ALTER TABLE one ADD COLUMN c INT", false}, /* its one server does that by itself */
    {"ALTER TABLE one ADD COLUMN c INT FIRST", true},
    {"ALTER TABLE one CHANGE a b INT", true},
    {"CREATE TABLE u (id INT)", false},
};

START_TEST(test_hold)
{
    const struct hold_case *c = &hold_cases[_i];

    rig_stop(&rig);
    ck_assert(rig_servers(&rig, 2));
    rig_conf(&rig, rig.n);
    rig.settled = look;
    rig_start(&rig);
    run("CREATE TABLE t (id INT NOT NULL PRIMARY KEY, a INT) PARTITION BY KEY (id) PARTITIONS 3");
    run("CREATE TABLE one (id INT NOT NULL PRIMARY KEY, a INT) SINGLE");
    memset(&watched, 0, sizeof watched);
    if (c->holds && _i < 2) {
        uint64_t id = table("t")->id;

        fails(c->sql, 1205);
        ck_assert_msg(watched.was_held && watched.id == id, "%s", c->sql);
        ck_assert(table("t")->state == CAT_PUBLIC && table("t")->columns_n == 2);
        memset(&watched, 0, sizeof watched);
    }
    watched.enough = 3;
    run(c->sql);
    ck_assert_msg(c->holds == (watched.calls >= 3), "%s: %u", c->sql, watched.calls);
}
END_TEST

static const char *place_of(const char *name)
{
    const struct cat_table *t = table(name);

    return arena_printf(&rig.arena, "%d/%u/%s", (int)t->kind, t->parts_n, t->parts_n ? t->parts[0].phys_name.ptr : "").ptr;
}

/* A fleet of one shard: every table has one partition, under its bare name. Foreign keys make SINGLE tables of them, where
 * they are. */
START_TEST(test_one_shard)
{
    rig_stop(&rig);
    rig_wipe(&rig, dbs);
    rig_conf(&rig, 1);
    rig_start(&rig);
    run("CREATE DATABASE ddlt");
    run("CREATE TABLE p (id INT PRIMARY KEY, n INT, CONSTRAINT pos CHECK (n > 0))");
    ck_assert_str_eq(place_of("p"), arena_printf(&rig.arena, "%d/1/p", CAT_PARTITIONED).ptr);
    rig_do(&rig, 0, "INSERT INTO ddlt.p VALUES (1, 1), (2, 2)");
    run("ALTER TABLE p ADD COLUMN x INT, DROP CONSTRAINT pos, ADD CONSTRAINT other CHECK (n > -5)");
    run("RENAME TABLE p TO q");
    ck_assert_str_eq(place_of("q"), arena_printf(&rig.arena, "%d/1/q", CAT_PARTITIONED).ptr);
    run("CREATE TABLE c (id INT PRIMARY KEY, q_id INT, FOREIGN KEY (q_id) REFERENCES q (id))");
    ck_assert_str_eq(place_of("q"), arena_printf(&rig.arena, "%d/1/q", CAT_SINGLE).ptr);
    ck_assert_str_eq(rig_ask(&rig, 0, "SELECT COUNT(*) FROM ddlt.q"), "2");
    run("CREATE TABLE u (id INT PRIMARY KEY, n INT)");
    rig_do(&rig, 0, "INSERT INTO ddlt.u VALUES (1, 1), (2, 2)");
    run("ALTER TABLE u ADD UNIQUE (n)");
    ck_assert_str_eq(place_of("u"), arena_printf(&rig.arena, "%d/1/u", CAT_SINGLE).ptr);
    ck_assert_str_eq(rig_ask(&rig, 0, "SELECT COUNT(*) FROM ddlt.u"), "2");
}
END_TEST

START_TEST(test_database)
{
    fails("CREATE DATABASE ddlt", 1007);
    ck_assert_uint_eq(run("CREATE DATABASE IF NOT EXISTS ddlt"), 1);
    fails("CREATE DATABASE mysql", 1044);
    fails("DROP DATABASE nosuch", 1008);
    ck_assert_uint_eq(run("DROP DATABASE IF EXISTS nosuch"), 1);
    run("CREATE DATABASE ddlt2 CHARACTER SET latin1 MODE = single");
    ck_assert(cat_find_db(rig_snapshot(&rig), SV("ddlt2"))->mode == CAT_DB_SINGLE);
    ck_assert(sv_eq(cat_find_db(rig_snapshot(&rig), SV("ddlt2"))->charset, SV("latin1")));
    ck_assert_uint_eq(run_as("ddlt2", "CREATE TABLE x (id INT PRIMARY KEY)", 0), 0);
    ck_assert(cat_find_table(rig_snapshot(&rig), SV("ddlt2"), SV("x"))->kind == CAT_SINGLE);
    run("ALTER DATABASE ddlt2 CHARACTER SET utf8mb4");
    ck_assert(sv_eq(cat_find_db(rig_snapshot(&rig), SV("ddlt2"))->charset, SV("utf8mb4")));
    run("DROP DATABASE ddlt2");
    ck_assert(!cat_find_db(rig_snapshot(&rig), SV("ddlt2")));
    fails("CREATE TABLE nosuch.t (a INT)", 1049);
}
END_TEST

START_TEST(test_create)
{
    const struct cat_table *t;

    ck_assert_uint_eq(run("CREATE TABLE a (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, n VARCHAR(20) NOT NULL "
                          "DEFAULT 'it''s', e ENUM('x','y'), "
                          "ts TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, g INT "
                          "GENERATED ALWAYS AS (LENGTH(n) + 1) VIRTUAL, "
                          "d DECIMAL(10,2), CONSTRAINT pos CHECK (d > 0), CHECK (n <> ''), KEY kn (n(5)), KEY (e, d)) "
                          "AUTO_INCREMENT=100 COMMENT='all sorts'"),
                      0);
    t = table("a");
    ck_assert(t && t->kind == CAT_PARTITIONED && t->part.by_default && t->parts_n == rig.n);
    ck_assert_uint_eq(t->columns_n, 6);
    ck_assert_int_eq(t->auto_inc_column, 0);
    ck_assert_uint_eq(t->auto_inc_start, 100);
    ck_assert(t->columns[1].default_kind == CAT_DEFAULT_LITERAL && sv_eq(t->columns[1].default_text, SV("it's")));
    ck_assert(t->columns[2].type.members_n == 2 && sv_eq(t->columns[2].type.members[1], SV("y")));
    ck_assert(t->columns[4].generated == CAT_GENERATED_VIRTUAL);
    ck_assert(sv_eq(t->comment, SV("all sorts")));
    ck_assert_uint_eq(t->checks_n, 2);
    ck_assert_uint_eq(t->keys_n, 3);
    ck_assert_uint_eq(t->keys[1].parts[0].prefix, 5);
    fails("CREATE TABLE a (id INT)", 1050);
    ck_assert_uint_eq(run("CREATE TABLE IF NOT EXISTS a (id INT)"), 1);
    fails("CREATE TABLE b (id INT, id INT)", 1060);
    fails("CREATE TABLE b (id INT PRIMARY KEY, PRIMARY KEY (id))", 1068);
    fails("CREATE TABLE b (id INT, KEY (nosuch))", 1072);
    fails("CREATE TABLE b (id INT PRIMARY KEY, KEY k (id), KEY k (id))", 1061);
    check_round_trip("a");
    run("CREATE TABLE l LIKE a");
    ck_assert(table("l")->kind == CAT_PARTITIONED && table("l")->group_id == table("a")->group_id);
}
END_TEST

START_TEST(test_placement)
{
    ck_assert_uint_eq(run("CREATE TABLE h (a INT, b TEXT)"), 0);
    ck_assert(table("h")->kind == CAT_PARTITIONED && table("h")->columns[0].hidden);
    ck_assert(!strstr(printed("h"), "_tessera"));
    check_round_trip("h");
    ck_assert_uint_eq(run("CREATE TABLE u (id INT PRIMARY KEY, e VARCHAR(20), UNIQUE KEY (e))"), 1);
    ck_assert(table("u")->kind == CAT_SINGLE && table("u")->note.len);
    ck_assert_uint_eq(run("CREATE TABLE s (id INT PRIMARY KEY) SINGLE"), 0);
    ck_assert(strstr(printed("s"), "/*!99980 SINGLE */"));
    check_round_trip("s");
    run("CREATE TABLE bc (id INT PRIMARY KEY, v INT) BROADCAST");
    check_round_trip("bc");
    run("CREATE TABLE k5 (id INT, v INT, PRIMARY KEY (id, v)) PARTITION BY KEY (id) PARTITIONS 5");
    ck_assert_uint_eq(table("k5")->parts_n, 5);
    check_round_trip("k5");
    fails("CREATE TABLE bad (id INT PRIMARY KEY, v INT) PARTITION BY KEY (v)", 1503);
    run("CREATE TABLE r (d DATE NOT NULL, v INT) PARTITION BY RANGE COLUMNS (d) (PARTITION a VALUES LESS THAN "
        "('2020-01-01'), PARTITION b VALUES LESS THAN (MAXVALUE))");
    ck_assert_uint_eq(table("r")->parts_n, 2);
    ck_assert(sv_eq(table("r")->parts[0].bounds[0].text, SV("2020-01-01")));
    check_round_trip("r");
    run("CREATE TABLE ry (d DATE NOT NULL, v INT) PARTITION BY RANGE (YEAR(d)) (PARTITION a VALUES LESS THAN (2000 + "
        "20), PARTITION b VALUES LESS THAN MAXVALUE)");
    check_round_trip("ry");
    run("CREATE TABLE li (c VARCHAR(10) NOT NULL, n INT) PARTITION BY LIST COLUMNS (c, n) (PARTITION a VALUES IN "
        "(('x', 1), ('y', NULL)), PARTITION b VALUES IN (('it''s', 3)))");
    check_round_trip("li");
    fails("CREATE TABLE bad (id INT) PARTITION BY RANGE (id) (PARTITION a VALUES LESS THAN (5), PARTITION b VALUES "
          "LESS THAN (4))",
          1493);
    ck_assert_uint_eq(run("CREATE TABLE my (id INT PRIMARY KEY) ENGINE=MyISAM"), 1);
    fails("CREATE TEMPORARY TABLE tmp (id INT)", 1235);
    fails("CREATE VIEW v AS SELECT 1", 1235);
}
END_TEST

START_TEST(test_foreign_keys)
{
    run("CREATE TABLE parent (id INT PRIMARY KEY, v VARCHAR(20), b BLOB, f FLOAT)");
    ck_assert(table("parent")->kind == CAT_PARTITIONED);
    for (unsigned i = 0; i < table("parent")->parts_n; i++)
        rig_do(&rig, table("parent")->parts[i].shard_id - 1,
               "INSERT INTO ddlt.parent__p%u VALUES (%u, 'x''%u', x'00ff27', 1.1), (%u, NULL, NULL, NULL)", i, i, i,
               i + 100);
    /* The child moves its parent to one shard. */
    ck_assert_uint_ge(
        run("CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE)"),
        2);
    ck_assert(table("parent")->kind == CAT_SINGLE && table("child")->kind == CAT_SINGLE);
    ck_assert_uint_eq(table("parent")->parts[0].shard_id, table("child")->parts[0].shard_id);
    ck_assert_str_eq(rig_ask(&rig, table("parent")->parts[0].shard_id - 1,
                             "SELECT CONCAT(COUNT(*), '/', SUM(b = x'00ff27'), '/', SUM(f = CAST(1.1 AS FLOAT) OR "
                             "ABS(f - 1.1) < 1e-6)) FROM ddlt.parent"),
                     arena_printf(&rig.arena, "%zu/%zu/%zu", 2 * rig.n, rig.n, rig.n).ptr);
    ck_assert_uint_eq(table("child")->fks_n, 1);
    fails("DROP TABLE parent", 3730);
    fails("TRUNCATE TABLE parent", 1701);
    run("CREATE TABLE p2 (id INT PRIMARY KEY)");
    run("CREATE TABLE c2 (id INT PRIMARY KEY, p INT, q INT)");
    ck_assert(table("c2")->kind == CAT_PARTITIONED);
    run("ALTER TABLE c2 ADD CONSTRAINT fk1 FOREIGN KEY (p) REFERENCES p2 (id)");
    ck_assert(table("c2")->kind == CAT_SINGLE && table("p2")->kind == CAT_SINGLE);
    run("ALTER TABLE c2 ADD CONSTRAINT fk2 FOREIGN KEY (q) REFERENCES parent (id)");
    ck_assert_uint_eq(table("c2")->parts[0].shard_id, table("parent")->parts[0].shard_id);
    ck_assert_uint_eq(table("p2")->parts[0].shard_id, table("parent")->parts[0].shard_id);
    run("RENAME TABLE parent TO parent2");
    ck_assert(sv_eq(table("child")->fks[0].ref_table, SV("parent2")));
    run("CREATE TABLE bp (id INT PRIMARY KEY) BROADCAST");
    run("CREATE TABLE bchild (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES bp (id))");
    ck_assert(table("bchild")->kind == CAT_PARTITIONED);
    run("DROP TABLE child, c2, parent2, p2, bchild, bp");
}
END_TEST

START_TEST(test_alter)
{
    run("CREATE TABLE t (id INT NOT NULL PRIMARY KEY, a INT, b VARCHAR(100), KEY ka (a))");
    for (unsigned i = 0; i < rig.n; i++)
        rig_do(&rig, table("t")->parts[i].shard_id - 1, "INSERT INTO ddlt.t__p%u VALUES (%u, %u, 'text%u')", i, i, i,
               i);
    run("ALTER TABLE t ADD COLUMN c INT NOT NULL DEFAULT 7 AFTER id, ADD KEY kc (c)");
    ck_assert(sv_eq(table("t")->columns[1].name, SV("c")) && table("t")->keys_n == 3);
    run("ALTER TABLE t RENAME COLUMN a TO aa");
    run("ALTER TABLE t MODIFY b VARCHAR(200) NOT NULL COMMENT 'long'");
    run("ALTER TABLE t ALTER COLUMN c SET DEFAULT 8, COMMENT = 'new'");
    run("CREATE INDEX kb ON t (b)");
    run("ALTER TABLE t DROP INDEX kb, DROP COLUMN c");
    run("ALTER TABLE t MODIFY id BIGINT NOT NULL AUTO_INCREMENT");
    ck_assert_int_eq(table("t")->auto_inc_column, 0);
    ck_assert_str_eq(rig_ask(&rig, table("t")->parts[0].shard_id - 1, "SELECT MIN(id) FROM ddlt.t__p0"), "0");
    ck_assert_str_eq(rig_ask(&rig, 0, "SELECT next > %zu FROM tessera.sequence WHERE table_id = %llu", rig.n - 1,
                             (unsigned long long)table("t")->id),
                     "1");
    run("ALTER TABLE t CHANGE id ident BIGINT NOT NULL AUTO_INCREMENT");
    run("ALTER TABLE t ADD CONSTRAINT k1 CHECK (aa < 100)");
    run("ALTER TABLE t DROP CONSTRAINT k1");
    run("ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin");
    fails("ALTER TABLE t ADD COLUMN aa INT", 1060);
    fails("ALTER TABLE t DROP COLUMN nosuch", 1091);
    fails("ALTER TABLE t DROP COLUMN ident", 9023);
    fails("ALTER TABLE t MODIFY ident VARCHAR(20) NOT NULL", 9023);
    fails("ALTER TABLE nosuch ADD x INT", 1146);
    fails("ALTER TABLE t PARTITION BY KEY (ident)", 1235);
    run("ALTER TABLE t AUTO_INCREMENT = 5000");
    ck_assert_str_eq(
        rig_ask(&rig, 0, "SELECT next FROM tessera.sequence WHERE table_id = %llu", (unsigned long long)table("t")->id),
        "5000");
    run("ALTER TABLE t RENAME TO t9");
    ck_assert(!table("t") && table("t9"));
    /* A unique key without the partition key moves a table that nobody partitioned. */
    ck_assert_uint_ge(run("ALTER TABLE t9 ADD UNIQUE KEY uaa (aa)"), 1);
    ck_assert(table("t9")->kind == CAT_SINGLE);
    ck_assert_str_eq(rig_ask(&rig, table("t9")->parts[0].shard_id - 1, "SELECT COUNT(*) FROM ddlt.t9"),
                     arena_printf(&rig.arena, "%zu", rig.n).ptr);
}
END_TEST

/* As phpMyAdmin dumps do it: rows first, then the keys. */
START_TEST(test_keys_later)
{
    run("CREATE TABLE wp (id BIGINT UNSIGNED NOT NULL, name VARCHAR(60) NOT NULL DEFAULT '')");
    for (unsigned i = 0; i < rig.n; i++)
        rig_do(&rig, table("wp")->parts[i].shard_id - 1, "INSERT INTO ddlt.wp__p%u (_tessera_row_id, id) VALUES (%u, %u)", i, i + 1, i + 1);
    run("ALTER TABLE wp ADD PRIMARY KEY (id), ADD KEY name (name)");
    ck_assert(table("wp")->kind == CAT_SINGLE && table("wp")->columns_n == 2 && table("wp")->primary == 0);
    run("ALTER TABLE wp MODIFY id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=5");
    ck_assert_str_eq(rig_ask(&rig, 0, "SELECT next FROM tessera.sequence WHERE table_id = %llu",
                             (unsigned long long)table("wp")->id), "5");
    ck_assert_str_eq(rig_ask(&rig, table("wp")->parts[0].shard_id - 1, "SELECT COUNT(*) FROM ddlt.wp"),
                     arena_printf(&rig.arena, "%zu", rig.n).ptr);
}
END_TEST

/* Rows on one partition make it fail there only: nothing may stay. */
START_TEST(test_alter_fails)
{
    const char *before;
    unsigned last;

    run("CREATE TABLE t (id INT NOT NULL, a INT, b VARCHAR(100), c INT, PRIMARY KEY (id), KEY kb (b)) PARTITION BY KEY "
        "(id)");
    last = table("t")->parts_n - 1;
    for (unsigned i = 0; i <= last; i++)
        rig_do(&rig, table("t")->parts[i].shard_id - 1,
               "INSERT INTO ddlt.t__p%u VALUES (%u, %u, '%u', 1), (%u, %u, '%u', 2)", i, i, i, i, i + 100, i + 100,
               i + 100);
    rig_do(&rig, table("t")->parts[last].shard_id - 1,
           "INSERT INTO ddlt.t__p%u VALUES (1000, 1, 'no number', NULL), (1000000, 1, REPEAT('x', 50), 70000)", last);
    before = printed("t");
    fails("ALTER TABLE t ADD UNIQUE KEY (id, a), ADD CONSTRAINT small CHECK (c < 100)",
          rig_ask(&rig, 0, "SELECT VERSION()")[0] == '1' ? 4025 : 3819);
    fails("ALTER TABLE t MODIFY c INT NOT NULL", rig_ask(&rig, 0, "SELECT VERSION()")[0] == '1' ? 1265 : 1138);
    fails("ALTER TABLE t MODIFY b VARCHAR(10)", 1406);
    fails("ALTER TABLE t MODIFY b INT", rig_ask(&rig, 0, "SELECT VERSION()")[0] == '1' ? 1292 : 1366);
    fails("ALTER TABLE t MODIFY c SMALLINT, DROP COLUMN a", 1264);
    fails("ALTER TABLE t ADD UNIQUE KEY (a)", 1503);
    ck_assert_str_eq(printed("t"), before);
    ck_assert_str_eq(rig_ask(&rig, table("t")->parts[0].shard_id - 1, "SELECT COUNT(*) FROM ddlt.t__p0"), "2");
    rig_do(&rig, table("t")->parts[last].shard_id - 1, "DELETE FROM ddlt.t__p%u WHERE id >= 1000", last);
    run("ALTER TABLE t MODIFY b INT, DROP COLUMN a, ADD UNIQUE KEY (id, c)");
    ck_assert_uint_eq(table("t")->columns_n, 3);
}
END_TEST

START_TEST(test_drop_truncate_rename)
{
    run("CREATE TABLE a (id INT AUTO_INCREMENT PRIMARY KEY)");
    run("CREATE TABLE b (id INT PRIMARY KEY, x INT)");
    run("CREATE DATABASE ddlt2");
    fails("DROP TABLE a, nosuch", 1051);
    ck_assert(table("a"));
    for (unsigned i = 0; i < rig.n; i++)
        rig_do(&rig, table("a")->parts[i].shard_id - 1, "INSERT INTO ddlt.a__p%u VALUES (%u)", i, i + 1);
    rig_do(&rig, 0, "UPDATE tessera.sequence SET next = 100 WHERE table_id = %llu", (unsigned long long)table("a")->id);
    run("TRUNCATE TABLE a");
    ck_assert_str_eq(rig_ask(&rig, table("a")->parts[0].shard_id - 1, "SELECT COUNT(*) FROM ddlt.a__p0"), "0");
    ck_assert_str_eq(
        rig_ask(&rig, 0, "SELECT next FROM tessera.sequence WHERE table_id = %llu", (unsigned long long)table("a")->id),
        "1");
    /* swap */
    run("RENAME TABLE a TO tmp, b TO a, tmp TO b");
    ck_assert_uint_eq(table("a")->columns_n, 2);
    ck_assert_uint_eq(table("b")->columns_n, 1);
    fails("RENAME TABLE a TO b", 1050);
    fails("RENAME TABLE nosuch TO x", 1146);
    run("RENAME TABLE a TO ddlt2.a");
    ck_assert(cat_find_table(rig_snapshot(&rig), SV("ddlt2"), SV("a")));
    ck_assert_uint_eq(run("DROP TABLE IF EXISTS b, nosuch"), 1);
    run("DROP DATABASE ddlt2");
    fails("DROP TABLE b", 1051);
    ck_assert_uint_eq(run("DROP VIEW IF EXISTS v"), 1);
}
END_TEST

static void *race(void *arg)
{
    struct ddl_request q = {.sql = sv_cstr(arg), .db = SV("ddlt"), .user = SV("root"), .host = SV("h")};

    return ddl_execute(rig.engine, &q);
}

START_TEST(test_concurrent)
{
    static const char *const sqls[] = {"CREATE TABLE c1 (id INT PRIMARY KEY)",
                                       "CREATE TABLE c1 (id INT PRIMARY KEY, b INT)",
                                       "CREATE TABLE c2 (id INT PRIMARY KEY)",
                                       "DROP TABLE IF EXISTS c1",
                                       "CREATE TABLE IF NOT EXISTS c2 (id INT PRIMARY KEY)",
                                       "ALTER TABLE c2 ADD x INT",
                                       "DROP TABLE IF EXISTS c2",
                                       "CREATE TABLE c3 (id INT PRIMARY KEY)"};
    pthread_t th[ARRAY_LEN(sqls)];

    cat_pin_close(&rig.pin);
    for (size_t i = 0; i < ARRAY_LEN(sqls); i++)
        ck_assert_int_eq(pthread_create(&th[i], NULL, race, (void *)(uintptr_t)sqls[i]), 0);
    for (size_t i = 0; i < ARRAY_LEN(sqls); i++) {
        void *r;

        pthread_join(th[i], &r);
        ddl_result_free(r);
    }
    cat_pin_open(&rig.pin, &rig.pins);
    ck_assert(table("c3"));
}
END_TEST

/* An error at each place of each step: undone or completed, never split. */
START_TEST(test_admin_show)
{
    struct ddl_result *r;
    struct diag d = {0};

    run("CREATE TABLE t (id INT PRIMARY KEY, a INT)");
    for (unsigned i = 0; i < rig.n; i++)
        rig_do(&rig, table("t")->parts[i].shard_id - 1, "INSERT INTO ddlt.t__p%u VALUES (%u, 1)", i, i);
    r = rig_run(&rig, "ddlt", "ANALYZE TABLE t");
    ck_assert(r->ok && r->rows->n_rows >= 1);
    ck_assert_str_eq(r->rows->cells[(r->rows->n_rows - 1) * 4].ptr, "ddlt.t");
    ck_assert_str_eq(r->rows->cells[(r->rows->n_rows - 1) * 4 + 3].ptr, "OK");
    ddl_result_free(r);
    r = rig_run(&rig, "ddlt", "CHECK TABLE t, nosuch");
    ck_assert(r->ok && r->rows->n_rows >= 3);
    ddl_result_free(r);
    r = rig_run(&rig, "ddlt", "CHECKSUM TABLE t");
    ck_assert(r->ok && r->rows->n_rows == 1 && r->rows->cells[1].ptr);
    ddl_result_free(r);
    r = rig_run(&rig, "ddlt", "SHOW DDL");
    ck_assert(r->ok && r->rows->n_rows >= 2);
    ddl_result_free(r);
    ck_assert_uint_eq(show_shards(rig_snapshot(&rig), NULL, NULL, &rig.arena)->n_rows, rig.n);
    ck_assert_uint_eq(show_topology(rig_snapshot(&rig), SV("ddlt"), SV("t"), &rig.arena, &d)->n_rows, rig.n);
    ck_assert_uint_eq(show_database_mode(cat_find_db(rig_snapshot(&rig), SV("ddlt"))).len, 0);
}
END_TEST

START_TEST(test_users)
{
    const struct cat_user *u;

    run("CREATE USER ann@'%' IDENTIFIED BY 'secret', bob@localhost IDENTIFIED WITH mysql_native_password BY 'x'");
    u = cat_find_account(rig_snapshot(&rig), SV("ann"), SV("%"));
    ck_assert(u && sv_starts(u->secret, SV("$A$")) && !u->super);
    ck_assert(sv_starts(cat_find_account(rig_snapshot(&rig), SV("bob"), SV("localhost"))->secret, SV("*")));
    fails("CREATE USER ann@'%'", 1396);
    ck_assert_uint_eq(run("CREATE USER IF NOT EXISTS ann@'%'"), 1);
    run("GRANT ALL ON *.* TO ann@'%'");
    ck_assert(cat_find_account(rig_snapshot(&rig), SV("ann"), SV("%"))->super);
    run("ALTER USER ann@'%' ACCOUNT LOCK");
    ck_assert(cat_find_account(rig_snapshot(&rig), SV("ann"), SV("%"))->locked);
    run("SET PASSWORD FOR bob@localhost = 'new'");
    run("DROP USER ann@'%', bob@localhost");
    fails("DROP USER ann@'%'", 1396);
}
END_TEST

/* The last server joins and leaves. */
START_TEST(test_shards)
{
    size_t last = rig.n - 1;
    const char *host = rig.hosts[last];
    unsigned port = rig.ports[last];

    rig_stop(&rig);
    ck_assert(rig_servers(&rig, 2));
    rig_wipe(&rig, dbs);
    rig_conf(&rig, last);
    rig_start(&rig);
    run("CREATE DATABASE ddlt");
    run("CREATE TABLE bc (id INT PRIMARY KEY, v VARCHAR(20)) BROADCAST");
    for (size_t i = 0; i < last; i++)
        rig_do(&rig, i, "INSERT INTO ddlt.bc VALUES (1, 'it''s'), (2, NULL)");
    fails(arena_printf(&rig.arena, "CREATE SHARD again HOST = '%s' PORT = %u", rig.hosts[0], rig.ports[0]).ptr, 9024);
    fails("CREATE SHARD away HOST = '127.0.0.1' PORT = 1", 9001);
    run(arena_printf(&rig.arena, "CREATE SHARD added HOST = '%s' PORT = %u", host, port).ptr);
    ck_assert_uint_eq(rig_snapshot(&rig)->shards.n, rig.n);
    ck_assert_str_eq(rig_ask(&rig, last, "SELECT GROUP_CONCAT(id, COALESCE(v, '-') ORDER BY id) FROM ddlt.bc"), "1it's,2-");
    ck_assert_str_eq(rig_ask(&rig, last, "SELECT COUNT(*) FROM tessera.trx_log"), "0");
    run("CREATE TABLE t (id INT PRIMARY KEY)");
    ck_assert_uint_eq(table("t")->parts_n, rig.n);
    fails("DROP SHARD added", 9024);
    run("ALTER SHARD added HOST = 'localhost'");
    fails("DROP SHARD nosuch", 9007);
    ck_assert_uint_eq(run("DROP SHARD IF EXISTS nosuch"), 1);
    run("DROP TABLE t");
    run("DROP SHARD added");
    ck_assert_uint_eq(rig_snapshot(&rig)->shards.n, last);
    run("DROP DATABASE ddlt");
    rig_do(&rig, last, "DROP DATABASE ddlt");
}
END_TEST

static Suite *suite(bool servers)
{
    Suite *s = suite_create("ddl");
    TCase *tc = tcase_create("shapes and names");

    tcase_add_checked_fixture(tc, mem_setup, mem_teardown);
    tcase_add_test(tc, test_shape_parse);
    tcase_add_loop_test(tc, test_shape_alter, 0, ARRAY_LEN(alter_cases));
    tcase_add_test(tc, test_shape_rename);
    tcase_add_test(tc, test_shape_print);
    tcase_add_test(tc, test_physical_names);
    tcase_add_loop_test(tc, test_names, 0, ARRAY_LEN(name_cases));
    tcase_add_loop_test(tc, test_names_of_tables, 0, ARRAY_LEN(scope_cases));
    suite_add_tcase(s, tc);
    if (!servers)
        return s;
    tc = tcase_create("statements");
    tcase_set_timeout(tc, 120);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_database);
    tcase_add_test(tc, test_create);
    tcase_add_test(tc, test_placement);
    tcase_add_test(tc, test_one_shard);
    tcase_add_loop_test(tc, test_hold, 0, ARRAY_LEN(hold_cases));
    tcase_add_test(tc, test_foreign_keys);
    tcase_add_test(tc, test_alter);
    tcase_add_test(tc, test_keys_later);
    tcase_add_test(tc, test_alter_fails);
    tcase_add_test(tc, test_drop_truncate_rename);
    tcase_add_test(tc, test_concurrent);
    tcase_add_test(tc, test_admin_show);
    tcase_add_test(tc, test_users);
    tcase_add_test(tc, test_shards);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    SRunner *sr = srunner_create(suite(rig_servers(&rig, 2)));
    int failed;

    srunner_set_tap(sr, "-");
    srunner_run_all(sr, CK_SILENT);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
