-- Reads `settings` of workspace.lua by path, such as "signature.timeout": what is missing is an error that names it.
return function (path)
  local value = settings
  for name in path:gmatch "[^.]+" do
    if type(value) == "table" then value = value[name] else value = nil end
  end
  if value == nil then
    error(string.format("settings.%s is missing; add it to workspace.lua", path), 0)
  end
  return value
end
