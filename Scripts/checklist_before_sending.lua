-- On demand: the manual's check-list before the papers go out, with what can be known filled in (ALT-135).
local checklist, fields, training =
  require "lib/checklist", require "lib/fields", require "lib/training"

on.demand("checklist_before_sending", function (deal)
  local words = settings.checklists.before_sending
  local products = training.products(deal)

  checklist.item(words.documents)
  if #products > 0 then
    local filled = fields.split(deal, training.opca_fields)
    if #filled > 0 then
      checklist.done(words.opca, deal.opca_name)
    else
      checklist.item(words.opca, words.no_opca)
    end
  end
  local names = {}
  for place, person in ipairs(training.participants(deal)) do
    names[place] = person.name .. (person.email and " <" .. person.email .. ">" or " – " .. words.no_email)
  end
  checklist.item(words.contacts, table.concat(names, ", "))
  checklist.item(words.layout)
  for _, product in ipairs(products) do
    local _, empty = fields.split(product, { "description", "objectives" })
    if #empty == 0 then
      checklist.done(words.content, product.name)
    else
      for _, key in ipairs(empty) do
        checklist.item(words.content, product.name .. " – « " .. crm.label("product", key) .. " » " .. words.empty)
      end
    end
  end
end)
