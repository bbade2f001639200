/* ALTER TABLE: a list of actions, each a struct ast_alter_action. */
#include "parser/p-int.h"

static struct ast_alter_action *action_new(struct parser *p, enum ast_alter_op op)
{
    struct ast_alter_action *a = NEW(p, ALTER_ACTION, alter_action);

    a->op = op;
    return a;
}

/* Reads one word more and gives an action of it. */
static struct ast_node *simple_action(struct parser *p, struct ast_alter_action *a, enum ast_alter_op op,
                                      unsigned words)
{
    a->op = op;
    while (words--)
        next(p);
    return done(p, a);
}

/* ALL, or names. */
static void partition_names(struct parser *p, struct ast_alter_action *a)
{
    if (accept(p, K_ALL)) {
        a->all = true;
        return;
    }
    do
        ast_idents_add(p->a, &a->names, parse_ident(p));
    while (accept(p, TK_COMMA));
}

static bool accept_no_binlog(struct parser *p)
{
    return accept(p, K_NO_WRITE_TO_BINLOG) || accept(p, K_LOCAL);
}

/* ---- ADD ---- */

static struct ast_node *add_partition(struct parser *p, struct ast_alter_action *a)
{
    next(p);
    a->op = AST_ALTER_ADD_PARTITION;
    a->if_not_exists = accept_if_not_exists(p);
    a->no_binlog = accept_no_binlog(p);
    if (accept(p, K_PARTITIONS))
        a->value = parse_literal(p);
    else
        parse_partition_defs(p, &a->defs);
    return done(p, a);
}

static struct ast_node *add_action(struct parser *p, struct ast_alter_action *a)
{
    next(p);
    if (is(p, K_PARTITION) && (peek(p, 1) == TK_LPAREN || peek(p, 1) == K_PARTITIONS || peek(p, 1) == K_IF ||
                               peek(p, 1) == K_NO_WRITE_TO_BINLOG || peek(p, 1) == K_LOCAL))
        return add_partition(p, a);
    if (is2(p, K_SYSTEM, K_VERSIONING))
        return simple_action(p, a, AST_ALTER_ADD_VERSIONING, 2);
    a->op = AST_ALTER_ADD_COLUMN;
    if (accept(p, K_COLUMN)) {
        a->if_not_exists = accept_if_not_exists(p);
    } else {
        if (is2(p, K_PERIOD, K_FOR) || (p->maria && is2(p, K_PERIOD, K_IF))) {
            a->op = AST_ALTER_ADD_PERIOD;
            a->def = parse_table_element(p, false);
            return done(p, a);
        }
        a->if_not_exists = accept_if_not_exists(p);
        a->def = a->if_not_exists ? NULL : parse_constraint(p);
        if (a->def) {
            a->op = a->def->kind == AST_CHECK_DEF ? AST_ALTER_ADD_CHECK : AST_ALTER_ADD_KEY;
            return done(p, a);
        }
    }
    if (accept(p, TK_LPAREN)) {
        do
            add(p, &a->defs, parse_table_element(p, false));
        while (accept(p, TK_COMMA));
        expect(p, TK_RPAREN);
    } else {
        a->def = parse_column_def(p, true);
    }
    return done(p, a);
}

/* ---- DROP ---- */

static void drop_behavior(struct parser *p, struct ast_alter_action *a)
{
    if (is(p, K_RESTRICT) || is(p, K_CASCADE))
        a->word = parse_upper(p);
}

static struct ast_node *drop_named(struct parser *p, struct ast_alter_action *a, enum ast_alter_op op, unsigned words)
{
    a->op = op;
    while (words--)
        next(p);
    a->if_exists = accept_if_exists(p);
    a->name = is(p, K_PRIMARY) ? parse_label(p) : parse_ident(p);
    if (op == AST_ALTER_DROP_COLUMN || op == AST_ALTER_DROP_CONSTRAINT)
        drop_behavior(p, a);
    return done(p, a);
}

static struct ast_node *drop_action(struct parser *p, struct ast_alter_action *a)
{
    next(p);
    switch (p->t->kind) {
    case K_PRIMARY:
        return simple_action(p, a, AST_ALTER_DROP_PRIMARY, 2);
    case K_FOREIGN:
        return drop_named(p, a, AST_ALTER_DROP_FOREIGN, 2);
    case K_INDEX:
    case K_KEY:
        return drop_named(p, a, AST_ALTER_DROP_KEY, 1);
    case K_CHECK:
        return drop_named(p, a, AST_ALTER_DROP_CHECK, 1);
    case K_CONSTRAINT:
        return drop_named(p, a, AST_ALTER_DROP_CONSTRAINT, 1);
    case K_COLUMN:
        return drop_named(p, a, AST_ALTER_DROP_COLUMN, 1);
    case K_PARTITION:
        next(p);
        a->op = AST_ALTER_DROP_PARTITION;
        a->if_exists = accept_if_exists(p);
        partition_names(p, a);
        return done(p, a);
    case K_SYSTEM:
        if (peek(p, 1) == K_VERSIONING)
            return simple_action(p, a, AST_ALTER_DROP_VERSIONING, 2);
        break;
    case K_PERIOD:
        if (peek(p, 1) == K_FOR || (p->maria && peek(p, 1) == K_IF && peek(p, 3) == K_FOR)) {
            a->op = AST_ALTER_DROP_PERIOD;
            next(p);
            a->if_exists = accept_if_exists(p);
            expect(p, K_FOR);
            a->name = parse_label(p);
            return done(p, a);
        }
        break;
    default:
        break;
    }
    return drop_named(p, a, AST_ALTER_DROP_COLUMN, 0);
}

/* ---- ALTER, RENAME, MODIFY, CHANGE ---- */

/* VISIBLE, INVISIBLE, IGNORED, NOT IGNORED */
static void visibility_word(struct parser *p, struct ast_alter_action *a)
{
    if (accept(p, K_NOT)) {
        expect(p, K_IGNORED);
        a->word = SV("NOT IGNORED");
    } else if (is(p, K_VISIBLE) || is(p, K_INVISIBLE) || is(p, K_IGNORED)) {
        a->word = parse_upper(p);
    } else {
        parser_error(p);
    }
}

static struct ast_node *alter_index(struct parser *p, struct ast_alter_action *a)
{
    next(p);
    a->op = AST_ALTER_KEY_VISIBILITY;
    a->if_exists = accept_if_exists(p);
    a->name = is(p, K_PRIMARY) ? parse_label(p) : parse_ident(p);
    visibility_word(p, a);
    return done(p, a);
}

static struct ast_node *alter_action(struct parser *p, struct ast_alter_action *a)
{
    next(p);
    if (is(p, K_INDEX) || is(p, K_KEY))
        return alter_index(p, a);
    if (is(p, K_CHECK) || is(p, K_CONSTRAINT)) {
        a->op = AST_ALTER_CHECK_ENFORCED;
        a->all = is(p, K_CONSTRAINT);
        next(p);
        a->name = parse_ident(p);
        a->word = accept(p, K_NOT) ? SV("NOT ENFORCED") : SV("ENFORCED");
        expect(p, K_ENFORCED);
        return done(p, a);
    }
    (void)accept(p, K_COLUMN);
    a->if_exists = accept_if_exists(p);
    a->name = parse_ident(p);
    if (accept(p, K_DROP)) {
        expect(p, K_DEFAULT);
        a->op = AST_ALTER_DROP_DEFAULT;
    } else {
        expect(p, K_SET);
        if (is(p, K_VISIBLE) || is(p, K_INVISIBLE)) {
            a->op = AST_ALTER_COLUMN_VISIBILITY;
            a->word = parse_upper(p);
        } else {
            expect(p, K_DEFAULT);
            a->op = AST_ALTER_SET_DEFAULT;
            if (accept(p, TK_LPAREN)) {
                a->all = true;
                a->value = parse_expr(p);
                expect(p, TK_RPAREN);
            } else {
                a->value = parse_simple_expr(p);
            }
        }
    }
    return done(p, a);
}

static struct ast_node *rename_action(struct parser *p, struct ast_alter_action *a)
{
    next(p);
    if (is(p, K_COLUMN) || is(p, K_INDEX) || is(p, K_KEY)) {
        a->op = is(p, K_COLUMN) ? AST_ALTER_RENAME_COLUMN : AST_ALTER_RENAME_KEY;
        next(p);
        a->if_exists = accept_if_exists(p);
        a->name = parse_ident(p);
        expect(p, K_TO);
        a->new_name = parse_ident(p);
        return done(p, a);
    }
    a->op = AST_ALTER_RENAME;
    (void)(accept(p, K_TO) || accept(p, K_AS) || accept(p, TK_EQ));
    a->table = parse_table_name(p);
    return done(p, a);
}

static struct ast_node *modify_action(struct parser *p, struct ast_alter_action *a, bool change)
{
    next(p);
    (void)accept(p, K_COLUMN);
    a->op = change ? AST_ALTER_CHANGE_COLUMN : AST_ALTER_MODIFY_COLUMN;
    a->if_exists = accept_if_exists(p);
    if (change)
        a->name = parse_ident(p);
    a->def = parse_column_def(p, true);
    return done(p, a);
}

static struct ast_node *convert_action(struct parser *p, struct ast_alter_action *a)
{
    next(p);
    if (accept(p, K_PARTITION)) {
        a->op = AST_ALTER_CONVERT_PARTITION;
        a->name = parse_ident(p);
        expect(p, K_TO);
        expect(p, K_TABLE);
        a->table = parse_table_name(p);
        return done(p, a);
    }
    if (accept(p, K_TABLE)) {
        a->op = AST_ALTER_CONVERT_TABLE;
        a->table = parse_table_name(p);
        expect(p, K_TO);
        add(p, &a->defs, parse_partition_def(p));
        return done(p, a);
    }
    a->op = AST_ALTER_CONVERT;
    expect(p, K_TO);
    if (!accept(p, K_CHARSET)) {
        if (!accept(p, K_CHARACTER))
            expect(p, K_CHAR);
        expect(p, K_SET);
    }
    if (!accept(p, K_DEFAULT))
        a->word = parse_charset_name(p);
    if (accept(p, K_COLLATE)) {
        accept_eq(p);
        a->word2 = parse_charset_name(p);
    }
    return done(p, a);
}

/* ---- partitions ---- */

/* <verb> PARTITION [..] names, at the verb. */
static struct ast_node *partition_action(struct parser *p, struct ast_alter_action *a, enum ast_alter_op op)
{
    next(p);
    next(p);
    a->op = op;
    a->no_binlog = accept_no_binlog(p);
    partition_names(p, a);
    if (op == AST_ALTER_DISCARD_PARTITION || op == AST_ALTER_IMPORT_PARTITION) {
        expect(p, K_TABLESPACE);
    } else if (op == AST_ALTER_CHECK_PARTITION || op == AST_ALTER_REPAIR_PARTITION) {
        uint32_t begin = p->t->begin;

        while (is(p, K_QUICK) || is(p, K_FAST) || is(p, K_MEDIUM) || is(p, K_EXTENDED) || is(p, K_CHANGED) ||
               is(p, K_USE_FRM) || is(p, K_FOR) || is(p, K_UPGRADE))
            next(p);
        if (p->prev_end > begin)
            a->word = parse_text_since(p, begin);
    }
    return done(p, a);
}

static struct ast_node *reorganize(struct parser *p, struct ast_alter_action *a)
{
    next(p);
    next(p);
    a->op = AST_ALTER_REORGANIZE_PARTITION;
    a->no_binlog = accept_no_binlog(p);
    if (is_ident(p)) {
        partition_names(p, a);
        expect(p, K_INTO);
        parse_partition_defs(p, &a->defs);
    }
    return done(p, a);
}

static struct ast_node *exchange(struct parser *p, struct ast_alter_action *a)
{
    next(p);
    next(p);
    a->op = AST_ALTER_EXCHANGE_PARTITION;
    a->name = parse_ident(p);
    expect(p, K_WITH);
    expect(p, K_TABLE);
    a->table = parse_table_name(p);
    if ((is(p, K_WITH) || is(p, K_WITHOUT)) && peek(p, 1) == K_VALIDATION) {
        a->word = parse_upper(p);
        next(p);
    }
    return done(p, a);
}

/* Tessera: MOVE PARTITION p, .. TO SHARD s; SPLIT PARTITION p INTO n | (..); MERGE PARTITIONS p, .. INTO q */
static struct ast_node *move_action(struct parser *p, struct ast_alter_action *a)
{
    bool move = is(p, K_MOVE);

    if (is(p, K_SPLIT)) {
        next(p);
        expect(p, K_PARTITION);
        a->op = AST_ALTER_SPLIT_PARTITION;
        a->name = parse_ident(p);
        expect(p, K_INTO);
        if (is(p, TK_LPAREN))
            parse_partition_defs(p, &a->defs);
        else
            a->value = parse_literal(p);
        return done(p, a);
    }
    a->op = move ? AST_ALTER_MOVE_PARTITION : AST_ALTER_MERGE_PARTITION;
    next(p);
    if (!accept(p, K_PARTITIONS))
        expect(p, K_PARTITION);
    partition_names(p, a);
    if (move) {
        expect(p, K_TO);
        expect(p, K_SHARD);
    } else {
        expect(p, K_INTO);
    }
    a->new_name = parse_ident(p);
    return done(p, a);
}

static struct ast_node *tablespace_or_partition(struct parser *p, struct ast_alter_action *a)
{
    bool import = is(p, K_IMPORT);

    if (peek(p, 1) == K_PARTITION)
        return partition_action(p, a, import ? AST_ALTER_IMPORT_PARTITION : AST_ALTER_DISCARD_PARTITION);
    next(p);
    expect(p, K_TABLESPACE);
    return simple_action(p, a, import ? AST_ALTER_IMPORT_TABLESPACE : AST_ALTER_DISCARD_TABLESPACE, 0);
}

/* Actions about partitions and placement, at their verb; NULL: none of them. */
static struct ast_node *partitions(struct parser *p, struct ast_alter_action *a)
{
    bool part = peek(p, 1) == K_PARTITION;

    switch (p->t->kind) {
    case K_TRUNCATE:
        return partition_action(p, a, AST_ALTER_TRUNCATE_PARTITION);
    case K_ANALYZE:
        return partition_action(p, a, AST_ALTER_ANALYZE_PARTITION);
    case K_CHECK:
        return partition_action(p, a, AST_ALTER_CHECK_PARTITION);
    case K_OPTIMIZE:
        return partition_action(p, a, AST_ALTER_OPTIMIZE_PARTITION);
    case K_REBUILD:
        return partition_action(p, a, AST_ALTER_REBUILD_PARTITION);
    case K_REPAIR:
        return partition_action(p, a, AST_ALTER_REPAIR_PARTITION);
    case K_DISCARD:
    case K_IMPORT:
        return tablespace_or_partition(p, a);
    case K_COALESCE:
        if (!part)
            return NULL;
        next(p);
        next(p);
        a->op = AST_ALTER_COALESCE_PARTITION;
        a->no_binlog = accept_no_binlog(p);
        a->value = parse_literal(p);
        return done(p, a);
    case K_REORGANIZE:
        return part ? reorganize(p, a) : NULL;
    case K_EXCHANGE:
        return part ? exchange(p, a) : NULL;
    case K_MOVE:
    case K_SPLIT:
    case K_MERGE:
        return part || peek(p, 1) == K_PARTITIONS ? move_action(p, a) : NULL;
    case K_REMOVE:
        return simple_action(p, a, AST_ALTER_REMOVE_PARTITIONING, 2);
    case K_PARTITION:
        a->op = AST_ALTER_PARTITION_BY;
        a->def = parse_partition_by(p);
        return done(p, a);
    case K_SINGLE:
    case K_BROADCAST:
        a->op = AST_ALTER_PLACEMENT;
        a->word = parse_upper(p);
        if (is2(p, K_ON, K_SHARD)) {
            next(p);
            next(p);
            a->name = parse_ident(p);
        }
        return done(p, a);
    default:
        return NULL;
    }
}

static struct ast_node *word_action(struct parser *p, struct ast_alter_action *a, enum ast_alter_op op)
{
    a->op = op;
    next(p);
    accept_eq(p);
    a->word = parse_upper(p);
    return done(p, a);
}

static struct ast_node *other_action(struct parser *p, struct ast_alter_action *a)
{
    struct ast_node *n;

    switch (p->t->kind) {
    case K_ENABLE:
        next(p);
        expect(p, K_KEYS);
        return simple_action(p, a, AST_ALTER_ENABLE_KEYS, 0);
    case K_DISABLE:
        next(p);
        expect(p, K_KEYS);
        return simple_action(p, a, AST_ALTER_DISABLE_KEYS, 0);
    case K_FORCE:
        return simple_action(p, a, AST_ALTER_FORCE, 1);
    case K_ALGORITHM:
        return word_action(p, a, AST_ALTER_ALGORITHM);
    case K_LOCK:
        return word_action(p, a, AST_ALTER_LOCK);
    case K_ORDER:
        next(p);
        expect(p, K_BY);
        a->op = AST_ALTER_ORDER;
        parse_order_items(p, &a->defs);
        return done(p, a);
    case K_WITH:
    case K_WITHOUT:
        if (peek(p, 1) != K_VALIDATION)
            break;
        a->word = parse_upper(p);
        return simple_action(p, a, AST_ALTER_VALIDATION, 1);
    case K_SECONDARY_LOAD:
    case K_SECONDARY_UNLOAD:
        a->word = is(p, K_SECONDARY_LOAD) ? SV("LOAD") : SV("UNLOAD");
        return simple_action(p, a, AST_ALTER_SECONDARY, 1);
    default:
        break;
    }
    n = partitions(p, a);
    if (n)
        return n;
    a->op = AST_ALTER_OPTION;
    a->def = parse_table_option(p);
    return a->def ? done(p, a) : NULL;
}

/* NULL: no action starts here. */
static struct ast_node *one_action(struct parser *p)
{
    struct ast_alter_action *a = action_new(p, AST_ALTER_OPTION);

    switch (p->t->kind) {
    case K_ADD:
        return add_action(p, a);
    case K_DROP:
        return drop_action(p, a);
    case K_ALTER:
        return alter_action(p, a);
    case K_RENAME:
        return rename_action(p, a);
    case K_MODIFY:
        return modify_action(p, a, false);
    case K_CHANGE:
        return modify_action(p, a, true);
    case K_CONVERT:
        return convert_action(p, a);
    default:
        return other_action(p, a);
    }
}

/* Behind ALTER .. TABLE. */
struct ast_node *parse_alter_table(struct parser *p, struct ast_alter_table *n)
{
    n->if_exists = accept_if_exists(p);
    n->table = parse_table_name(p);
    n->wait = parse_wait(p);
    if (is(p, TK_EOF) || is(p, TK_SEMI))
        return done(p, n);
    for (;;) {
        struct ast_node *a = one_action(p);

        if (!a) {
            parser_error(p);
            break;
        }
        add(p, &n->actions, a);
        if (p->failed || is(p, TK_EOF) || is(p, TK_SEMI))
            break;
        if (accept(p, TK_COMMA))
            continue;
        /* Without a comma: further table options, and partitioning at the end. */
        if (AST_AS(alter_action, a)->op != AST_ALTER_OPTION && !is(p, K_PARTITION) && !is(p, K_REMOVE))
            break;
    }
    return done(p, n);
}
