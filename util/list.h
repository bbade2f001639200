/* Intrusive doubly linked list: the node sits in the object, the head is a node of its own. A node
 * is on at most one list; list_node_init makes it "on none", list_remove makes it so again. No
 * allocation. One thread. */
#ifndef UTIL_LIST_H
#define UTIL_LIST_H

#include "util/attr.h"

struct list_node {
    struct list_node *prev, *next;
};

struct list {
    struct list_node head;
};

static inline void list_node_init(struct list_node *n)
{
    n->prev = n->next = NULL;
}

static inline bool list_linked(const struct list_node *n)
{
    return n->next != NULL;
}

static inline void list_init(struct list *l)
{
    l->head.prev = l->head.next = &l->head;
}

static inline bool list_empty(const struct list *l)
{
    return l->head.next == &l->head;
}

static inline void list_insert_between(
    struct list_node *n, struct list_node *prev, struct list_node *next)
{
    ASSERT(!list_linked(n));
    n->prev = prev;
    n->next = next;
    prev->next = n;
    next->prev = n;
}

static inline void list_push_front(struct list *l, struct list_node *n)
{
    list_insert_between(n, &l->head, l->head.next);
}

static inline void list_push_back(struct list *l, struct list_node *n)
{
    list_insert_between(n, l->head.prev, &l->head);
}

static inline void list_insert_before(struct list_node *at, struct list_node *n)
{
    list_insert_between(n, at->prev, at);
}

/* Harmless for a node that is on no list. */
static inline void list_remove(struct list_node *n)
{
    if (!list_linked(n))
        return;
    n->prev->next = n->next;
    n->next->prev = n->prev;
    n->prev = n->next = NULL;
}

static inline struct list_node *list_first(const struct list *l)
{
    return l->head.next == &l->head ? NULL : l->head.next;
}

static inline struct list_node *list_last(const struct list *l)
{
    return l->head.prev == &l->head ? NULL : l->head.prev;
}

static inline struct list_node *list_pop_front(struct list *l)
{
    struct list_node *n = list_first(l);

    if (n)
        list_remove(n);
    return n;
}

/* Appends all of `from` to `to`; `from` is empty afterwards. */
static inline void list_splice(struct list *to, struct list *from)
{
    if (list_empty(from))
        return;
    from->head.next->prev = to->head.prev;
    to->head.prev->next = from->head.next;
    from->head.prev->next = &to->head;
    to->head.prev = from->head.prev;
    list_init(from);
}

#define LIST_ENTRY(node, type, member) CONTAINER_OF(node, type, member)
/* The current node may be removed inside the loop. */
#define list_each(l, it)                                                                  \
    for (struct list_node *it = (l)->head.next, *it##_next_ = it->next; it != &(l)->head; \
         it = it##_next_, it##_next_ = it->next)

#endif
