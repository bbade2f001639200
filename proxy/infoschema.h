/* information_schema as the client must see it: one server with logical tables.
 *
 * The tables of information_schema that describe the user's schema, or the sessions, would show one shard's physical tables
 * if they were relayed. A statement that reads them runs in three steps, all on the session's worker:
 *   1. the rows that it can see are collected: the catalog says which physical tables stand for the wanted logical ones, and
 *      their shards' own information_schema is asked for them, so that every value is what the server itself would say;
 *   2. each reference to such a table is replaced in the statement's text by a derived table: the shard's own rows of the
 *      system schemas (which also gives the columns their names and types), UNION ALL the collected rows as VALUES;
 *   3. the text goes to any shard. If the statement reads nothing but system tables its result gets the column definitions
 *      that the shard has for the statement as written; otherwise the text is planned like any other.
 *
 * What is not listed in infoschema_rows.c (CHARACTER_SETS, ENGINES, INNODB_*, ...) is relayed: one shard's view. */
#ifndef PROXY_INFOSCHEMA_H
#define PROXY_INFOSCHEMA_H

#include "proxy/session.h"

/* The statement (s->stmt->text, ->ast) reads such tables. */
bool infoschema_reads(struct session *s, struct ast_node *ast);
/* Runs s->stmt->ast in that way and ends the command. False: nothing to do, the statement does not read such tables. */
bool infoschema_run(struct session *s) MUST_CHECK;
/* The same for a query that Tessera itself made (SHOW TABLE STATUS); `meta`: a query whose column definitions the result
 * gets, for the client sees the statement as it wrote it. Both in the statement's arena. Ends the command. */
void infoschema_query(struct session *s, struct sv text, struct sv meta);

#endif
