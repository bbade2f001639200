#include "proxy/stmt.h"

#include "util/arena.h"

enum { FIRST_SLOTS = 32, FIRST_TOKENS = 128 };

static void room(struct stmt_scan *s, uint32_t slots, uint32_t tokens)
{
    if (slots > s->cap_slots) {
        xfree(s->slots);
        s->cap_slots = MAX(slots, (uint32_t)FIRST_SLOTS);
        s->slots = xcalloc(s->cap_slots, sizeof(*s->slots));
    }
    if (tokens > s->cap_tokens) {
        xfree(s->tokens);
        s->cap_tokens = MAX(tokens, (uint32_t)FIRST_TOKENS);
        s->tokens = xcalloc(s->cap_tokens, sizeof(*s->tokens));
    }
}

void stmt_scan_run(struct stmt_scan *s, struct sv text, const struct sql_opts *opts, bool all)
{
    struct digest *g = &s->digest;

    room(s, FIRST_SLOTS, FIRST_TOKENS);
    digest_scan_tokens(text, 0, opts, s->slots, s->cap_slots, s->tokens, s->cap_tokens, g);
    if ((g->nslots > s->cap_slots || g->ntokens > s->cap_tokens) && (all || g->ntokens <= STMT_SCAN_TOKENS_MAX)) {
        room(s, g->nslots, g->ntokens);
        digest_scan_tokens(text, 0, opts, s->slots, s->cap_slots, s->tokens, s->cap_tokens, g);
    }
    s->fits = g->nslots <= s->cap_slots && g->ntokens <= s->cap_tokens;
}

void stmt_scan_free(struct stmt_scan *s)
{
    xfree(s->slots);
    xfree(s->tokens);
    memset(s, 0, sizeof(*s));
}
