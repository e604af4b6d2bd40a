-- "Créer documents": the quote of every deal; for a training also the agreement and the programme.
local training = require "lib/training"

on.enter("Créer documents", function (deal)
  local is_training, days = training.concerns(deal), training.days(deal)   -- what can fail, before anything is made
  local quote = accounting.create_quote(deal)            -- a second entry does not leave two live quotes (ALT-10)
  deal.quote_number, deal.quote_url = quote.number, quote.url
  deal.agreement_url, deal.programme_url = nil, nil      -- those of an earlier entry don't go with this quote

  if is_training then
    local product = training.products(deal)[1]
    local folder = drive.client_folder(deal.person):child "Documents générés"
    local values = { training = product, days = days }
    deal.agreement_url = documents.generate("convention", deal, folder, values).url
    deal.programme_url = documents.generate("programme", deal, folder, values).url
  end

  -- Last: everything is there (ALT-122).
  if not deal:move_to("Documents prêts", { from = "Créer documents" }) then
    warn("Deal %q has its documents, but was not in « Créer documents » any more and stays where it is", deal.title)
  end
end, { name = "create_documents" })
