/* What is done with a plan and the values of one execution. The path of a cached point statement: optimizer_route with
 * route.point: one literal parsed, one hash, no memory. */
#include "optimizer/opt-int.h"
#include "router/place.h"
#include "types/coll.h"

/* ---- values ---- */

static bool literal_value(const struct rvalue *v, const struct plan_inputs *in, struct arena *a, struct value *out)
{
    const struct literal_slot *l;
    struct sv text;
    bool no_backslash = in->env && (in->env->sql_mode & MODE_NO_BACKSLASH_ESCAPES);
    uint16_t coll = in->env ? in->env->coll_connection : 45;

    if (NEVER(v->slot >= in->n_literals))
        return false;
    l = &in->literals[v->slot];
    text = sv_make(in->text.ptr + l->begin, l->end - l->begin);
    if (v->binary && l->kind == TK_STRING)
        return value_parse_string(text, no_backslash, TYPE_COLL_BINARY, TYPE_COLL_BINARY, a, out);
    switch (l->kind) {
    case TK_INT:
    case TK_DECIMAL:
    case TK_FLOAT:
        return value_parse_number(text, out);
    case TK_NSTRING:
        text.ptr++;
        text.len--;
        return value_parse_string(text, no_backslash, 45, coll, a, out);
    case TK_STRING:
        /* Statements arrive in utf8mb4. */
        return value_parse_string(text, no_backslash, 45, coll, a, out);
    default:
        if (!value_parse_hex_bin(text, in->env && in->env->flavour == ENV_MARIADB, a, out))
            return false;
        if (v->binary)
            out->code = 0;
        return true;
    }
}

/* The digits behind the point, which the literal's type has. */
static uint8_t fraction_digits(const struct value *v)
{
    const char *p = v->kind == KIND_STR && v->s.len ? memchr(v->s.ptr, '.', v->s.len) : NULL;
    const char *end = v->s.ptr + v->s.len;
    uint8_t n = 0;

    while (p && ++p < end && *p >= '0' && *p <= '9' && n < TYPE_MAX_FSP)
        n++;
    return n;
}

static bool typed_value(const struct rvalue *v, const struct plan_inputs *in, struct arena *a, struct value *out)
{
    struct value s;
    int64_t packed;
    bool ok;

    if (!optimizer_value(v->arg, in, a, &s))
        return false;
    if (v->type == TYPE_DATE)
        ok = value_to_date(&s, in->env, &packed);
    else if (v->type == TYPE_TIME)
        ok = value_to_time(&s, in->env, &packed);
    else
        ok = value_to_datetime(&s, in->env, &packed);
    *out = (struct value){.kind = v->type == TYPE_DATE ? KIND_DATE : v->type == TYPE_TIME ? KIND_TIME : KIND_DATETIME,
        .fsp = v->type == TYPE_DATE ? 0 : fraction_digits(&s), .t = packed};
    return ok;
}

static bool negate(struct value *v)
{
    switch ((enum type_kind)v->kind) {
    case KIND_I64:
        if (v->i == INT64_MIN)
            return false;
        v->i = -v->i;
        return true;
    case KIND_U64:
        if (v->u == (uint64_t)INT64_MAX + 1) {
            *v = value_i64(INT64_MIN);
            return true;
        }
        if (v->u > INT64_MAX) {
            /* Beyond BIGINT: MySQL makes it a decimal. */
            *v = value_dec(dec_from_u64(v->u));
            dec_neg(&v->d);
            return true;
        }
        *v = value_i64(-(int64_t)v->u);
        return true;
    case KIND_F64:
        v->f = -v->f;
        return true;
    case KIND_DEC:
        dec_neg(&v->d);
        return true;
    case KIND_NULL:
        return true;
    case KIND_DATE:
    case KIND_DATETIME:
    case KIND_TIME:
        return false;
    case KIND_STR: {
        double f = value_to_f64(v, NULL);

        *v = value_f64(-f);
        return true;
    }
    }
    return false;
}

static struct value user_value(const struct plan_inputs *in, struct arena *a)
{
    const struct env *e = in->env;
    struct sv parts[3] = {e->user, SV("@"), e->host};

    return value_str(arena_concat(a, parts, 3), e->coll_connection);
}

static void session_value(const struct plan_inputs *in, enum session_value kind, bool global, struct sv name,
    struct arena *a, struct value *out)
{
    const struct env *e = in->env;

    *out = value_null();
    switch (kind) {
    case SESSION_LAST_INSERT_ID:
        *out = value_u64(e->last_insert_id);
        return;
    case SESSION_ROW_COUNT:
        *out = value_i64(e->row_count);
        return;
    case SESSION_FOUND_ROWS:
        *out = value_u64(e->found_rows);
        return;
    case SESSION_CONNECTION_ID:
        *out = value_u64(e->connection_id);
        return;
    case SESSION_USER:
        *out = user_value(in, a);
        return;
    case SESSION_CURRENT_USER:
        if (in->variable)
            in->variable(in->arg, kind, false, SV_NULL, out);
        if (out->kind == KIND_NULL)
            *out = user_value(in, a);
        return;
    case SESSION_DATABASE:
        if (e->db.ptr)
            *out = value_str(e->db, e->coll_connection);
        return;
    case SESSION_USER_VAR:
    case SESSION_SYSTEM_VAR:
        if (in->variable)
            in->variable(in->arg, kind, global, name, out);
        return;
    }
}

bool optimizer_value(const struct rvalue *v, const struct plan_inputs *in, struct arena *a, struct value *out)
{
    switch (v->kind) {
    case RV_CONST:
        if (sv_eq(v->text, SV("NULL"))) {
            *out = value_null();
            return true;
        }
        if (v->text.len && v->text.ptr[0] == '\'')
            return value_parse_string(v->text, false, 45, in->env ? in->env->coll_connection : 45, a, out);
        return value_parse_number(v->text, out);
    case RV_LITERAL:
        return literal_value(v, in, a, out);
    case RV_PARAM:
        if (v->slot >= in->n_params)
            return false;
        *out = in->params[v->slot];
        return true;
    case RV_NEG:
        return optimizer_value(v->arg, in, a, out) && negate(out);
    case RV_SESSION:
        session_value(in, v->value, v->global, v->text, a, out);
        return true;
    case RV_CALL:
        return opt_rcall_value(v->call, in, a, out);
    case RV_TYPED:
        return typed_value(v, in, a, out);
    }
    return false;
}

/* ---- routing ---- */

static enum prune_op op_of(enum route_cmp c)
{
    switch (c) {
    case RCMP_EQ:
        return PRUNE_EQ;
    case RCMP_LT:
        return PRUNE_LT;
    case RCMP_LE:
        return PRUNE_LE;
    case RCMP_GT:
        return PRUNE_GT;
    case RCMP_GE:
        return PRUNE_GE;
    case RCMP_NULLSAFE_EQ:
        break;
    }
    return PRUNE_NULLSAFE_EQ;
}

/* A user variable's collation counts as much as the column's: where their character sets differ it is the variable's by which the
 * shard compares, and rows that are equal by it may be in several partitions. */
static bool compares_otherwise(const struct rvalue *r, const struct value *v, const struct part *p, uint32_t key)
{
    const struct collation *c;

    if (r->kind != RV_SESSION || r->value != SESSION_USER_VAR || v->kind != KIND_STR || p->columns[key].cls != PART_TEXT)
        return false;
    c = coll_by_id(p->columns[key].type.coll);
    return !c || c->charset != CS_UTF8MB4;
}

/* BETWEEN compares by one type: with bounds of two kinds that is not what each comparison by itself would take. */
static bool kinds_differ(const struct value *x, const struct value *y)
{
    bool dates = (x->kind == KIND_DATE || x->kind == KIND_DATETIME) && (y->kind == KIND_DATE || y->kind == KIND_DATETIME);
    bool whole = (x->kind == KIND_I64 || x->kind == KIND_U64 || x->kind == KIND_DEC) &&
        (y->kind == KIND_I64 || y->kind == KIND_U64 || y->kind == KIND_DEC);

    if (value_is_null(x) || value_is_null(y) || dates || whole)
        return false;
    return x->kind != y->kind || (x->kind == KIND_STR && (x->code != y->code || x->coll != y->coll));
}

/* The router's form of a condition with the values of this execution. A value that cannot be read makes it TRUE. */
static struct prune_cond prune_of(const struct part *p, const struct route_cond *c, const struct plan_inputs *in, struct arena *a)
{
    struct prune_cond out = {.kind = PRUNE_TRUE, .col = c->key_col};
    struct value *values;

    switch (c->kind) {
    case RC_TRUE:
        return out;
    case RC_FALSE:
        out.kind = PRUNE_FALSE;
        return out;
    case RC_ISNULL:
        out.kind = PRUNE_IS_NULL;
        return out;
    case RC_AND:
    case RC_OR: {
        struct prune_cond *args = ARENA_NEW_N(a, struct prune_cond, c->n_args);
        const struct prune_cond **ptrs = ARENA_NEW_N(a, const struct prune_cond *, c->n_args);

        for (uint32_t i = 0; i < c->n_args; i++) {
            args[i] = prune_of(p, c->args[i], in, a);
            ptrs[i] = &args[i];
        }
        out.kind = c->kind == RC_AND ? PRUNE_AND : PRUNE_OR;
        out.args = ptrs;
        out.args_n = c->n_args;
        return out;
    }
    case RC_CMP:
    case RC_IN:
        break;
    }
    values = ARENA_NEW_N(a, struct value, c->n_values);
    for (uint32_t i = 0; i < c->n_values; i++)
        if (!optimizer_value(c->values[i], in, a, &values[i]) || compares_otherwise(c->values[i], &values[i], p, c->key_col))
            return out;
    if (c->other) {
        struct value other;

        if (!optimizer_value(c->other, in, a, &other) || kinds_differ(&values[0], &other))
            return out;
    }
    out.kind = c->kind == RC_IN ? PRUNE_IN : PRUNE_CMP;
    out.op = op_of(c->cmp);
    out.values = values;
    out.values_n = c->n_values;
    return out;
}

static bool route_partitions(const struct plan *p, const struct plan_inputs *in, struct arena *a, struct placeset *out)
{
    const struct route *r = &p->route;
    const struct part *part = part_of(r->table);
    struct partset set;
    struct value v;
    uint32_t one;

    if (r->point && optimizer_value(r->point, in, a, &v) && !compares_otherwise(r->point, &v, part, 0) && prune_point(part, &v, in->env, a, &one)) {
        placeset_one(out, one, router_shard_of(r->table, one));
        return true;
    }
    if (r->cond) {
        struct prune_cond c = prune_of(part, r->cond, in, a);

        prune(part, &c, in->env, a, &set);
    } else {
        prune(part, NULL, in->env, a, &set);
    }
    /* Nothing can match: one place still says so, with the right columns and errors. */
    if (partset_count(&set) == 0) {
        placeset_one(out, 0, router_shard_of(r->table, 0));
        return true;
    }
    placeset_of_parts(out, r->table, &set, a);
    return true;
}

/* INSERT: where the (only) row is stored. False: not known before a shard has computed something. */
static bool route_row(const struct plan *p, const struct plan_inputs *in, struct arena *a, uint32_t *partition, struct diag *d)
{
    const struct insert_plan *ip = p->insert;
    const struct part *part = part_of(ip->table);
    struct value *v = ARENA_NEW_N(a, struct value, part->columns_n);
    struct env lenient;

    for (uint32_t k = 0; k < part->columns_n; k++)
        if (!ip->keys[k] || !optimizer_value(ip->keys[k], in, a, &v[k]))
            return diag_set(d, ER_NOT_SUPPORTED_YET, "a value of a partition column that only a shard can compute");
    lenient = in->env ? *in->env : (struct env){0};
    if (ip->ignore) /* stores what a strict server would refuse */
        lenient.sql_mode &= ~(uint64_t)(MODE_STRICT_TRANS_TABLES | MODE_STRICT_ALL_TABLES);
    switch (part_route_row(part, v, &lenient, a, partition, d)) {
    case PART_OK:
        return true;
    case PART_NONE:
        return false;
    case PART_UNSURE:
        break;
    }
    return diag_set(d, ER_NOT_SUPPORTED_YET, "a value of a partition column whose conversion only a shard knows");
}

static bool all_on(const struct placeset *s, uint32_t shard)
{
    for (uint32_t i = 0; i < s->n; i++)
        if (s->items[i].shard_id != shard)
            return false;
    return true;
}

bool optimizer_route(const struct plan *p, const struct plan_inputs *in, const struct cat_snapshot *snap, struct arena *a,
    struct placeset *out, struct diag *d)
{
    const struct route *r = &p->route;
    uint32_t shard;

    if (p->offload && p->offload->only) {
        out->n = 0;
        return true;
    }
    switch (r->kind) {
    case ROUTE_ANY_SHARD:
        if (r->split_only)
            break;
        shard = router_any_shard(snap, in->preferred_shard, in->seed);
        if (!shard)
            return diag_setf(d, ER_UNKNOWN_SHARD, "There is no active shard");
        placeset_one(out, 0, shard);
        return true;
    case ROUTE_ONE_SHARD:
        placeset_one(out, 0, r->shard_id);
        return true;
    case ROUTE_ALL_SHARDS:
        placeset_all_shards(out, snap, a);
        return true;
    case ROUTE_PARTITIONS:
        break;
    }
    if (r->split_only) { /* no place has it all */
        placeset_all_shards(out, snap, a);
        return true;
    }
    if (p->insert && p->insert->n_rows == 1 && p->insert->keys) {
        uint32_t to;

        if (!route_row(p, in, a, &to, d))
            return false;
        /* INSERT ... SELECT: what it reads must be there too. */
        if (r->cond) {
            if (!route_partitions(p, in, a, out))
                return false;
            if (out->n != 1 || out->items[0].partition != to) {
                *d = p->refusal;
                return false;
            }
        }
        placeset_one(out, to, router_shard_of(p->insert->table, to));
        return true;
    }
    if (!route_partitions(p, in, a, out))
        return false;
    if ((r->one_place && out->n > 1) || (r->also_shard && !all_on(out, r->also_shard))) {
        if (p->offload) {
            out->n = 0;
            return true;
        }
        *d = p->refusal;
        return d->code ? false : diag_set(d, ER_NOT_SUPPORTED_YET, "this statement over several places");
    }
    return true;
}

/* ---- text ---- */

/* Printed so that the server reads the same value whatever stands around it. */
static void put_value(const struct value *v, const struct plan_inputs *in, struct strbuf *out)
{
    value_print_sql(v, in->env && (in->env->sql_mode & MODE_NO_BACKSLASH_ESCAPES), out);
}

/* A session value as SQL of the type that the function in its place has: a bare number would be an INT. */
static void put_session_value(enum session_value kind, const struct value *v, const struct plan_inputs *in, struct strbuf *out)
{
    switch (kind) {
    case SESSION_LAST_INSERT_ID:
        strbuf_putc(out, '(');
        put_value(v, in, out);
        strbuf_puts(out, "|0)"); /* BIGINT UNSIGNED */
        return;
    case SESSION_ROW_COUNT:
    case SESSION_FOUND_ROWS:
        strbuf_puts(out, "CAST((");
        put_value(v, in, out);
        strbuf_puts(out, "|0) AS SIGNED)");
        return;
    case SESSION_DATABASE:
        if (!value_is_null(v)) {
            /* The connection is in the session's schema. */
            strbuf_puts(out, "DATABASE()");
            return;
        }
        break;
    case SESSION_USER_VAR:
        /* A literal's collation gives way to a column's; a variable's does not. */
        if (v->kind == KIND_STR) {
            strbuf_puts(out, "CAST(");
            put_value(v, in, out);
            strbuf_puts(out, v->coll == TYPE_COLL_BINARY ? " AS BINARY)" : " AS CHAR)");
            return;
        }
        break;
    case SESSION_CONNECTION_ID:
    case SESSION_USER:
    case SESSION_CURRENT_USER:
    case SESSION_SYSTEM_VAR:
        break;
    }
    put_value(v, in, out);
}

static void put_phys(const struct cat_table *t, uint32_t place, struct strbuf *out)
{
    uint32_t i = optcat_part_at(t, place);

    /* EXPLAIN shows rows whose place is not known yet with the logical name. */
    strbuf_put_ident(out, t->kind != CAT_BROADCAST && i >= t->parts_n ? t->name : cat_phys_name(t, i));
}

void optimizer_splice(const struct plan *p, const struct plan_inputs *in, uint32_t place, uint64_t auto_value,
    struct strbuf *out)
{
    optimizer_splice_part(p, in, place, auto_value, 0, (uint32_t)in->text.len, out);
}

void optimizer_splice_part(const struct plan *p, const struct plan_inputs *in, uint32_t place, uint64_t auto_value, uint32_t from,
    uint32_t to, struct strbuf *out)
{

    for (uint32_t i = 0; i < p->n_edits; i++) {
        const struct edit *e = &p->edits[i];
        bool insertion = e->tok_begin == e->tok_end;
        uint32_t begin, end;
        struct value v;

        if (NEVER(e->tok_end > in->n_tokens))
            return;
        /* An insertion stands right behind the token in front of it. */
        begin = insertion && e->tok_begin ? in->tokens[e->tok_begin - 1].end : in->tokens[e->tok_begin].begin;
        end = insertion ? begin : in->tokens[e->tok_end - 1].end;
        if (begin < from || end > to)
            continue;
        strbuf_put(out, in->text.ptr + from, begin - from);
        strbuf_putsv(out, e->prefix);
        switch (e->kind) {
        case EDIT_TEXT:
            break;
        case EDIT_TABLE:
            put_phys(e->table, place, out);
            break;
        case EDIT_SESSION_VALUE:
            session_value(in, e->value, e->global, e->name, out->arena, &v);
            put_session_value(e->value, &v, in, out);
            break;
        case EDIT_AUTO_INCREMENT:
            strbuf_put_u64(out, auto_value);
            break;
        }
        strbuf_putsv(out, e->suffix);
        from = end;
    }
    strbuf_put(out, in->text.ptr + from, to - from);
}

static void put_limit_sum(const struct limit_spec *l, const struct plan_inputs *in, struct strbuf *out)
{
    uint64_t offset, count, sum;
    struct diag d = {0};

    /* A LIMIT that is no number is reported where the rows are counted; here it only must not cut anything off. */
    if (!l || !optimizer_limit(l, in, &offset, &count, &d) || __builtin_add_overflow(offset, count, &sum))
        sum = UINT64_MAX;
    strbuf_put_u64(out, sum);
}

void optimizer_render(const struct sql_template *t, const struct plan_inputs *in, const struct limit_spec *limit,
    uint32_t place, struct arena *a, struct strbuf *out)
{
    for (size_t i = 0; i < t->n_pieces; i++) {
        const struct piece *p = &t->pieces[i];
        struct value v;

        switch (p->kind) {
        case PIECE_TEXT:
            strbuf_putsv(out, p->text);
            break;
        case PIECE_TABLE:
            put_phys(p->table, place, out);
            break;
        case PIECE_LITERAL:
            if (!NEVER(p->slot >= in->n_literals))
                strbuf_put(out, in->text.ptr + in->literals[p->slot].begin,
                    in->literals[p->slot].end - in->literals[p->slot].begin);
            break;
        case PIECE_PARAM:
            if (p->slot < in->n_params)
                put_value(&in->params[p->slot], in, out);
            else
                strbuf_puts(out, "NULL");
            break;
        case PIECE_SESSION_VALUE:
            session_value(in, p->value, p->global, p->name, a, &v);
            put_session_value(p->value, &v, in, out);
            break;
        case PIECE_PLACE:
            strbuf_put_u64(out, place);
            break;
        case PIECE_LIMIT_SUM:
            put_limit_sum(limit, in, out);
            break;
        }
    }
}

static bool limit_number(const struct rvalue *v, const struct plan_inputs *in, uint64_t *out, struct diag *d)
{
    struct arena a;
    struct value x;
    bool ok;

    arena_init(&a, 0);
    ok = optimizer_value(v, in, &a, &x);
    if (ok && x.kind == KIND_I64 && x.i >= 0)
        *out = (uint64_t)x.i;
    else if (ok && x.kind == KIND_U64)
        *out = x.u;
    else
        ok = false;
    arena_free(&a);
    return ok || diag_setf(d, ER_WRONG_ARGUMENTS, "Incorrect arguments to LIMIT");
}

bool optimizer_limit(const struct limit_spec *l, const struct plan_inputs *in, uint64_t *offset, uint64_t *count,
    struct diag *d)
{
    *offset = 0;
    *count = UINT64_MAX;
    return (!l->offset || limit_number(l->offset, in, offset, d)) && (!l->count || limit_number(l->count, in, count, d));
}

bool optimizer_move_is_local(const struct plan *p, const struct plan_inputs *in, const struct placeset *places,
    struct arena *a)
{
    const struct move_plan *m = p->move;
    const struct part *part;
    struct value *values;
    uint32_t to;

    if (!m || !m->new_keys || places->n != 1)
        return false;
    part = part_of(m->table);
    values = ARENA_NEW_N(a, struct value, part->columns_n);
    for (uint32_t i = 0; i < part->columns_n; i++)
        if (!m->new_keys[i] || !optimizer_value(m->new_keys[i], in, a, &values[i]))
            return false;
    return part_route_row(part, values, in->env, a, &to, NULL) == PART_OK && to == places->items[0].partition;
}
