/* The data of the TPC-H-like benchmark, by the public specification's rules for cardinalities, keys, value distributions and
 * dependences between columns (its clauses 4.2.2 and 4.2.3), with our own random numbers and our own words for comments.
 *
 * Every row is a function of (seed, table, row number) alone: it has a stream of random numbers of its own, and columns draw
 * from it in the order in which they are written here. So any range of rows can be made anywhere, in parallel, without
 * the rows before it, and a scale's data is the same for ever: t/it/tpch.py holds their checksum. Orders and their lines
 * come out of one stream, since an order's price and status follow from its lines and a line's dates from its order.
 * Comments are cut at random places from one text, which is made at start from a small grammar.
 *
 * Scales below 1 keep all proportions; what the specification gives in absolute rows for each unit of scale is rounded.
 * Nothing here allocates but the text and the output buffer; errors of output end the program.
 *
 * The default seed is one with which every query has rows at scale 0.01, where some expect less than one.
 *
 *   gen [--scale X] [--seed N] [--part I/N] [--format sql|tsv] [--statement-bytes N] TABLE...
 *   gen --counts: the number of rows of each table
 *
 * sql: one multi-row INSERT a line, each ended by ';'. tsv: as LOAD DATA reads it. No value has a quote, backslash or tab.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/tpch/words.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

enum {
    TEXT_BYTES = 1 << 20,
    DAYS = 2557,              /* 1992-01-01 .. 1998-12-31 */
    LAST_ORDER = 2556 - 151,  /* the last order date leaves room for shipping and receipt */
    TODAY = 1263,             /* 1995-06-17: what was received by then can have been returned */
    LINES_MAX = 7,
    SUPPLIERS_OF_PART = 4,
    ROW_BYTES_MAX = 1024,
};

enum table { REGION, NATION, SUPPLIER, PART, PARTSUPP, CUSTOMER, ORDERS, LINEITEM, TABLES };
static const char *const table_names[TABLES] = { "region", "nation", "supplier", "part", "partsupp", "customer", "orders",
                                                 "lineitem" };

/* What is made and where it goes. rows counts what was written of the present table. */
struct gen {
    uint64_t seed;
    uint64_t suppliers, parts, customers, orders;
    uint64_t remarked;         /* suppliers whose comment tells of complaints; as many tell of recommendations */
    char text[TEXT_BYTES];
    char dates[DAYS][11];
    /* output */
    bool sql;
    const char *table;
    size_t statement_bytes, used, size;
    char *buf;
    bool in_statement, in_row;
};

/* --- random numbers: SplitMix64 (Steele, Lea, Flood 2014), a stream for each row ------------------------------------------ */

struct stream {
    uint64_t s;
};

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static struct stream row_stream(const struct gen *g, unsigned table, uint64_t row)
{
    return (struct stream) { mix(mix(mix(g->seed) + table) + row) };
}

static uint64_t next(struct stream *r)
{
    r->s += UINT64_C(0x9e3779b97f4a7c15);
    return mix(r->s);
}

/* Uniform in [0, n): the product's upper half; its bias, n / 2^64, shows in nothing here. */
static uint64_t below(struct stream *r, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)next(r) * n) >> 64);
}

static uint64_t between(struct stream *r, uint64_t low, uint64_t high)
{
    return low + below(r, high - low + 1);
}

/* --- output ---------------------------------------------------------------------------------------------------------------- */

static void fail(const char *what)
{
    fprintf(stderr, "gen: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void flush(struct gen *g)
{
    size_t done = 0;
    while (done < g->used) {
        ssize_t n = write(STDOUT_FILENO, g->buf + done, g->used - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            fail("output");
        done += (size_t)n;
    }
    g->used = 0;
}

static void put(struct gen *g, const char *s, size_t n)
{
    memcpy(g->buf + g->used, s, n);
    g->used += n;
}

static void put_word(struct gen *g, const char *s)
{
    put(g, s, strlen(s));
}

static void put_number(struct gen *g, uint64_t v, unsigned width)
{
    char digits[20];
    size_t n = 0;
    do {
        digits[sizeof digits - ++n] = (char)('0' + v % 10);
        v /= 10;
    } while (v || n < width);
    put(g, digits + sizeof digits - n, n);
}

static void end_statement(struct gen *g)
{
    if (g->in_statement)
        put(g, ";\n", 2);
    g->in_statement = false;
    flush(g);
}

static void begin_row(struct gen *g)
{
    if (g->used + ROW_BYTES_MAX > g->statement_bytes) {
        if (g->sql)
            end_statement(g);
        else
            flush(g);
    }
    if (g->sql) {
        if (!g->in_statement) {
            put_word(g, "INSERT INTO ");
            put_word(g, g->table);
            put_word(g, " VALUES ");
        } else {
            put(g, ",", 1);
        }
        put(g, "(", 1);
        g->in_statement = true;
    }
    g->in_row = false;
}

static void end_row(struct gen *g)
{
    put(g, g->sql ? ")" : "\n", 1);
}

/* What stands between two columns. */
static void sep(struct gen *g)
{
    if (g->in_row)
        put(g, g->sql ? "," : "\t", 1);
    g->in_row = true;
}

static void col_int(struct gen *g, uint64_t v)
{
    sep(g);
    put_number(g, v, 1);
}

/* An amount in hundredths. */
static void col_money(struct gen *g, int64_t v)
{
    sep(g);
    if (v < 0)
        put(g, "-", 1);
    uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;
    put_number(g, u / 100, 1);
    put(g, ".", 1);
    put_number(g, u % 100, 2);
}

static void open_text(struct gen *g)
{
    sep(g);
    if (g->sql)
        put(g, "'", 1);
}

static void close_text(struct gen *g)
{
    if (g->sql)
        put(g, "'", 1);
}

static void col_bytes(struct gen *g, const char *s, size_t n)
{
    open_text(g);
    put(g, s, n);
    close_text(g);
}

static void col_word(struct gen *g, const char *s)
{
    col_bytes(g, s, strlen(s));
}

/* A name and a number of nine digits: Supplier#000000001. */
static void col_numbered(struct gen *g, const char *name, uint64_t v)
{
    open_text(g);
    put_word(g, name);
    put_number(g, v, 9);
    close_text(g);
}

/* A comment of low to high characters, cut from the text. */
static void col_text(struct gen *g, struct stream *r, unsigned low, unsigned high)
{
    size_t n = between(r, low, high);
    col_bytes(g, g->text + below(r, TEXT_BYTES - n + 1), n);
}

/* An address: 10 to 40 characters without a meaning. */
static void col_address(struct gen *g, struct stream *r)
{
    static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ,";
    _Static_assert(sizeof alphabet == 65, "six bits a character");
    char s[40];
    size_t n = between(r, 10, 40);
    uint64_t bits = 0;
    for (size_t i = 0; i < n; i++, bits >>= 6) {
        if (i % 10 == 0)
            bits = next(r);
        s[i] = alphabet[bits & 63];
    }
    col_bytes(g, s, n);
}

/* The country's code is its nation's key + 10. */
static void col_phone(struct gen *g, struct stream *r, uint64_t nation)
{
    open_text(g);
    put_number(g, nation + 10, 2);
    put(g, "-", 1);
    put_number(g, between(r, 100, 999), 3);
    put(g, "-", 1);
    put_number(g, between(r, 100, 999), 3);
    put(g, "-", 1);
    put_number(g, between(r, 1000, 9999), 4);
    close_text(g);
}

static void col_balance(struct gen *g, struct stream *r)
{
    col_money(g, (int64_t)below(r, 999999 + 99999 + 1) - 99999);
}

/* --- the text from which comments are cut ------------------------------------------------------------------------------------ */

struct writer {
    char *to;
    size_t at;
    struct stream r;
};

static void say(struct writer *w, const char *s)
{
    for (; *s && w->at < TEXT_BYTES; s++)
        w->to[w->at++] = *s;
}

static void say_one(struct writer *w, const struct word *words, size_t n, const char *after)
{
    uint64_t all = 0;
    for (size_t i = 0; i < n; i++)
        all += words[i].weight;
    uint64_t at = below(&w->r, all);
    size_t i = 0;
    while (at >= words[i].weight)
        at -= words[i++].weight;
    say(w, words[i].text);
    say(w, after);
}

#define SAY(w, list, after) say_one(w, list, COUNT(list), after)

static void say_nouns(struct writer *w)
{
    switch (below(&w->r, 4)) {
    case 0:
        break;
    case 1:
        SAY(w, adjectives, " ");
        break;
    case 2:
        SAY(w, adjectives, ", ");
        SAY(w, adjectives, " ");
        break;
    default:
        SAY(w, adverbs, " ");
        SAY(w, adjectives, " ");
        break;
    }
    SAY(w, nouns, " ");
}

static void say_verbs(struct writer *w)
{
    uint64_t form = below(&w->r, 4);
    if (form & 1)
        SAY(w, auxiliaries, " ");
    SAY(w, verbs, "");
    if (form & 2) {
        say(w, " ");
        SAY(w, adverbs, "");
    }
}

static void say_place(struct writer *w)
{
    say(w, " ");
    SAY(w, prepositions, " the ");
    say_nouns(w);
    w->at -= w->at < TEXT_BYTES;
}

static void make_text(struct gen *g)
{
    struct writer w = { g->text, 0, row_stream(g, TABLES, 0) };
    while (w.at < TEXT_BYTES) {
        uint64_t form = below(&w.r, 4);
        say_nouns(&w);
        if (form == 1) {
            SAY(&w, prepositions, " the ");
            say_nouns(&w);
        }
        say_verbs(&w);
        if (form == 2) {
            say(&w, " ");
            say_nouns(&w);
            w.at -= w.at < TEXT_BYTES;
        } else if (form == 3) {
            say_place(&w);
        }
        SAY(&w, ends, " ");
    }
}

static void make_dates(struct gen *g)
{
    static const unsigned lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    unsigned at = 0;
    for (unsigned year = 1992; year <= 1998; year++)
        for (unsigned month = 1; month <= 12; month++) {
            unsigned length = lengths[month - 1] + (month == 2 && year % 4 == 0);
            for (unsigned day = 1; day <= length; day++)
                snprintf(g->dates[at++], sizeof *g->dates, "%04u-%02u-%02u", year % 10000, month % 100, day % 100);
        }
}

/* --- tables ------------------------------------------------------------------------------------------------------------------ */

static void make_region(struct gen *g, uint64_t key)
{
    struct stream r = row_stream(g, REGION, key);
    col_int(g, key);
    col_word(g, regions[key]);
    col_text(g, &r, 31, 115);
}

static void make_nation(struct gen *g, uint64_t key)
{
    struct stream r = row_stream(g, NATION, key);
    col_int(g, key);
    col_word(g, nations[key].name);
    col_int(g, nations[key].region);
    col_text(g, &r, 31, 114);
}

/* What customers said of a supplier, or NULL: suppliers are cut into 2 * remarked equal ranges, and one of each is chosen. */
static const char *remark_on(const struct gen *g, uint64_t row)
{
    uint64_t range = g->suppliers / (2 * g->remarked), i = row / range;
    if (i >= 2 * g->remarked)
        return NULL;
    struct stream r = row_stream(g, TABLES, 1 + i);
    if (row % range != below(&r, range))
        return NULL;
    return i % 2 ? "Recommends" : "Complaints";
}

static void make_supplier(struct gen *g, uint64_t row)
{
    struct stream r = row_stream(g, SUPPLIER, row);
    uint64_t nation = below(&r, COUNT(nations));
    col_int(g, row + 1);
    col_numbered(g, "Supplier#", row + 1);
    col_address(g, &r);
    col_int(g, nation);
    col_phone(g, &r, nation);
    col_balance(g, &r);
    size_t n = between(&r, 25, 100);
    const char *from = g->text + below(&r, TEXT_BYTES - n + 1), *remark = remark_on(g, row);
    if (!remark) {
        col_bytes(g, from, n);
        return;
    }
    /* "Customer", some of the text, the remark, and the rest of the text. */
    size_t room = n - 18, before = below(&r, room + 1), inside = below(&r, room - before + 1);
    open_text(g);
    put(g, from, before);
    put(g, "Customer", 8);
    put(g, from + before, inside);
    put(g, remark, 10);
    put(g, from + before + inside, room - before - inside);
    close_text(g);
}

static uint64_t retail_price(uint64_t part)
{
    return 90000 + part / 10 % 20001 + 100 * (part % 1000);
}

/* The i-th of the four suppliers of a part. Below scale 0.024 the distances are cut so that the four stay different. */
static uint64_t supplier_of(const struct gen *g, uint64_t part, uint64_t i)
{
    uint64_t s = g->suppliers, step = s / 4 + (part - 1) / s % (s / 12);
    return (part + i * step) % s + 1;
}

static void make_part(struct gen *g, uint64_t row)
{
    struct stream r = row_stream(g, PART, row);
    uint64_t maker = between(&r, 1, 5), brand = between(&r, 1, 5), words[5];
    col_int(g, row + 1);
    open_text(g);
    for (size_t n = 0; n < COUNT(words);) {
        words[n] = below(&r, COUNT(colours));
        size_t same = 0;
        while (words[same] != words[n])
            same++;
        if (same < n)
            continue;
        put_word(g, n ? " " : "");
        put_word(g, colours[words[n++]]);
    }
    close_text(g);
    open_text(g);
    put_word(g, "Manufacturer#");
    put_number(g, maker, 1);
    close_text(g);
    open_text(g);
    put_word(g, "Brand#");
    put_number(g, maker * 10 + brand, 2);
    close_text(g);
    open_text(g);
    put_word(g, type_first[below(&r, COUNT(type_first))]);
    put(g, " ", 1);
    put_word(g, type_second[below(&r, COUNT(type_second))]);
    put(g, " ", 1);
    put_word(g, type_third[below(&r, COUNT(type_third))]);
    close_text(g);
    col_int(g, between(&r, 1, 50));
    open_text(g);
    put_word(g, container_first[below(&r, COUNT(container_first))]);
    put(g, " ", 1);
    put_word(g, container_second[below(&r, COUNT(container_second))]);
    close_text(g);
    col_money(g, (int64_t)retail_price(row + 1));
    col_text(g, &r, 5, 22);
}

static void make_partsupp(struct gen *g, uint64_t row)
{
    struct stream r = row_stream(g, PARTSUPP, row);
    uint64_t part = row / SUPPLIERS_OF_PART + 1;
    col_int(g, part);
    col_int(g, supplier_of(g, part, row % SUPPLIERS_OF_PART));
    col_int(g, between(&r, 1, 9999));
    col_money(g, (int64_t)between(&r, 100, 100000));
    col_text(g, &r, 49, 198);
}

static void make_customer(struct gen *g, uint64_t row)
{
    struct stream r = row_stream(g, CUSTOMER, row);
    uint64_t nation = below(&r, COUNT(nations));
    col_int(g, row + 1);
    col_numbered(g, "Customer#", row + 1);
    col_address(g, &r);
    col_int(g, nation);
    col_phone(g, &r, nation);
    col_balance(g, &r);
    col_word(g, segments[below(&r, COUNT(segments))]);
    col_text(g, &r, 29, 116);
}

struct line {
    uint64_t part, supplier, quantity, discount, tax;
    int64_t price;
    uint64_t shipped, committed, received;
    char returned, status;
};

struct order {
    uint64_t key, customer, date;
    char status;
    int64_t price;
    unsigned count;
    struct line lines[LINES_MAX];
    struct stream r;    /* where the columns that follow from nothing draw from; lines from r + their number */
};

static void make_line(const struct gen *g, struct order *o, struct line *l)
{
    struct stream *r = &o->r;
    l->part = between(r, 1, g->parts);
    l->supplier = supplier_of(g, l->part, below(r, SUPPLIERS_OF_PART));
    l->quantity = between(r, 1, 50);
    l->discount = below(r, 11);
    l->tax = below(r, 9);
    l->price = (int64_t)(l->quantity * retail_price(l->part));
    l->shipped = o->date + between(r, 1, 121);
    l->committed = o->date + between(r, 30, 90);
    l->received = l->shipped + between(r, 1, 30);
    l->returned = "RA"[below(r, 2)];
    if (l->received > TODAY)
        l->returned = 'N';
    l->status = l->shipped > TODAY ? 'O' : 'F';
}

/* Half of a hundredth goes up. */
static int64_t charged(const struct line *l)
{
    return (l->price * (int64_t)(100 + l->tax) * (int64_t)(100 - l->discount) + 5000) / 10000;
}

static void find_order(const struct gen *g, uint64_t row, struct order *o)
{
    o->r = row_stream(g, ORDERS, row);
    /* Of each 32 keys the first 8 are used; of each 3 customers the third never orders. */
    o->key = row / 8 * 32 + row % 8 + 1;
    uint64_t who = below(&o->r, g->customers - g->customers / 3);
    o->customer = who / 2 * 3 + who % 2 + 1;
    o->date = below(&o->r, LAST_ORDER + 1);
    o->count = (unsigned)between(&o->r, 1, LINES_MAX);
    unsigned open = 0;
    o->price = 0;
    for (unsigned i = 0; i < o->count; i++) {
        make_line(g, o, &o->lines[i]);
        o->price += charged(&o->lines[i]);
        open += o->lines[i].status == 'O';
    }
    o->status = open == o->count ? 'O' : open ? 'P' : 'F';
}

static void make_order(struct gen *g, uint64_t row)
{
    struct order o;
    find_order(g, row, &o);
    col_int(g, o.key);
    col_int(g, o.customer);
    col_bytes(g, &o.status, 1);
    col_money(g, o.price);
    col_word(g, g->dates[o.date]);
    col_word(g, priorities[below(&o.r, COUNT(priorities))]);
    uint64_t clerks = g->suppliers / 10;
    col_numbered(g, "Clerk#", between(&o.r, 1, clerks));
    col_int(g, 0);
    col_text(g, &o.r, 19, 78);
}

static void make_lines(struct gen *g, uint64_t row)
{
    struct order o;
    find_order(g, row, &o);
    struct stream r = row_stream(g, LINEITEM, row);
    for (unsigned i = 0; i < o.count; i++) {
        const struct line *l = &o.lines[i];
        begin_row(g);
        col_int(g, o.key);
        col_int(g, l->part);
        col_int(g, l->supplier);
        col_int(g, i + 1);
        col_int(g, l->quantity);
        col_money(g, l->price);
        col_money(g, (int64_t)l->discount);
        col_money(g, (int64_t)l->tax);
        col_bytes(g, &l->returned, 1);
        col_bytes(g, &l->status, 1);
        col_word(g, g->dates[l->shipped]);
        col_word(g, g->dates[l->committed]);
        col_word(g, g->dates[l->received]);
        col_word(g, instructions[below(&r, COUNT(instructions))]);
        col_word(g, modes[below(&r, COUNT(modes))]);
        col_text(g, &r, 10, 43);
        end_row(g);
    }
}

static void (*const makers[TABLES])(struct gen *, uint64_t) = {
    make_region, make_nation, make_supplier, make_part, make_partsupp, make_customer, make_order, make_lines,
};

/* Rows of a table; of lineitem the orders, whose lines are made together. */
static uint64_t units(const struct gen *g, enum table t)
{
    const uint64_t n[TABLES] = { COUNT(regions), COUNT(nations), g->suppliers, g->parts, g->parts * SUPPLIERS_OF_PART,
                                 g->customers, g->orders, g->orders };
    return n[t];
}

static void make_table(struct gen *g, enum table t, uint64_t part, uint64_t parts)
{
    uint64_t n = units(g, t);
    g->table = table_names[t];
    for (uint64_t row = n * (part - 1) / parts, end = n * part / parts; row < end; row++) {
        if (t == LINEITEM) {
            makers[t](g, row);
            continue;
        }
        begin_row(g);
        makers[t](g, row);
        end_row(g);
    }
    end_statement(g);
}

static void print_counts(const struct gen *g)
{
    for (enum table t = 0; t < TABLES; t++) {
        uint64_t n = units(g, t);
        if (t == LINEITEM) {
            n = 0;
            for (uint64_t row = 0; row < g->orders; row++) {
                struct order o;
                find_order(g, row, &o);
                n += o.count;
            }
        }
        printf("%s\t%llu\n", table_names[t], (unsigned long long)n);
    }
}

/* --- command line ------------------------------------------------------------------------------------------------------------ */

static void usage(const char *why)
{
    fprintf(stderr,
            "gen: %s\nusage: gen [--scale X] [--seed N] [--part I/N] [--format sql|tsv] [--statement-bytes N] [--counts] TABLE...\n"
            "tables:",
            why);
    for (enum table t = 0; t < TABLES; t++)
        fprintf(stderr, " %s", table_names[t]);
    fputs("; scale 0.002 to 1000\n", stderr);
    exit(2);
}

static uint64_t number(const char *s, char end, const char **rest)
{
    char *stop;
    errno = 0;
    uint64_t v = strtoull(s, &stop, 10);
    if (errno || stop == s || *stop != end || *s == '-')
        usage("not a number");
    if (rest)
        *rest = stop + 1;
    return v;
}

struct wishes {
    double scale;
    uint64_t part, parts;
    bool counts;
    bool tables[TABLES];
};

static void read_option(struct gen *g, struct wishes *w, const char *option, const char *value)
{
    char *stop;
    if (!strcmp(option, "--scale")) {
        w->scale = strtod(value, &stop);
        if (stop == value || *stop || !(w->scale >= 0.002 && w->scale <= 1000))
            usage("the scale is 0.002 to 1000");
    } else if (!strcmp(option, "--seed")) {
        g->seed = number(value, 0, NULL);
    } else if (!strcmp(option, "--part")) {
        w->part = number(value, '/', &value);
        w->parts = number(value, 0, NULL);
        if (!w->part || w->part > w->parts || w->parts > 4096)
            usage("parts are 1/N to N/N, N at most 4096");
    } else if (!strcmp(option, "--statement-bytes")) {
        g->statement_bytes = number(value, 0, NULL);
        if (g->statement_bytes < 2 * ROW_BYTES_MAX || g->statement_bytes > 1 << 26)
            usage("a statement has 2 KiB to 64 MiB");
    } else if (!strcmp(option, "--format")) {
        g->sql = !strcmp(value, "sql");
        if (!g->sql && strcmp(value, "tsv"))
            usage("formats: sql, tsv");
    } else {
        usage("unknown option");
    }
}

static void read_arguments(struct gen *g, struct wishes *w, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--counts")) {
            w->counts = true;
        } else if (argv[i][0] == '-') {
            if (i + 1 == argc)
                usage("an option without its value");
            read_option(g, w, argv[i], argv[i + 1]);
            i++;
        } else {
            enum table t = 0;
            while (t < TABLES && strcmp(argv[i], table_names[t]))
                t++;
            if (t == TABLES)
                usage("unknown table");
            w->tables[t] = true;
        }
    }
}

int main(int argc, char **argv)
{
    static struct gen g = { .seed = 6, .sql = true, .statement_bytes = 512 << 10 };
    struct wishes w = { .scale = 1, .part = 1, .parts = 1 };
    read_arguments(&g, &w, argc, argv);
    g.suppliers = (uint64_t)(w.scale * 10000 + 0.5);
    g.parts = (uint64_t)(w.scale * 200000 + 0.5);
    g.customers = (uint64_t)(w.scale * 150000 + 0.5);
    g.orders = g.customers * 10;
    g.remarked = (uint64_t)(w.scale * 5 + 0.5);
    if (!g.remarked)
        g.remarked = 1;
    if (w.counts) {
        print_counts(&g);
        return 0;
    }
    g.buf = malloc(g.statement_bytes + ROW_BYTES_MAX);
    if (!g.buf)
        fail("memory");
    make_text(&g);
    make_dates(&g);
    for (enum table t = 0; t < TABLES; t++)
        if (w.tables[t])
            make_table(&g, t, w.part, w.parts);
    free(g.buf);
    return 0;
}
