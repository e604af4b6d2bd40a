-- The manual's check-lists: what is known to be right is ticked, the rest is for a person. Each is a list of lines.
local brief, fields, promo, setting, training =
  require "lib/brief", require "lib/fields", require "lib/promo", require "lib/setting", require "lib/training"
local checklist = {}

local function add(lines, right, wording, remark)
  local mark = right and "[x] " or "[ ] "
  lines[#lines + 1] = mark .. wording .. (remark and remark ~= "" and " : " .. remark or "")
end

-- The labels of these fields, as "« A », « B »".
local function labels(kind, keys)
  local names = {}
  for place, key in ipairs(keys) do names[place] = "« " .. crm.label(kind, key) .. " »" end
  return table.concat(names, ", ")
end

--- Before the papers go out (ALT-135).
function checklist.before_sending(deal)
  local words, lines = setting "checklists.before_sending", {}
  local products = training.products(deal)

  add(lines, false, words.documents)
  if #products > 0 then
    local filled, empty = fields.split(deal, training.opca_fields)
    if #filled == 0 then
      add(lines, false, words.opca, words.no_opca)
    elseif #empty > 0 then
      add(lines, false, words.opca, labels("deal", empty) .. " " .. words.empty)
    else
      add(lines, true, words.opca, deal.opca_name)
    end
  end
  local names = {}
  for place, person in ipairs(training.participants(deal)) do
    names[place] = (person.name or "?") .. (person.email and " <" .. person.email .. ">" or " – " .. words.no_email)
  end
  add(lines, false, words.contacts, table.concat(names, ", "))
  add(lines, false, words.layout)
  for _, product in ipairs(products) do
    local _, empty = fields.split(product, { "description", "objectives" })
    if #empty == 0 then
      add(lines, false, words.content, product.name)       -- filled in; whether it is right, a person has to see
    else
      add(lines, false, words.content, product.name .. " – " .. labels("product", empty) .. " " .. words.empty)
    end
  end
  return lines
end

--- Before the deal is won (ALT-136).
function checklist.before_won(deal)
  local words, lines = setting "checklists.before_won", {}

  local signed = deal.signed_urls ~= nil and #deal.signed_urls > 0
  add(lines, false, words.signed, not signed and words.not_signed or nil)
  add(lines, false, words.invoice, deal.quote_number)      -- made in accounting, by hand
  if deal.promo or promo.forgotten(deal) then
    local fault = promo.fault(deal.promo) or (not deal.promo and words.empty)
    add(lines, not fault, words.promo, fault or deal.promo)
  end
  local note, faulty = brief.find(deal)
  local fault = not note and (faulty[1] and faulty[1].fault or words.no_brief)
    or note and brief.unfilled(note.text) and words.unfilled
  add(lines, not fault, words.brief, fault or nil)
  return lines
end

return checklist
