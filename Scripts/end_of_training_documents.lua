-- Won: the papers of the end of a training, in the client's folder "Fin".
local training = require "lib/training"

local templates = { "feuille-de-presence", "attestation", "fiche-evaluation", "certificat-de-realisation" }

-- Made once: a deal that is reopened and won again keeps the papers that it has.
local function has_papers(deal)
  for _, document in ipairs(deal.documents) do
    for _, template in ipairs(templates) do
      if document.template == template then return true end
    end
  end
  return false
end

on.won(function (deal)
  if not training.concerns(deal) then return end
  local product = training.products(deal)[1]
  if deal.status ~= "won" then                           -- on demand: not before the sale (ALT-112)
    error(string.format("deal %q is not won; these papers are made when it is", deal.title))
  end
  if has_papers(deal) then return end

  local days = training.attendance_days(deal)
  if #days == 0 then
    warn("Deal %q: no attendance sheets; fill in « %s » or « %s » and « %s »", deal.title,
      crm.label("deal", "training_days"), crm.label("deal", "start_date"), crm.label("deal", "end_date"))
  end
  local folder = drive.client_folder(deal.person):child "Fin"
  local persons = training.participants(deal)
  for _, person in ipairs(persons) do
    for _, day in ipairs(days) do
      documents.generate("feuille-de-presence", deal, folder,
        { training = product, participant = person, day = day.day })
    end
  end
  for _, person in ipairs(persons) do
    local values = { training = product, participant = person }
    documents.generate("attestation", deal, folder, values)
    documents.generate("certificat-de-realisation", deal, folder, values)
  end
  documents.generate("fiche-evaluation", deal, folder, { training = product, participant = {} })
end)
