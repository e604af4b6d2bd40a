/// The part of the test API that is Lua: what `expect` says is about Lua values, and is said at the test's own line.
enum ScriptTestPrelude {
  /// The name of the chunk, by which its frames are left out of tracebacks.
  static let name = "expect"

  static let text = """
    local import = __fixture
    __fixture = nil

    local function quoted(text)
      local shown = text:gsub("[%c\\"\\\\]", function (sign)
        if sign == "\\n" then return "\\\\n" elseif sign == "\\t" then return "\\\\t" elseif sign == "\\r" then return "\\\\r" end
        if sign == '"' or sign == "\\\\" then return "\\\\" .. sign end
        return ("\\\\x%02X"):format(sign:byte())
      end)
      return '"' .. shown .. '"'
    end

    local function sorted_keys(value)
      local keys = {}
      for key in next, value do keys[#keys + 1] = key end
      table.sort(keys, function (a, b)
        if type(a) == type(b) and (type(a) == "number" or type(a) == "string") then return a < b end
        return type(a) == "number" and type(b) ~= "number"
      end)
      return keys
    end

    -- A value as a person would write it in a test.
    local function show(value, depth)
      depth = depth or 0
      if type(value) == "string" then return quoted(value) end
      if type(value) == "function" then return "a function" end
      if type(value) ~= "table" then return tostring(value) end
      if next(value) == nil then return "{}" end
      if depth == 4 then return "{ … }" end
      local parts = {}
      for place, key in ipairs(sorted_keys(value)) do
        if place > 30 then parts[#parts + 1] = "…" break end
        local shown = show(value[key], depth + 1)
        if key == place then
          parts[#parts + 1] = shown
        elseif type(key) == "string" and key:find("^[%a_][%w_]*$") then
          parts[#parts + 1] = key .. " = " .. shown
        else
          parts[#parts + 1] = "[" .. show(key, depth + 1) .. "] = " .. shown
        end
      end
      return "{ " .. table.concat(parts, ", ") .. " }"
    end

    -- Amounts, decimals, dates and records can be written as text or number.
    local function same(found, expected)
      if found == expected then return true end
      if type(found) == "userdata" and (type(expected) == "string" or type(expected) == "number") then
        return tostring(found) == tostring(expected)
      end
      return false
    end

    local function alike(found, expected, depth)
      if same(found, expected) then return true end
      if type(found) ~= "table" or type(expected) ~= "table" then return false end
      if depth > 60 then error("these tables are nested too deep, or contain themselves", 0) end
      for key, value in next, expected do
        if not alike(found[key], value, depth + 1) then return false end
      end
      for key in next, found do
        if expected[key] == nil then return false end
      end
      return true
    end

    -- Each answers whether it holds, what was expected, and what was found if that is not the value itself.
    local matchers = {}

    function matchers.to_be(found, expected)
      local hint = type(expected) == "table" and " itself (to_equal compares what is in a table)" or ""
      return same(found, expected), show(expected) .. hint
    end

    function matchers.to_equal(found, expected)
      return alike(found, expected, 0), show(expected)
    end

    function matchers.to_be_nil(found)
      return found == nil, "nil"
    end

    function matchers.to_contain(found, part)
      if type(found) == "table" then
        for _, element in ipairs(found) do
          if alike(element, part, 0) then return true, "a list with " .. show(part) end
        end
        return false, "a list with " .. show(part)
      end
      local text = type(found) == "string" and found or type(found) == "userdata" and tostring(found)
      return text and text:find(tostring(part), 1, true) ~= nil, "something with " .. show(part)
    end

    function matchers.to_match(found, pattern)
      return type(found) == "string" and found:find(pattern) ~= nil, "text that matches " .. show(pattern)
    end

    function matchers.to_fail(found, part)
      local expected = part and "an error with " .. show(part) or "an error"
      if type(found) ~= "function" then return false, "a function that fails with " .. expected end
      local went_well, message = pcall(found)
      if went_well then return false, expected, "none" end
      message = type(message) == "string" and message or show(message)
      return part == nil or message:find(part, 1, true) ~= nil, expected, show(message)
    end

    -- A field that is nil is not there, so `value` is read past the methods.
    local mark, methods, negated = {}, {}, {}
    local function subject(self, name)
      if type(self) == "table" and rawget(self, "mark") == mark then return rawget(self, "value") end
      error("write it with a colon: expect(…):" .. name .. "(…)", 3)
    end
    for name, matcher in next, matchers do
      methods[name] = function (self, ...)
        local value = subject(self, name)
        local holds, expected, found = matcher(value, ...)
        if not holds then error("expected " .. expected .. ", found " .. (found or show(value)), 2) end
      end
      negated[name] = function (self, ...)
        local value = subject(self, name)
        local holds, expected, found = matcher(value, ...)
        if holds then error("expected anything but " .. expected .. ", found " .. (found or show(value)), 2) end
      end
    end

    -- Both faces ask it in the same way, so that the error stands at the test's own line.
    local function method_of(known, name)
      if known[name] then return known[name] end
      error("expect(…) has no '" .. tostring(name) .. "'; it has to_be, to_equal, to_be_nil, to_contain, to_match, "
        .. "to_fail, and never: before each of them", 3)
    end
    local negation = {
      __index = function (_, name)
        local method = method_of(negated, name)
        return method
      end,
      __metatable = false,
    }
    local expectation = {
      __index = function (self, name)
        if name == "never" then return setmetatable({ mark = mark, value = rawget(self, "value") }, negation) end
        local method = method_of(methods, name)
        return method
      end,
      __metatable = false,
    }

    function expect(value) return setmetatable({ mark = mark, value = value }, expectation) end

    fixture = {}

    -- A deal of scripts/fixtures.lua, by name, or one that is written here; `changes` are put over its fields.
    function fixture.deal(what, changes)
      local chosen = what
      if type(what) == "string" then
        local all = require "fixtures"
        if type(all) ~= "table" then error("scripts/fixtures.lua has to return a table of deals", 2) end
        chosen = all[what]
        if chosen == nil then
          local names = {}
          for _, name in ipairs(sorted_keys(all)) do names[#names + 1] = show(name) end
          error("scripts/fixtures.lua has no " .. quoted(what) .. "; it has " .. table.concat(names, ", "), 2)
        end
      end
      if type(chosen) ~= "table" then
        error("fixture.deal takes the name of a fixture or a table, found " .. show(chosen), 2)
      end
      if changes then
        local changed = {}
        for name, value in next, chosen do changed[name] = value end
        for name, value in next, changes do changed[name] = value end
        chosen = changed
      end
      local went_well, deal = pcall(import, chosen)
      if not went_well then error((tostring(deal):gsub("^expect:%d+: ", "")), 2) end
      return deal
    end

    local fixtures = fixture
    fixture = setmetatable({}, {
      __index = function (_, name)
        return fixtures[name] or error("fixture has no '" .. tostring(name) .. "'; it has deal", 2)
      end,
      __newindex = function () error("fixture can't be changed by a test", 2) end,
      __metatable = false,
    })
    """
}
