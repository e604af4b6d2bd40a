-- "Créer documents": the quote of every deal; for a training also the agreement and the programme.
local training = require "lib/training"

on.enter("Créer documents", function (deal)
  local quote = accounting.create_quote(deal)            -- a second entry does not leave two live quotes (ALT-10)
  deal.quote_number, deal.quote_url = quote.number, quote.url

  if training.concerns(deal) then
    local product = training.products(deal)[1]
    local folder = drive.client_folder(deal.person):child "Documents générés"
    local values = { training = product, days = training.days(deal) }
    deal.agreement_url = documents.generate("convention", deal, folder, values).url
    deal.programme_url = documents.generate("programme", deal, folder, values).url
  else
    deal.agreement_url, deal.programme_url = nil, nil    -- of an earlier entry, when it was a training
  end

  deal:move_to("Documents prêts", { from = "Créer documents" })   -- last: everything is there (ALT-122)
end, { name = "create_documents" })
