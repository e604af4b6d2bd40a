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

--- The trainings among the deal's products, each once, in the order of the lines.
function training.products(deal)
  local products, seen = {}, {}
  for _, line in ipairs(deal.lines) do
    local product = line.product
    if not seen[product.id] and training.category(product) == training.name then
      products[#products + 1] = product
    end
    seen[product.id] = true
  end
  return products
end

--- "individual" or "collective", as the field matrix has it: a promo is the only criterion (ALT-41).
function training.kind(deal)
  return (deal.promo == nil or deal.promo == "") and "individual" or "collective"
end

--- Who is billed instead of the client, if anybody: all four, or none (ALT-45).
training.opca_fields = { "opca_contact", "opca_name", "opca_address", "opca_siret" }

--- What the parts of "Nombre d'heures total" add up to; nil when none of them is filled in (ALT-75).
function training.hours(deal)
  local sum
  for _, key in ipairs { "hours_group", "hours_remote", "hours_individual" } do
    if deal[key] then sum = (sum or decimal("0")) + deal[key] end
  end
  return sum
end

--- Who is trained: the deal's participants, or its contact when it names none.
function training.participants(deal)
  if #deal.participants > 0 then return deal.participants end
  return { deal.person }
end

--- The days of "Jours de formation", as { day = date } each and each once; none when it is empty.
function training.days(deal)
  local days, seen = {}, {}
  for _, written in ipairs(deal.training_days or {}) do
    local read, day = pcall(date, text.trim(written))
    if not read then
      error(string.format("deal %q: « %s »: %q is no date; write it like 2026-11-03", deal.title,
        crm.label("deal", "training_days"), written), 0)
    end
    if not seen[tostring(day)] then days[#days + 1] = { day = day } end
    seen[tostring(day)] = true
  end
  return days
end

--- Working days from the first to the last day of a training: when it has more, nobody can say which of them it takes.
training.longest = 20

--- The days on which attendance is signed: "Jours de formation", else the working days of the week from
--- "Date de début de mission" to "Date de fin mission". None when there are too many of these.
function training.attendance_days(deal)
  local days = training.days(deal)
  if #days > 0 or not deal.start_date or not deal.end_date then return days end
  local day = deal.start_date
  while day <= deal.end_date do
    if day.weekday <= 5 then days[#days + 1] = { day = day } end
    if #days > training.longest then return {} end
    day = day:plus_days(1)
  end
  return days
end

return training
