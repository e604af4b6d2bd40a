/* next and pairs, in an order that does not depend on addresses or seeds: numbers ascending, then strings
 * by their bytes, then false and true.
 *
 * pairs looks at the keys once. A table that holds 1..n and nothing else is simply counted through; any
 * other gets a sorted list of its keys, kept by the iterator. The values are read as the loop goes along,
 * so fields may be assigned and removed meanwhile; as in Lua, it is undefined whether a field added
 * meanwhile is met.
 *
 * next has nothing that it could keep a list in between two calls. Up to SMALL keys it looks at all of
 * them each time, which is exact whatever happened before. In a bigger table next(t) does that, too; the
 * first next(t, key) makes a list and the following calls go on in it, as long as each asks for the
 * successor of the last answer. The lists hang on their tables by weak keys, are dropped at the end of
 * the traversal and by next(t), and are few. (A chain of weak tables, which takes the collector long,
 * can't arise: a list holds no table.)
 */
#include <string.h>
#include "lib.h"

#define SMALL 48
#define LISTS_MAX 16
#define LIST_BYTES (24 + 8 + 16) /* a key's description, its two places in the sort, its entry in the list */

enum { NUMBERS, STRINGS, BOOLEANS };

typedef struct key {
  union {
    lua_Integer integer;
    lua_Number number;
    const char *bytes; /* of a string that is alive in its table or list */
  } value;
  size_t length;
  int rank;
  int is_float;
} key;

/* ---- the order -------------------------------------------------------------------------------- */

static int describe(lua_State *L, int index, key *k) {
  k->length = 0;
  k->is_float = 0;
  switch (lua_type(L, index)) {
    case LUA_TNUMBER: {
      k->rank = NUMBERS;
      int whole; /* a float that is a whole number means the integer, as it does in an index */
      k->value.integer = lua_tointegerx(L, index, &whole);
      if (whole) return 1;
      k->is_float = 1;
      k->value.number = lua_tonumber(L, index);
      return k->value.number == k->value.number; /* NaN is no key */
    }
    case LUA_TSTRING:
      k->rank = STRINGS;
      k->value.bytes = lua_tolstring(L, index, &k->length);
      return 1;
    case LUA_TBOOLEAN:
      k->rank = BOOLEANS;
      k->value.integer = lua_toboolean(L, index);
      return 1;
    default: return 0;
  }
}

static void describe_or_refuse(lua_State *L, int index, key *k) {
  if (!describe(L, index, k))
    luaL_error(L, "a table whose keys are tables (records, functions) has no stable order; it can't be iterated");
}

/* A float key is never a whole number that an integer could hold, so the two are never equal. */
static int integer_before_float(lua_Integer i, lua_Number f) {
  if (f >= 0x1p63) return 1;
  if (f < -0x1p63) return 0;
  lua_Integer below = (lua_Integer)f; /* towards zero */
  return f >= 0 ? i <= below : i < below;
}

static int before(const key *a, const key *b) {
  if (a->rank != b->rank) return a->rank < b->rank;
  if (a->rank == STRINGS) {
    size_t shorter = a->length < b->length ? a->length : b->length;
    int order = memcmp(a->value.bytes, b->value.bytes, shorter);
    return order ? order < 0 : a->length < b->length;
  }
  if (a->is_float != b->is_float)
    return a->is_float ? !integer_before_float(b->value.integer, a->value.number)
                       : integer_before_float(a->value.integer, b->value.number);
  return a->is_float ? a->value.number < b->value.number : a->value.integer < b->value.integer;
}

static size_t cost(const key *a, const key *b) {
  return 1 + (a->length < b->length ? a->length : b->length) / 64;
}

/* ---- sorted lists ------------------------------------------------------------------------------ */

/* Merges neighbouring pieces until all is one; the places of the keys are sorted, not the keys. */
static uint32_t *sort_places(lua_State *L, const key *keys, uint32_t *places, uint32_t *other, size_t count) {
  size_t steps = 0;
  for (size_t width = 1; width < count; width *= 2) {
    for (size_t left = 0; left < count; left += 2 * width) {
      size_t middle = left + width < count ? left + width : count;
      size_t end = middle + width < count ? middle + width : count;
      size_t i = left, j = middle, k = left;
      while (i < middle && j < end) {
        const key *a = &keys[places[i]], *b = &keys[places[j]];
        steps += cost(a, b);
        other[k++] = before(b, a) ? places[j++] : places[i++];
      }
      while (i < middle) other[k++] = places[i++];
      while (j < end) other[k++] = places[j++];
      if (steps >= 4096) {
        clk_charge(L, steps);
        steps = 0;
      }
    }
    uint32_t *sorted = other;
    other = places;
    places = sorted;
  }
  clk_charge(L, steps);
  return places;
}

/* Rearranges list[1..count] so that its i-th is what was its places[i]-th, cycle by cycle. */
static void rearrange(lua_State *L, int list, uint32_t *places, size_t count) {
  for (size_t start = 0; start < count; start++) {
    if (start % 1024 == 1023) clk_charge(L, 1024);
    if (places[start] == start) continue;
    lua_rawgeti(L, list, (lua_Integer)start + 1);
    size_t i = start;
    while (places[i] != start) {
      size_t from = places[i];
      lua_rawgeti(L, list, (lua_Integer)from + 1);
      lua_rawseti(L, list, (lua_Integer)i + 1);
      places[i] = (uint32_t)i;
      i = from;
    }
    lua_rawseti(L, list, (lua_Integer)i + 1);
    places[i] = (uint32_t)i;
  }
}

typedef struct census {
  size_t count;
  int dense; /* the keys are 1..count and come in that order */
} census;

static census count_keys(lua_State *L, int table) {
  census c = {0, 1};
  key k;
  lua_pushnil(L);
  while (lua_next(L, table)) {
    lua_pop(L, 1);
    c.count++;
    if (c.count % 1024 == 0) clk_charge(L, 1024);
    if (c.dense && lua_isinteger(L, -1) && lua_tointeger(L, -1) == (lua_Integer)c.count) continue;
    c.dense = 0;
    describe_or_refuse(L, lua_gettop(L), &k);
  }
  clk_charge(L, c.count % 1024 + 1);
  return c;
}

/* Pushes a list of the table's keys in order. No script runs meanwhile, so the table stays as it is. */
static void push_sorted_keys(lua_State *L, int table, size_t count) {
  key few[SMALL], *keys = few;
  uint32_t few_places[2 * SMALL], *places = few_places;
  if (count > UINT32_MAX / 2) luaL_error(L, "table too large to be iterated");
  clk_need_memory(L, count * LIST_BYTES, "list of keys");
  lua_createtable(L, (int)count, 0);
  int list = lua_gettop(L);
  if (count > SMALL) {
    keys = lua_newuserdatauv(L, count * sizeof(key), 0);
    places = lua_newuserdatauv(L, count * 2 * sizeof(uint32_t), 0);
  }
  int sorted = 1;
  size_t i = 0;
  lua_pushnil(L);
  while (i < count && lua_next(L, table)) {
    lua_pop(L, 1);
    describe_or_refuse(L, lua_gettop(L), &keys[i]);
    if (i > 0 && !before(&keys[i - 1], &keys[i])) sorted = 0;
    lua_pushvalue(L, -1);
    lua_rawseti(L, list, (lua_Integer)i + 1);
    places[i] = (uint32_t)i;
    if (++i % 1024 == 0) clk_charge(L, 1024);
  }
  lua_settop(L, count > SMALL ? list + 2 : list); /* the memory of the sort stays anchored */
  if (!sorted) rearrange(L, list, sort_places(L, keys, places, places + count, count), count);
  lua_settop(L, list);
}

/* How many keys of the list come up to and including the one at `index`; it need not be among them. */
static size_t place_of(lua_State *L, int list, size_t count, int index) {
  key wanted, k;
  describe_or_refuse(L, index, &wanted);
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    lua_rawgeti(L, list, (lua_Integer)middle + 1);
    describe_or_refuse(L, lua_gettop(L), &k);
    clk_charge(L, cost(&wanted, &k));
    if (before(&wanted, &k)) high = middle;
    else low = middle + 1;
    lua_pop(L, 1);
  }
  return low;
}

/* Pushes the first key of list[place + 1...] that is in the table still, and its value. Answers its place,
 * or 0. */
static size_t push_next_live(lua_State *L, int table, int list, size_t place, size_t count) {
  for (size_t steps = 1; place < count; steps++) {
    lua_rawgeti(L, list, (lua_Integer)++place);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, table) != LUA_TNIL) return place;
    lua_pop(L, 2);
    if (steps % 1024 == 0) clk_charge(L, 1024);
  }
  return 0;
}

/* ---- pairs ------------------------------------------------------------------------------------- */

/* upvalue: n. Counts from the key it is given to n. */
static int next_dense(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer n = lua_tointeger(L, lua_upvalueindex(1)), i = lua_isnoneornil(L, 2) ? 0 : luaL_checkinteger(L, 2);
  if (i < 0) i = 0;
  for (size_t steps = 1; i < n; steps++) {
    i++;
    if (lua_rawgeti(L, 1, i) != LUA_TNIL) {
      lua_pushinteger(L, i);
      lua_insert(L, -2);
      return 2;
    }
    lua_pop(L, 1);
    if (steps % 1024 == 0) clk_charge(L, 1024);
  }
  lua_pushnil(L);
  return 1;
}

/* upvalues: list, how many, place of the last answer */
static int next_listed(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 2);
  lua_pushvalue(L, lua_upvalueindex(1));
  size_t count = (size_t)lua_tointeger(L, lua_upvalueindex(2)), place = 0;
  if (!lua_isnil(L, 2)) {
    place = (size_t)lua_tointeger(L, lua_upvalueindex(3));
    lua_rawgeti(L, 3, (lua_Integer)place);
    if (!lua_rawequal(L, -1, 2)) place = place_of(L, 3, count, 2); /* not the loop itself is asking */
    lua_pop(L, 1);
  }
  place = push_next_live(L, 1, 3, place, count);
  if (place == 0) {
    lua_pushnil(L);
    return 1;
  }
  lua_pushinteger(L, (lua_Integer)place);
  lua_replace(L, lua_upvalueindex(3));
  return 2;
}

static int finish_pairs(lua_State *L, int status, lua_KContext context) {
  (void)L;
  (void)status;
  (void)context;
  return 3;
}

static int own_pairs(lua_State *L) {
  luaL_checkany(L, 1);
  if (luaL_getmetafield(L, 1, "__pairs") != LUA_TNIL) {
    lua_pushvalue(L, 1);
    lua_callk(L, 1, 3, 0, finish_pairs);
    return 3;
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  census c = count_keys(L, 1);
  if (c.dense) {
    lua_pushinteger(L, (lua_Integer)c.count);
    lua_pushcclosure(L, next_dense, 1);
  } else {
    push_sorted_keys(L, 1, c.count);
    lua_pushinteger(L, (lua_Integer)c.count);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_listed, 3);
  }
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  return 3;
}

/* ---- next -------------------------------------------------------------------------------------- */

enum { TABLE = 1, KEY, LISTS, BEST_KEY, BEST_VALUE }; /* stack slots */

/* Looks at all keys for the first one behind KEY. With `most` it gives up beyond so many: -1. */
static int scan(lua_State *L, size_t most) {
  key after, best, k;
  int behind = !lua_isnil(L, KEY), found = 0;
  size_t steps = 0;
  if (behind) describe_or_refuse(L, KEY, &after);
  lua_settop(L, BEST_VALUE);
  lua_pushnil(L);
  while (lua_next(L, TABLE)) {
    int at = lua_gettop(L) - 1;
    if (++steps > most) return -1;
    if (steps % 1024 == 0) clk_charge(L, 1024);
    describe_or_refuse(L, at, &k);
    if ((!behind || before(&after, &k)) && (!found || before(&k, &best))) {
      best = k;
      found = 1;
      lua_copy(L, at, BEST_KEY);
      lua_copy(L, at + 1, BEST_VALUE);
    }
    lua_pop(L, 1);
  }
  clk_charge(L, steps % 1024 + 1);
  lua_settop(L, BEST_VALUE);
  return found;
}

/* upvalues: the lists by table, how many have been put in */
static void forget_list(lua_State *L) {
  lua_pushvalue(L, TABLE);
  lua_pushnil(L);
  lua_rawset(L, LISTS);
}

static void new_lists(lua_State *L) {
  lua_createtable(L, 0, LISTS_MAX);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "k");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
}

static void keep_list(lua_State *L, int list) {
  lua_Integer kept = lua_tointeger(L, lua_upvalueindex(2));
  if (kept >= LISTS_MAX) {
    new_lists(L);
    lua_copy(L, -1, LISTS);
    lua_replace(L, lua_upvalueindex(1));
    kept = 0;
  }
  lua_pushinteger(L, kept + 1);
  lua_replace(L, lua_upvalueindex(2));
  lua_pushvalue(L, TABLE);
  lua_pushvalue(L, list);
  lua_rawset(L, LISTS);
}

/* The successor of KEY in a big table. A list holds the place of the last answer at [0]. */
static int next_big(lua_State *L) {
  lua_settop(L, LISTS);
  size_t count, place = 0;
  lua_pushvalue(L, TABLE);
  int known = lua_rawget(L, LISTS) == LUA_TTABLE;
  int list = lua_gettop(L);
  if (known) {
    lua_rawgeti(L, list, 0);
    place = (size_t)lua_tointeger(L, -1);
    lua_rawgeti(L, list, (lua_Integer)place);
    known = lua_rawequal(L, -1, KEY);
    lua_settop(L, list);
  }
  if (known) {
    count = (size_t)lua_rawlen(L, list);
  } else {
    lua_settop(L, LISTS);
    count = count_keys(L, TABLE).count;
    push_sorted_keys(L, TABLE, count);
    keep_list(L, list);
    place = place_of(L, list, count, KEY);
  }
  place = push_next_live(L, TABLE, list, place, count);
  if (place > 0) {
    lua_pushinteger(L, (lua_Integer)place);
    lua_rawseti(L, list, 0);
    return 2;
  }
  forget_list(L);
  if (scan(L, SIZE_MAX) > 0) return 2; /* what was added since the list was made */
  lua_pushnil(L);
  return 1;
}

static int own_next(lua_State *L) {
  luaL_checktype(L, TABLE, LUA_TTABLE);
  lua_settop(L, KEY);
  lua_pushvalue(L, lua_upvalueindex(1));
  int first = lua_isnil(L, KEY), lists = lua_tointeger(L, lua_upvalueindex(2)) > 0;
  if (!first && lists) {
    lua_pushvalue(L, TABLE);
    if (lua_rawget(L, LISTS) == LUA_TTABLE) return next_big(L);
    lua_pop(L, 1);
  }
  int found = scan(L, first ? SIZE_MAX : SMALL);
  if (found < 0) return next_big(L);
  if (first && lists) forget_list(L);
  if (found) return 2;
  lua_pushnil(L);
  return 1;
}

void lib_open_traversal(lua_State *L) {
  new_lists(L);
  lua_pushinteger(L, 0);
  lua_pushcclosure(L, own_next, 2);
  lua_setfield(L, -2, "next");
  lua_pushcfunction(L, own_pairs);
  lua_setfield(L, -2, "pairs");
}
