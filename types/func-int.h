/* Private to the function files: the registry's rows, what a bind function gets, and helpers. */
#ifndef TYPES_FUNC_INT_H
#define TYPES_FUNC_INT_H

#include "types/cast.h"
#include "types/coll.h"
#include "types/func.h"
#include "types/num.h"
#include "util/strbuf.h"

struct binder {
    const struct func *f;
    struct func_arg *args;
    uint32_t n;
    const struct func_bind_opts *opts;
    const struct env *env;
    struct arena *arena;
    struct func_call *c;
    struct diag *diag;
};

typedef bool (*func_bind_fn)(struct binder *b);

/* Row flags beside enum func_flag's public ones. */
enum {
    FUNC_NULL_ANY = 256, /* NULL when any argument is: the scalar never sees one */
    FUNC_MYSQL = 512,    /* only that server knows it */
    FUNC_MARIADB = 1024
};

struct func {
    const char *name;
    enum func_id id;
    uint16_t min_args, max_args;
    uint16_t flags;
    func_bind_fn bind;
    func_scalar_fn scalar;
    int64_t aux; /* copied to the call before binding */
};

/* Whether f reads argument i as what a JSON value is to it on that kind of server: a document, text, a number, any value. */
bool func_takes_json(const struct func *f, uint32_t i, uint32_t n, bool mariadb);

extern const struct func funcs_num[], funcs_cmp[], funcs_str[], funcs_time[], funcs_json[], funcs_regex[], funcs_more[];
extern const size_t funcs_num_n, funcs_cmp_n, funcs_str_n, funcs_time_n, funcs_json_n, funcs_regex_n, funcs_more_n;

/* Common bind functions: the result's type only. */
bool bind_bool(struct binder *b);
bool bind_int(struct binder *b);
bool bind_uint(struct binder *b);
bool bind_double(struct binder *b);
/* String with the collation unified from all string arguments; the length is left large. */
bool bind_string(struct binder *b);
/* String with the collation of the first argument. */
bool bind_string_first(struct binder *b);
/* Text in the connection's collation. */
bool bind_string_conn(struct binder *b);
bool bind_string_binary(struct binder *b);

/* The result is DECIMAL(precision, scale) held with phys digits. */
void bind_set_decimal(struct func_call *c, unsigned precision, unsigned scale, unsigned phys);
/* Most fractional digits of a decimal: 30, on MariaDB 38. */
unsigned env_max_scale(const struct env *e);
/* Digits with which a decimal argument (or an integer one) is held. */
unsigned arg_phys_scale(const struct func_arg *a);

enum num_class { NUM_INT, NUM_DEC, NUM_DBL };
/* In which arithmetic an argument takes part: strings as doubles, temporals as integers or decimals. */
enum num_class arg_num_class(const struct func_arg *a);
bool arg_is_unsigned(const struct func_arg *a);
/* Integer digits and scale of a numeric or temporal argument in decimal arithmetic. */
void arg_digits(const struct func_arg *a, unsigned *int_digits, unsigned *scale);

/* Errors and warnings of evaluation. */
bool func_out_of_range(struct func_ctx *cx, const struct func_call *c, const char *what);
void func_warn_div_zero(struct func_ctx *cx);
/* A result longer than max_allowed_packet: NULL with warning 1301. */
bool func_too_long(struct func_ctx *cx, const struct func_call *c, uint64_t bytes, struct value *out);

/* Text of an argument, in the context's arena. */
static inline struct sv arg_str(struct func_ctx *cx, const struct func_call *c, const struct value *args, uint32_t i)
{
    return value_to_str(&args[i], &c->args[i].type, cx->arena);
}

func_kernel_fn kernel_arith(const struct func_call *c);
func_kernel_fn kernel_compare(const struct func_call *c);
func_kernel_fn kernel_logic(const struct func_call *c);

#endif
