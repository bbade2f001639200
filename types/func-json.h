/* Private to the JSON functions and the JSON aggregates. */
#ifndef TYPES_FUNC_JSON_H
#define TYPES_FUNC_JSON_H

#include "types/func-int.h"
#include "types/json.h"

#include <stdlib.h>

/* 1235, named. Returns false. */
bool json_refuse(struct func_ctx *cx, const struct func_call *c, const char *of);
/* Argument i as a document. NULL in *out: SQL NULL, or (MariaDB) no document, with its warning. False: error. */
bool json_doc(struct func_ctx *cx, const struct func_call *c, const struct value *args, uint32_t i, struct json **out) MUST_CHECK;
/* An SQL value that is no JSON as a document. False: not known how it would look (bytes, BIT, FLOAT). my: as MySQL does. */
bool json_of_value(struct func_ctx *cx, const struct value *v, const struct sql_type *t, bool my, struct json **out) MUST_CHECK;
/* Why a value that a shard sent cannot be put into a document: it does not show whether it is JSON, or a condition's result. NULL: it can. */
const char *json_arg_unknown(const struct func_arg *a, bool mariadb);
/* The document as the call's result. */
bool json_give(struct func_ctx *cx, const struct func_call *c, const struct json *j, struct value *out) MUST_CHECK;
/* The type of a document that functions give. */
struct sql_type json_type(const struct binder *b);
/* CAST(x AS JSON). */
bool json_bind_cast(struct binder *b);

#endif
