// SPDX-License-Identifier: MIT
//
// What a call of librefscope in a live C program needs.
#include "action/live/act.h"
#include "answer/describe/report.h"

enum {
	// Objects that it may name beyond those that are known: a holder is
	// named once for each reference.
	RS_ROOM_MORE = 1 << 16,
	RS_ROOM_MOST = 1 << 26,
};

static const struct {
	const char *symbol;
	enum rs_caller_tracker_call call;
	bool only_looks;
} tracker_call[] = {
	[RS_ACT_COLLECT] = {"rs_collect", RS_CALLER_COLLECT, false},
	[RS_ACT_FIND_GARBAGE] = {"rs_find_garbage", RS_CALLER_FIND, true},
	[RS_ACT_WALK] = {"rs_walk", RS_CALLER_WALK, true},
	[RS_ACT_REFERRERS] = {"rs_referrers", RS_CALLER_REFERRERS, true},
};

struct rs_error *rs_act_registry(struct rs_session *session, uint32_t id,
				 struct rs_native_registry **ret)
{
	struct rs_runtime *rt = rs_session_runtime_named(session, "native");
	struct rs_native *native = rt ? rs_native_of(rt) : NULL;

	if (!native || id >= rs_native_registries(native))
		return rs_error_new(RS_ENOTFOUND,
				    "%s: it has no copy %u of librefscope",
				    session->source, id);
	*ret = &rs_native_registry(native)[id];
	return NULL;
}

static struct rs_error *find(struct rs_session *session, uint64_t registry,
			     const char *symbol, uint64_t *ret)
{
	const struct rs_module *module =
		rs_memory_module(session->memory, registry);

	return rs_memory_symbol(session->memory, module, symbol, ret, NULL);
}

static bool is_known(enum rs_act_call call)
{
	return call > RS_ACT_GC &&
	       call < sizeof(tracker_call) / sizeof(tracker_call[0]);
}

struct rs_error *rs_act_set_tracker(struct rs_session *session,
				    const struct rs_act_request *request,
				    struct rs_caller_args *args,
				    struct rs_act *act)
{
	struct rs_caller_tracker *t = &args->tracker;
	struct rs_native_registry *registry;
	struct rs_error *err =
		rs_act_registry(session, request->registry, &registry);

	if (err)
		return err;
	if (!is_known(request->call) ||
	    (request->way == RS_ACT_STOPPED) !=
		    tracker_call[request->call].only_looks)
		return rs_error_new(RS_EARGUMENT,
				    "there is no such call, or not in this "
				    "way");
	if (request->way == RS_ACT_STOPPED) {
		const uint64_t room =
			2 * (uint64_t)registry->tracked + RS_ROOM_MORE;

		act->room = room < RS_ROOM_MOST ? room : RS_ROOM_MOST;
	}
	t->call = tracker_call[request->call].call;
	t->object = request->object;
	t->room = act->room;
	return find(session, registry->address,
		    tracker_call[request->call].symbol, &t->function);
}

// --- What it depends on.

static struct rs_error *write_lacks(struct rs_session *session,
				    const struct rs_native_registry *registry,
				    struct rs_json *json)
{
	rs_json_key(json, "lacks");
	rs_json_begin_array(json);
	if (!rs_caller_size())
		rs_json_string(json, "code for this machine");
	for (unsigned i = RS_ACT_COLLECT; is_known(i); i++) {
		uint64_t address;
		struct rs_error *err = find(session, registry->address,
					    tracker_call[i].symbol, &address);

		if (err && rs_error_code(err) != RS_ENOTFOUND)
			return err;
		if (err)
			rs_json_string(json, tracker_call[i].symbol);
		rs_error_free(err);
	}
	rs_json_end_array(json);
	return NULL;
}

static struct rs_error *
write_registry(struct rs_session *session,
	       const struct rs_native_registry *registry, size_t id,
	       struct rs_json *json)
{
	const struct rs_gc_state *gc = &registry->raw.gc;

	rs_json_begin_object(json);
	rs_json_key_uint(json, "id", id);
	rs_json_key(json, "module");
	if (registry->module)
		rs_json_string(json, registry->module);
	else
		rs_json_null(json);
	rs_json_key_uint(json, "tracked", registry->tracked);
	rs_json_key_bool(json, "enabled", gc->enabled & RS_GC_ENABLED);
	rs_json_key_bool(json, "wanted", gc->enabled & RS_GC_WANTED);
	rs_json_key_bool(json, "collecting", gc->collecting);
	rs_json_key_uint(json, "locks",
			 registry->locked + (registry->raw.lock != 0));
	rs_json_key_uint(json, "collections", gc->collections);
	struct rs_error *err = write_lacks(session, registry, json);
	rs_json_end_object(json);
	return err;
}

struct rs_error *rs_answer_tracker_facts(struct rs_session *session, char **ret)
{
	RS_NEED_SESSION(session);
	struct rs_error *err = rs_session_check(session);
	struct rs_native_registry *first = NULL;
	struct rs_json json;

	if (err)
		return err;
	if (session->memory->is_core)
		return rs_error_new(RS_EUNSUPPORTED,
				    "%s: a core cannot be called",
				    session->source);
	if ((err = rs_act_registry(session, 0, &first)))
		return err;
	const struct rs_native *native =
		rs_native_of(rs_session_runtime_named(session, "native"));
	rs_json_init(&json, -1);
	rs_json_begin_object(&json);
	rs_json_key(&json, "registries");
	rs_json_begin_array(&json);
	for (size_t i = 0; !err && i < rs_native_registries(native); i++)
		err = write_registry(session, first + i, i, &json);
	rs_json_end_array(&json);
	rs_json_end_object(&json);
	return rs_report_end(session, &json, err, ret);
}
