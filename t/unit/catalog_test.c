/* Unit tests of catalog/: everything that needs no server. */
#include "catalog/mconn.h"
#include "catalog/pin.h"
#include "catalog/user.h"
#include "util/rand.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>

static struct arena arena;

static void setup(void)
{
    arena_init(&arena, 0);
}

static void teardown(void)
{
    arena_free(&arena);
}

/* A table with something of everything, unfinished. */
static struct cat_table *rich_table(void)
{
    static const uint32_t shards[] = {1, 2, 1, 2};
    struct cat_table *t = cat_table_new(SV("shop"), SV("Orders"));
    struct arena *a = &t->arena;
    struct cat_column *c = ARENA_NEW_N(a, struct cat_column, 4);
    struct cat_key *k = ARENA_NEW_N(a, struct cat_key, 2);
    struct cat_key_part *kp = ARENA_NEW_N(a, struct cat_key_part, 3);
    struct cat_check *ch = ARENA_NEW_N(a, struct cat_check, 1);
    struct cat_fk *fk = ARENA_NEW_N(a, struct cat_fk, 1);
    struct sv *members = ARENA_NEW_N(a, struct sv, 2), *refs = ARENA_NEW_N(a, struct sv, 1);
    uint32_t *pc = ARENA_NEW_N(a, uint32_t, 1), *fc = ARENA_NEW_N(a, uint32_t, 1);

    t->id = 7;
    t->version = 3;
    t->kind = CAT_PARTITIONED;
    c[0] = (struct cat_column){.name = SV("id"),
        .auto_increment = true,
        .type = {.code = 8,
            .is_unsigned = true,
            .length = 20,
            .coll_id = 63,
            .text = SV("bigint unsigned")}};
    members[0] = SV("a'b");
    members[1] = SV("");
    c[1] = (struct cat_column){.name = SV("State"),
        .ordinal = 1,
        .nullable = true,
        .default_kind = CAT_DEFAULT_NULL,
        .type = {.code = 247,
            .charset = SV("utf8mb4"),
            .collation = SV("utf8mb4_bin"),
            .coll_id = 46,
            .members = members,
            .members_n = 2,
            .text = SV("enum('a''b','')")}};
    c[2] = (struct cat_column){.name = SV("bin"),
        .ordinal = 2,
        .default_kind = CAT_DEFAULT_LITERAL,
        .default_text = sv_make("\xff\x00z", 3),
        .comment = SV("\xc3\xa9"),
        .invisible = true,
        .type = {.code = 254, .length = 3, .coll_id = 63, .text = SV("binary(3)")}};
    c[3] = (struct cat_column){.name = SV("g"),
        .ordinal = 3,
        .generated = CAT_GENERATED_STORED,
        .generated_expr = SV("`id` + 1"),
        .type = {.code = 12, .decimals = 3, .text = SV("datetime(3)")},
        .on_update = SV("CURRENT_TIMESTAMP(3)"),
        .default_kind = CAT_DEFAULT_EXPR,
        .default_text = SV("CURRENT_TIMESTAMP(3)")};
    t->columns = c;
    t->columns_n = 4;
    kp[0] = (struct cat_key_part){.column = 0, .desc = true};
    kp[1] = (struct cat_key_part){.column = 1, .prefix = 10};
    kp[2] = (struct cat_key_part){.column = -1, .expr = SV("lower(`State`)")};
    k[0] =
        (struct cat_key){.name = SV("PRIMARY"), .kind = CAT_KEY_PRIMARY, .parts = kp, .parts_n = 1};
    k[1] = (struct cat_key){.name = SV("k2"),
        .kind = CAT_KEY_UNIQUE,
        .parts = kp + 1,
        .parts_n = 2,
        .invisible = true,
        .comment = SV("c"),
        .algorithm = SV("BTREE")};
    t->keys = k;
    t->keys_n = 2;
    ch[0] = (struct cat_check){SV("chk"), SV("`id` > 0"), true};
    t->checks = ch;
    t->checks_n = 1;
    fc[0] = 1;
    refs[0] = SV("id");
    fk[0] = (struct cat_fk){.name = SV("fk"),
        .columns = fc,
        .columns_n = 1,
        .ref_db = SV("shop"),
        .ref_table = SV("x"),
        .ref_columns = refs,
        .on_delete = SV("CASCADE"),
        .on_update = SV("")};
    t->fks = fk;
    t->fks_n = 1;
    t->engine = SV("InnoDB");
    t->charset = SV("utf8mb4");
    t->collation = SV("utf8mb4_0900_ai_ci");
    t->coll_id = 255;
    t->comment = SV("a \"table\"");
    t->auto_inc_start = 100;
    pc[0] = 0;
    t->part = (struct cat_partitioning){
        .method = CAT_PART_KEY, .by_columns = true, .columns = pc, .columns_n = 1};
    t->group_id = 5;
    t->create_sql = SV("CREATE TABLE `Orders` (...)");
    t->note = SV("");
    cat_table_spread(t, 4, shards);
    return t;
}

START_TEST(table_round_trip)
{
    struct cat_table *t = rich_table(), *c;
    struct diag d = {0};
    struct sv one, two;

    ck_assert_msg(cat_table_finish(t, &d), "%s", d.text);
    c = cat_table_clone(t);
    ck_assert_msg(cat_table_finish(c, &d), "%s", d.text);
    one = cat_table_to_json(t, &arena);
    two = cat_table_to_json(c, &arena);
    ck_assert_msg(sv_eq(one, two), "%s\n%s", one.ptr, two.ptr);
    cat_table_unref(t); /* the clone must not depend on it */
    ck_assert(c->columns_n == 4 && c->id == 7 && c->group_id == 5 && c->auto_inc_start == 100);
    ck_assert(sv_eq(c->columns[2].default_text, sv_make("\xff\x00z", 3)));
    ck_assert(sv_eq(c->columns[1].type.members[0], SV("a'b")) && c->columns[1].type.members_n == 2);
    ck_assert(
        c->keys[1].parts[1].column == -1 && sv_eq(c->keys[1].parts[1].expr, SV("lower(`State`)")));
    ck_assert(c->checks[0].not_enforced && sv_eq(c->fks[0].on_delete, SV("CASCADE")));
    ck_assert(c->columns[3].generated == CAT_GENERATED_STORED && c->columns[3].type.decimals == 3);
    ck_assert_ptr_eq(cat_find_column(c, SV("STATE")), &c->columns[1]);
    ck_assert_ptr_null(cat_find_column(c, SV("nope")));
    ck_assert_ptr_eq(cat_auto_inc(c), &c->columns[0]);
    ck_assert_ptr_eq(cat_primary_key(c), &c->keys[0]);
    ck_assert_ptr_eq(cat_find_part(c, SV("P3")), &c->parts[3]);
    ck_assert(sv_eq(cat_phys_name(c, 2), SV("Orders__p2")) && sv_eq(cat_phys_db(c, 2), SV("shop")));
    ck_assert(
        cat_key_has_part_columns(c, &c->keys[0]) && !cat_key_has_part_columns(c, &c->keys[1]));
    cat_table_unref(c);
}
END_TEST

START_TEST(spread_covers_hash_space)
{
    static const uint32_t sizes[] = {1, 2, 3, 4, 7, 16, 100, 1024, LIMIT_PARTITIONS};
    uint32_t *shards = xcalloc(LIMIT_PARTITIONS, sizeof(*shards));

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct cat_table *t = rich_table();
        struct diag d = {0};

        cat_table_spread(t, sizes[i], shards);
        ck_assert_msg(cat_table_finish(t, &d), "%u partitions: %s", sizes[i], d.text);
        if (sizes[i] == 1)
            ck_assert(sv_eq(cat_phys_name(t, 0), SV("Orders")));
        if (sizes[i] == 3)
            ck_assert(t->parts[0].hash_hi == 0x55555554 && t->parts[1].hash_hi == 0xaaaaaaa9);
        cat_table_unref(t);
    }
    xfree(shards);
}
END_TEST

static void break_ordinal(struct cat_table *t)
{
    ((struct cat_column *)(uintptr_t)t->columns)[1].ordinal = 2;
}

static void break_names(struct cat_table *t)
{
    ((struct cat_column *)(uintptr_t)t->columns)[1].name = SV("ID");
}

static void break_key(struct cat_table *t)
{
    ((struct cat_key_part *)(uintptr_t)t->keys[0].parts)[0].column = 9;
}

static void break_range(struct cat_table *t)
{
    ((struct cat_part *)(uintptr_t)t->parts)[1].hash_lo++;
}

static void break_end(struct cat_table *t)
{
    t->parts_n = 3;
}

static void break_kind(struct cat_table *t)
{
    t->kind = CAT_BROADCAST;
}

static void break_part_column(struct cat_table *t)
{
    ((uint32_t *)(uintptr_t)t->part.columns)[0] = 4;
}

START_TEST(broken_tables_are_refused)
{
    static const struct {
        void (*damage)(struct cat_table *t);
        const char *part;
    } t[] = {{break_ordinal, "wrong ordinal"}, {break_names, "two columns"},
        {break_key, "unknown column"}, {break_range, "gap"}, {break_end, "all of hash"},
        {break_kind, "BROADCAST"}, {break_part_column, "partition key"}};

    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct cat_table *x = rich_table();
        struct diag d = {0};

        t[i].damage(x);
        ck_assert_msg(
            !cat_table_finish(x, &d) && strstr(d.text, t[i].part), "%s: %s", t[i].part, d.text);
        cat_table_unref(x);
    }
}
END_TEST

START_TEST(damaged_json_is_refused)
{
    static const char *const t[] = {"", "[]", "{", "{\"columns\": [{\"name\": 1}]}",
        "{\"columns\": [{\"default_kind\": \"x\"}]}",
        "{\"partitioning\": {\"method\": \"key\", \"columns\": [-1]}}",
        "{\"comment\": {\"hex\": \"zz\"}}", "{\"comment\": {\"hex\": \"1\"}}"};

    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct cat_table *x = cat_table_new(SV("a"), SV("b"));
        struct diag d = {0};

        ck_assert_msg(
            !cat_table_from_json(x, sv_cstr(t[i]), &d) && d.code == ER_INTERNAL, "%s", t[i]);
        cat_table_unref(x);
    }
}
END_TEST

START_TEST(bounds_round_trip)
{
    static const struct cat_bound in[] = {{CAT_BOUND_VALUE, SV("10")}, {CAT_BOUND_NULL, SV("")},
        {CAT_BOUND_MAXVALUE, SV("")}, {CAT_BOUND_DEFAULT, SV("")},
        {CAT_BOUND_VALUE, SV("it's \"q\"")}};
    const struct cat_bound *out;
    struct diag d = {0};
    uint32_t n;

    ck_assert(cat_bounds_from_json(cat_bounds_to_json(in, 5, &arena), &arena, &out, &n, &d));
    ck_assert_uint_eq(n, 5);
    for (uint32_t i = 0; i < n; i++)
        ck_assert_msg(out[i].kind == in[i].kind && sv_eq(out[i].text, in[i].text), "bound %u", i);
    ck_assert(!cat_bounds_from_json(SV("7"), &arena, &out, &n, &d));
}
END_TEST

static struct cat_table *small_table(
    struct sv db, struct sv name, uint64_t id, enum cat_state state)
{
    struct cat_table *t = cat_table_new(db, name);
    struct cat_column *c = ARENA_NEW_N(&t->arena, struct cat_column, 1);
    struct diag d = {0};

    c[0] = (struct cat_column){.name = SV("id"), .type = {.code = 3, .text = SV("int")}};
    t->columns = c;
    t->columns_n = 1;
    t->id = id;
    t->kind = CAT_BROADCAST;
    t->state = state;
    ck_assert_msg(cat_table_finish(t, &d), "%s", d.text);
    return t;
}

static struct cat_snapshot *snapshot_one(void)
{
    struct cat_builder b;
    struct cat_shard s = {.id = 2, .name = SV("s2"), .host = SV("h"), .port = 1};
    struct cat_db db = {.id = 1, .name = SV("shop")},
                  hidden = {.id = 2, .name = SV("half"), .state = CAT_CREATING};
    struct cat_table *t = rich_table();
    struct cat_snapshot *out;
    struct diag d = {0};

    cat_builder_begin(&b, NULL);
    cat_builder_put_shard(&b, &s);
    s = (struct cat_shard){.id = 1, .name = SV("s1"), .host = SV("h"), .port = 2};
    cat_builder_put_shard(&b, &s);
    cat_builder_put_db(&b, &db);
    cat_builder_put_db(&b, &hidden);
    ck_assert(cat_table_finish(t, &d));
    cat_builder_put_table(&b, t);
    cat_table_unref(t);
    cat_builder_put_setting(&b, SV("a"), SV("1"));
    out = cat_builder_finish(&b, 1, &d);
    ck_assert_msg(out, "%s", d.text);
    return out;
}

START_TEST(snapshots_share_tables)
{
    struct cat_snapshot *one = snapshot_one(), *two;
    const struct cat_table *orders = cat_find_table(one, SV("shop"), SV("Orders"));
    struct cat_table *t;
    struct cat_builder b;
    struct diag d = {0};
    size_t first;

    ck_assert_ptr_nonnull(orders);
    ck_assert_ptr_null(cat_find_table(one, SV("shop"), SV("orders")));
    ck_assert_ptr_null(cat_find_db(one, SV("half")));
    ck_assert_uint_eq(cat_find_shard(one, SV("S1"))->id, 1);
    ck_assert(sv_eq(cat_find_shard_id(one, 2)->name, SV("s2")));
    cat_builder_begin(&b, one);
    t = small_table(SV("shop"), SV("a"), 8, CAT_CREATING);
    cat_builder_put_table(&b, t);
    cat_table_unref(t);
    t = small_table(SV("shop"), SV("Orders"), 9, CAT_DROPPING);
    cat_builder_put_table(&b, t);
    cat_table_unref(t);
    cat_builder_put_setting(&b, SV("A"), SV("2"));
    two = cat_builder_finish(&b, 2, &d);
    ck_assert_msg(two, "%s", d.text);
    ck_assert_ptr_eq(cat_find_table(two, SV("shop"), SV("Orders")), orders);
    ck_assert_ptr_null(cat_find_table(two, SV("shop"), SV("a")));
    ck_assert_uint_eq(cat_find_table_any(two, SV("shop"), SV("a"))->id, 8);
    ck_assert_uint_eq(cat_find_table_id(two, 9)->state, CAT_DROPPING);
    ck_assert_uint_eq(cat_tables_of(two, SV("shop"), &first), 3);
    ck_assert_uint_eq(first, 0);
    ck_assert_uint_eq(cat_tables_of(two, SV("half"), &first), 0);
    ck_assert(
        sv_eq(cat_setting(two, SV("a")), SV("2")) && sv_eq(cat_setting(one, SV("a")), SV("1")));
    cat_snapshot_unref(one);
    ck_assert(sv_eq(orders->name, SV("Orders"))); /* two still has it */
    cat_builder_begin(&b, two);
    ck_assert(cat_builder_drop_table(&b, 8) && !cat_builder_drop_table(&b, 8));
    ck_assert(cat_builder_drop_db(&b, 1));
    ck_assert_uint_eq(b.s->tables.n, 0);
    cat_builder_abort(&b);
    cat_snapshot_unref(two);
}
END_TEST

START_TEST(builder_refuses_contradictions)
{
    struct cat_snapshot *one = snapshot_one();
    struct cat_builder b;
    struct cat_table *t;
    struct cat_shard s = {.id = 3, .name = SV("S1"), .host = SV("h"), .port = 3};
    struct diag d = {0};

    cat_builder_begin(&b, one);
    t = small_table(SV("shop"), SV("Orders"), 9, CAT_PUBLIC);
    cat_builder_put_table(&b, t);
    cat_table_unref(t);
    ck_assert(!cat_builder_finish(&b, 2, &d) && strstr(d.text, "two tables named"));
    diag_clear(&d);
    cat_builder_begin(&b, one);
    ck_assert(cat_builder_drop_shard(&b, 2));
    ck_assert(!cat_builder_finish(&b, 2, &d) && strstr(d.text, "unknown shard 2"));
    diag_clear(&d);
    cat_builder_begin(&b, one);
    t = small_table(SV("nowhere"), SV("x"), 9, CAT_PUBLIC);
    cat_builder_put_table(&b, t);
    cat_table_unref(t);
    ck_assert(!cat_builder_finish(&b, 2, &d) && strstr(d.text, "unknown database"));
    diag_clear(&d);
    cat_builder_begin(&b, one);
    cat_builder_put_shard(&b, &s);
    ck_assert(!cat_builder_finish(&b, 2, &d) && strstr(d.text, "two shards"));
    cat_snapshot_unref(one);
}
END_TEST

START_TEST(virtual_databases)
{
    ck_assert(cat_is_virtual_db(SV("INFORMATION_SCHEMA")) && cat_is_virtual_db(SV("tessera")) &&
              cat_is_virtual_db(SV("sys")));
    ck_assert(!cat_is_virtual_db(SV("test")) && !cat_is_virtual_db(SV("")));
}
END_TEST

START_TEST(hosts_match)
{
    static const struct {
        const char *pattern, *host;
        bool want;
    } t[] = {
        {"%", "10.1.2.3", true},
        {"10.1.%", "10.1.2.3", true},
        {"10.2.%", "10.1.2.3", false},
        {"localhost", "127.0.0.1", true},
        {"localhost", "::1", true},
        {"localhost", "10.0.0.1", false},
        {"127.0.0.1", "127.0.0.1", true},
        {"db_.x.org", "DB1.X.ORG", true},
        {"db\\_.x", "db1.x", false},
        {"db\\_.x", "db_.x", true},
        {"10.0.0.0/8", "10.9.9.9", true},
        {"10.0.0.0/8", "11.9.9.9", false},
        {"192.168.1.0/255.255.255.0", "192.168.1.77", true},
        {"192.168.1.0/255.255.255.0", "192.168.2.1", false},
        {"", "anything", true},
        {"%.org", "a.b.org", true},
        {"%a%b%", "xxaxxbxx", true},
        {"%a%b", "xxaxxbxx", false},
        {"0.0.0.0/0", "1.2.3.4", true},
        {"10.0.0.0/x", "10.0.0.0", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        ck_assert_msg(user_host_matches(sv_cstr(t[i].pattern), sv_cstr(t[i].host)) == t[i].want,
            "%s against %s", t[i].host, t[i].pattern);
}
END_TEST

START_TEST(accounts_by_specific_host)
{
    static const struct {
        const char *name, *host;
    } users[] = {{"u", "%"}, {"u", "10.%"}, {"", "localhost"}, {"u", "10.1.%"}, {"u", "10.1.1.1"},
        {"u", "10.0.0.0/8"}, {"root", "localhost"}};
    static const struct {
        const char *name, *host, *want;
    } t[] = {{"u", "10.1.1.1", "10.1.1.1"}, {"u", "10.1.1.2", "10.0.0.0/8"}, {"u", "9.9.9.9", "%"},
        {"u", "127.0.0.1", "localhost"}, {"root", "127.0.0.1", "localhost"},
        {"root", "9.9.9.9", NULL}};
    struct cat_builder b;
    struct cat_snapshot *s;
    struct diag d = {0};

    cat_builder_begin(&b, NULL);
    for (size_t i = 0; i < ARRAY_LEN(users); i++)
        cat_builder_put_user(
            &b, &(struct cat_user){.name = sv_cstr(users[i].name), .host = sv_cstr(users[i].host)});
    s = cat_builder_finish(&b, 1, &d);
    ck_assert_ptr_nonnull(s);
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        const struct cat_user *u = cat_find_user(s, sv_cstr(t[i].name), sv_cstr(t[i].host));

        ck_assert_msg(!u == !t[i].want && (!u || sv_eq_cstr(u->host, t[i].want)), "%s@%s",
            t[i].name, t[i].host);
        /* MySQL's rule: on localhost the anonymous account comes before u@%, since its host is more
         * specific. */
        if (i == 3)
            ck_assert(u->name.len == 0);
        if (i == 4)
            ck_assert(sv_eq(u->name, SV("root")));
    }
    ck_assert_ptr_nonnull(cat_find_account(s, SV("u"), SV("10.%")));
    ck_assert_ptr_null(cat_find_account(s, SV("U"), SV("10.%")));
    cat_snapshot_unref(s);
}
END_TEST

START_TEST(secrets_have_forms)
{
    ck_assert(user_secret_kind_of(SV("")) == USER_SECRET_EMPTY);
    ck_assert(
        user_secret_kind_of(SV("*81F5E21E35407D884A6CD4A731AEBFB6AF209E1B")) == USER_SECRET_NATIVE);
    ck_assert(
        user_secret_kind_of(SV("*81F5E21E35407D884A6CD4A731AEBFB6AF209E1")) == USER_SECRET_BAD);
    ck_assert(user_secret_kind_of(
                  SV("$A$005$12345678901234567890abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG")) ==
              USER_SECRET_SHA2);
    ck_assert(user_secret_kind_of(SV("secret")) == USER_SECRET_BAD);
    ck_assert(sv_eq(user_plugin_of(SV("*81F5E21E35407D884A6CD4A731AEBFB6AF209E1B"), SV("x")),
        SV("mysql_native_password")));
}
END_TEST

/* --- pins --- */

static struct cat_snapshot *empty_snapshot(uint64_t version)
{
    struct cat_builder b;
    struct diag d = {0};

    cat_builder_begin(&b, NULL);
    return cat_builder_finish(&b, version, &d);
}

START_TEST(pins_hold_versions)
{
    struct cat_pins p;
    struct cat_pin pin;
    const struct cat_snapshot *s1, *s2;

    cat_pins_init(&p);
    ck_assert_uint_eq(cat_pins_lowest(&p), UINT64_MAX);
    cat_pin_open(&pin, &p);
    ck_assert_ptr_null(cat_pin_borrow(&pin));
    cat_pins_publish(&p, empty_snapshot(1));
    cat_pin_refresh(&pin);
    s1 = cat_pin_borrow(&pin);
    ck_assert_uint_eq(s1->version, 1);
    cat_pins_publish(&p, empty_snapshot(2));
    cat_pins_publish(&p, empty_snapshot(1)); /* an old one is dropped */
    ck_assert_uint_eq(cat_pins_version(&p), 2);
    ck_assert_uint_eq(cat_pins_lowest(&p), 1);
    cat_pin_refresh(&pin);
    s2 = cat_pin_borrow(&pin);
    ck_assert_uint_eq(s2->version, 2);
    cat_pin_borrow_again(&pin, s1);
    cat_pin_return(&pin, s1);
    ck_assert_uint_eq(cat_pins_lowest(&p), 1);
    ck_assert(!cat_pins_wait(&p, 2, 5));
    cat_pin_return(&pin, s1);
    ck_assert_uint_eq(cat_pins_lowest(&p), 2);
    ck_assert(cat_pins_wait(&p, 2, 5));
    cat_pin_return(&pin, s2);
    ck_assert_uint_eq(cat_pin_snapshot(&pin)->version, 2);
    cat_pin_close(&pin);
    cat_pins_free(&p);
}
END_TEST

static struct cat_pins shared_pins;
static _Atomic bool pins_stop;

static void *pin_worker(void *arg)
{
    struct cat_pin pin;
    const struct cat_snapshot *kept = NULL;
    uint64_t last = 0;
    struct rng r;

    rng_seed(&r, (uint64_t)(uintptr_t)arg);
    cat_pin_open(&pin, &shared_pins);
    while (!atomic_load(&pins_stop)) {
        const struct cat_snapshot *s;

        cat_pin_refresh(&pin);
        s = cat_pin_borrow(&pin);
        CHECK(s->version >= last);
        last = s->version;
        CHECK(cat_pins_lowest(&shared_pins) <= last);
        if (kept && rng_below(&r, 4) == 0) {
            cat_pin_return(&pin, kept);
            kept = NULL;
        }
        if (!kept)
            kept = s;
        else
            cat_pin_return(&pin, s);
    }
    if (kept)
        cat_pin_return(&pin, kept);
    cat_pin_close(&pin);
    return NULL;
}

START_TEST(pins_from_many_threads)
{
    pthread_t t[3];

    cat_pins_init(&shared_pins);
    cat_pins_publish(&shared_pins, empty_snapshot(1));
    atomic_store(&pins_stop, false);
    for (uintptr_t i = 0; i < ARRAY_LEN(t); i++)
        pthread_create(&t[i], NULL, pin_worker, (void *)(i + 1));
    for (uint64_t v = 2; v < 300; v++) {
        cat_pins_publish(&shared_pins, empty_snapshot(v));
        if (v % 10 == 0)
            ck_assert_msg(
                cat_pins_wait(&shared_pins, v, 20000), "version %llu", (unsigned long long)v);
    }
    atomic_store(&pins_stop, true);
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        pthread_join(t[i], NULL);
    ck_assert_uint_eq(cat_pins_lowest(&shared_pins), 299);
    cat_pins_free(&shared_pins);
}
END_TEST

START_TEST(sql_is_quoted)
{
    struct sv bad = SV("a'b\\c`d"), null = SV_NULL, raw = SV("NOW()");

    ck_assert_str_eq(mconn_sql(&arena, "x=%Q y=%I z=%Q %S %u %d %lu %s 100%%", &bad, &bad, &null,
                         &raw, 7u, -7, 1ul, "t")
                         .ptr,
        "x='a''b\\\\c`d' y=`a'b\\c``d` z=NULL NOW() 7 -7 1 t 100%");
}
END_TEST

START_TEST(unreachable_server_is_named)
{
    struct mconn_params p = {.host = SV("127.0.0.1"),
        .port = 1,
        .user = SV("root"),
        .what = SV("shard s1"),
        .connect_timeout_ms = 500};
    struct mconn *c;
    struct diag d = {0};

    ck_assert(mconn_library_begin());
    ck_assert(!mconn_open(&p, &c, &d));
    ck_assert_msg(
        d.code == ER_SHARD_DOWN && strstr(d.text, "shard s1 at 127.0.0.1:1"), "%s", d.text);
    mconn_library_end();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("catalog");
    TCase *tc = tcase_create("all");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, table_round_trip);
    tcase_add_test(tc, spread_covers_hash_space);
    tcase_add_test(tc, broken_tables_are_refused);
    tcase_add_test(tc, damaged_json_is_refused);
    tcase_add_test(tc, bounds_round_trip);
    tcase_add_test(tc, snapshots_share_tables);
    tcase_add_test(tc, builder_refuses_contradictions);
    tcase_add_test(tc, virtual_databases);
    tcase_add_test(tc, hosts_match);
    tcase_add_test(tc, accounts_by_specific_host);
    tcase_add_test(tc, secrets_have_forms);
    tcase_add_test(tc, pins_hold_versions);
    tcase_add_test(tc, pins_from_many_threads);
    tcase_add_test(tc, sql_is_quoted);
    tcase_add_test(tc, unreachable_server_is_named);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_set_tap(sr, "-");
    srunner_run_all(sr, CK_SILENT);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
