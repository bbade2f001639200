/* Durable jobs: the engine under all statements of this folder. Private to ddl/.
 *
 * A job is a row of tessera.ddl_job with a list of steps in JSON. It is carried out by one runner at a time, which
 * holds the named lock of the job's token on its metadata connection, and has raised the job's epoch: every write of
 * the row checks the epoch, so a runner that was believed dead changes nothing any more. Locks on objects are rows of
 * tessera.ddl_lock that belong to the job, not to a connection: an object stays locked until its job has ended, whoever
 * ends it.
 *
 * Steps run in order. The number of the step is durable before the step begins. A failure, or a new runner, before step
 * `no_return` undoes the steps from the current one backwards; from `no_return` on the job is only ever completed.
 * Every op is idempotent in both directions.
 *
 * States: planning (nothing done; a dead planner's job is just removed) -> running -> done
 *                                                                           running -> undoing -> failed */
#ifndef DDL_JOB_H
#define DDL_JOB_H

#include "catalog/metadb.h"
#include "catalog/pin.h"
#include "ddl/ddl.h"
#include "ddl/fan.h"

#include <jansson.h>

struct ast_node;

enum job_state { JOB_PLANNING, JOB_RUNNING, JOB_UNDOING, JOB_DONE, JOB_FAILED };
#define JOB_STATE_COUNT (JOB_FAILED + 1)

struct gate;
struct gather;
struct job;

/* What a step does. run and undo answer false with d set; a failure for which fan_is_away holds is retried for a while.
 */
struct job_op {
    const char *name;
    bool (*run)(struct job *j, json_t *step, struct diag *d);
    bool (*undo)(struct job *j, json_t *step, struct diag *d); /* NULL: nothing to undo */
    bool publishes; /* run records the next step itself, in the transaction that publishes */
};

struct job {
    struct ddl_engine *e;
    struct arena arena;
    struct mconn *meta; /* the control thread's; holds the token's named lock while the job is claimed */
    uint64_t id, epoch;
    enum job_state state;
    struct sv token;
    struct sv kind; /* "CREATE TABLE" .. */
    struct sv db, table, statement, user;
    struct fan_env env;   /* the session's, for its statements */
    struct fan_env plain; /* for everything else on shards */
    json_t *plan;         /* {"steps": [..], "no_return": n, "env": {..}} */
    unsigned step;
    uint64_t version;          /* last version that it published */
    struct gate *gate;         /* write locks on shards held between steps, or NULL */
    struct sv force_single;    /* CREATE TABLE: why a table that might be spread by default is not */
    struct cat_snapshot *snap; /* the newest catalog, as of the locks being held or the last publish */
    struct ddl_result *r;      /* NULL: nobody waits */
    bool clean;                /* set by an op that failed and left everything as it was: the job may end as undone */
    bool mariadb;              /* planning: the fleet's product, whose rules for accounts hold */
    bool fenced;               /* another runner has it: nothing is written any more */
};

/* ---- planning (s_*.c) ---- */

enum job_lock_mode { JOB_SHARED, JOB_EXCLUSIVE };

struct job_lock {
    struct sv object; /* "*" the fleet; "d:db"; "t:db.table" */
    enum job_lock_mode mode;
};
ARRAY_OF(job_lock_array, struct job_lock);

/* Adds, in the arena; the stronger mode wins where the object is there already. */
void job_lock_add(struct arena *a, struct job_lock_array *l, enum job_lock_mode mode, struct sv object);
void job_lock_table(struct arena *a, struct job_lock_array *l, enum job_lock_mode mode, struct sv db, struct sv table);

/* Appends a step; `fields` (may be NULL) is taken over and gets its "op". */
json_t *job_step(struct job *j, const char *op, json_t *fields);
/* From the next step on the job is only completed, never undone. */
void job_set_no_return(struct job *j);
/* A step that executes SQL on shards: add items to it. undo may be SV_NULL. */
json_t *job_sql_step(struct job *j);
void job_sql_item(json_t *step, uint32_t shard_id, struct sv sql, struct sv undo);
/* j->env has been changed by the plan: keep it with the job. */
void job_set_env(struct job *j);
void job_note(struct job *j, enum ddl_note_level level, unsigned code, const char *fmt, ...) PRINTF_LIKE(4, 5);

json_t *job_json_text(struct sv s);
struct sv job_json_sv(const json_t *o, const char *key); /* ptr NULL: absent */
uint64_t job_json_u64(const json_t *o, const char *key);

/* ---- running ---- */

/* Begins the transaction that publishes, checks that the job is still this runner's and records the next step in it. */
bool job_publish_begin(struct job *j, struct metadb_tx *tx, struct diag *d) MUST_CHECK;
/* Commits, loads the new snapshot and publishes it in this process. */
bool job_publish_commit(struct job *j, struct metadb_tx *tx, struct diag *d) MUST_CHECK;
/* Brings j->snap up to the metadata's version. */
bool job_refresh(struct job *j, struct diag *d) MUST_CHECK;
const struct conf *job_conf(const struct job *j);
unsigned job_lanes(const struct job *j);
/* Runs tasks with the job's environment; errors are mapped to logical names of j->table. */
bool job_fan(struct job *j, struct fan_task *tasks, size_t n, bool stop_on_error, struct diag *d) MUST_CHECK;
/* Replaces physical names in d's text. */
void job_map_diag(struct job *j, struct diag *d);
/* A connection to a shard with the job's environment (env false: the control plane's own). */
bool job_open_shard(struct job *j, uint32_t shard_id, bool env, struct mconn **out, struct diag *d) MUST_CHECK;

/* ---- ops, by file ---- */
extern const struct job_op job_op_sql, job_op_absent, job_op_alive, job_op_gate;                 /* job_ops.c */
extern const struct job_op job_op_hold, job_op_settle, job_op_release, job_op_barrier;           /* hold.c */
extern const struct job_op job_op_pub_create;                                                    /* s_create.c */
extern const struct job_op job_op_pub_drop, job_op_pub_rename, job_op_pub_truncate, job_op_truncate,
    job_op_rename;                                                          /* s_table.c */
extern const struct job_op job_op_alter, job_op_pub_alter;                  /* alter_run.c, s_alter.c */
extern const struct job_op job_op_gather, job_op_retire, job_op_pub_gather; /* gather.c */
extern const struct job_op job_op_pub_db;                                   /* s_db.c */
extern const struct job_op job_op_shard, job_op_pub_shard;                  /* s_shard.c */
extern const struct job_op job_op_pub_user;                                 /* s_user.c */

/* ---- shared by statements (s_common.c) ---- */

/* The table that a TABLE node names, the current database filled in. False: 1046. */
bool job_table_name(struct job *j, const struct ast_node *table, struct sv *db, struct sv *name,
                    struct diag *d) MUST_CHECK;
/* The database for something that is changed in it: 1049; 1044 for system schemas. */
const struct cat_db *job_find_db(struct job *j, struct sv name, struct diag *d);
/* 1146 if it is not there. */
const struct cat_table *job_find_table(struct job *j, struct sv db, struct sv name, struct diag *d);
/* Number of physical tables, and where number i is. part_no: as shape_parse wants it. */
size_t job_places(struct job *j, const struct cat_table *t);
struct job_place {
    uint32_t shard_id;
    struct sv db, name;
    int part_no;
};
struct job_place job_place_at(struct job *j, const struct cat_table *t, size_t i);
/* {"s": shard, "db": .., "name": .., "part": n} for each physical table. */
json_t *job_places_json(struct job *j, const struct cat_table *t);
/* Steps that make sure that nobody uses the tables: until they are published anew, or dropped, or the job is undone
 * (hold.c). */
struct place_tables;
void job_step_hold(struct job *j, const struct place_tables *tables);
void job_step_hold_one(struct job *j, const struct cat_table *t);
/* The step that lets go of tables that the job does not publish. */
void job_step_release(struct job *j, const struct place_tables *tables);
/* A step that fails at once if one of the shards that hold the tables cannot be reached. */
void job_step_alive(struct job *j, json_t *places);
/* Reads the definition of db.name from its first physical table, puts it into the catalog under `place`. id 0: a new
 * table. */
bool job_put_table(struct job *j, struct metadb_tx *tx, const json_t *place, struct sv db, struct sv name, uint64_t id,
                   uint64_t auto_inc_start, struct diag *d) MUST_CHECK;
bool job_refuse(struct diag *d, const char *what);

struct ast_node;

/* ---- statements, by file: locks says what is locked (from the tree and j->snap), plan adds steps, none: nothing to do
 * ---- */
struct job_stmt {
    const char *kind;
    bool (*locks)(struct job *j, struct ast_node *ast, struct job_lock_array *l, struct diag *d);
    bool (*plan)(struct job *j, struct ast_node *ast, struct diag *d);
    /* What a job of its own has to move before (NULL: nothing ever). */
    bool (*before)(struct job *j, struct ast_node *ast, struct gather *out, struct diag *d);
    /* Statements that are no jobs: fills j->r. */
    bool (*run)(struct job *j, struct ast_node *ast, struct diag *d);
};
/* NULL: not this folder's. d is set where the statement is refused by name. */
const struct job_stmt *job_stmt_of(const struct ast_node *ast, struct diag *d);

#endif
