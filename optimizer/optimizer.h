/* The optimizer: from a statement's AST and a catalog snapshot to a physical plan (plan.h), and the three things that are
 * done with a plan and the values of one execution: which places it needs (optimizer_route), the text that a place gets
 * (optimizer_render, optimizer_splice), and how it looks (plan_dump, explain.h).
 *
 * Flow of a COM_QUERY on a worker:
 *     digest_scan() -> plan_cache_find() -> [miss: parser_parse(), optimizer_plan(), plan_cache_put()] ->
 *     optimizer_route(plan, inputs, &places) -> one place: optimizer_splice(); several: optimizer_render() of each fragment.
 *
 * Everything here is pure computation on one thread: no I/O, no waiting, no lock. A plan is read-only once made. */
#ifndef OPTIMIZER_OPTIMIZER_H
#define OPTIMIZER_OPTIMIZER_H

#include "optimizer/plan.h"
#include "parser/digest.h"
#include "router/place.h"
#include "types/env.h"

struct ast_node;
struct cat_snapshot;

/* What a plan may ask of whoever runs it, beyond sending text and counting rows. What the caller does not carry out is refused by
 * name (1235) instead of being done half. */
enum opt_support {
    OPT_INTO_VARS = 1,     /* plan.into_vars: the row of SELECT ... INTO @a goes to the session */
    OPT_ASSIGNED_VARS = 2, /* plan.assigned_vars: @a := value is set on the connection and read back */
    OPT_FOUND_ROWS = 4,    /* plan.calc_found_rows */
    OPT_INSERT_ID = 8      /* plan.sets_insert_id */
};

/* What planning depends on besides statement and catalog; part of the key that plans are cached under. */
struct opt_env {
    struct sv db; /* current database; ptr NULL: none */
    uint64_t sql_mode;
    enum env_flavour flavour; /* of the shards */
    bool foreign_results;     /* the client's results are in another character set than UTF-8 */
    uint32_t supports;        /* enum opt_support; the same for all plans of a cache */
};

/* The text of a statement and how it was read. The statement starts at `from` (multi-statement texts). */
struct opt_text {
    struct sv text;
    uint32_t from;
    const struct sql_opts *opts;
};

/* Plans a statement: SELECT and other queries, INSERT, REPLACE, UPDATE, DELETE, DO, and what is relayed as it is. The plan has
 * one reference, the caller's. It copies what it needs from stmt, text and env; it points into the snapshot's tables, so the
 * snapshot must outlive it (plans of old versions die with it: plan_cache_find checks).
 * NULL: d says why, with MySQL's code and text for what MySQL refuses (1046, 1049, 1054, 1066, 1136, 1146), 1235 for what
 * Tessera cannot do in any number of places. What cannot be done in several places is no error here: plan->refusal. */
struct plan *optimizer_plan(const struct ast_node *stmt, const struct opt_text *text, const struct cat_snapshot *snap,
    const struct opt_env *env, struct diag *d) MUST_CHECK;

/* The values of one execution. All views live as long as the call. */
struct plan_inputs {
    struct sv text;
    const struct literal_slot *literals; /* digest_scan's, by slot */
    uint32_t n_literals;
    const struct lex_token_pos *tokens; /* every token of the statement, as the digest recorded them; for optimizer_splice */
    uint32_t n_tokens;
    const struct value *params;
    uint32_t n_params;
    const struct env *env;
    uint32_t preferred_shard; /* for statements that any shard can answer: one that has a connection at hand; 0: none */
    uint64_t seed;            /* else spread by this */
    /* A user variable (name) or a system variable that Tessera owns. NULL value where there is none. The callback may be
     * NULL where no plan asks. */
    void (*variable)(void *arg, enum session_value kind, bool global, struct sv name, struct value *out);
    void *arg;
};

/* Value of an rvalue. Text that had to be decoded lives in a. False: malformed literal. */
bool optimizer_value(const struct rvalue *v, const struct plan_inputs *in, struct arena *a, struct value *out) MUST_CHECK;

/* Which places the statement needs; none: plan.offload, where no place has all that it reads.
 * Never allocates for a plan with a point; else what it needs comes from a. Order: by
 * partition ordinal. False: d (a statement for one place needs several: plan->refusal; malformed literal). */
bool optimizer_route(const struct plan *p, const struct plan_inputs *in, const struct cat_snapshot *snap, struct arena *a,
    struct placeset *out, struct diag *d) MUST_CHECK;

/* Appends the statement's text with the plan's edits applied for a place. auto_value: what stands for EDIT_AUTO_INCREMENT (0
 * where the plan has none). */
void optimizer_splice(const struct plan *p, const struct plan_inputs *in, uint32_t place, uint64_t auto_value,
    struct strbuf *out);
/* Bytes [from, to) of the text only: a branch of a UNION, say. */
void optimizer_splice_part(const struct plan *p, const struct plan_inputs *in, uint32_t place, uint64_t auto_value, uint32_t from,
    uint32_t to, struct strbuf *out);
/* Appends the text of a template for a place (a partition's ordinal; 0 where there are no partitions). limit: the plan's, for
 * PIECE_LIMIT_SUM (NULL where there is none). */
void optimizer_render(const struct sql_template *t, const struct plan_inputs *in, const struct limit_spec *limit,
    uint32_t place, struct arena *a, struct strbuf *out);

/* PLAN_MOVE: with the values of this execution every row stays in the one place that it is in (the new partition columns
 * are constants that lead there too): the statement may be relayed by its edits as an ordinary UPDATE. */
bool optimizer_move_is_local(const struct plan *p, const struct plan_inputs *in, const struct placeset *places,
    struct arena *a) MUST_CHECK;

/* LIMIT's numbers. count UINT64_MAX: none. False: 1210 or 1064-class error in d for values that are no numbers. */
bool optimizer_limit(const struct limit_spec *l, const struct plan_inputs *in, uint64_t *offset, uint64_t *count,
    struct diag *d) MUST_CHECK;

/* The whole plan as indented text: for tests and debugging. */
void plan_dump(const struct plan *p, struct strbuf *out);
/* One line: what is done above the fragments. */
void plan_dump_top(const struct plan_top *t, struct strbuf *out);
void plan_dump_template(const struct sql_template *t, struct strbuf *out);

#endif
