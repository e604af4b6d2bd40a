#ifndef COULISSE_CLUA_H
#define COULISSE_CLUA_H
#include <lua.h>
#include <lauxlib.h>
#include <lualib.h>
#endif
