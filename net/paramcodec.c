/* Commands with parameters: COM_QUERY with query attributes, COM_STMT_EXECUTE. See net/packet.h.
 *
 * Both carry the same block: NULL bitmap, a flag whether types follow, two bytes of type a parameter (with a name each
 * where query attributes were negotiated), then the values one after the other. The block does not say how many
 * parameters it has unless query attributes are on, so the statement must be known to read it. */
#include "net/packet-int.h"
#include "net/packet.h"
#include "util/strbuf.h"

enum { EXECUTE_PARAMS_MAX = 65535 + 1024, PARAM_COUNT_AVAILABLE = 8, PARAM_UNSIGNED = 0x80 };

/* The bytes of one value: what stands on the wire without length prefix. */
static bool take_value(struct rd *r, uint8_t type, struct sv *bytes)
{
    switch (type) {
    case WIRE_NULL:
        *bytes = sv_make("", 0);
        break;
    case WIRE_TINY:
    case WIRE_BOOL:
        *bytes = rd_sv(r, 1);
        break;
    case WIRE_SHORT:
    case WIRE_YEAR:
        *bytes = rd_sv(r, 2);
        break;
    case WIRE_LONG:
    case WIRE_INT24:
    case WIRE_FLOAT:
        *bytes = rd_sv(r, 4);
        break;
    case WIRE_LONGLONG:
    case WIRE_DOUBLE:
        *bytes = rd_sv(r, 8);
        break;
    case WIRE_DATE:
    case WIRE_NEWDATE:
    case WIRE_DATETIME:
    case WIRE_TIMESTAMP: {
        uint8_t n = rd_u8(r);

        if (n != 0 && n != 4 && n != 7 && n != 11)
            return false;
        *bytes = rd_sv(r, n);
        break;
    }
    case WIRE_TIME: {
        uint8_t n = rd_u8(r);

        if (n != 0 && n != 8 && n != 12)
            return false;
        *bytes = rd_sv(r, n);
        break;
    }
    case WIRE_DECIMAL:
    case WIRE_NEWDECIMAL:
    case WIRE_VARCHAR:
    case WIRE_BIT:
    case WIRE_JSON:
    case WIRE_VECTOR:
    case WIRE_ENUM:
    case WIRE_SET:
    case WIRE_TINY_BLOB:
    case WIRE_MEDIUM_BLOB:
    case WIRE_LONG_BLOB:
    case WIRE_BLOB:
    case WIRE_VAR_STRING:
    case WIRE_STRING:
    case WIRE_GEOMETRY:
        *bytes = rd_lenenc_sv(r);
        break;
    default:
        return false;
    }
    return !r->bad;
}

struct param_block {
    uint32_t n;
    uint32_t n_known; /* the statement's own; the rest are attributes */
    bool has_names;
    unsigned char *types; /* kept types of the first n_known */
    const bool *is_long;
    struct packet_execute *out; /* raw parts; may be NULL */
};

static bool take_types(struct rd *r, const struct param_block *b, struct packet_param *params)
{
    for (uint32_t i = 0; i < b->n; i++) {
        uint16_t t = rd_u16(r);

        params[i].type = (uint8_t)t;
        params[i].is_unsigned = (t >> 8 & PARAM_UNSIGNED) != 0;
        if (b->has_names)
            params[i].name = rd_lenenc_sv(r);
        if (r->bad)
            return false;
        if (b->types && i < b->n_known) {
            b->types[2 * i] = (uint8_t)t;
            b->types[2 * i + 1] = (uint8_t)(t >> 8);
        }
    }
    return true;
}

static bool take_params(struct rd *r, const struct param_block *b, struct packet_param *params)
{
    struct sv nulls = rd_sv(r, (b->n + 7) / 8);
    uint8_t new_types = rd_u8(r);
    const unsigned char *type_begin = r->p;

    if (r->bad || new_types > 1)
        return false;
    if (new_types) {
        if (!take_types(r, b, params))
            return false;
    } else {
        if (!b->types || b->n > b->n_known)
            return false; /* values of types that were never told */
        for (uint32_t i = 0; i < b->n; i++) {
            params[i].type = b->types[2 * i];
            params[i].is_unsigned = (b->types[2 * i + 1] & PARAM_UNSIGNED) != 0;
        }
    }
    if (b->out) {
        b->out->new_types = new_types;
        b->out->null_bitmap = nulls;
        b->out->type_block = sv_make((const char *)type_begin, (size_t)(r->p - type_begin));
        b->out->value_block = sv_make((const char *)r->p, (size_t)(r->end - r->p));
    }
    for (uint32_t i = 0; i < b->n; i++) {
        struct packet_param *p = &params[i];

        p->is_null = ((unsigned char)nulls.ptr[i / 8] >> (i % 8) & 1) || p->type == WIRE_NULL;
        p->is_long_data = b->is_long && i < b->n_known && b->is_long[i];
        if (p->is_long_data)
            p->is_null = false;
        else if (!p->is_null && !take_value(r, p->type, &p->bytes))
            return false;
    }
    return true;
}

bool packet_query_parse(const unsigned char *p, size_t n, uint64_t caps, struct arena *a, struct packet_query *q)
{
    struct rd r = {p, p + n, false};

    *q = (struct packet_query){0};
    if (caps & CAP_QUERY_ATTRIBUTES) {
        uint64_t count = rd_lenenc(&r);

        rd_lenenc(&r); /* sets of parameters: always 1 */
        if (r.bad || count > EXECUTE_PARAMS_MAX || count > n)
            return false;
        if (count) {
            struct param_block b = {.n = (uint32_t)count, .has_names = true};

            q->n_params = (uint32_t)count;
            q->params = ARENA_NEW_N(a, struct packet_param, count);
            if (!take_params(&r, &b, q->params))
                return false;
        }
    }
    q->text = rd_rest(&r);
    return true;
}

bool packet_execute_id(const unsigned char *p, size_t n, uint32_t *stmt_id)
{
    if (n < 10 || p[0] != PCOM_STMT_EXECUTE)
        return false;
    *stmt_id = get_u32(p + 1);
    return true;
}

bool packet_execute_parse(const unsigned char *p, size_t n, uint64_t caps, uint32_t n_params, unsigned char *types,
                          const bool *is_long, struct arena *a, struct packet_execute *e)
{
    struct rd r = {p, p + n, false};
    struct param_block b = {.n_known = n_params, .types = types, .is_long = is_long, .out = e};
    uint64_t count = n_params;
    bool has_count;

    *e = (struct packet_execute){.n_params = n_params};
    if (!packet_execute_id(p, n, &e->stmt_id))
        return false;
    rd_skip(&r, 5);
    e->flags = rd_u8(&r);
    rd_skip(&r, 4); /* iteration count */
    /* The flag only says that there is a count although the statement has no parameters. */
    has_count = (caps & CAP_QUERY_ATTRIBUTES) && (n_params || (e->flags & PARAM_COUNT_AVAILABLE));
    if (n_params == 0 && !has_count)
        return !r.bad;
    if (has_count) {
        count = rd_lenenc(&r);
        if (r.bad || count < n_params || count > EXECUTE_PARAMS_MAX)
            return false;
    }
    if (count == 0)
        return true;
    if (count > 8 * n)
        return false; /* not even the NULL bitmap fits */
    b.n = (uint32_t)count;
    b.has_names = (caps & CAP_QUERY_ATTRIBUTES) != 0;
    e->params = ARENA_NEW_N(a, struct packet_param, count);
    e->n_attrs = (uint32_t)count - n_params;
    return take_params(&r, &b, e->params);
}

void packet_execute_build(struct strbuf *b, uint32_t stmt_id, uint8_t flags, const struct packet_param *params,
                          uint32_t n)
{
    size_t bitmap = (n + 7) / 8, fixed = 10 + (n ? bitmap + 1 + 2 * (size_t)n : 0);
    unsigned char *p = (unsigned char *)strbuf_room(b, fixed);

    if (!p)
        return;
    memset(p, 0, fixed);
    p[0] = PCOM_STMT_EXECUTE;
    put_u32(p + 1, stmt_id);
    p[5] = flags;
    put_u32(p + 6, 1);
    if (n) {
        p[10 + bitmap] = 1;
        for (uint32_t i = 0; i < n; i++) {
            if (params[i].is_null)
                p[10 + i / 8] |= (unsigned char)(1 << i % 8);
            p[11 + bitmap + 2 * i] = params[i].type;
            p[12 + bitmap + 2 * i] = params[i].is_unsigned ? PARAM_UNSIGNED : 0;
        }
    }
    b->len += fixed;
    for (uint32_t i = 0; i < n; i++) {
        const struct packet_param *v = &params[i];
        unsigned char head[9];

        if (v->is_null || v->is_long_data)
            continue;
        switch (v->type) {
        case WIRE_TINY:
        case WIRE_BOOL:
        case WIRE_SHORT:
        case WIRE_YEAR:
        case WIRE_LONG:
        case WIRE_INT24:
        case WIRE_FLOAT:
        case WIRE_LONGLONG:
        case WIRE_DOUBLE:
            break;
        default: /* temporals: one byte of length, which is what a short length-encoded integer is */
            strbuf_put(b, head, (size_t)(put_lenenc(head, v->bytes.len) - head));
            break;
        }
        strbuf_putsv(b, v->bytes);
    }
}

/* --- values --- */

static bool time_of(struct sv s, struct wire_time *t)
{
    const unsigned char *b = (const unsigned char *)s.ptr;

    *t = (struct wire_time){0};
    if (s.len >= 8) {
        uint32_t days = get_u32(b + 1);

        t->negative = b[0] != 0;
        /* Hours beyond a day's come from libmariadb, and servers take them. */
        if (days > 100)
            return false;
        t->hour = days * 24 + b[5];
        t->minute = b[6];
        t->second = b[7];
    }
    if (s.len >= 12)
        t->micros = get_u32(b + 8);
    return t->minute < 60 && t->second < 60 && t->micros < 1000000;
}

static bool datetime_of(struct sv s, struct wire_time *t)
{
    const unsigned char *b = (const unsigned char *)s.ptr;

    *t = (struct wire_time){0};
    if (s.len >= 4) {
        t->year = get_u16(b);
        t->month = b[2];
        t->day = b[3];
    }
    if (s.len >= 7) {
        t->hour = b[4];
        t->minute = b[5];
        t->second = b[6];
    }
    if (s.len >= 11)
        t->micros = get_u32(b + 7);
    return t->year < 10000 && t->month < 13 && t->day < 32 && t->hour < 24 && t->minute < 60 && t->second < 60 &&
           t->micros < 1000000;
}

static void int_of(uint64_t u, unsigned bytes, bool is_unsigned, struct wire_value *v)
{
    if (is_unsigned) {
        v->kind = WIRE_KIND_UINT;
        v->u = u;
    } else {
        unsigned shift = 64 - 8 * bytes;

        v->kind = WIRE_KIND_INT;
        v->i = (int64_t)(u << shift) >> shift;
    }
}

static bool value_of(uint8_t type, bool is_unsigned, struct sv s, struct wire_value *v)
{
    switch (type) {
    case WIRE_NULL:
        v->kind = WIRE_KIND_NULL;
        return true;
    case WIRE_TINY:
    case WIRE_BOOL:
        int_of((unsigned char)s.ptr[0], 1, is_unsigned, v);
        return true;
    case WIRE_SHORT:
        int_of(get_u16(s.ptr), 2, is_unsigned, v);
        return true;
    case WIRE_YEAR:
        int_of(get_u16(s.ptr), 2, true, v);
        return true;
    case WIRE_LONG:
    case WIRE_INT24:
        int_of(get_u32(s.ptr), 4, is_unsigned, v);
        return true;
    case WIRE_LONGLONG:
        int_of(get_u64(s.ptr), 8, is_unsigned, v);
        return true;
    case WIRE_FLOAT:
        v->kind = WIRE_KIND_FLOAT;
        memcpy(&v->f, s.ptr, 4);
        return true;
    case WIRE_DOUBLE:
        v->kind = WIRE_KIND_DOUBLE;
        memcpy(&v->d, s.ptr, 8);
        return true;
    case WIRE_DATE:
    case WIRE_NEWDATE:
        v->kind = WIRE_KIND_DATE;
        return datetime_of(s, &v->t);
    case WIRE_DATETIME:
    case WIRE_TIMESTAMP:
        v->kind = WIRE_KIND_DATETIME;
        return datetime_of(s, &v->t);
    case WIRE_TIME:
        v->kind = WIRE_KIND_TIME;
        return time_of(s, &v->t);
    default:
        v->kind = WIRE_KIND_BYTES;
        v->s = s;
        return true;
    }
}

bool wire_value_decode(const unsigned char **p, const unsigned char *end, uint8_t type, bool is_unsigned,
                       struct wire_value *v)
{
    struct rd r = {*p, end, false};
    struct sv bytes;

    if (!take_value(&r, type, &bytes) || !value_of(type, is_unsigned, bytes, v))
        return false;
    *p = r.p;
    return true;
}

bool wire_param_value(const struct packet_param *p, struct wire_value *v)
{
    if (p->is_null) {
        v->kind = WIRE_KIND_NULL;
        return true;
    }
    if (p->is_long_data) {
        v->kind = WIRE_KIND_BYTES;
        v->s = p->bytes;
        return true;
    }
    if (!value_of(p->type, p->is_unsigned, p->bytes, v))
        return false;
    if (v->kind == WIRE_KIND_FLOAT) {
        /* Servers take a FLOAT parameter as the double that it exactly is. */
        v->kind = WIRE_KIND_DOUBLE;
        v->d = (double)v->f;
    }
    return true;
}
