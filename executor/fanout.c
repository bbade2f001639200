/* Writes to several places: UPDATE and DELETE over partitions, writes of BROADCAST tables. Each place gets its text, the
 * counts are added up (BROADCAST: those of one copy are the answer, since all copies do the same). */
#include "executor/exec-int.h"

#include <stdio.h>

/* Numbers of MySQL's info texts: "Rows matched: 3  Changed: 1  Warnings: 0", "Records: 3  Duplicates: 0  Warnings: 0". */
bool exec_info_numbers(struct sv info, uint64_t out[3])
{
    size_t n = 0;

    for (size_t i = 0; i < info.len && n < 3; i++) {
        uint64_t v = 0;
        size_t from = i;

        while (i < info.len && info.ptr[i] >= '0' && info.ptr[i] <= '9')
            v = v * 10 + (uint64_t)(info.ptr[i++] - '0');
        if (i > from)
            out[n++] = v;
    }
    return n == 3;
}

struct sv exec_sum_info(struct exec *e, const struct exec_lane *lanes, uint32_t n)
{
    uint64_t sum[3] = {0};
    bool is_update = false, any = false;

    for (uint32_t i = 0; i < n; i++) {
        uint64_t one[3];

        if (!exec_info_numbers(lanes[i].ok.info, one))
            continue;
        any = true;
        is_update = lanes[i].ok.info.ptr[1] == 'o'; /* "Rows", not "Records" */
        for (size_t k = 0; k < 3; k++)
            sum[k] += one[k];
    }
    if (!any)
        return SV_NULL;
    return arena_printf(e->arena, is_update ? "Rows matched: %llu  Changed: %llu  Warnings: %llu"
                                            : "Records: %llu  Duplicates: %llu  Warnings: %llu",
        (unsigned long long)sum[0], (unsigned long long)sum[1],
        (unsigned long long)(e->warnings ? e->warnings->total : sum[2])); /* what all pieces say is said once */
}

void exec_add_counts(struct exec *e)
{
    e->outcome.kind = EXEC_OK;
    e->outcome.ok = e->lanes[0].ok;
    if (e->plan->route.kind == ROUTE_ALL_SHARDS)
        return;
    e->outcome.ok.affected_rows = 0;
    for (uint32_t i = 0; i < e->n_lanes; i++) {
        e->outcome.ok.affected_rows += e->lanes[i].ok.affected_rows;
        e->outcome.ok.insert_id = MAX(e->outcome.ok.insert_id, e->lanes[i].ok.insert_id);
    }
    e->outcome.ok.info = exec_sum_info(e, e->lanes, e->n_lanes);
}

static void done(struct exec *e)
{
    if (!exec_failed(e))
        exec_add_counts(e);
    exec_finish(e);
}

void fanout_start(struct exec *e, const struct placeset *places)
{
    struct exec_lane *lanes = exec_lanes_new(e, places->n);

    for (uint32_t i = 0; i < places->n; i++) {
        struct strbuf b;

        strbuf_init(&b, e->arena);
        optimizer_render(&e->plan->fragment, e->inputs, NULL, places->items[i].partition, e->arena, &b);
        lanes[i].sql = strbuf_sv(&b);
        lanes[i].shard_id = places->items[i].shard_id;
        lanes[i].place = places->items[i].partition;
        lanes[i].ops = &exec_count_ops;
    }
    if (!exec_begin(e, true)) {
        exec_finish(e);
        return;
    }
    exec_step(e, lanes, places->n, exec_need(e), done);
}
