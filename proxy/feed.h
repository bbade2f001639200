/* The catalog's feed: one control thread that keeps this process's snapshot at the metadata's version, beats the node's heart,
 * and configures the workers' pools for the shards that the snapshot names. */
#ifndef PROXY_FEED_H
#define PROXY_FEED_H

#include "util/diag.h"

struct catalog_feed;
struct cat_pins;
struct conf;
struct proxy;

/* Connects to the metadata server (waiting up to wait_ms for it), enters the node, loads and publishes the first snapshot. The metadata
 * must exist (ddl_bootstrap). Main thread. */
struct catalog_feed *feed_open(struct proxy *px, const struct conf *conf, uint64_t wait_ms, struct diag *d) MUST_CHECK;
/* Starts the thread; workers must exist. */
bool feed_start(struct catalog_feed *f, struct diag *d) MUST_CHECK;
void feed_stop(struct catalog_feed *f); /* leaves the node table, joins; NULL is allowed */
void feed_free(struct catalog_feed *f);

/* Loads until the snapshot is at least v. Control threads. */
bool feed_reload(void *feed, uint64_t v, struct diag *d) MUST_CHECK;
/* Another control thread has published a snapshot in the pins (ddl_config.published): the workers are told. */
void feed_published(void *feed, uint64_t version);
/* ddl_config.settled: see there. */
bool feed_settled(void *feed, uint64_t version, const uint64_t *ids, size_t n);
/* A worker stood still (clock_mono_ms): waits, at most wait_ms, until the feed has tried to speak with the metadata since. True: the
 * others had taken this node for dead. */
bool feed_was_buried(struct catalog_feed *f, uint64_t from_ms, uint64_t to_ms, uint64_t wait_ms);
struct cat_pins *feed_pins(struct catalog_feed *f);
uint32_t feed_node_id(const struct catalog_feed *f);
uint64_t feed_stamp(const struct catalog_feed *f);

/* On each worker's own thread (or before it starts): opens its pin, makes its pools. */
struct worker;
void feed_attach_worker(struct catalog_feed *f, struct worker *w);
void feed_detach_worker(struct catalog_feed *f, struct worker *w);

#endif
