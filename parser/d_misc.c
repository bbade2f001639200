/* Deparser: session, transactions, SHOW, accounts, Tessera's own. */
#include "parser/d-int.h"

bool put_misc_node(struct dep *d, const struct ast_node *n)
{
    (void)d;
    (void)n;
    return false;
}
