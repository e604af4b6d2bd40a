-- What kind of service a product is, by the words in its description (ALT-16 to ALT-25).
local training = {}

training.name = "formations"

-- Tried in this order, which is ours but for one thing: training goes before all others (ALT-24).
-- Words in capitals are acronyms and count as written only; of the others case and accents don't count (ALT-23).
training.categories = {
  { training.name, "formation", "parcours" },
  { "bilan de compétences", "bilan" },
  { "coachings et accompagnement individuel hors formation", "accompagnement", "coaching" },
  { "interventions en sous-traitance", "intervention", "animation" },
  { "outplacement", "outplacement" },
  { "prestations PDV PSE", "EIC", "AE" },
}

local function categories_in(passage)
  local found, words = {}, {}
  for _, word in ipairs(text.words(passage or "")) do
    words[word], words[text.folded(word)] = true, true
  end
  for _, category in ipairs(training.categories) do
    for place = 2, #category do
      if words[category[place]] then found[#found + 1] = category[1] break end
    end
  end
  return found
end

--- The product's category, nil when no word tells it, and the list of the other categories whose words are there.
--- The description is searched first; the name only when the description tells nothing (ALT-25).
function training.category(product)
  local found = categories_in(product.description)
  if #found == 0 then found = categories_in(product.name) end
  return table.remove(found, 1), found
end

--- Whether one product of the deal at least is a training. A product without a category is an error: it is never
--- taken for "no training" in silence (ALT-22).
function training.concerns(deal)
  local unknown
  for _, line in ipairs(deal.lines) do
    local category = training.category(line.product)
    if category == training.name then return true end
    if not category then unknown = line.product end
  end
  if unknown then
    error(string.format("product %q: no word of « Description » or « Nom » tells its category", unknown.name))
  end
  return false
end

return training
