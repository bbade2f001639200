/* What lexing, digesting, parsing and deparsing cost. Prints one line a thing: nanoseconds of the best of five runs.
 *   parser_bench [rounds] */
#include "parser/deparse.h"
#include "parser/digest.h"
#include "parser/parse.h"
#include "util/clock.h"

#include <stdio.h>
#include <stdlib.h>

static const char POINT[] = "SELECT c FROM sbtest1 WHERE id=42";
static const char UPDATE[] = "UPDATE sbtest1 SET k=k+1 WHERE id=5007";
static const char INSERT[] = "INSERT INTO sbtest1 (id, k, c, pad) VALUES (0, 5021, '68487932199-96439406143-93774651418-41631865787', "
                             "'22195207048-70116052123-74140395089')";
static const char TPCH[] =
    "select n.n_name as nation, extract(year from o.o_orderdate) as y, sum(l.l_extendedprice * (1 - l.l_discount) - "
    "ps.ps_supplycost * l.l_quantity) as profit, count(distinct o.o_custkey) as customers from part p join lineitem l on "
    "p.p_partkey = l.l_partkey join partsupp ps on ps.ps_suppkey = l.l_suppkey and ps.ps_partkey = l.l_partkey join "
    "supplier s on s.s_suppkey = l.l_suppkey join orders o on o.o_orderkey = l.l_orderkey join nation n on n.n_nationkey = "
    "s.s_nationkey where p.p_name like '%green%' and o.o_orderdate >= date '1994-01-01' and o.o_orderdate < date "
    "'1994-01-01' + interval 1 year and l.l_discount between 0.05 and 0.07 and l.l_shipmode in ('MAIL', 'SHIP') and exists "
    "(select * from customer c where c.c_custkey = o.o_custkey and c.c_acctbal > 0.00) group by n.n_name, extract(year from "
    "o.o_orderdate) having sum(l.l_quantity) > 300 order by nation, y desc limit 100";

static struct arena arena;
static const struct sql_opts sql;

static void lex_all(struct sv text)
{
    struct lex l;
    struct token t;

    lex_init(&l, text, 0, &sql);
    do
        lex_next(&l, &t);
    while (t.kind > TK_ERROR);
    __asm__ __volatile__("" : : "r"(&t) : "memory");
}

static void digest_all(struct sv text)
{
    struct literal_slot slots[32];
    struct digest d;

    digest_scan(text, 0, &sql, slots, 32, &d);
    __asm__ __volatile__("" : : "r"(&d), "r"(slots) : "memory");
}

static struct ast_node *parse_all(struct sv text)
{
    struct parse_result r;
    struct diag d = {0};

    arena_reset(&arena);
    CHECK(parser_parse(text, 0, &sql, &arena, &r, &d));
    return r.stmt;
}

static void parse_only(struct sv text)
{
    (void)parse_all(text);
}

static void parse_and_write(struct sv text)
{
    struct strbuf b;
    const struct ast_node *n = parse_all(text);

    strbuf_init(&b, &arena);
    deparse(n, NULL, &b);
}

static void measure(const char *what, void (*fn)(struct sv), const char *text, unsigned rounds)
{
    struct sv s = sv_cstr(text);
    double best = 1e30;

    for (unsigned run = 0; run < 5; run++) {
        uint64_t start = clock_mono_ns();

        for (unsigned i = 0; i < rounds; i++)
            fn(s);
        best = MIN(best, (double)(clock_mono_ns() - start) / rounds);
    }
    printf("%-34s %9.1f ns\n", what, best);
}

int main(int argc, char **argv)
{
    uint64_t rounds = 200000;

    if (argc > 1 && !sv_to_u64(sv_cstr(argv[1]), &rounds))
        return EXIT_FAILURE;
    arena_init(&arena, 0);
    measure("point select: lex", lex_all, POINT, (unsigned)rounds);
    measure("point select: lex and digest", digest_all, POINT, (unsigned)rounds);
    measure("point select: parse", parse_only, POINT, (unsigned)rounds);
    measure("point select: parse and deparse", parse_and_write, POINT, (unsigned)rounds);
    measure("update: lex and digest", digest_all, UPDATE, (unsigned)rounds);
    measure("update: parse", parse_only, UPDATE, (unsigned)rounds);
    measure("insert: lex and digest", digest_all, INSERT, (unsigned)rounds);
    measure("insert: parse", parse_only, INSERT, (unsigned)rounds);
    measure("six-way join: lex and digest", digest_all, TPCH, (unsigned)rounds / 10 + 1);
    measure("six-way join: parse", parse_only, TPCH, (unsigned)rounds / 10 + 1);
    measure("six-way join: parse and deparse", parse_and_write, TPCH, (unsigned)rounds / 10 + 1);
    arena_free(&arena);
    return EXIT_SUCCESS;
}
