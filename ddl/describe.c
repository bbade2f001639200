/* Columns and keys come from information_schema, constraints and options from the shape (SHOW CREATE TABLE): the former
 * gives types, collations and key parts in columns of their own on every server version, the latter the exact texts.
 * Where MySQL and MariaDB differ: COLUMN_DEFAULT   MySQL: the value itself, expressions marked by DEFAULT_GENERATED in
 * EXTRA; MariaDB: SQL text ('a', NULL, current_timestamp()) STATISTICS       MySQL has EXPRESSION and IS_VISIBLE,
 * MariaDB IGNORED INVISIBLE        in EXTRA on both */
#include "ddl/describe.h"

#include "catalog/names.h"

#include <ctype.h>

bool describe_shape(struct mconn *c, struct sv db, struct sv phys, int part_no, struct arena *a, struct shape *out,
                    struct diag *d)
{
    struct mresult r;

    if (!mconn_queryf(c, a, &r, d, "SHOW CREATE TABLE %I.%I", &db, &phys))
        return false;
    if (r.rows != 1 || r.cols < 2)
        return diag_setf(d, ER_INTERNAL, "Internal error: SHOW CREATE TABLE gave no row");
    return shape_parse(a, mresult_cell(&r, 0, 1), part_no, out, d);
}

/* ---- types ---- */

struct type_row {
    const char *name;
    uint8_t code;
    uint32_t width, width_unsigned; /* display width; 0: computed */
};

static const struct type_row type_rows[] = {
    {"tinyint", 1, 4, 3},      {"smallint", 2, 6, 5},    {"mediumint", 9, 9, 8},  {"int", 3, 11, 10},
    {"bigint", 8, 20, 20},     {"float", 4, 12, 12},     {"double", 5, 22, 22},   {"decimal", 246, 0, 0},
    {"bit", 16, 0, 0},         {"date", 10, 10, 10},     {"time", 11, 10, 10},    {"datetime", 12, 19, 19},
    {"timestamp", 7, 19, 19},  {"year", 13, 4, 4},       {"char", 254, 0, 0},     {"varchar", 253, 0, 0},
    {"binary", 254, 0, 0},     {"varbinary", 253, 0, 0}, {"tinytext", 252, 0, 0}, {"text", 252, 0, 0},
    {"mediumtext", 252, 0, 0}, {"longtext", 252, 0, 0},  {"tinyblob", 252, 0, 0}, {"blob", 252, 0, 0},
    {"mediumblob", 252, 0, 0}, {"longblob", 252, 0, 0},  {"enum", 247, 0, 0},     {"set", 248, 0, 0},
    {"json", 245, 0, 0},       {"vector", 242, 0, 0},    {"uuid", 254, 36, 36},   {"inet6", 254, 39, 39},
    {"inet4", 254, 15, 15},
};

static bool has_word(struct sv text, const char *word)
{
    return memmem(text.ptr, text.len, word, strlen(word)) != NULL;
}

static bool has_word_nocase(struct arena *a, struct sv text, const char *word)
{
    char *low = arena_alloc(a, text.len + 1);

    for (size_t i = 0; i < text.len; i++)
        low[i] = (char)tolower((unsigned char)text.ptr[i]);
    return memmem(low, text.len, word, strlen(word)) != NULL;
}

/* The quoted members of enum('a','b''c'). */
static void read_members(struct arena *a, struct sv text, struct cat_type *t)
{
    struct sv *all = ARENA_NEW_N(a, struct sv, text.len / 3 + 1);
    const char *p = text.ptr, *end = text.ptr + text.len;

    while (p < end && *p != '(')
        p++;
    while (p < end) {
        struct strbuf b;

        while (p < end && *p != '\'')
            p++;
        if (p == end)
            break;
        strbuf_init(&b, a);
        for (p++; p < end; p++) {
            if (*p == '\'' && (p + 1 == end || p[1] != '\''))
                break;
            if (*p == '\'')
                p++;
            strbuf_putc(&b, *p);
        }
        p++;
        all[t->members_n++] = b.len ? strbuf_sv(&b) : SV("");
    }
    t->members = all;
}

enum {
    C_NAME,
    C_DEFAULT,
    C_NULLABLE,
    C_DATA_TYPE,
    C_TYPE,
    C_CHARS,
    C_OCTETS,
    C_PRECISION,
    C_SCALE,
    C_FSP,
    C_CHARSET,
    C_COLLATION,
    C_COLL_ID,
    C_EXTRA,
    C_GENERATED,
    C_COMMENT
};

static void read_type(const struct mresult *r, uint32_t i, struct arena *a, struct cat_type *t)
{
    struct sv data_type = mresult_cell(r, i, C_DATA_TYPE), octets = mresult_cell(r, i, C_OCTETS);
    const struct type_row *row = NULL;

    t->text = arena_dup(a, mresult_cell(r, i, C_TYPE));
    for (size_t k = 0; k < ARRAY_LEN(type_rows) && !row; k++)
        if (sv_eq_nocase(data_type, sv_cstr(type_rows[k].name)))
            row = &type_rows[k];
    t->code = row ? row->code : 255; /* the spatial types are the ones left */
    t->is_unsigned = has_word(t->text, " unsigned");
    t->zerofill = has_word(t->text, " zerofill");
    t->coll_id = 63;
    if (mresult_cell(r, i, C_COLLATION).ptr) {
        t->charset = arena_dup(a, mresult_cell(r, i, C_CHARSET));
        t->collation = arena_dup(a, mresult_cell(r, i, C_COLLATION));
        t->coll_id = (uint16_t)mresult_u64(r, i, C_COLL_ID);
    }
    t->decimals = (uint8_t)(mresult_cell(r, i, C_FSP).ptr ? mresult_u64(r, i, C_FSP) : mresult_u64(r, i, C_SCALE));
    if ((t->code == 4 || t->code == 5) && !mresult_cell(r, i, C_SCALE).ptr)
        t->decimals = 31;
    if (row && row->width) {
        t->length = t->is_unsigned ? row->width_unsigned : row->width;
        if (mresult_cell(r, i, C_FSP).ptr && t->decimals)
            t->length += t->decimals + 1u;
    } else if (t->code == 246) {
        t->length = (uint32_t)mresult_u64(r, i, C_PRECISION) + (t->decimals ? 1 : 0) + (t->is_unsigned ? 0 : 1);
    } else if (t->code == 16) {
        t->length = (uint32_t)mresult_u64(r, i, C_PRECISION);
    } else if (octets.ptr) {
        t->length = (uint32_t)MIN(mresult_u64(r, i, C_OCTETS), (uint64_t)UINT32_MAX);
    } else {
        t->length = UINT32_MAX;
    }
    if (t->code == 247 || t->code == 248)
        read_members(a, t->text, t);
}

/* ---- columns ---- */

/* Takes the quotes off an SQL string literal. False: it is none. */
static bool unquote(struct arena *a, struct sv text, struct sv *out)
{
    struct strbuf b;

    if (text.len < 2 || text.ptr[0] != '\'' || text.ptr[text.len - 1] != '\'')
        return false;
    strbuf_init(&b, a);
    for (size_t i = 1; i + 1 < text.len; i++) {
        char ch = text.ptr[i];

        if ((ch == '\'' || ch == '\\') && i + 2 < text.len) {
            ch = text.ptr[++i];
            if (text.ptr[i - 1] == '\\')
                ch = ch == 'n' ? '\n' : ch == 'r' ? '\r' : ch == '0' ? '\0' : ch == 't' ? '\t' : ch;
        }
        strbuf_putc(&b, ch);
    }
    *out = b.len ? strbuf_sv(&b) : SV("");
    return true;
}

static bool is_number(struct sv s)
{
    size_t i = s.len && (s.ptr[0] == '-' || s.ptr[0] == '+') ? 1 : 0;

    if (i == s.len)
        return false;
    for (; i < s.len; i++)
        if (!isdigit((unsigned char)s.ptr[i]) && !strchr(".eE+-", s.ptr[i]))
            return false;
    return true;
}

static void read_default(const struct mresult *r, uint32_t i, bool mariadb, struct arena *a, struct cat_column *col)
{
    struct sv text = mresult_cell(r, i, C_DEFAULT), extra = mresult_cell(r, i, C_EXTRA), value;

    if (col->generated != CAT_NOT_GENERATED || col->auto_increment) {
        col->default_kind = CAT_DEFAULT_NONE;
    } else if (!text.ptr || (mariadb && sv_eq_nocase(text, SV("NULL")))) {
        col->default_kind = col->nullable ? CAT_DEFAULT_NULL : CAT_DEFAULT_NONE;
    } else if (mariadb && unquote(a, text, &value)) {
        col->default_kind = CAT_DEFAULT_LITERAL;
        col->default_text = value;
    } else if (mariadb ? !is_number(text)
                       : has_word(extra, "DEFAULT_GENERATED") ||
                             (text.len > 1 && text.ptr[0] == 'b' && text.ptr[1] == '\'')) {
        col->default_kind = CAT_DEFAULT_EXPR;
        col->default_text = arena_dup(a, text);
    } else {
        col->default_kind = CAT_DEFAULT_LITERAL;
        col->default_text = arena_dup(a, text);
    }
}

static void read_column(const struct mresult *r, uint32_t i, bool mariadb, struct arena *a, struct cat_column *col)
{
    struct sv extra = mresult_cell(r, i, C_EXTRA), gen = mresult_cell(r, i, C_GENERATED);
    const char *on_update;

    col->ordinal = i;
    col->name = arena_dup(a, mresult_cell(r, i, C_NAME));
    col->nullable = sv_eq(mresult_cell(r, i, C_NULLABLE), SV("YES"));
    col->comment = arena_dup(a, mresult_cell(r, i, C_COMMENT));
    col->auto_increment = has_word_nocase(a, extra, "auto_increment");
    col->invisible = has_word_nocase(a, extra, "invisible");
    col->hidden = sv_eq(col->name, SV(DESCRIBE_HIDDEN));
    if (gen.ptr && gen.len) {
        col->generated = has_word_nocase(a, extra, "stored generated") ? CAT_GENERATED_STORED : CAT_GENERATED_VIRTUAL;
        col->generated_expr = arena_dup(a, gen);
    }
    on_update = memmem(extra.ptr, extra.len, "on update ", 10);
    if (on_update)
        col->on_update = arena_dup(a, sv_make(on_update + 10, (size_t)(extra.ptr + extra.len - on_update) - 10));
    read_type(r, i, a, &col->type);
    read_default(r, i, mariadb, a, col);
}

static bool read_columns(struct mconn *c, struct sv db, struct sv phys, struct cat_table *t, struct diag *d)
{
    struct cat_column *cols;
    struct mresult r;
    struct arena a;
    bool ok;

    arena_init(&a, 0);
    ok = mconn_queryf(
        c, &a, &r, d,
        "SELECT c.column_name, c.column_default, c.is_nullable, c.data_type, c.column_type, "
        "c.character_maximum_length, "
        "c.character_octet_length, c.numeric_precision, c.numeric_scale, c.datetime_precision, c.character_set_name, "
        "c.collation_name, (SELECT l.id FROM information_schema.collations l WHERE l.collation_name = "
        "c.collation_name), "
        "c.extra, c.generation_expression, c.column_comment FROM information_schema.columns c "
        "WHERE c.table_schema = %Q AND c.table_name = %Q ORDER BY c.ordinal_position",
        &db, &phys);
    if (ok && r.rows == 0)
        ok = diag_setf(d, ER_NO_SUCH_TABLE, diag_format(ER_NO_SUCH_TABLE), arena_dup(&a, db).ptr,
                       arena_dup(&a, phys).ptr);
    if (ok) {
        cols = ARENA_NEW_N(&t->arena, struct cat_column, r.rows);
        for (uint32_t i = 0; i < r.rows; i++)
            read_column(&r, i, mconn_is_mariadb(c), &t->arena, &cols[i]);
        t->columns = cols;
        t->columns_n = r.rows;
    }
    arena_free(&a);
    return ok;
}

/* ---- keys ---- */

enum { K_NAME, K_NON_UNIQUE, K_COLUMN, K_DIR, K_PREFIX, K_TYPE, K_COMMENT, K_HIDDEN, K_EXPR };

static int32_t ordinal_of(const struct cat_table *t, struct sv name)
{
    for (uint32_t i = 0; i < t->columns_n; i++)
        if (sv_eq_nocase(t->columns[i].name, name))
            return (int32_t)i;
    return -1;
}

static enum cat_key_kind key_kind(const struct mresult *r, uint32_t i)
{
    struct sv type = mresult_cell(r, i, K_TYPE);

    if (sv_eq_nocase(mresult_cell(r, i, K_NAME), SV("PRIMARY")))
        return CAT_KEY_PRIMARY;
    if (sv_eq(type, SV("FULLTEXT")))
        return CAT_KEY_FULLTEXT;
    if (sv_eq(type, SV("SPATIAL")))
        return CAT_KEY_SPATIAL;
    return mresult_u64(r, i, K_NON_UNIQUE) == 0 ? CAT_KEY_UNIQUE : CAT_KEY_PLAIN;
}

static void fill_keys(const struct mresult *r, const struct shape *s, struct cat_table *t)
{
    struct arena *a = &t->arena;
    struct cat_key *keys = ARENA_NEW_N(a, struct cat_key, r->rows + 1);
    struct cat_key_part *parts = ARENA_NEW_N(a, struct cat_key_part, r->rows + 1);

    /* In the order in which SHOW CREATE TABLE has them: primary, unique ones, the rest. */
    for (size_t k = 0; k < s->n_items; k++) {
        struct cat_key *key = &keys[t->keys_n];
        bool found = false;

        if (s->items[k].kind != SHAPE_PRIMARY && s->items[k].kind != SHAPE_KEY)
            continue;
        for (uint32_t i = 0; i < r->rows; i++) {
            struct sv dir = mresult_cell(r, i, K_DIR), col = mresult_cell(r, i, K_COLUMN);

            if (!sv_eq_nocase(mresult_cell(r, i, K_NAME), s->items[k].name))
                continue;
            if (!found) {
                *key = (struct cat_key){
                    .name = arena_dup(a, mresult_cell(r, i, K_NAME)), .kind = key_kind(r, i), .parts = parts};
                key->comment = arena_dup(a, mresult_cell(r, i, K_COMMENT));
                key->invisible = sv_eq(mresult_cell(r, i, K_HIDDEN), SV("1"));
                if (memmem(s->items[k].def.ptr, s->items[k].def.len, " USING ", 7))
                    key->algorithm = arena_dup(a, mresult_cell(r, i, K_TYPE));
            }
            found = true;
            *parts++ = (struct cat_key_part){
                .column = col.ptr ? ordinal_of(t, col) : -1,
                .prefix = key->kind == CAT_KEY_FULLTEXT || key->kind == CAT_KEY_SPATIAL
                              ? 0
                              : (uint32_t)mresult_u64(r, i, K_PREFIX),
                .desc = sv_eq(dir, SV("D")),
                .expr = mresult_cell(r, i, K_EXPR).ptr ? arena_dup(a, mresult_cell(r, i, K_EXPR)) : SV_NULL,
            };
            key->parts_n++;
        }
        t->keys_n += found;
    }
    t->keys = keys;
}

static bool read_keys(struct mconn *c, struct sv db, struct sv phys, const struct shape *s, struct cat_table *t,
                      struct diag *d)
{
    const char *special = mconn_is_mariadb(c) ? "ignored = 'YES', NULL" : "is_visible = 'NO', expression";
    struct mresult r;
    struct arena a;
    bool ok;

    arena_init(&a, 0);
    ok = mconn_queryf(c, &a, &r, d,
                      "SELECT index_name, non_unique, column_name, collation, sub_part, index_type, index_comment, %s "
                      "FROM information_schema.statistics WHERE table_schema = %Q AND table_name = %Q ORDER BY "
                      "index_name, seq_in_index",
                      special, &db, &phys);
    if (ok) {
        t->keys_n = 0;
        fill_keys(&r, s, t);
    }
    arena_free(&a);
    return ok;
}

/* ---- constraints: from the printed text ---- */

/* Identifiers of "(`a`,`b`)" at *p; *p moves behind the parenthesis. */
static uint32_t ident_list(struct arena *a, const char **p, const char *end, struct sv *out, uint32_t max)
{
    uint32_t n = 0;

    while (*p < end && **p != ')') {
        if (**p == '`' && n < max) {
            struct strbuf b;

            strbuf_init(&b, a);
            for ((*p)++; *p < end; (*p)++) {
                if (**p == '`' && (*p + 1 == end || (*p)[1] != '`'))
                    break;
                if (**p == '`')
                    (*p)++;
                strbuf_putc(&b, **p);
            }
            out[n++] = strbuf_sv(&b);
        }
        (*p)++;
    }
    *p += *p < end;
    return n;
}

static struct sv fk_action(struct sv body, const char *head)
{
    static const char *const actions[] = {"RESTRICT", "CASCADE", "SET NULL", "NO ACTION", "SET DEFAULT"};
    const char *p = memmem(body.ptr, body.len, head, strlen(head)), *end = body.ptr + body.len;

    if (!p)
        return SV_NULL;
    p += strlen(head);
    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (sv_starts(sv_make(p, (size_t)(end - p)), sv_cstr(actions[i])))
            return sv_cstr(actions[i]);
    return SV_NULL;
}

/* FOREIGN KEY (`a`) REFERENCES [`db`.]`t` (`b`) ON DELETE .. */
static void fill_fk(struct cat_table *t, const struct shape_item *it, struct cat_fk *f)
{
    struct arena *a = &t->arena;
    const char *p = it->body.ptr, *end = p + it->body.len;
    struct sv cols[LIMIT_KEY_PARTS], refs[LIMIT_KEY_PARTS], names[2];
    uint32_t *ordinals, n, n_names;
    struct sv *ref_columns;

    while (p < end && *p != '(')
        p++;
    n = ident_list(a, &p, end, cols, LIMIT_KEY_PARTS);
    {
        const char *stop = p;

        while (stop < end && *stop != '(') {
            if (*stop == '`')
                for (stop++; stop < end && *stop != '`'; stop++)
                    ;
            stop++;
        }
        n_names = ident_list(a, &p, stop, names, 2);
        p = stop;
    }
    (void)ident_list(a, &p, end, refs, LIMIT_KEY_PARTS);
    ordinals = ARENA_NEW_N(a, uint32_t, n + 1);
    ref_columns = ARENA_NEW_N(a, struct sv, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        ordinals[i] = (uint32_t)ordinal_of(t, cols[i]);
        ref_columns[i] = refs[i];
    }
    *f = (struct cat_fk){
        .name = arena_dup(a, it->name),
        .columns = ordinals,
        .columns_n = n,
        .ref_columns = ref_columns,
        .ref_db = n_names == 2 ? names[0] : t->db,
        .ref_table = n_names ? names[n_names - 1] : SV(""),
        .on_delete = fk_action(it->body, " ON DELETE "),
        .on_update = fk_action(it->body, " ON UPDATE "),
    };
}

static void fill_constraints(struct cat_table *t, const struct shape *s)
{
    struct arena *a = &t->arena;
    struct cat_check *checks = ARENA_NEW_N(a, struct cat_check, s->n_items + 1);
    struct cat_fk *fks = ARENA_NEW_N(a, struct cat_fk, s->n_items + 1);

    t->checks_n = t->fks_n = 0;
    for (size_t i = 0; i < s->n_items; i++) {
        const struct shape_item *it = &s->items[i];

        if (it->kind == SHAPE_FOREIGN) {
            fill_fk(t, it, &fks[t->fks_n++]);
        } else if (it->kind == SHAPE_CHECK) {
            struct cat_check *k = &checks[t->checks_n++];
            const char *open = memchr(it->body.ptr, '(', it->body.len),
                       *close = memrchr(it->body.ptr, ')', it->body.len);

            k->name = arena_dup(a, it->name);
            k->not_enforced = has_word(it->body, "NOT ENFORCED");
            k->expr = open && close > open ? arena_dup(a, sv_make(open + 1, (size_t)(close - open) - 1)) : SV("");
        }
    }
    t->checks = checks;
    t->fks = fks;
}

/* ---- options ---- */

/* Value of ` NAME=value` in the options, taken out of *rest. */
static struct sv take_option(struct arena *a, struct sv *rest, const char *name)
{
    size_t n = strlen(name);
    const char *p = rest->ptr, *end = p + rest->len;

    for (; p < end; p++) {
        const char *v = p + n, *stop;
        struct sv value;

        if (*p == '\'') {
            for (p++; p < end && *p != '\''; p++)
                p += *p == '\\';
            continue;
        }
        if ((size_t)(end - p) <= n || memcmp(p, name, n) != 0 || (p > rest->ptr && p[-1] != ' '))
            continue;
        stop = v;
        if (v < end && *v == '\'') {
            for (stop = v + 1; stop < end; stop++) {
                if (*stop == '\\')
                    stop++;
                else if (*stop == '\'' && (stop + 1 == end || stop[1] != '\''))
                    break;
                else if (*stop == '\'')
                    stop++;
            }
            stop = MIN(stop + 1, end);
            if (!unquote(a, sv_make(v, (size_t)(stop - v)), &value))
                value = SV("");
        } else {
            while (stop < end && *stop != ' ')
                stop++;
            value = arena_dup(a, sv_make(v, (size_t)(stop - v)));
        }
        while (stop < end && *stop == ' ')
            stop++;
        *rest = sv_trim(
            arena_concat(a, (struct sv[]){{rest->ptr, (size_t)(p - rest->ptr)}, {stop, (size_t)(end - stop)}}, 2));
        return value;
    }
    return SV("");
}

static bool read_options(struct mconn *c, struct sv db, struct sv phys, const struct shape *s, struct cat_table *t,
                         struct diag *d)
{
    struct arena *a = &t->arena, tmp;
    struct sv rest = arena_dup(a, s->options);
    struct mresult r;
    bool ok;

    t->engine = take_option(a, &rest, "ENGINE=");
    t->charset = take_option(a, &rest, "DEFAULT CHARSET=");
    (void)take_option(a, &rest, "COLLATE=");
    t->comment = take_option(a, &rest, "COMMENT=");
    t->row_format = take_option(a, &rest, "ROW_FORMAT=");
    t->options = rest;
    arena_init(&tmp, 0);
    ok = mconn_queryf(c, &tmp, &r, d,
                      "SELECT t.table_collation, (SELECT l.id FROM information_schema.collations l WHERE "
                      "l.collation_name = t.table_collation) "
                      "FROM information_schema.tables t WHERE t.table_schema = %Q AND t.table_name = %Q",
                      &db, &phys);
    if (ok && r.rows) {
        t->collation = arena_dup(a, mresult_cell(&r, 0, 0));
        t->coll_id = (uint16_t)mresult_u64(&r, 0, 1);
    }
    arena_free(&tmp);
    return ok;
}

bool describe_table(struct mconn *c, struct sv db, struct sv phys, int part_no, struct cat_table *t,
                    struct shape *shape, struct diag *d)
{
    struct shape own;

    if (!shape)
        shape = &own;
    if (!describe_shape(c, db, phys, part_no, &t->arena, shape, d) || !read_columns(c, db, phys, t, d) ||
        !read_keys(c, db, phys, shape, t, d) || !read_options(c, db, phys, shape, t, d))
        return false;
    fill_constraints(t, shape);
    return true;
}
