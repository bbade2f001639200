/* Values that a shard sent, as SQL: keys by which rows are told to it again, and rows that are carried to another shard. */
#include "executor/exec-int.h"

#include "catalog/snapshot.h"

void exec_put_hex(struct sv charset, struct sv bytes, struct strbuf *b)
{
    strbuf_printf(b, "_%.*s x'", SV_ARG(charset));
    for (size_t i = 0; i < bytes.len; i++)
        strbuf_printf(b, "%02x", (unsigned char)bytes.ptr[i]);
    strbuf_putc(b, '\'');
}

void exec_put_hex_text(struct sv text, struct strbuf *b)
{
    exec_put_hex(SV("utf8mb4"), text, b);
}

void exec_put_epoch(struct sv seconds, struct strbuf *b)
{
    size_t i = 0;

    while (i < seconds.len && (seconds.ptr[i] == '0' || seconds.ptr[i] == '.'))
        i++;
    if (i == seconds.len)
        strbuf_puts(b, "'0000-00-00 00:00:00'");
    else
        strbuf_printf(b, "FROM_UNIXTIME(%.*s)", SV_ARG(seconds));
}

void exec_put_text(struct sv text, bool no_backslash, struct strbuf *b)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] >= 0x80) {
            exec_put_hex_text(text, b);
            return;
        }
    }
    strbuf_put_quoted(b, text, no_backslash);
}

void exec_put_literal(struct exec *e, const struct packet_coldef *c, struct sv cell, struct strbuf *b)
{
    bool no_backslash = (e->env->sql_mode & MODE_NO_BACKSLASH_ESCAPES) != 0;
    struct sql_type t;

    if (!cell.ptr) {
        strbuf_puts(b, "NULL");
        return;
    }
    type_from_coldef(&t, c->type, c->flags, c->charset, c->length, c->decimals);
    if (c->type == WIRE_BIT || (type_is_string(&t) && c->charset == TYPE_COLL_BINARY && c->type != WIRE_JSON)) {
        strbuf_put_bytes(b, cell, c->type == WIRE_BIT);
    } else if (type_is_numeric(&t)) {
        strbuf_putsv(b, cell);
        /* A literal without exponent is a DECIMAL, of 30 digits behind the point at most. */
        if ((c->type == WIRE_DOUBLE || c->type == WIRE_FLOAT) && !memchr(cell.ptr, 'e', cell.len))
            strbuf_puts(b, "e0");
    } else {
        exec_put_text(cell, no_backslash, b);
    }
}

static bool is_ascii(struct sv s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] >= 0x80)
            return false;
    return true;
}

/* Why the text of an expression's value is not all that is stored when the expression itself is, or NULL. */
static const char *lost_in_text(const struct exec *e, const struct part_column *to, const struct packet_coldef *c, struct sv cell, bool divides)
{
    bool text = to->cls == PART_TEXT || to->cls == PART_BYTES;

    if (c->flags & (WIRE_FLAG_ENUM | WIRE_FLAG_SET))
        return text || to->cls == PART_MEMBER ? NULL : "an ENUM or SET";
    switch (c->type) {
    case WIRE_DATE:
    case WIRE_TIME:
    case WIRE_DATETIME:
    case WIRE_TIMESTAMP:
        /* Some functions give a column of numbers their value as a number, some as text. */
        return to->cls == PART_EXACT || to->cls == PART_FLOAT || to->cls == PART_MEMBER ? "a date or time" : NULL;
    case WIRE_FLOAT:
        return "a FLOAT";
    case WIRE_DOUBLE:
        /* No decimals: FLOOR() and its like, whose value is whole. */
        return c->decimals && c->decimals < TYPE_DECIMALS_FLOATING ? "a rounded DOUBLE" : NULL;
    case WIRE_DECIMAL:
    case WIRE_NEWDECIMAL:
        /* MariaDB stores digits of a quotient that it does not show. */
        return divides && e->env->flavour == ENV_MARIADB ? "a division" : NULL;
    case WIRE_JSON:
    case WIRE_GEOMETRY:
        return text ? NULL : "a JSON value";
    case WIRE_BIT:
        return text ? "a BIT" : NULL;
    case WIRE_STRING:
    case WIRE_VAR_STRING:
    case WIRE_VARCHAR:
    case WIRE_TINY_BLOB:
    case WIRE_BLOB:
    case WIRE_MEDIUM_BLOB:
    case WIRE_LONG_BLOB:
        /* A hexadecimal literal inside may make it a number. */
        if (c->charset == TYPE_COLL_BINARY)
            return text ? NULL : "a binary string";
        /* It came converted, and is stored as the bytes of its own character set. */
        return (to->cls == PART_BYTES || to->type.code == TYPE_BIT) && !is_ascii(cell) ? "text that is not ASCII" : NULL;
    default:
        return NULL;
    }
}

bool exec_key_value(struct exec *e, const struct part_column *to, const struct packet_coldef *c, struct sv cell, bool divides,
    struct value *out, struct diag *d)
{
    struct sql_type t;
    const char *why = cell.ptr ? lost_in_text(e, to, c, cell, divides) : NULL;

    if (why)
        return diag_setf(d, ER_NOT_SUPPORTED_YET, "This version of Tessera doesn't yet support '%s as the new value of the partition column `%.*s`'",
            why, SV_ARG(to->column->name));
    type_from_coldef(&t, c->type, c->flags, c->charset, c->length, c->decimals);
    return value_from_text(cell, &t, out) || diag_set(d, ER_INTERNAL, "a value of a partition column cannot be read");
}

void exec_put_key_column(const struct cat_column *c, struct strbuf *b)
{
    bool epoch = opt_exact_form(c) == EXACT_EPOCH;

    strbuf_puts(b, epoch ? "UNIX_TIMESTAMP(" : "");
    strbuf_put_ident(b, c->name);
    strbuf_puts(b, epoch ? ")" : "");
}

/* A server in strict mode takes what a WHERE clause could not convert as an error of the statement. */
bool exec_refuse_conversions(struct exec *e)
{
    struct diag d = {0};

    if (!e->warnings || !(e->env->sql_mode & (MODE_STRICT_TRANS_TABLES | MODE_STRICT_ALL_TABLES)))
        return false;
    for (uint32_t i = 0; i < e->warnings->n; i++) {
        const struct warning *w = &e->warnings->list[i];

        if (w->level != WARN_WARNING || w->code != ER_TRUNCATED_WRONG_VALUE)
            continue;
        diag_set_remote(&d, w->code, "22007", w->text);
        exec_fail(e, &d);
        return true;
    }
    return false;
}
