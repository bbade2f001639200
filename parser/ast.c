/* AST services, all driven by one array of field descriptors made from ast.def: walker, equality, copy and dump know
 * no node kind by name, so a new node needs its row in ast.def, its parser and its deparser, and nothing here. */
#include "parser/ast.h"

enum field_type { T_NODE, T_LIST, T_ID, T_IDS, T_TEXT, T_ENUM, T_BOOL, T_INT, T_RAW, T_POS };

struct field {
    uint8_t type;
    uint16_t offset;
    const char *name;
};

struct kind_desc {
    const char *name;
    uint16_t size;
    uint16_t nfields;
    const struct field *fields;
};

#define AST_BEGIN(K, tag) static const struct field fields_##tag[] = {
#define AST_END(tag)                                                                                                   \
    { 0, 0, NULL }                                                                                                     \
    }                                                                                                                  \
    ;
#define FIELD(t, tag, f) {t, offsetof(struct ast_##tag, f), #f},
#define F_NODE(tag, f) FIELD(T_NODE, tag, f)
#define F_LIST(tag, f) FIELD(T_LIST, tag, f)
#define F_ID(tag, f) FIELD(T_ID, tag, f)
#define F_IDS(tag, f) FIELD(T_IDS, tag, f)
#define F_TEXT(tag, f) FIELD(T_TEXT, tag, f)
#define F_ENUM(tag, f, e) FIELD(T_ENUM, tag, f)
#define F_BOOL(tag, f) FIELD(T_BOOL, tag, f)
#define F_INT(tag, f) FIELD(T_INT, tag, f)
#define F_RAW(tag, f) FIELD(T_RAW, tag, f)
#define F_POS(tag, f) FIELD(T_POS, tag, f)
#include "parser/ast.def"
#undef AST_BEGIN
#undef AST_END
#undef F_NODE
#undef F_LIST
#undef F_ID
#undef F_IDS
#undef F_TEXT
#undef F_ENUM
#undef F_BOOL
#undef F_INT
#undef F_RAW
#undef F_POS

static const struct kind_desc kinds[AST_KIND_COUNT] = {
    {"NONE", 0, 0, NULL},
#define AST_BEGIN(K, tag) {#K, sizeof(struct ast_##tag), ARRAY_LEN(fields_##tag) - 1, fields_##tag},
#define AST_END(tag)
#define F_NODE(tag, f)
#define F_LIST(tag, f)
#define F_ID(tag, f)
#define F_IDS(tag, f)
#define F_TEXT(tag, f)
#define F_ENUM(tag, f, e)
#define F_BOOL(tag, f)
#define F_INT(tag, f)
#define F_RAW(tag, f)
#define F_POS(tag, f)
#include "parser/ast.def"
};

/* The fields that all queries share must lie where struct ast_query has them. */
#define QUERY_CHECK(tag)                                                                                               \
    _Static_assert(offsetof(struct ast_##tag, with) == offsetof(struct ast_query, with) &&                             \
                       offsetof(struct ast_##tag, locks) == offsetof(struct ast_query, locks),                         \
                   "query head of " #tag)
QUERY_CHECK(select);
QUERY_CHECK(values);
QUERY_CHECK(table_query);
QUERY_CHECK(setop);
QUERY_CHECK(parenq);
_Static_assert(sizeof(enum ast_op) == 4, "enums are compared as 32-bit integers");

struct ast_node *ast_new(struct arena *a, enum ast_kind kind)
{
    struct ast_node *n = arena_alloc(a, kinds[kind].size);

    memset(n, 0, kinds[kind].size);
    n->kind = (uint16_t)kind;
    return n;
}

static uint32_t grown(uint32_t cap)
{
    CHECK(cap < UINT32_MAX / 2);
    return cap ? cap * 2 : 4;
}

void ast_list_add(struct arena *a, struct ast_list *l, struct ast_node *n)
{
    if (l->n == l->cap) {
        uint32_t cap = grown(l->cap);
        struct ast_node **items = arena_alloc(a, cap * sizeof(struct ast_node *));

        if (l->n)
            memcpy(items, l->items, l->n * sizeof(struct ast_node *));
        l->items = items;
        l->cap = cap;
    }
    l->items[l->n++] = n;
}

void ast_idents_add(struct arena *a, struct ast_idents *l, struct ast_ident id)
{
    if (l->n == l->cap) {
        uint32_t cap = grown(l->cap);
        struct ast_ident *items = arena_alloc(a, cap * sizeof *items);

        if (l->n)
            memcpy(items, l->items, l->n * sizeof *items);
        l->items = items;
        l->cap = cap;
    }
    l->items[l->n++] = id;
}

static inline void *field_at(struct ast_node *n, const struct field *f)
{
    return (char *)n + f->offset;
}

static inline const void *field_of(const struct ast_node *n, const struct field *f)
{
    return (const char *)n + f->offset;
}

bool ast_walk(struct ast_node **root, ast_visit_fn pre, ast_visit_fn post, void *arg)
{
    const struct kind_desc *k;

    if (!*root)
        return true;
    switch (pre ? pre(root, arg) : AST_CONTINUE) {
    case AST_ABORT:
        return false;
    case AST_PRUNE:
        return true;
    case AST_CONTINUE:
        break;
    }
    if (!*root)
        return true;
    k = &kinds[(*root)->kind];
    for (unsigned i = 0; i < k->nfields; i++) {
        const struct field *f = &k->fields[i];

        if (f->type == T_NODE) {
            if (!ast_walk(field_at(*root, f), pre, post, arg))
                return false;
        } else if (f->type == T_LIST) {
            struct ast_list *l = field_at(*root, f);

            for (uint32_t j = 0; j < l->n; j++) {
                if (!ast_walk(&l->items[j], pre, post, arg))
                    return false;
            }
        }
    }
    return !post || post(root, arg) != AST_ABORT;
}

static bool lists_equal(const struct ast_list *a, const struct ast_list *b)
{
    if (a->n != b->n)
        return false;
    for (uint32_t i = 0; i < a->n; i++) {
        if (!ast_equal(a->items[i], b->items[i]))
            return false;
    }
    return true;
}

static bool texts_equal(struct sv a, struct sv b)
{
    return (a.ptr == NULL) == (b.ptr == NULL) && sv_eq(a, b);
}

static bool idents_equal(const struct ast_idents *a, const struct ast_idents *b)
{
    if (a->n != b->n)
        return false;
    for (uint32_t i = 0; i < a->n; i++) {
        if (!texts_equal(a->items[i].name, b->items[i].name))
            return false;
    }
    return true;
}

static bool fields_equal(enum field_type type, const void *x, const void *y)
{
    switch (type) {
    case T_NODE:
        return ast_equal(*(struct ast_node *const *)x, *(struct ast_node *const *)y);
    case T_LIST:
        return lists_equal(x, y);
    case T_ID:
        return texts_equal(((const struct ast_ident *)x)->name, ((const struct ast_ident *)y)->name);
    case T_IDS:
        return idents_equal(x, y);
    case T_TEXT:
        return texts_equal(*(const struct sv *)x, *(const struct sv *)y);
    case T_ENUM:
        return memcmp(x, y, 4) == 0;
    case T_BOOL:
        return *(const bool *)x == *(const bool *)y;
    case T_INT:
        return memcmp(x, y, 8) == 0;
    case T_RAW:
    case T_POS:
        return true;
    }
    return false;
}

bool ast_equal(const struct ast_node *a, const struct ast_node *b)
{
    const struct kind_desc *k;

    if (a == b)
        return true;
    if (!a || !b || a->kind != b->kind)
        return false;
    k = &kinds[a->kind];
    for (unsigned i = 0; i < k->nfields; i++) {
        const struct field *f = &k->fields[i];

        if (!fields_equal((enum field_type)f->type, field_of(a, f), field_of(b, f)))
            return false;
    }
    return true;
}

static void text_copy(struct arena *a, struct sv *s)
{
    if (s->ptr)
        *s = arena_dup(a, *s);
}

static void field_copy(struct arena *a, enum field_type type, void *p)
{
    switch (type) {
    case T_NODE: {
        struct ast_node **slot = p;

        *slot = ast_copy(a, *slot);
        break;
    }
    case T_LIST: {
        struct ast_list *l = p;
        struct ast_list old = *l;

        *l = (struct ast_list){0};
        if (old.n)
            l->items = arena_alloc(a, old.n * sizeof(struct ast_node *));
        l->n = l->cap = old.n;
        for (uint32_t i = 0; i < old.n; i++)
            l->items[i] = ast_copy(a, old.items[i]);
        break;
    }
    case T_ID:
        text_copy(a, &((struct ast_ident *)p)->name);
        break;
    case T_IDS: {
        struct ast_idents *l = p;
        struct ast_idents old = *l;

        *l = (struct ast_idents){0};
        for (uint32_t i = 0; i < old.n; i++) {
            ast_idents_add(a, l, old.items[i]);
            text_copy(a, &l->items[i].name);
        }
        break;
    }
    case T_TEXT:
    case T_RAW:
        text_copy(a, p);
        break;
    case T_ENUM:
    case T_BOOL:
    case T_INT:
    case T_POS:
        break;
    }
}

struct ast_node *ast_copy(struct arena *a, const struct ast_node *n)
{
    const struct kind_desc *k;
    struct ast_node *c;

    if (!n)
        return NULL;
    k = &kinds[n->kind];
    c = arena_alloc(a, k->size);
    memcpy(c, n, k->size);
    for (unsigned i = 0; i < k->nfields; i++)
        field_copy(a, (enum field_type)k->fields[i].type, field_at(c, &k->fields[i]));
    return c;
}

static void dump_node(const struct ast_node *n, unsigned depth, struct strbuf *out);

static void dump_label(const char *name, unsigned depth, struct strbuf *out)
{
    for (unsigned i = 0; i < depth; i++)
        strbuf_puts(out, "  ");
    strbuf_puts(out, name);
    strbuf_puts(out, ": ");
}

static void dump_field(const struct field *f, const void *p, unsigned depth, struct strbuf *out)
{
    switch ((enum field_type)f->type) {
    case T_NODE:
        if (*(struct ast_node *const *)p) {
            dump_label(f->name, depth, out);
            dump_node(*(struct ast_node *const *)p, depth, out);
        }
        break;
    case T_LIST: {
        const struct ast_list *l = p;

        for (uint32_t i = 0; i < l->n; i++) {
            dump_label(f->name, depth, out);
            dump_node(l->items[i], depth, out);
        }
        break;
    }
    case T_ID: {
        const struct ast_ident *id = p;

        if (id->name.ptr) {
            dump_label(f->name, depth, out);
            strbuf_printf(out, "`%.*s`\n", SV_ARG(id->name));
        }
        break;
    }
    case T_IDS: {
        const struct ast_idents *l = p;

        for (uint32_t i = 0; i < l->n; i++) {
            dump_label(f->name, depth, out);
            strbuf_printf(out, "`%.*s`\n", SV_ARG(l->items[i].name));
        }
        break;
    }
    case T_TEXT: {
        const struct sv *s = p;

        if (s->ptr) {
            dump_label(f->name, depth, out);
            strbuf_printf(out, "'%.*s'\n", SV_ARG(*s));
        }
        break;
    }
    case T_ENUM:
    case T_BOOL:
    case T_INT: {
        int64_t v = 0;

        if (f->type == T_ENUM)
            v = *(const int *)p;
        else if (f->type == T_BOOL)
            v = *(const bool *)p;
        else
            v = *(const int64_t *)p;
        if (v) {
            dump_label(f->name, depth, out);
            strbuf_printf(out, "%lld\n", (long long)v);
        }
        break;
    }
    case T_RAW:
    case T_POS:
        break;
    }
}

static void dump_node(const struct ast_node *n, unsigned depth, struct strbuf *out)
{
    const struct kind_desc *k = &kinds[n->kind];

    strbuf_printf(out, "%s [%u,%u)\n", k->name, n->begin, n->end);
    for (unsigned i = 0; i < k->nfields; i++)
        dump_field(&k->fields[i], field_of(n, &k->fields[i]), depth + 1, out);
}

void ast_dump(const struct ast_node *n, struct strbuf *out)
{
    if (n)
        dump_node(n, 0, out);
}

const char *ast_kind_name(enum ast_kind kind)
{
    return kind < AST_KIND_COUNT ? kinds[kind].name : "?";
}

const char *ast_op_text(enum ast_op op)
{
    static const char *const texts[] = {
#define X(name, text) text,
        AST_OPS(X)
#undef X
    };

    return texts[op];
}

const char *ast_unit_text(enum ast_unit unit)
{
    static const char *const texts[] = {
#define X(name) #name,
        AST_UNITS(X)
#undef X
    };

    return texts[unit];
}

const char *ast_type_text(enum ast_type_base base)
{
    static const char *const texts[] = {
#define X(name, text) text,
        AST_TYPES(X)
#undef X
    };

    return texts[base];
}
