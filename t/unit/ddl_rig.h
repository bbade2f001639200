/* What the tests of ddl that need servers share: a fleet of the servers that TESSERA_TEST_SERVERS lists (host:port ...,
 * root without a password), the first of which holds the metadata; its engine in this process. Schema tessera and the
 * tests' schemas on them are dropped. */
#ifndef T_DDL_RIG_H
#define T_DDL_RIG_H

#include "catalog/metadb.h"
#include "catalog/pin.h"
#include "ddl/ddl.h"

enum { RIG_SHARDS = 8 };

struct rig {
    struct conf *conf;
    struct cat_pins pins;
    struct cat_pin pin; /* as a worker's: refreshed by rig_run */
    struct ddl_engine *engine;
    bool (*settled)(void *arg, uint64_t version, const uint64_t *ids, size_t n); /* ddl_config's; arg: the rig */
    size_t n;
    char hosts[RIG_SHARDS][128];
    unsigned ports[RIG_SHARDS];
    struct arena arena;
};

/* False: fewer servers than `need`: skip. */
bool rig_servers(struct rig *r, size_t need);
/* Configuration of the first n servers as shards s1.. */
void rig_conf(struct rig *r, size_t n);
/* Drops what earlier tests left: schema tessera, schemas named in `dbs` (NULL-terminated). */
void rig_wipe(struct rig *r, const char *const *dbs);
/* Bootstrap, first snapshot, engine. */
void rig_start(struct rig *r);
void rig_stop(struct rig *r);

/* Runs a statement in a database; the result is the caller's. */
struct ddl_result *rig_run(struct rig *r, const char *db, const char *sql);
/* One cell from shard i ("" for no row), in the rig's arena. */
const char *rig_ask(struct rig *r, size_t i, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Executes on shard i. */
void rig_do(struct rig *r, size_t i, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The current snapshot (valid until the next rig_run). */
const struct cat_snapshot *rig_snapshot(struct rig *r);
/* Compares shards with the catalog: the schemas have exactly the physical tables that the catalog says, all partitions
 * of a table have one definition, no job or lock is left. NULL: all is well; else what is not. */
const char *rig_check(struct rig *r, const char *const *dbs);

#endif
