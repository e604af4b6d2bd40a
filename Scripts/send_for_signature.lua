-- "Envoyer en signature": this deal's papers as one PDF, out to the client, and back when signed.
local setting, training, wording = require "lib/setting", require "lib/training", require "lib/wording"

on.before_enter("Envoyer en signature", function (deal)
  local is_training = #training.products(deal) > 0
  local needed = { "quote_number", "quote_url" }
  if is_training then needed = { "quote_number", "quote_url", "agreement_url", "programme_url" } end
  for _, key in ipairs(needed) do
    if not deal[key] then
      reject("Deal %q: « %s » is empty; move the deal to « Créer documents » first", deal.title,
        crm.label("deal", key))
    end
  end
  if not is_training and deal.agreement_url then
    warn("Deal %q has no training any more, but its « %s » is sent; move it to « Créer documents » to have it without",
      deal.title, crm.label("deal", "agreement_url"))
  end
  for _, quote in ipairs(deal.quotes) do                 -- the client signs what the deal says
    if quote.number == deal.quote_number and quote.total_without_tax ~= deal.total then
      warn("Deal %q comes to %s, but its quote %s to %s; move it to « Créer documents » for a new one", deal.title,
        deal.total, quote.number, quote.total_without_tax)
    end
  end
  if not deal.person then
    reject("Deal %q: « Contact » is empty", deal.title)
  elseif not deal.person.name then
    reject("Deal %q: its « Contact » has neither « Prénom » nor « Nom »", deal.title)
  elseif not deal.person.email then                      -- nobody would be asked (ALT-128)
    reject("Deal %q: « E-mail » of %q is empty", deal.title, deal.person.name)
  end
end, { name = "check_papers" })

-- The same paper is filed once, however often the deal comes here.
local function file(deal, folder, paper)
  for _, document in ipairs(deal.documents) do
    if document.folder and document.folder.id == folder.id and document.sha256 == paper.sha256 then return document end
  end
  return folder:store(paper)
end

on.enter("Envoyer en signature", function (deal)
  local timeout, words = setting "signature.timeout", setting "signature.notes"
  local number, folder = deal.quote_number, drive.client_folder(deal.person)
  local quote = file(deal, folder:child "Documents générés", accounting.quote_pdf(number))
  local bundle = documents.merge(quote, deal.agreement_url, deal.programme_url)   -- those the deal has, in this order

  local title = wording.cut(deal.title, 120)             -- file names and subjects have a limit
  local request = signature.send { document = bundle, signer = deal.person, title = title }
  local answer = wait(request, timeout)                  -- parked on disk; a restart does not matter
  if not answer.signed then
    deal:add_note(wording.fill(words[answer.state], { reason = answer.reason or words.no_reason }))
    return
  end

  -- First, for it stands whatever fails after it (ALT-132); the brief's script runs then.
  if deal.status ~= "open" or not deal:move_to("Confirmé", { from = "Envoyer en signature" }) then
    warn("Deal %q was signed, but has left « Envoyer en signature » meanwhile", deal.title)
  end
  deal:append("signed_urls", folder:store(answer.document, setting "signature.signed_name" .. title).url)

  local now = accounting.quote(number)
  if now and now.status ~= "replaced" and now.status ~= "cancelled" then
    accounting.accept_quote(number)
  else
    warn("Deal %q: the client has signed quote %s, which is no longer valid", deal.title, number)
  end
end, { name = "send_for_signature" })
