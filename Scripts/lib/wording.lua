-- Texts with placeholders such as {client}, whose wording is configuration (`settings` in workspace.lua).
local wording = {}

--- The template with each {name} replaced by values.name. A placeholder never stays in the text: an unknown name and
--- an empty value are errors (ALT-152).
function wording.fill(template, values)
  return (template:gsub("{([^{}\r\n]*)}", function (name)
    local value = values[name]
    if value == nil or text.trim(value) == "" then
      error(string.format("the text %q needs a value for {%s}, and there is none", template, name), 0)
    end
    return value
  end))
end

--- The text's first characters, when it has more than `limit`.
function wording.cut(written, limit)
  if utf8.len(written) <= limit then return written end
  return written:sub(1, utf8.offset(written, limit) - 1) .. "…"
end

return wording
