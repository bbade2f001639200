/* Diagnostics: an error as a value, filled where it is found and shown once. Codes, SQLSTATEs,
 * format texts and retry classes come from util/errors.def, the one table of them. A function that
 * can fail with something a client should see takes a struct diag *, fills it once and returns
 * false. One thread. */
#ifndef UTIL_DIAG_H
#define UTIL_DIAG_H

#include "util/sv.h"

enum { DIAG_TEXT_MAX = 512 };

/* What may be done after the error; this, never a text, drives retries and two-phase commit. */
enum diag_class {
    DIAG_USER,         /* the statement is wrong or refused: retrying is pointless */
    DIAG_RETRY_UNSENT, /* nothing had been sent: may be retried elsewhere */
    DIAG_RETRY_TRX, /* the transaction was rolled back by a server (deadlock): the client may retry
                       it */
    DIAG_CONN_LOST, /* connection lost, nothing of effect was under way */
    DIAG_UNKNOWN_OUTCOME, /* connection lost while a change was under way: nobody knows yet */
    DIAG_INTERNAL         /* a contradiction inside Tessera */
};

#define ERROR_ROW(name, code, state, cls, text) name = code,
enum diag_code {
    DIAG_OK = 0,
#include "util/errors.def"
};
#undef ERROR_ROW

struct diag {
    uint16_t code; /* 0: no error; else MySQL's number or one of ours (9000 and up) */
    char sqlstate[6];
    enum diag_class cls;
    bool is_remote;  /* the text is a server's */
    char text[DIAG_TEXT_MAX]; /* NUL-terminated, cut if longer */
};

static inline void diag_clear(struct diag *d)
{
    d->code = 0;
    d->is_remote = false;
    d->text[0] = '\0';
}

static inline bool diag_is_set(const struct diag *d)
{
    return d->code != 0;
}

/* Fills d from the table's format text for code and the arguments. Always returns false, so that
 * `return diag_set(d, ...)` reads well. A diag that is already set keeps its first error. */
bool diag_set(struct diag *d, enum diag_code code, ...);
/* As diag_set with a text of one's own instead of the table's. */
bool diag_setf(struct diag *d, enum diag_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* An error that a server sent: its code, SQLSTATE and text as they are; the class from the table
 * (DIAG_USER where the table lacks the code). */
bool diag_set_remote(struct diag *d, uint16_t code, const char *sqlstate, struct sv text);
/* The format text of a code, or NULL. */
const char *diag_format(unsigned code);
const char *diag_sqlstate(unsigned code);

#endif
