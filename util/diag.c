#include "util/diag.h"

#include <stdarg.h>
#include <stdio.h>

struct error_row {
    unsigned code;
    const char *sqlstate;
    enum diag_class cls;
    const char *format;
};

#define ERROR_ROW(name, code, state, cls, text) {code, state, cls, text},
static const struct error_row error_rows[] = {
#include "util/errors.def"
};
#undef ERROR_ROW

static const struct error_row *row_of(unsigned code)
{
    for (size_t i = 0; i < ARRAY_LEN(error_rows); i++) {
        if (error_rows[i].code == code)
            return &error_rows[i];
    }
    return NULL;
}

const char *diag_format(unsigned code)
{
    const struct error_row *r = row_of(code);

    return r ? r->format : NULL;
}

const char *diag_sqlstate(unsigned code)
{
    const struct error_row *r = row_of(code);

    return r ? r->sqlstate : "HY000";
}

static void fill(struct diag *d, unsigned code, const char *fmt, va_list ap)
{
    const struct error_row *r = row_of(code);

    d->code = (uint16_t)code;
    memcpy(d->sqlstate, r ? r->sqlstate : "HY000", 6);
    d->cls = r ? r->cls : DIAG_USER;
    d->is_remote = false;
    vsnprintf(d->text, sizeof(d->text), fmt, ap);
}

bool diag_set(struct diag *d, enum diag_code code, ...)
{
    va_list ap;
    const char *fmt = diag_format(code);

    CHECK(fmt);
    if (diag_is_set(d))
        return false;
    va_start(ap, code);
    fill(d, code, fmt, ap);
    va_end(ap);
    return false;
}

bool diag_setf(struct diag *d, enum diag_code code, const char *fmt, ...)
{
    va_list ap;

    if (diag_is_set(d))
        return false;
    va_start(ap, fmt);
    fill(d, code, fmt, ap);
    va_end(ap);
    return false;
}

bool diag_set_remote(struct diag *d, uint16_t code, const char *sqlstate, struct sv text)
{
    const struct error_row *r = row_of(code);
    size_t n = MIN(text.len, sizeof(d->text) - 1);

    if (diag_is_set(d))
        return false;
    d->code = code;
    memcpy(d->sqlstate, sqlstate, 5);
    d->sqlstate[5] = '\0';
    d->cls = r ? r->cls : DIAG_USER;
    d->is_remote = true;
    if (n)
        memcpy(d->text, text.ptr, n);
    d->text[n] = '\0';
    return false;
}
