-- "Envoyer en signature": this deal's papers as one PDF, out to the client, and back when signed.
local training = require "lib/training"

on.before_enter("Envoyer en signature", function (deal)
  local needed = { "quote_number", "quote_url" }
  if #training.products(deal) > 0 then needed = { "quote_number", "quote_url", "agreement_url", "programme_url" } end
  for _, key in ipairs(needed) do
    if not deal[key] then
      reject("Deal %q: « %s » is empty; move the deal to « Créer documents » first", deal.title,
        crm.label("deal", key))
    end
  end
  if not deal.person then
    reject("Deal %q: « Contact » is empty", deal.title)
  elseif not deal.person.email then                      -- nobody would be asked (ALT-128)
    reject("Deal %q: « E-mail » of %q is empty", deal.title, deal.person.name)
  end
end, { name = "check_papers" })

on.enter("Envoyer en signature", function (deal)
  local number, folder = deal.quote_number, drive.client_folder(deal.person)
  local quote = folder:child("Documents générés"):store(accounting.quote_pdf(number))
  local bundle = documents.merge(quote, deal.agreement_url, deal.programme_url)   -- those the deal has, in this order

  local request = signature.send { document = bundle, signer = deal.person, title = deal.title }
  local answer = wait(request, settings.signature.timeout)        -- parked on disk; a restart does not matter
  if not answer.signed then
    deal:add_note("Signature: " .. answer.state .. (answer.reason and ", " .. answer.reason or ""))
    return
  end

  accounting.accept_quote(number)
  if not deal:move_to("Confirmé", { from = "Envoyer en signature" }) then   -- which lets the brief's script run
    warn("Deal %q was signed, but has left « Envoyer en signature » meanwhile", deal.title)
  end
  deal:append("signed_urls", folder:store(answer.document, settings.signature.signed_name .. deal.title).url)
end, { name = "send_for_signature" })
