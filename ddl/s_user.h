/* What statements say of how an account logs in, put into the account. Private to ddl/; pure but for notes and refusals:
 * each answers false with d set where something is asked for that Tessera would not do exactly, since an account that
 * is easier to enter than its owner meant is worse than none. */
#ifndef DDL_S_USER_H
#define DDL_S_USER_H

#include "ddl/job.h"
#include "parser/ast.h"

/* IDENTIFIED ... of one account; none: as it was. alter: the account may be there already. */
bool user_identified(struct job *j, const struct ast_user_spec *s, struct cat_user *u, bool alter, struct diag *d) MUST_CHECK;
/* SET PASSWORD. */
bool user_set_password(struct job *j, const struct ast_set_password *s, struct cat_user *u, struct diag *d) MUST_CHECK;
/* REQUIRE, limits, PASSWORD .., ACCOUNT .., COMMENT. */
bool user_options(struct job *j, const struct ast_list *options, struct cat_user *u, struct diag *d) MUST_CHECK;

#endif
