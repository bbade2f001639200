/* The shape of a table: what SHOW CREATE TABLE of a physical table says, taken apart into columns, keys, constraints
 * and options, with logical names. Shapes answer three questions of the job engine: has this partition been altered
 * already (shape_equal), what ALTER TABLE makes one shape out of another (shape_alter, the inverse of a half-done
 * ALTER), and what does SHOW CREATE TABLE print for the logical table (shape_print).
 *
 * Physical names inside the text: the table itself (`t__p3`), and constraint names, which MySQL wants unique in a
 * schema and therefore carry the partition as a suffix (`positive__p3`). Reading strips both, shape_alter puts the
 * suffix back. Pure functions over an arena, any thread. */
#ifndef DDL_SHAPE_H
#define DDL_SHAPE_H

#include "catalog/names.h"
#include "util/diag.h"
#include "util/strbuf.h"

enum shape_kind {
    SHAPE_COLUMN,
    SHAPE_PRIMARY,
    SHAPE_KEY, /* UNIQUE, FULLTEXT, SPATIAL, VECTOR too */
    SHAPE_FOREIGN,
    SHAPE_CHECK,
    SHAPE_OTHER /* PERIOD FOR .. */
};

struct shape_item {
    enum shape_kind kind;
    bool suffixed;  /* a constraint whose physical name has the partition's suffix (MariaDB's CHECKs need none) */
    struct sv name; /* logical, decoded; PRIMARY: "PRIMARY"; OTHER: empty */
    struct sv def;  /* the whole item as printed, with logical names */
    struct sv body; /* columns: what stands behind the name; constraints: what stands behind CONSTRAINT `name` */
};

struct shape {
    struct shape_item *items;
    size_t n_items;
    struct sv options;       /* behind the closing parenthesis, without AUTO_INCREMENT=n */
    uint64_t auto_increment; /* AUTO_INCREMENT=n, 0: not printed */
};

/* text: result of SHOW CREATE TABLE for partition part_no (NAMES_BARE: bare name). All that it
 * gives lives in the arena. False: ER_INTERNAL, the text is not understood. */
bool shape_parse(struct arena *a, struct sv text, int part_no, struct shape *out, struct diag *d) MUST_CHECK;
/* Same items in the same order, same options (AUTO_INCREMENT=n aside). */
bool shape_equal(const struct shape *x, const struct shape *y);
const struct shape_item *shape_find(const struct shape *s, enum shape_kind kind, struct sv name);

/* A column that has two names: what it is called in `from` and in `to`. */
struct shape_rename {
    struct sv from, to;
};

/* ALTER TABLE actions (without "ALTER TABLE name") that turn `from` into `to` on partition part_no; empty text: nothing
 * to do. `lossy` is set where data would be lost (a column of `from` that `to` lacks; one that `to` has and must be
 * filled with its default is not loss), `lost_back` where a column must be added again whose contents are gone. */
struct sv shape_alter(struct arena *a, const struct shape *from, const struct shape *to,
                      const struct shape_rename *renames, size_t n_renames, int part_no, bool *lossy, bool *lost_back);

/* The CREATE TABLE text under a logical name, `tail` behind the options (may be empty). hidden: name of a column that
 * is left out together with the primary key on it alone; len 0: none. */
struct sv shape_print(struct arena *a, const struct shape *s, struct sv table, struct sv hidden, struct sv tail);

#endif
