-- Which fields have to be filled in, as the matrix in workspace.lua says (ALT-74).
local fields = {}

--- Whether nobody has filled a field in: nothing, or blanks only.
function fields.is_empty(value)
  return value == nil or (type(value) == "string" and text.trim(value) == "")
    or (type(value) == "table" and next(value) == nil)
end

--- The keys of the filled and of the empty fields, each in the order given.
function fields.split(record, keys)
  local filled, empty = {}, {}
  for _, key in ipairs(keys) do
    local list = fields.is_empty(record[key]) and empty or filled
    list[#list + 1] = key
  end
  return filled, empty
end

--- Whether the deal's organization only stands for a person: it bears the contact's name, in either order (ALT-43).
function fields.is_private_client(deal)
  local organization, person = deal.organization, deal.person
  if not organization or not person then return false end
  local first, last = person.first_name or "", person.last_name or ""
  local name = text.folded(text.trim(organization.name))
  return name == text.folded(text.trim(first .. " " .. last)) or name == text.folded(text.trim(last .. " " .. first))
end

-- Whether a script of this workspace has made something for the deal: what stands in its automatic fields is ours then.
local function was_automated(deal)
  return #deal.quotes > 0 or #deal.documents > 0 or #deal.cards > 0
end

local function sorted(names)
  local list = {}
  for name in pairs(names) do list[#list + 1] = name end
  table.sort(list)
  return list
end

local marks = { required = true, if_needed = true, must_be_empty = true, automatic = true, unknown = true }

--- Rejects and warns, in a guard, as the matrix of this kind of training says: `matrix[record][key] = mark`.
function fields.check(deal, matrix)
  local records = { deal = deal, organization = deal.organization, person = deal.person }
  local private, unknown = fields.is_private_client(deal), {}
  for _, name in ipairs(sorted(matrix)) do
    local record = records[name]
    -- A private client's organization has a name and needs nothing else.
    local may_be_empty = private and name == "organization"
    for _, key in ipairs(sorted(record and matrix[name] or {})) do
      local mark, empty = matrix[name][key], fields.is_empty(record[key])
      local label = crm.label(name, key)
      if not marks[mark] then
        error(string.format("settings.field_matrix: %s.%s is %q; write required, if_needed, must_be_empty, "
          .. "automatic or unknown", name, key, tostring(mark)), 0)
      elseif mark == "required" and empty and not may_be_empty then
        reject("Deal %q: « %s » is empty", deal.title, label)
      elseif mark == "must_be_empty" and not empty then
        reject("Deal %q: « %s » has to be empty for this kind of training", deal.title, label)
      elseif mark == "automatic" and not empty and not was_automated(deal) then
        warn("Deal %q: « %s » was filled in by hand; scripts fill it in and may replace what is there", deal.title,
          label)
      elseif mark == "unknown" and empty and not may_be_empty then
        unknown[#unknown + 1] = label
      end
    end
  end
  if #unknown > 0 then
    warn("Deal %q: not filled in: « %s »", deal.title, table.concat(unknown, " », « "))
  end
end

return fields
