/* Compilation and running of expression programs.
 *
 * A program is a list of instructions over registers; a register is a vector. The first registers are the input's columns
 * (set anew by each run), then constants, then one vector for each result of an instruction. Instructions work on the rows
 * of the selection on top of a small stack; conditional forms push narrower selections, so that arms run only for their
 * rows, and jump over an arm that no row needs:
 *
 *   AND, OR      TRUTH r; for each further argument { PUSH_UNDECIDED r, end; argument; COMBINE r; POP }
 *   CASE, IF     PUSH_ALL; for each arm { condition; PUSH_TRUE; value; STORE r; POP; NARROW_NOT_TRUE }; else; STORE r; POP
 *   COALESCE     PUSH_ALL; for each argument { argument; STORE r; NARROW_NULL }; POP
 *
 * Subtrees without columns are folded when the program is compiled, unless that fails or warns: then they run for the rows
 * that ask for them. Texts of results live in an arena that the next run resets. */
#include "executor/vm.h"

#include "types/func.h"

enum { VM_MAX_DEPTH = 400 };

enum vm_op {
    VM_CALL,
    VM_TRUTH,           /* dst = truth of src */
    VM_COMBINE_AND,     /* dst = dst AND src */
    VM_COMBINE_OR,
    VM_PUSH_ALL,        /* copy of the current selection */
    VM_PUSH_NOT_FALSE,  /* rows in which src is not false */
    VM_PUSH_NOT_TRUE,
    VM_PUSH_TRUE,
    VM_NARROW_NOT_TRUE, /* the top keeps rows in which src is not true */
    VM_NARROW_NULL,     /* ... src is NULL */
    VM_STORE,           /* dst = src converted, for the current rows */
    VM_STORE_NULL,
    VM_POP
};

struct vm_instr {
    uint8_t op;
    uint32_t dst, src;
    uint32_t jump;   /* PUSH_*, NARROW_*: where to go on when no row is left (at the matching POP) */
    uint32_t n_args; /* CALL */
    uint32_t *args;
    const struct func_call *call; /* CALL; STORE: conversion */
    const struct sql_type *from;  /* STORE: type of src */
};

struct vm {
    struct arena *arena;
    struct arena text; /* results' texts: reset by each run */
    const struct env *env;
    uint32_t n_cols, batch_rows;
    struct vec **regs;
    struct func_arg *reg_args;
    uint32_t n_regs, cap_regs;
    struct vm_instr *code;
    uint32_t n_code, cap_code;
    uint32_t *results;
    uint32_t n_results;
    /* Stack of selections, each with room for a batch. */
    struct sel *stack;
    uint32_t **stack_rows;
    uint32_t depth, max_depth;
    const struct vec **arg_vecs;
    uint32_t max_args;
};

struct compiler {
    struct vm *p;
    const struct value *params;
    uint32_t n_params;
    uint32_t depth; /* of selections */
    uint32_t nesting;
    struct diag *d;
};

/* ---- building ---- */

static uint32_t new_reg(struct vm *p, struct vec *v, struct func_arg arg)
{
    if (p->n_regs == p->cap_regs) {
        uint32_t cap = p->cap_regs ? p->cap_regs * 2 : 32;
        struct vec **regs = ARENA_NEW_N(p->arena, struct vec *, cap);
        struct func_arg *args = ARENA_NEW_N(p->arena, struct func_arg, cap);

        if (p->n_regs) {
            memcpy(regs, p->regs, p->n_regs * sizeof(*regs));
            memcpy(args, p->reg_args, p->n_regs * sizeof(*args));
        }
        p->regs = regs;
        p->reg_args = args;
        p->cap_regs = cap;
    }
    p->regs[p->n_regs] = v;
    p->reg_args[p->n_regs] = arg;
    return p->n_regs++;
}

static struct vm_instr *emit(struct vm *p, enum vm_op op, uint32_t dst, uint32_t src)
{
    if (p->n_code == p->cap_code) {
        uint32_t cap = p->cap_code ? p->cap_code * 2 : 32;
        struct vm_instr *code = ARENA_NEW_N(p->arena, struct vm_instr, cap);

        if (p->n_code)
            memcpy(code, p->code, p->n_code * sizeof(*code));
        p->code = code;
        p->cap_code = cap;
    }
    p->code[p->n_code] = (struct vm_instr){.op = (uint8_t)op, .dst = dst, .src = src};
    return &p->code[p->n_code++];
}

static uint32_t result_reg(struct vm *p, const struct func_call *c)
{
    struct vec *v = vec_new_kind(p->arena, &c->type, (enum vec_kind)c->vec_kind, c->vec_scale, p->batch_rows, &p->text);

    return new_reg(p, v, (struct func_arg){c->type, NULL, type_kind_of(&c->type) == KIND_DEC ? c->vec_scale : FUNC_SCALE_OF_TYPE});
}

static uint32_t const_reg(struct vm *p, const struct value *v, const struct sql_type *t)
{
    struct value *copy = ARENA_NEW(p->arena, struct value);
    struct vec *vec;
    struct func_arg arg;

    *copy = value_dup(v, p->arena);
    vec = vec_new_const(p->arena, t, copy);
    arg = (struct func_arg){*t, copy, type_kind_of(t) == KIND_DEC ? vec->scale : FUNC_SCALE_OF_TYPE};
    return new_reg(p, vec, arg);
}

/* The type of a folded value: what the expression was bound to, if the value is of that kind. */
static struct sql_type folded_type(const struct value *v, const struct sql_type *bound)
{
    if (v->kind == KIND_NULL || (enum type_kind)v->kind == type_kind_of(bound))
        return *bound;
    return value_type(v);
}

static bool try_fold(struct compiler *k, const struct bexpr *x, uint32_t *reg)
{
    struct warn_sink sink;
    struct arena tmp;
    struct diag d = {0};
    struct env e = *k->p->env;
    struct func_ctx cx = {.env = &e, .arena = &tmp, .diag = &d, .exact = true};
    struct value v;
    struct sql_type t;
    bool ok;

    arena_init(&tmp, 0);
    warn_sink_init(&sink, &tmp, 1);
    e.warnings = &sink;
    ok = bexpr_eval(x, NULL, k->params, &cx, &v) && sink.total == 0;
    if (ok) {
        t = folded_type(&v, &x->type);
        *reg = const_reg(k->p, &v, &t);
    }
    arena_free(&tmp);
    return ok;
}

static bool params_known(const struct compiler *k, const struct bexpr *x)
{
    if (x->kind == BEXPR_PARAM)
        return x->ordinal < k->n_params;
    for (uint32_t i = 0; x->kind == BEXPR_CALL && i < x->n_args; i++) {
        if (!params_known(k, x->args[i]))
            return false;
    }
    return true;
}

static bool compile(struct compiler *k, const struct bexpr *x, uint32_t *reg);

static bool bind(struct compiler *k, const struct bexpr *x, const uint32_t *regs, struct func_call **out)
{
    struct vm *p = k->p;
    struct func_bind_opts opts = {(enum temporal_unit)x->unit, &x->target};
    struct func_arg *fa = ARENA_NEW_N(p->arena, struct func_arg, x->n_args + 1);
    struct func_call *c = ARENA_NEW(p->arena, struct func_call);

    for (uint32_t i = 0; i < x->n_args; i++)
        fa[i] = p->reg_args[regs[i]];
    *out = c;
    if (!func_is_exact(x->func, fa, x->n_args, opts.unit, k->d))
        return false;
    if (func_id_of(x->func) == FUNC_CAST && type_is_temporal(&x->target) && type_is_numeric(&fa[0].type))
        return diag_set(k->d, ER_NOT_SUPPORTED_YET, "CAST of a number to a date or time above the shards");
    if (func_bind(x->func, fa, x->n_args, &opts, p->env, p->arena, c, k->d))
        return true;
    /* The shards have taken the statement: its collations do go together, by finer rules. */
    if (k->d->code == ER_CANT_AGGREGATE_2COLLATIONS) {
        *k->d = (struct diag){0};
        diag_set(k->d, ER_NOT_SUPPORTED_YET, "a function over texts of several collations above the shards");
    }
    return false;
}

static bool compile_call(struct compiler *k, const struct bexpr *x, uint32_t *reg)
{
    struct vm *p = k->p;
    uint32_t *regs = ARENA_NEW_N(p->arena, uint32_t, x->n_args + 1);
    struct func_call *c;
    struct vm_instr *in;

    for (uint32_t i = 0; i < x->n_args; i++) {
        if (!compile(k, x->args[i], &regs[i]))
            return false;
    }
    if (!bind(k, x, regs, &c))
        return false;
    *reg = result_reg(p, c);
    in = emit(p, VM_CALL, *reg, 0);
    in->n_args = x->n_args;
    in->args = regs;
    in->call = c;
    p->max_args = MAX(p->max_args, x->n_args);
    return true;
}

static void push(struct compiler *k)
{
    k->depth++;
    k->p->max_depth = MAX(k->p->max_depth, k->depth);
}

static uint32_t bool_reg(struct vm *p)
{
    struct func_call c = {.type = type_bool(), .vec_kind = VEC_I64};

    return result_reg(p, &c);
}

static bool compile_and(struct compiler *k, const struct bexpr *x, uint32_t *reg)
{
    struct vm *p = k->p;
    bool is_or = func_id_of(x->func) == FUNC_OR;
    uint32_t arg, dst = bool_reg(p), at;

    if (!compile(k, x->args[0], &arg) || !func_is_exact(x->func, &p->reg_args[arg], 1, UNIT_SECOND, k->d))
        return false;
    emit(p, VM_TRUTH, dst, arg);
    for (uint32_t i = 1; i < x->n_args; i++) {
        at = p->n_code;
        emit(p, is_or ? VM_PUSH_NOT_TRUE : VM_PUSH_NOT_FALSE, 0, dst);
        push(k);
        if (!compile(k, x->args[i], &arg) || !func_is_exact(x->func, &p->reg_args[arg], 1, UNIT_SECOND, k->d))
            return false;
        emit(p, is_or ? VM_COMBINE_OR : VM_COMBINE_AND, dst, arg);
        p->code[at].jump = p->n_code;
        emit(p, VM_POP, 0, 0);
        k->depth--;
    }
    *reg = dst;
    return true;
}

/* STOREs are bound last, when all arms' types are known: they are listed meanwhile. */
struct stores {
    uint32_t *at;  /* instruction */
    uint32_t *arg; /* argument number */
    uint32_t n;
};

static bool compile_arm(struct compiler *k, const struct bexpr *x, uint32_t i, uint32_t *regs, struct stores *s)
{
    if (!compile(k, x->args[i], &regs[i]))
        return false;
    s->at[s->n] = k->p->n_code;
    s->arg[s->n++] = i;
    emit(k->p, VM_STORE, 0, regs[i]);
    return true;
}

static bool finish_stores(struct compiler *k, const struct bexpr *x, const uint32_t *regs, const struct stores *s, uint32_t null_at,
    uint32_t *reg)
{
    struct vm *p = k->p;
    struct func_call *c;

    if (!bind(k, x, regs, &c))
        return false;
    *reg = result_reg(p, c);
    for (uint32_t i = 0; i < s->n; i++) {
        struct vm_instr *in = &p->code[s->at[i]];

        in->dst = *reg;
        in->call = c;
        in->from = &c->args[s->arg[i]].type;
    }
    if (null_at != UINT32_MAX)
        p->code[null_at].dst = *reg;
    return true;
}

static struct stores new_stores(struct vm *p, uint32_t n)
{
    return (struct stores){ARENA_NEW_N(p->arena, uint32_t, n), ARENA_NEW_N(p->arena, uint32_t, n), 0};
}

static bool compile_case(struct compiler *k, const struct bexpr *x, uint32_t *reg)
{
    struct vm *p = k->p;
    uint32_t *regs = ARENA_NEW_N(p->arena, uint32_t, x->n_args + 1), *narrow = ARENA_NEW_N(p->arena, uint32_t, x->n_args + 1);
    struct stores s = new_stores(p, x->n_args + 1);
    uint32_t i, n_narrow = 0, at, null_at = UINT32_MAX;

    emit(p, VM_PUSH_ALL, 0, 0);
    push(k);
    for (i = 0; i + 1 < x->n_args; i += 2) {
        if (!compile(k, x->args[i], &regs[i]))
            return false;
        at = p->n_code;
        emit(p, VM_PUSH_TRUE, 0, regs[i]);
        push(k);
        if (!compile_arm(k, x, i + 1, regs, &s))
            return false;
        p->code[at].jump = p->n_code;
        emit(p, VM_POP, 0, 0);
        k->depth--;
        narrow[n_narrow++] = p->n_code;
        emit(p, VM_NARROW_NOT_TRUE, 0, regs[i]);
    }
    if (i < x->n_args) {
        if (!compile_arm(k, x, i, regs, &s))
            return false;
    } else {
        null_at = p->n_code;
        emit(p, VM_STORE_NULL, 0, 0);
    }
    for (uint32_t n = 0; n < n_narrow; n++)
        p->code[narrow[n]].jump = p->n_code;
    emit(p, VM_POP, 0, 0);
    k->depth--;
    return finish_stores(k, x, regs, &s, null_at, reg);
}

static bool compile_coalesce(struct compiler *k, const struct bexpr *x, uint32_t *reg)
{
    struct vm *p = k->p;
    uint32_t *regs = ARENA_NEW_N(p->arena, uint32_t, x->n_args + 1), *narrow = ARENA_NEW_N(p->arena, uint32_t, x->n_args + 1);
    struct stores s = new_stores(p, x->n_args + 1);

    emit(p, VM_PUSH_ALL, 0, 0);
    push(k);
    for (uint32_t i = 0; i < x->n_args; i++) {
        if (!compile_arm(k, x, i, regs, &s))
            return false;
        narrow[i] = p->n_code;
        emit(p, VM_NARROW_NULL, 0, regs[i]);
    }
    for (uint32_t i = 0; i < x->n_args; i++)
        p->code[narrow[i]].jump = p->n_code;
    emit(p, VM_POP, 0, 0);
    k->depth--;
    return finish_stores(k, x, regs, &s, UINT32_MAX, reg);
}

static bool compile_node(struct compiler *k, const struct bexpr *x, uint32_t *reg)
{
    struct sql_type t;

    switch ((enum bexpr_kind)x->kind) {
    case BEXPR_CONST:
        t = folded_type(&x->value, &x->type);
        *reg = const_reg(k->p, &x->value, &t);
        return true;
    case BEXPR_PARAM:
        if (x->ordinal >= k->n_params)
            return diag_set(k->d, ER_INTERNAL, "an expression names a parameter that was not given");
        t = folded_type(&k->params[x->ordinal], &x->type);
        *reg = const_reg(k->p, &k->params[x->ordinal], &t);
        return true;
    case BEXPR_COLUMN:
        if (x->ordinal >= k->p->n_cols)
            return diag_set(k->d, ER_INTERNAL, "an expression names a column that its input lacks");
        *reg = x->ordinal;
        return true;
    case BEXPR_AGG:
        return diag_set(k->d, ER_INTERNAL, "an aggregate outside an aggregation");
    case BEXPR_CALL:
        break;
    }
    if (x->is_const && params_known(k, x) && try_fold(k, x, reg))
        return true;
    switch (func_id_of(x->func)) {
    case FUNC_AND:
    case FUNC_OR:
        return compile_and(k, x, reg);
    case FUNC_CASE:
    case FUNC_IF:
        return compile_case(k, x, reg);
    case FUNC_COALESCE:
    case FUNC_IFNULL:
        return compile_coalesce(k, x, reg);
    default:
        return compile_call(k, x, reg);
    }
}

static bool compile(struct compiler *k, const struct bexpr *x, uint32_t *reg)
{
    bool ok;

    if (++k->nesting > VM_MAX_DEPTH)
        return diag_set(k->d, ER_INTERNAL, "an expression is nested too deeply");
    ok = compile_node(k, x, reg);
    k->nesting--;
    return ok;
}

struct vm *vm_compile(const struct bexpr *const *exprs, uint32_t n, const struct func_arg *cols, uint32_t n_cols,
    const struct value *params, uint32_t n_params, const struct env *e, struct arena *a, uint32_t batch_rows, struct diag *d)
{
    struct vm *p = ARENA_NEW(a, struct vm);
    struct compiler k = {.p = p, .params = params, .n_params = n_params, .d = d};

    p->arena = a;
    arena_init(&p->text, 0);
    p->env = e;
    p->batch_rows = batch_rows ? batch_rows : VEC_ROWS_DEFAULT;
    p->n_cols = n_cols;
    p->results = ARENA_NEW_N(a, uint32_t, n + 1);
    p->n_results = n;
    for (uint32_t i = 0; i < n_cols; i++) {
        struct func_arg arg = cols[i];

        arg.constant = NULL;
        new_reg(p, NULL, arg);
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!compile(&k, exprs[i], &p->results[i]))
            return NULL;
    }
    p->stack = ARENA_NEW_N(a, struct sel, p->max_depth + 1);
    p->stack_rows = ARENA_NEW_N(a, uint32_t *, p->max_depth + 1);
    for (uint32_t i = 1; i <= p->max_depth; i++)
        p->stack_rows[i] = ARENA_NEW_N(a, uint32_t, p->batch_rows);
    p->arg_vecs = ARENA_NEW_N(a, const struct vec *, p->max_args + 1);
    return p;
}

void vm_free(struct vm *p)
{
    if (p)
        arena_free(&p->text);
}

struct func_arg vm_result(const struct vm *p, uint32_t i)
{
    return p->reg_args[p->results[i]];
}

const struct sql_type *vm_type(const struct vm *p, uint32_t i)
{
    return &p->reg_args[p->results[i]].type;
}

size_t vm_bytes(const struct vm *p)
{
    size_t n = p->text.used_bytes;

    for (uint32_t i = p->n_cols; i < p->n_regs; i++)
        n += p->regs[i]->cap * vec_width((enum vec_kind)p->regs[i]->kind);
    return n;
}

/* ---- running ---- */

/* -1 NULL, 0, 1. */
static int truth(struct vm *p, const struct vec *v, uint32_t row)
{
    struct value x;

    row = vec_row(v, row);
    if (!vec_is_valid(v, row))
        return -1;
    if (v->kind == VEC_I64 || v->kind == VEC_U64)
        return v->u64[row] != 0;
    vec_get(v, row, &x);
    return value_truth(&x, p->env);
}

static void set_truth(struct vec *v, uint32_t row, int t)
{
    if (t < 0) {
        vec_set_null(v, row);
        return;
    }
    v->i64[row] = t;
    vec_set_valid(v, row);
}

static void combine(struct vm *p, struct vec *dst, const struct vec *src, const struct sel *sel, bool is_or)
{
    for (uint32_t k = 0; k < sel->n; k++) {
        uint32_t row = SEL_ROW(sel, k);
        int a = truth(p, dst, row), b = truth(p, src, row);

        if (is_or)
            set_truth(dst, row, a == 1 || b == 1 ? 1 : a < 0 || b < 0 ? -1 : 0);
        else
            set_truth(dst, row, a == 0 || b == 0 ? 0 : a < 0 || b < 0 ? -1 : 1);
    }
}

static bool keeps(struct vm *p, enum vm_op op, const struct vec *v, uint32_t row)
{
    switch (op) {
    case VM_PUSH_TRUE:
        return truth(p, v, row) == 1;
    case VM_PUSH_NOT_TRUE:
    case VM_NARROW_NOT_TRUE:
        return truth(p, v, row) != 1;
    case VM_PUSH_NOT_FALSE:
        return truth(p, v, row) != 0;
    case VM_NARROW_NULL:
        return !vec_is_valid(v, row);
    case VM_CALL:
    case VM_TRUTH:
    case VM_COMBINE_AND:
    case VM_COMBINE_OR:
    case VM_PUSH_ALL:
    case VM_STORE:
    case VM_STORE_NULL:
    case VM_POP:
        break;
    }
    return true;
}

/* The rows of `from` that op keeps, into stack place `to`. */
static uint32_t select_rows(struct vm *p, enum vm_op op, const struct vec *v, const struct sel *from, uint32_t to)
{
    uint32_t n = 0, *rows = p->stack_rows[to];

    for (uint32_t k = 0; k < from->n; k++) {
        uint32_t row = SEL_ROW(from, k);

        if (keeps(p, op, v, row))
            rows[n++] = row;
    }
    p->stack[to] = (struct sel){rows, n};
    return n;
}

static bool store(struct vm *p, struct func_ctx *cx, const struct vm_instr *in, const struct sel *sel)
{
    struct vec *dst = p->regs[in->dst];
    const struct vec *src = p->regs[in->src];
    bool same = dst->kind == src->kind && dst->scale == src->scale;

    for (uint32_t k = 0; k < sel->n; k++) {
        uint32_t row = SEL_ROW(sel, k), srow = vec_row(src, row);
        struct value x, y;

        if (!vec_is_valid(src, srow)) {
            vec_set_null(dst, row);
        } else if (same && dst->kind == VEC_STR) {
            dst->str[row] = src->str[srow];
            vec_set_valid(dst, row);
        } else if (same) {
            if (!vec_copy(dst, row, src, srow))
                return diag_set(cx->diag, ER_INTERNAL, "copy of a cell");
        } else {
            vec_get(src, srow, &x);
            if (!func_to_result(cx, in->call, &x, in->from, &y))
                return false;
            if (!vec_put(dst, row, &y))
                return diag_set(cx->diag, ER_DATA_OUT_OF_RANGE, "DECIMAL", func_name(in->call->f));
        }
    }
    return true;
}

static bool step(struct vm *p, struct func_ctx *cx, uint32_t *pc)
{
    const struct vm_instr *in = &p->code[*pc];
    const struct sel *sel = &p->stack[p->depth];
    enum vm_op op = (enum vm_op)in->op;

    ++*pc;
    switch (op) {
    case VM_CALL:
        for (uint32_t i = 0; i < in->n_args; i++)
            p->arg_vecs[i] = p->regs[in->args[i]];
        return func_eval(cx, in->call, p->arg_vecs, sel, p->regs[in->dst]);
    case VM_TRUTH:
        for (uint32_t k = 0; k < sel->n; k++)
            set_truth(p->regs[in->dst], SEL_ROW(sel, k), truth(p, p->regs[in->src], SEL_ROW(sel, k)));
        return true;
    case VM_COMBINE_AND:
    case VM_COMBINE_OR:
        combine(p, p->regs[in->dst], p->regs[in->src], sel, op == VM_COMBINE_OR);
        return true;
    case VM_PUSH_ALL:
        (void)select_rows(p, op, NULL, sel, p->depth + 1);
        p->depth++;
        return true;
    case VM_PUSH_TRUE:
    case VM_PUSH_NOT_TRUE:
    case VM_PUSH_NOT_FALSE:
        if (select_rows(p, op, p->regs[in->src], sel, p->depth + 1) == 0)
            *pc = in->jump;
        p->depth++;
        return true;
    case VM_NARROW_NOT_TRUE:
    case VM_NARROW_NULL: /* in place: rows only move towards the front */
        if (select_rows(p, op, p->regs[in->src], sel, p->depth) == 0)
            *pc = in->jump;
        return true;
    case VM_STORE:
        return store(p, cx, in, sel);
    case VM_STORE_NULL:
        for (uint32_t k = 0; k < sel->n; k++)
            vec_set_null(p->regs[in->dst], SEL_ROW(sel, k));
        return true;
    case VM_POP:
        p->depth--;
        return true;
    }
    return true;
}

bool vm_run(struct vm *p, const struct batch *b, struct vec **out, struct diag *d)
{
    struct func_ctx cx = {p->env, &p->text, d, true};
    uint32_t pc = 0;

    CHECK(b->n_rows <= p->batch_rows && b->n_cols >= p->n_cols);
    arena_reset(&p->text);
    for (uint32_t i = 0; i < p->n_cols; i++)
        p->regs[i] = b->cols[i];
    p->depth = 0;
    p->stack[0] = batch_sel(b);
    while (pc < p->n_code) {
        if (!step(p, &cx, &pc))
            return false;
    }
    for (uint32_t i = 0; i < p->n_results; i++)
        out[i] = p->regs[p->results[i]];
    return true;
}

bool vm_filter(struct vm *p, const struct batch *b, uint32_t *rows, uint32_t *n, struct diag *d)
{
    struct sel sel = batch_sel(b);
    struct vec *first;

    *n = 0;
    ASSERT(p->n_results == 1);
    if (!vm_run(p, b, &first, d))
        return false;
    for (uint32_t k = 0; k < sel.n; k++) {
        uint32_t row = SEL_ROW(&sel, k);

        if (truth(p, first, row) == 1)
            rows[(*n)++] = row;
    }
    return true;
}
