-- Won: the papers of the end of a training, in the client's folder "Fin".
local training = require "lib/training"

-- What the deal has already, so that only what is missing is made: a deal that is won again or has more participants
-- now gets no second ones. A paper is known by its template and by the end of its title: " – NAME", " – NAME – DAY".
local function missing(deal, papers)
  local there, list = {}, {}
  for place, document in ipairs(deal.documents) do       -- read once each: a large training has many papers
    there[place] = { template = document.template, title = text.folded(document.title) }
  end
  for _, paper in ipairs(papers) do
    local found
    for place, document in ipairs(there) do
      local ends = paper.ending == "" or document.title:sub(-#paper.ending) == paper.ending
      if document.template == paper.template and ends then found = place break end
    end
    if found then table.remove(there, found) else list[#list + 1] = paper end
  end
  return list
end

on.won(function (deal)
  if not training.concerns(deal) then
    if deal.agreement_url then
      warn("Deal %q has a « %s », but no training any more: no papers for its end", deal.title,
        crm.label("deal", "agreement_url"))
    end
    return
  end
  if deal.status ~= "won" then                           -- on demand: not before the sale (ALT-112)
    error(string.format("deal %q is not won; these papers are made when it is", deal.title), 0)
  end
  if not deal.person then                                -- whose folder is it?
    error(string.format("deal %q: « Contact » is empty", deal.title), 0)
  end

  local products, persons, days = training.products(deal), training.participants(deal), training.attendance_days(deal)
  if #products > 1 then
    warn("Deal %q has %d trainings; the papers for its end are those of %q", deal.title, #products, products[1].name)
  end
  if #days == 0 then
    warn("Deal %q: no attendance sheets; fill in « %s », or « %s » and « %s » of at most %d working days", deal.title,
      crm.label("deal", "training_days"), crm.label("deal", "start_date"), crm.label("deal", "end_date"),
      training.longest)
  end

  local papers = {}
  local function add(template, person, day)
    local ending = person and " – " .. person.name .. (day and " – " .. tostring(day) or "") or ""
    papers[#papers + 1] = {
      template = template, ending = text.folded(ending),
      values = {
        training = products[1], participant = person or { name = "" },   -- nobody: a blank form
        day = day, date = day and tostring(day),
      },
    }
  end
  for _, person in ipairs(persons) do
    if not person.name then
      error(string.format("deal %q: person %d of « %s » has neither « Prénom » nor « Nom »", deal.title, person.id,
        crm.label("deal", "participants")), 0)
    end
    for _, day in ipairs(days) do add("feuille-de-presence", person, day.day) end
    add("attestation", person)
    add("certificat-de-realisation", person)
  end
  add("fiche-evaluation")

  local folder = drive.client_folder(deal.person):child "Fin"
  for _, paper in ipairs(missing(deal, papers)) do
    documents.generate(paper.template, deal, folder, paper.values)
  end
end)
