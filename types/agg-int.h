/* Private to the aggregates: the state of those that keep all rows. */
#ifndef TYPES_AGG_INT_H
#define TYPES_AGG_INT_H

#include "types/agg.h"
#include "types/func-int.h"

struct concat_item {
    struct concat_item *next;
    struct sv text, key;
    uint64_t seq;
};

struct state_concat {
    struct concat_item *first, *last;
    uint64_t n;
};

/* Appends what the call's ORDER BY sorts a row by. */
void agg_order_key(struct func_ctx *cx, const struct agg_call *c, const struct vec *const *args, uint32_t row, struct strbuf *b);
/* Copies text and key into grow. */
void agg_add_item(struct state_concat *s, struct sv text, struct sv key, struct arena *grow);
/* The items in order; those from *from to before *end are asked for. */
struct concat_item **agg_items(const struct agg_call *c, const struct state_concat *s, struct arena *a, uint64_t *from, uint64_t *end);

/* JSON_ARRAYAGG, JSON_OBJECTAGG (agg_json.c); struct state_concat is their state. */
bool agg_json_bind(struct agg_call *c, const struct env *e, struct diag *d);
bool agg_json_update(struct func_ctx *cx, const struct agg_call *c, const struct vec *const *args, const struct sel *sel,
    void *const *states, struct arena *grow);
bool agg_json_final(struct func_ctx *cx, const struct agg_call *c, const struct state_concat *s, struct value *out);

#endif
