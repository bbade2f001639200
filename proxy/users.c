#include "proxy/users.h"

#include "catalog/user.h"
#include "conf/conf.h"
#include "proxy/env.h"
#include "proxy/proxy.h"

struct sv users_secret(struct session *s, struct sv user)
{
    const struct conf *conf = atomic_load_explicit(&s->proxy->conf, memory_order_acquire);
    const struct cat_user *u = cat_find_user(session_snapshot(s), user, sv_cstr(s->host));

    if (u && !u->locked && (s->is_tls || !user_requires_tls(u)))
        return u->secret.ptr ? u->secret : SV("");
    /* Nobody can log in yet. A root that was dropped or renamed does not come back by this. */
    if (!session_snapshot(s)->users.n && s->is_loopback && conf->bootstrap.root_on_loopback && sv_eq(user, SV("root")))
        return SV("");
    return SV_NULL;
}
