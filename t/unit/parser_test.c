/* Unit tests of the parser: lexer tokens under every mode, digests, offsets and slots in the AST, errors and their
 * texts, the walker, the deparser's callbacks. Statements as such are the corpus's business (parser_corpus). */
#include "parser/deparse.h"
#include "parser/digest.h"
#include "parser/parse.h"

#include <check.h>
#include <stdio.h>
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

static struct ast_node *parsed(const char *sql, const struct sql_opts *opts)
{
    struct parse_result r;
    struct diag d = {0};

    ck_assert_msg(parser_parse(sv_cstr(sql), 0, opts, &arena, &r, &d), "%s: %s", sql, d.text);
    return r.stmt;
}

static const char *written(const struct ast_node *n, const struct deparse_opts *o)
{
    struct strbuf b;

    strbuf_init(&b, &arena);
    deparse(n, o, &b);
    return strbuf_cstr(&b);
}

/* ---- lexer ---- */

static const struct {
    const char *name, *sql;
    uint32_t mode;
    enum sql_flavor flavor;
    uint16_t kinds[10];
} lexing[] = {
    {"plain", "select a", 0, 0, {K_SELECT, TK_IDENT}},
    {"case does not matter", "SeLeCt A", 0, 0, {K_SELECT, TK_IDENT}},
    {"numbers", "1 1.5 .5 1. 1e5 1.e5 1.5E-3", 0, 0, {TK_INT, TK_DECIMAL, TK_DECIMAL, TK_DECIMAL, TK_FLOAT, TK_FLOAT, TK_FLOAT}},
    {"identifiers that start with digits", "1a 1e 0x 0xg 0b2", 0, 0, {TK_IDENT, TK_IDENT, TK_IDENT, TK_IDENT, TK_IDENT}},
    {"hex and bit", "0x4A x'4a' X'' 0b1 b'01'", 0, 0, {TK_HEX, TK_HEX, TK_HEX, TK_BIT, TK_BIT}},
    {"an exponent without digits", "1 1.e*1 .5e+(2", 0, 0, {TK_INT, TK_STAR, TK_INT, TK_LPAREN, TK_INT}},
    {"an exponent without digits at a word", "1.ex", 0, 0, {TK_ERROR}},
    {"an exponent without digits in MariaDB", "1 1.e*1", 0, SQL_FLAVOR_MARIADB, {TK_INT, TK_ERROR}},
    {"odd hex string", "x'4'", 0, 0, {TK_ERROR}},
    {"behind a dot", "t.1a t.select t.5", 0, 0, {TK_IDENT, TK_DOT, TK_IDENT, TK_IDENT, TK_DOT, TK_IDENT, TK_IDENT, TK_DOT, TK_IDENT}},
    {"reserved word before a dot", "order.a", 0, 0, {TK_IDENT, TK_DOT, TK_IDENT}},
    {"number behind a blank", "a .5", 0, 0, {TK_IDENT, TK_DECIMAL}},
    {"strings", "'a' \"b\" n'c' _utf8'd'", 0, 0, {TK_STRING, TK_STRING, TK_NSTRING, TK_CHARSET, TK_STRING}},
    {"ANSI_QUOTES", "'a' \"b\"", SQL_ANSI_QUOTES, 0, {TK_STRING, TK_QUOTED}},
    {"escaped quote", "'a\\'b' c", 0, 0, {TK_STRING, TK_IDENT}},
    {"NO_BACKSLASH_ESCAPES", "'a\\' c", SQL_NO_BACKSLASH_ESCAPES, 0, {TK_STRING, TK_IDENT}},
    {"doubled quotes", "'a''b' `c``d`", 0, 0, {TK_STRING, TK_QUOTED}},
    {"unclosed string", "'a", 0, 0, {TK_ERROR}},
    {"unclosed name", "`a", 0, 0, {TK_ERROR}},
    {"unclosed comment", "a /* b", 0, 0, {TK_IDENT, TK_ERROR}},
    {"variables", "@a @`b c` @'d' @@e @@global.f", 0, 0, {TK_USERVAR, TK_USERVAR, TK_USERVAR, TK_ATAT, TK_IDENT, TK_ATAT, K_GLOBAL, TK_DOT, TK_IDENT}},
    {"account", "'u'@'h' u@h.d", 0, 0, {TK_STRING, TK_USERVAR, TK_IDENT, TK_USERVAR}},
    {"operators", "<=> <= << <> != >= >> :=", 0, 0, {TK_NULL_EQ, TK_LE, TK_SHL, TK_NE, TK_NE, TK_GE, TK_SHR, TK_ASSIGN}},
    {"more operators", "-> ->> || && ~ ^ | & !", 0, 0, {TK_ARROW, TK_ARROW2, TK_PIPE2, TK_AMP2, TK_TILDE, TK_CARET, TK_PIPE, TK_AMP, TK_BANG}},
    {"comments", "a -- b\n c # d\n /* e */ f --g", 0, 0, {TK_IDENT, TK_IDENT, TK_IDENT, TK_MINUS, TK_MINUS, TK_IDENT}},
    {"versioned comment taken", "/*!50000 a */ /*! b */", 0, 0, {TK_IDENT, TK_IDENT}},
    {"versioned comment skipped", "a /*!99999 b /* c */ d */ e", 0, 0, {TK_IDENT, TK_IDENT}},
    {"MariaDB's comment in MySQL", "a /*M! b */ c", 0, 0, {TK_IDENT, TK_IDENT}},
    {"MariaDB's comment in MariaDB", "a /*M!100100 b */ c", 0, SQL_FLAVOR_MARIADB, {TK_IDENT, TK_IDENT, TK_IDENT}},
    {"MySQL 5.7's comment in MariaDB", "a /*!50701 b */ c", 0, SQL_FLAVOR_MARIADB, {TK_IDENT, TK_IDENT}},
    {"Tessera's comment", "a /*T! b */ c", 0, 0, {TK_IDENT, TK_IDENT, TK_IDENT}},
    {"Tessera's comment as dumps have it", "a /*!99980 b */ c /*!99981 d */", 0, 0, {TK_IDENT, TK_IDENT, TK_IDENT}},
    {"versioned comment not closed", "/*!50000 a", 0, 0, {TK_IDENT, TK_ERROR}},
    {"hint", "select /*+ x */ a /*+ y */ b", 0, 0, {K_SELECT, TK_HINT, TK_IDENT, TK_IDENT}},
    {"function words", "count(a) count (a) count", 0, 0, {K_COUNT, TK_LPAREN, TK_IDENT, TK_RPAREN, TK_IDENT, TK_LPAREN, TK_IDENT, TK_RPAREN, TK_IDENT}},
    {"IGNORE_SPACE", "count (a)", SQL_IGNORE_SPACE, 0, {K_COUNT, TK_LPAREN, TK_IDENT, TK_RPAREN}},
    {"utf8", "\xc3\xa4\xc3\xb6 x", 0, 0, {TK_IDENT, TK_IDENT}},
    {"\\N", "\\N", 0, 0, {K_NULL}},
    {"stray byte", "a \x01", 0, 0, {TK_IDENT, TK_ERROR}},
    {"long keyword", "MASTER_SSL_VERIFY_SERVER_CERT master_ssl_verify_server_certx", 0, 0, {K_MASTER_SSL_VERIFY_SERVER_CERT, TK_IDENT}},
};

START_TEST(lexer)
{
    struct sql_opts o = {.mode = lexing[_i].mode, .flavor = lexing[_i].flavor};
    struct lex l;
    struct token t;

    lex_init(&l, sv_cstr(lexing[_i].sql), 0, &o);
    for (unsigned i = 0; i < ARRAY_LEN(lexing[_i].kinds) && lexing[_i].kinds[i]; i++) {
        lex_next(&l, &t);
        ck_assert_msg(t.kind == lexing[_i].kinds[i], "%s: token %u is %u, not %u", lexing[_i].name, i, t.kind,
                      lexing[_i].kinds[i]);
        if (t.kind == TK_ERROR)
            return;
    }
    lex_next(&l, &t);
    ck_assert_msg(t.kind == TK_EOF, "%s: %u behind the end", lexing[_i].name, t.kind);
}
END_TEST

START_TEST(keywords)
{
    static const char *const words[] = {
#define KW(name, flags) #name,
#include "parser/kw.def"
#undef KW
    };

    for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
        char lower[64];
        size_t n = strlen(words[i]);

        for (size_t k = 0; k <= n; k++)
            lower[k] = words[i][k] >= 'A' && words[i][k] <= 'Z' ? (char)(words[i][k] | 0x20) : words[i][k];
        ck_assert_uint_eq(kw_find(words[i], n), TK_KEYWORD_FIRST + i);
        ck_assert_uint_eq(kw_find(lower, n), TK_KEYWORD_FIRST + i);
        ck_assert(sv_eq_cstr(kw_text(TK_KEYWORD_FIRST + i), words[i]));
        lower[n] = 'q';
        ck_assert_uint_eq(kw_find(lower, n + 1), 0);
    }
    ck_assert_uint_eq(kw_find("", 0), 0);
}
END_TEST

START_TEST(decoding)
{
    struct sql_opts o = {0}, plain = {.mode = SQL_NO_BACKSLASH_ESCAPES};
    struct ast_node *n = parsed("SELECT 'a\\'b\\n\\0\\Z\\%\\q''c', \"d\"\"e\", 'x' 'y', _latin1'z', X'4a4B', 0b100000001, `f``g`", &o);
    struct ast_list *l = &AST_AS(select, n)->items;
    const struct ast_lit *v;

#define ITEM(i) AST_AS(lit, AST_AS(select_item, l->items[i])->expr)
    ck_assert(sv_eq(ITEM(0)->value, sv_make("a'b\n\0\032\\%q'c", 11)));
    ck_assert(sv_eq_cstr(ITEM(1)->value, "d\"e"));
    v = ITEM(2);
    ck_assert(sv_eq_cstr(v->value, "xy"));
    ck_assert_uint_eq(v->slot, 2);
    ck_assert_uint_eq(v->nslots, 2);
    ck_assert(sv_eq_cstr(ITEM(3)->charset, "latin1"));
    ck_assert(sv_eq_cstr(ITEM(4)->value, "JK"));
    ck_assert(sv_eq(ITEM(5)->value, sv_make("\001\001", 2)));
    ck_assert(sv_eq_cstr(AST_AS(column, AST_AS(select_item, l->items[6])->expr)->name.name, "f`g"));
    n = parsed("SELECT 'a\\''b'", &plain);
    l = &AST_AS(select, n)->items;
    ck_assert(sv_eq_cstr(ITEM(0)->value, "a\\'b"));
#undef ITEM
}
END_TEST

/* ---- digest ---- */

static const struct {
    const char *name, *a, *b;
    bool same;
} pairs[] = {
    {"literals", "SELECT * FROM t WHERE a = 1", "SELECT * FROM t WHERE a = 42", true},
    {"kinds of literals", "SELECT * FROM t WHERE a = 1", "SELECT * FROM t WHERE a = '1'", false},
    {"blanks and comments", "SELECT a FROM t", "select /* x */ a\n from t -- y", true},
    {"length of lists", "SELECT a IN (1, 2)", "SELECT a IN (1, 2, 3)", false},
    {"names", "SELECT a", "SELECT b", false},
    {"long names", "SELECT aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "SELECT aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", false},
    {"case of names", "SELECT a", "SELECT A", false},
    {"quotes of names", "SELECT a", "SELECT `a`", false},
    {"NULL, TRUE", "SELECT NULL", "SELECT TRUE", false},
    {"NULL and a value", "SELECT NULL", "SELECT 1", false},
    {"parameter and a value", "SELECT ?", "SELECT 1", false},
    {"hints", "SELECT /*+ a */ 1", "SELECT /*+ b */ 1", false},
    {"operators", "SELECT a < b", "SELECT a <= b", false},
    {"a function of the grammar and one of that name", "SELECT COUNT(a)", "SELECT COUNT (a)", false},
    {"the spelling of hex literals, which MariaDB tells apart", "SELECT x'31'", "SELECT 0x31", false},
    {"what follows ;", "SELECT 1; SELECT 2", "SELECT 1; SELECT 2, 3", true},
};

START_TEST(digest_pairs)
{
    struct sql_opts o = {.seed = 12345};
    struct digest a, b;

    digest_scan(sv_cstr(pairs[_i].a), 0, &o, NULL, 0, &a);
    digest_scan(sv_cstr(pairs[_i].b), 0, &o, NULL, 0, &b);
    ck_assert_msg((a.hash[0] == b.hash[0] && a.hash[1] == b.hash[1]) == pairs[_i].same, "%s", pairs[_i].name);
    ck_assert_msg((a.hash[0] == b.hash[0]) == (a.hash[1] == b.hash[1]), "%s: lanes disagree", pairs[_i].name);
}
END_TEST

START_TEST(digest_slots)
{
    const char *sql = " ; SELECT 'a', 5 FROM t WHERE x = -1.5e3 AND y IN (?, 0x41) ; SELECT 2";
    struct literal_slot slots[3];
    struct sql_opts o = {0};
    struct digest d;

    digest_scan(sv_cstr(sql), 0, &o, slots, 3, &d);
    ck_assert_int_eq(d.cls, STMT_SELECT);
    ck_assert(!d.error && d.more);
    ck_assert_uint_eq(d.nslots, 4);
    ck_assert_uint_eq(d.nparams, 1);
    ck_assert(sv_eq_cstr(sv_make(sql + slots[0].begin, slots[0].end - slots[0].begin), "'a'"));
    ck_assert(sv_eq_cstr(sv_make(sql + slots[2].begin, slots[2].end - slots[2].begin), "1.5e3"));
    ck_assert_uint_eq(slots[2].kind, TK_FLOAT);
    ck_assert(sv_eq_cstr(sv_cstr(sql + d.next), " SELECT 2"));
    ck_assert_int_eq(sql[d.begin], 'S');
    ck_assert_int_eq(sql[d.end - 1], ')');
}
END_TEST

static const struct {
    const char *sql;
    enum stmt_class cls;
} classes_[] = {{"select 1", STMT_SELECT}, {"(select 1)", STMT_SELECT}, {"with a as (select 1) select 1", STMT_WITH},
                {"/* x */ insert into t values (1)", STMT_INSERT}, {"start transaction", STMT_BEGIN}, {"begin", STMT_BEGIN},
                {"start slave", STMT_OTHER}, {"commit", STMT_COMMIT}, {"set a = 1", STMT_SET}, {"", STMT_EMPTY},
                {"create table t (a int)", STMT_DDL}, {"desc t", STMT_EXPLAIN}, {"execute s", STMT_PREPARED}};

START_TEST(digest_class)
{
    struct sql_opts o = {0};
    struct digest d;

    digest_scan(sv_cstr(classes_[_i].sql), 0, &o, NULL, 0, &d);
    ck_assert_msg(d.cls == classes_[_i].cls, "%s: %d", classes_[_i].sql, (int)d.cls);
}
END_TEST

static const struct {
    const char *sql, *text;
} digest_texts[] = {
    {"select c from sbtest1 where id=42", "SELECT `c` FROM `sbtest1` WHERE `id` = ?"},
    {"SELECT * FROM t WHERE a IN (1,2,3) AND b = -5", "SELECT * FROM `t` WHERE `a` IN (...) AND `b` = ?"},
    {"SELECT a - 5", "SELECT `a` - ?"},
    {"INSERT INTO t VALUES (1), (2), (3)", "INSERT INTO `t` VALUES (?) /* , ... */"},
    {"INSERT INTO t VALUES (1,'a'), (2,NULL)", "INSERT INTO `t` VALUES (...) /* , ... */"},
    {"INSERT INTO t VALUES (1,2)", "INSERT INTO `t` VALUES (...)"},
    {"SELECT a IS NULL, NULL, b IS NOT NULL", "SELECT `a` IS NULL , ? , `b` IS NOT NULL"},
    {"SELECT f(1, 2), `x`.`y``z`", "SELECT `f` (...) , `x` . `y``z`"},
};

START_TEST(digest_texts_)
{
    struct sql_opts o = {0};
    struct strbuf b;

    strbuf_init(&b, &arena);
    digest_text(sv_cstr(digest_texts[_i].sql), 0, &o, 1024, &b);
    ck_assert_str_eq(strbuf_cstr(&b), digest_texts[_i].text);
    strbuf_init(&b, &arena);
    digest_text(sv_cstr(digest_texts[_i].sql), 0, &o, 10, &b);
    ck_assert_uint_le(b.len, 10);
}
END_TEST

/* ---- errors ---- */

#define SYNTAX                                                                                                         \
    "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the "     \
    "right syntax to use near "
static const struct {
    const char *sql;
    unsigned code;
    const char *text;
} errors[] = {
    {"SELECT * FORM t", 1064, SYNTAX "'FORM t' at line 1"},
    {"SELECT 1\nFROM\n\nWHERE", 1064, SYNTAX "'WHERE' at line 4"},
    {"SELECT", 1064, SYNTAX "'' at line 1"},
    {"SELECT (1", 1064, SYNTAX "'' at line 1"},
    {"", 1065, "Query was empty"},
    {" /* x */ ;", 1065, "Query was empty"},
    {"SELECT 'a", 1064, SYNTAX "''a' at line 1"},
    {"FOO BAR", 1064, SYNTAX "'FOO BAR' at line 1"},
    {"CREATE TABLE t (a INT) SINGLE BROADCAST", 1064, SYNTAX "'BROADCAST' at line 1"},
    {"CREATE TABLE t (a INT) BROADCAST ENGINE=InnoDB SINGLE ON SHARD s", 1064, SYNTAX "'SINGLE ON SHARD s' at line 1"},
    {"CREATE TABLE t (a INT) PARTITION BY HASH(a) PARTITION BY KEY(a)", 1064, SYNTAX "'PARTITION BY KEY(a)' at line 1"},
    {"SELECT a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a", 1064,
     SYNTAX "'a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a ' at line 1"},
};

START_TEST(error_texts)
{
    struct sql_opts o = {0};
    struct parse_result r;
    struct diag d = {0};

    ck_assert_msg(!parser_parse(sv_cstr(errors[_i].sql), 0, &o, &arena, &r, &d), "%s", errors[_i].sql);
    ck_assert_uint_eq(d.code, errors[_i].code);
    ck_assert_str_eq(d.text, errors[_i].text);
    if (errors[_i].code == 1064) { /* the same of the other server's manual */
        o.flavor = SQL_FLAVOR_MARIADB;
        diag_clear(&d);
        ck_assert(!parser_parse(sv_cstr(errors[_i].sql), 0, &o, &arena, &r, &d));
        ck_assert_msg(strstr(d.text, "your MariaDB server version") && strstr(d.text, strstr(errors[_i].text, " near ")), "%s", d.text);
    }
}
END_TEST

/* head n times, middle, tail n times */
static struct sv repeated(const char *head, const char *middle, const char *tail, unsigned n)
{
    struct strbuf b;

    strbuf_init(&b, &arena);
    for (unsigned i = 0; i < n; i++)
        strbuf_puts(&b, head);
    strbuf_puts(&b, middle);
    for (unsigned i = 0; i < n; i++)
        strbuf_puts(&b, tail);
    return strbuf_sv(&b);
}

static const struct {
    const char *start, *head, *middle, *tail;
} deep[] = {
    {"SELECT ", "(", "1", ")"},
    {"SELECT ", "-", "1", ""},
    {"SELECT ", "NOT ", "1", ""},
    {"SELECT ", "(SELECT ", "1", ")"},
    {"", "(", "SELECT 1", ")"},
    {"SELECT ", "1+", "1", ""},
    {"SELECT ", "f(", "1", ")"},
    {"SELECT ", "CASE WHEN ", "1", " THEN 1 END"},
    {"SELECT * FROM ", "(", "t", ")"},
    {"SELECT * FROM ", "(SELECT * FROM ", "t", ") d"},
    {"SELECT * FROM ", "t JOIN ", "t", " ON 1"},
    {"SELECT ", "INTERVAL (", "1", ") DAY"},
    {"SELECT a IN ", "((SELECT ", "1", "), 2)"},
    {"SELECT ", "1 BETWEEN 2 AND ", "1", ""},
    {"SELECT 1 ", "UNION SELECT 1 ", "", ""},
    {"CREATE PROCEDURE p() ", "BEGIN ", "SELECT 1; ", "END; "},
    {"SELECT * FROM JSON_TABLE(a, '$' ", "COLUMNS (NESTED PATH 'x' ", "", ")"},
    {"", "(", "", ""},
};

/* Deep nesting ends in an error or a tree, never in a crash, and in linear or nearly linear time. */
START_TEST(deep_nesting)
{
    struct sql_opts o = {.flavor = _i % 2 ? SQL_FLAVOR_MARIADB : SQL_FLAVOR_MYSQL};
    unsigned sizes[] = {50, 2000, 100000};

    for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
        struct sv parts[2] = {sv_cstr(deep[_i / 2].start),
                              repeated(deep[_i / 2].head, deep[_i / 2].middle, deep[_i / 2].tail, sizes[s])};
        struct parse_result r;
        struct diag d = {0};
        bool ok = parser_parse(arena_concat(&arena, parts, 2), 0, &o, &arena, &r, &d);

        ck_assert_msg(ok || d.code == 1064, "%s %u", deep[_i / 2].head, d.code);
        if (ok)
            ck_assert(ast_equal(r.stmt, ast_copy(&arena, r.stmt)));
        ck_assert_msg(ok || sizes[s] > 50 || !deep[_i / 2].middle[0], "%s: %s", deep[_i / 2].head, d.text);
    }
}
END_TEST

/* ---- AST ---- */

START_TEST(offsets)
{
    const char *sql = "SELECT (a + b)*2, `t`.c x FROM db.`t` AS t1, u WHERE t1.id = 5";
    struct sql_opts o = {0};
    struct ast_select *s = AST_AS(select, parsed(sql, &o));
    struct ast_select_item *i0 = AST_AS(select_item, s->items.items[0]);
    struct ast_join *j = AST_AS(join, s->from);
    struct ast_table *t = AST_AS(table, j->left);
    struct ast_column *c;

#define TEXT(b, e) sv_make(sql + (b), (e) - (b))
    ck_assert(sv_eq_cstr(TEXT(i0->expr_begin, i0->expr_end), "(a + b)*2"));
    ck_assert(sv_eq_cstr(TEXT(i0->expr->begin, i0->expr->end), "(a + b)*2"));
    c = AST_AS(column, AST_AS(select_item, s->items.items[1])->expr);
    ck_assert(sv_eq_cstr(TEXT(c->tbl.begin, c->tbl.end), "`t`"));
    ck_assert(sv_eq_cstr(TEXT(c->node.begin, c->node.end), "`t`.c"));
    ck_assert(sv_eq_cstr(TEXT(t->db.begin, t->name.end), "db.`t`"));
    ck_assert(sv_eq_cstr(TEXT(t->alias.begin, t->alias.end), "t1"));
    ck_assert(sv_eq_cstr(TEXT(j->node.begin, j->node.end), "db.`t` AS t1, u"));
    ck_assert(sv_eq_cstr(TEXT(s->where->begin, s->where->end), "t1.id = 5"));
    ck_assert_uint_eq(s->node.end, strlen(sql));
#undef TEXT
}
END_TEST

START_TEST(statements_in_a_row)
{
    struct sv text = SV("SELECT 1, ?; CREATE PROCEDURE p() BEGIN SELECT 2; SELECT 3; END; ;SELECT ?, 'x'");
    struct sql_opts o = {0};
    struct parse_result r;
    struct diag d = {0};

    ck_assert(parser_parse(text, 0, &o, &arena, &r, &d));
    ck_assert_uint_eq(r.nliterals, 1);
    ck_assert_uint_eq(r.nparams, 1);
    ck_assert(r.more);
    ck_assert(parser_parse(text, r.next, &o, &arena, &r, &d));
    ck_assert_uint_eq(r.stmt->kind, AST_CREATE_ROUTINE);
    ck_assert(sv_eq_cstr(AST_AS(create_routine, r.stmt)->body, "BEGIN SELECT 2; SELECT 3; END"));
    ck_assert(parser_parse(text, r.next, &o, &arena, &r, &d));
    ck_assert_uint_eq(r.stmt->kind, AST_SELECT);
    ck_assert_uint_eq(r.nparams, 1);
    ck_assert(!r.more);
    ck_assert_uint_eq(r.next, text.len);
}
END_TEST

static enum ast_walk to_seven(struct ast_node **slot, void *arg)
{
    unsigned *seen = arg;

    (*seen)++;
    if ((*slot)->kind == AST_SUBQUERY)
        return AST_PRUNE;
    if ((*slot)->kind == AST_PARAM) {
        struct ast_lit *n = AST_NEW(&arena, LIT, lit);

        n->type = AST_LIT_INT;
        n->value = SV("7");
        *slot = &n->node;
    }
    return AST_CONTINUE;
}

static enum ast_walk stop_at_where(struct ast_node **slot, void *arg)
{
    (void)arg;
    return (*slot)->kind == AST_BINARY ? AST_ABORT : AST_CONTINUE;
}

START_TEST(walking)
{
    struct sql_opts o = {0};
    struct ast_node *n = parsed("SELECT ?, (SELECT ?) FROM t WHERE a = ?", &o), *copy = ast_copy(&arena, n);
    unsigned seen = 0;

    ck_assert(ast_equal(n, copy));
    ck_assert(ast_walk(&n, to_seven, NULL, &seen));
    ck_assert_str_eq(written(n, NULL), "SELECT 7, (SELECT ?) FROM t WHERE a = 7");
    ck_assert(!ast_equal(n, copy));
    ck_assert_uint_eq(seen, 9);
    ck_assert(!ast_walk(&n, stop_at_where, NULL, NULL));
}
END_TEST

START_TEST(expression_alone)
{
    struct sql_opts o = {0};
    struct ast_node *n;
    struct diag d = {0};

    ck_assert(parser_parse_expr(SV("a + 1 > b"), &o, &arena, &n, &d));
    ck_assert_str_eq(written(n, NULL), "a + 1 > b");
    ck_assert(!parser_parse_expr(SV("a + 1 b"), &o, &arena, &n, &d));
    ck_assert_uint_eq(d.code, 1064);
}
END_TEST

/* ---- deparser ---- */

static bool to_physical(const struct ast_table *t, struct deparse_table *to, void *arg)
{
    (void)arg;
    if (sv_eq_cstr(t->name.name, "local"))
        return false;
    *to = (struct deparse_table){t->db.name, arena_printf(&arena, "%.*s__p3", SV_ARG(t->name.name)), false};
    return true;
}

static bool bind_values(const struct ast_node *n, struct strbuf *out, void *arg)
{
    (void)arg;
    if (n->kind != AST_PARAM)
        return false;
    strbuf_printf(out, "%lld", (long long)AST_AS_CONST(param, n)->ordinal + 100);
    return true;
}

static const struct {
    const char *in, *out;
} mapped[] = {
    {"SELECT t.a FROM t", "SELECT t.a FROM t__p3 AS t"},
    {"SELECT x.a FROM db.t x WHERE a = ?", "SELECT x.a FROM db.t__p3 AS x WHERE a = 100"},
    {"SELECT a FROM local", "SELECT a FROM `local`"},
    {"INSERT INTO t (a) VALUES (?, ?)", "INSERT INTO t__p3 (a) VALUES (100, 101)"},
    {"UPDATE t SET t.a = ? WHERE b = 1", "UPDATE t__p3 AS t SET t.a = 100 WHERE b = 1"},
    {"DELETE FROM t WHERE t.a = 1", "DELETE FROM t__p3 AS t WHERE t.a = 1"},
    {"DELETE t FROM t JOIN u ON t.a = u.a", "DELETE t FROM t__p3 AS t JOIN u__p3 AS u ON t.a = u.a"},
    {"SELECT a FROM t FOR UPDATE OF t", "SELECT a FROM t__p3 AS t FOR UPDATE OF t"},
    {"CREATE TABLE t (a INT)", "CREATE TABLE t__p3 (a INT)"},
    {"ALTER TABLE db.t ADD b INT", "ALTER TABLE db.t__p3 ADD COLUMN b INT"},
    {"CREATE INDEX i ON t (a)", "CREATE INDEX i ON t__p3 (a)"},
    {"TRUNCATE t", "TRUNCATE TABLE t__p3"},
    {"DROP TABLE t, db.u", "DROP TABLE t__p3, db.u__p3"},
};

START_TEST(name_map)
{
    struct sql_opts o = {0};
    struct deparse_opts dopts = {.sql = &o, .table = to_physical, .value = bind_values};

    ck_assert_str_eq(written(parsed(mapped[_i].in, &o), &dopts), mapped[_i].out);
}
END_TEST

static const struct {
    const char *in, *out;
} minimal[] = {
    {"select ((a))+((b*c)), (a+b)*c, a-(b-c), (a-b)-c", "SELECT a + b * c, (a + b) * c, a - (b - c), a - b - c"},
    {"select (a and b) or (c and d), (a or b) and c", "SELECT a AND b OR c AND d, (a OR b) AND c"},
    {"select not (a = 1), (not a) = 1, !(a = 1)", "SELECT NOT a = 1, (NOT a) = 1, !(a = 1)"},
    {"select - - 1, -(-a), a - -1", "SELECT - -1, - -a, a - -1"},
    {"select (a in (1)) = b, (a like b) and c", "SELECT a IN (1) = b, a LIKE b AND c"},
    {"select `a`, `select`, `b c`, `count`, t.`x`", "SELECT a, `select`, `b c`, `count`, t.x"},
    {"select trim(a), trim (a), `trim`(a), count (a), concat (a), `concat`(a), `left`(a)",
     "SELECT trim(a), `trim`(a), `trim`(a), `count`(a), concat(a), concat(a), `left`(a)"},
    {"select 'a\\'b\\\\'", "SELECT 'a''b\\\\'"},
};

START_TEST(fewest_parentheses)
{
    struct sql_opts o = {0};

    ck_assert_str_eq(written(parsed(minimal[_i].in, &o), NULL), minimal[_i].out);
}
END_TEST

/* Text that is kept is made of tokens: however they were spelled and whatever comments stood between them, it is the same,
 * and reads as those tokens wherever the deparser puts it. */
static const struct {
    const char *name, *in, *out;
    uint32_t mode;
    enum sql_flavor flavor;
} kept[] = {
    {"comments and blanks", "signal  sqlstate/* c */'45000' -- d", "signal sqlstate '45000'", 0, 0},
    {"quotes", "purge binary logs to \"a'b\"", "purge binary logs to 'a''b'", 0, 0},
    {"ANSI_QUOTES", "get diagnostics @\"p\" = \"n\", x = 'y'", "get diagnostics @`p` = `n`, x = 'y'", SQL_ANSI_QUOTES, 0},
    {"a backslash that escapes nothing", "reset '\\', \"'\"", "reset '\\', ''''", SQL_NO_BACKSLASH_ESCAPES, 0},
    {"a versioned comment around the text's begin", "/*!50000 reset */ a /*!50000 b*/c", "reset a b c", 0, 0},
    {"several", "cache index t1 key (i) /*!80023 IN x */ /*!50100 hot */", "cache index t1 key (i) IN x hot", 0, 0},
    {"behind the verb", "show profile /*!50000 cpu, */ ipc for query 1", "SHOW PROFILE cpu, ipc FOR QUERY 1", 0, 0},
    {"up to a comma", "show profile /*!50000 cpu */, ipc", "SHOW PROFILE cpu , ipc", 0, 0},
    {"from before the text into it", "show /*!50000 profile cpu */, ipc", "SHOW PROFILE cpu , ipc", 0, 0},
    {"a star and a slash that end nothing", "binlog a*/b", "binlog a* /b", 0, 0},
    {"behind a comment that is closed", "show /*! profile */ a*/b", "SHOW PROFILE a* /b", 0, 0},
    {"inside of each other", "reset /*!50000 a /*!50000 b */ c */ d", "reset a b c d", 0, 0},
    {"MariaDB's", "reset /*M!100100 a*/b", "reset a b", 0, SQL_FLAVOR_MARIADB},
    {"MariaDB's, skipped", "reset /*M!100100 a*/b", "reset b", 0, 0},
    {"for later versions", "reset a/*!99999 b*/c", "reset a c", 0, 0},
    {"minus signs", "reset a--/*!50000 b*/", "reset a- - b", 0, 0},
    {"minus signs in front of a comment", "reset a--/* c */b", "reset a- - b", 0, 0},
    {"minus signs at the end", "reset a--/**/", "reset a- -", 0, 0},
    {"an arrow behind a minus sign", "reset a-->'$'", "reset a--> '$'", 0, 0},
    {"a word in front of a string", "reset x\"41\" n\"a\" b\"1\"", "reset x '41' n 'a' b '1'", 0, 0},
    {"a function's word with a comment behind it", "reset count/**/(a) count(b)", "reset count/**/(a) count(b)", SQL_IGNORE_SPACE, 0},
    {"where a blank is enough", "reset count/**/(a) count(b)", "reset count (a) count(b)", 0, 0},
    {"dots", "reset a.5 a .5 a. select a./**/5 1..5", "reset a.5 a .5 a. select a. 5 1..5", 0, 0},
    {"NULL's sign", "reset a. \\N, \\N", "reset a. \\N, \\N", 0, 0},
    {"a variable without a name", "reset @/**/a @/**/@ @''", "reset @ a @ @ @``", 0, 0},
    {"what accounts have", "alter user a discard/*!50000 old*/password, b@c drop 2 factor",
     "ALTER USER 'a' discard old password, 'b'@'c' drop 2 factor", 0, 0},
    {"a grant's end", "grant select on *.* to a as/*!50000 b with*/role none", "GRANT SELECT ON *.* TO 'a' as b with role none", 0, 0},
    {"a body", "create procedure p(/*!50000 a*/int) begin select/*+ x */1/**/+\"a\"; /*!50000 end*/",
     "CREATE PROCEDURE p ( a int) begin select/*+ x */1 + 'a'; end", 0, 0},
};

START_TEST(kept_text)
{
    struct sql_opts o = {.mode = kept[_i].mode, .flavor = kept[_i].flavor};
    struct deparse_opts dopts = {.sql = &o};
    struct ast_node *n = parsed(kept[_i].in, &o);
    const char *once = written(n, &dopts);

    ck_assert_msg(!strcmp(once, kept[_i].out), "%s: %s", kept[_i].name, once);
    ck_assert_msg(ast_equal(n, parsed(once, &o)), "%s: reads as something else: %s", kept[_i].name, once);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("parser");
    TCase *t = tcase_create("parser");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, lexer, 0, (int)ARRAY_LEN(lexing));
    tcase_add_test(t, keywords);
    tcase_add_test(t, decoding);
    tcase_add_loop_test(t, digest_pairs, 0, (int)ARRAY_LEN(pairs));
    tcase_add_test(t, digest_slots);
    tcase_add_loop_test(t, digest_class, 0, (int)ARRAY_LEN(classes_));
    tcase_add_loop_test(t, digest_texts_, 0, (int)ARRAY_LEN(digest_texts));
    tcase_add_loop_test(t, error_texts, 0, (int)ARRAY_LEN(errors));
    tcase_add_loop_test(t, deep_nesting, 0, (int)ARRAY_LEN(deep) * 2);
    tcase_add_test(t, offsets);
    tcase_add_test(t, statements_in_a_row);
    tcase_add_test(t, walking);
    tcase_add_test(t, expression_alone);
    tcase_add_loop_test(t, name_map, 0, (int)ARRAY_LEN(mapped));
    tcase_add_loop_test(t, fewest_parentheses, 0, (int)ARRAY_LEN(minimal));
    tcase_add_loop_test(t, kept_text, 0, (int)ARRAY_LEN(kept));
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(suite());
    int failed;

    srunner_set_tap(r, "-");
    srunner_run_all(r, CK_SILENT);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
