/* What a CREATE TABLE or ALTER TABLE tree says about keys, partitioning and ties, collected from wherever the grammar
 * lets it be written (column attributes, table elements), and the rewriting of such trees into the physical statement
 * of one partition. Pure functions over an arena; views into the tree. Any thread. */
#ifndef DDL_DEFINE_H
#define DDL_DEFINE_H

#include "parser/ast.h"
#include "util/diag.h"

struct define_key {
    enum ast_key_type type; /* PRIMARY, UNIQUE, INDEX, FULLTEXT, SPATIAL, VECTOR */
    struct sv name;         /* ptr NULL: the server will name it */
    struct sv *cols;        /* ptr NULL: an expression */
    bool *prefix;           /* only a prefix of the column */
    size_t n_cols;
};

struct define_fk {
    struct sv symbol;    /* ptr NULL: the server will name it */
    struct sv db, table; /* parent; db.ptr NULL: the child's database */
    struct sv *cols;
    size_t n_cols;
};

struct define_column {
    const struct ast_column_def *def;
    bool auto_increment;
    bool generated;
    bool not_null;
};

struct define {
    struct define_column *cols;
    size_t n_cols;
    struct define_key *keys; /* the primary key too */
    size_t n_keys;
    struct define_fk *fks;
    size_t n_fks;
    const struct define_key *primary; /* NULL: none */
    const struct define_column *auto_column;
};

/* From the elements of CREATE TABLE. False: 1068, two primary keys (what else may be wrong is found by the server). */
bool define_read(struct arena *a, const struct ast_list *elements, struct define *out, struct diag *d) MUST_CHECK;
/* One KEY_DEF that is no foreign key. */
void define_read_key(struct arena *a, const struct ast_key_def *k, struct define_key *out);
/* A REFERENCES with the columns that it stands behind. */
void define_read_fk(struct arena *a, const struct ast_references *r, struct sv symbol, const struct ast_list *parts,
                    const struct ast_ident *column, struct define_fk *out);
const struct define_column *define_column(const struct define *t, struct sv name);
/* True if each of cols is a whole column of the key. */
bool define_key_covers(const struct define_key *k, const struct sv *cols, size_t n_cols);

/* Option of CREATE/ALTER by name ("ENGINE", "AUTO_INCREMENT"): the last one in the list, or NULL. */
const struct ast_option *define_option(const struct ast_list *options, const char *name);
/* Text of an option's value: a literal's or a name's; ptr NULL: neither. */
struct sv define_option_text(const struct ast_option *o);
bool define_option_u64(const struct ast_option *o, uint64_t *out);
/* Takes all options of that name out of the list. */
void define_option_remove(struct ast_list *options, const char *name);

/* Gives every CHECK and FOREIGN KEY of the tree (elements of CREATE TABLE, or one ALTER action's definition) that has
 * none a name as MySQL would generate it for `table` (`t_chk_1`, `t_ibfk_1`), counting on from *n_checks and *n_fks. */
void define_name_constraints(struct arena *a, struct ast_node **root, struct sv table, bool checks, unsigned *n_checks,
                             unsigned *n_fks);
/* Appends `suffix` to the names of all constraints in the tree, and to the constraint names that ALTER actions refer
 * to. False: 1059, a name gets too long. `checks`: CHECK constraints too (MySQL; MariaDB's are local to the table). */
bool define_suffix_constraints(struct arena *a, struct ast_node **root, struct sv suffix, bool checks,
                               struct diag *d) MUST_CHECK;

#endif
