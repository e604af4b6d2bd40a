-- Before a deal is won: what the manual's last look finds. It warns; with settings.won.refuse it keeps the deal open.
local brief, promo, setting = require "lib/brief", require "lib/promo", require "lib/setting"

on.before_won(function (deal)
  local note = setting "won.refuse" and reject or warn

  local fault = promo.fault(deal.promo)
  if fault then
    note("Deal %q: « Promo » %q: %s", deal.title, deal.promo, fault)
  elseif promo.forgotten(deal) then                      -- ALT-85
    note("Deal %q: « Promo » is empty, but there are hours of group work", deal.title)
  end

  local found, faulty = brief.find(deal)
  if not found then
    note("Deal %q has no note that begins with %q%s", deal.title, brief.heading,
      faulty[1] and ": " .. faulty[1].fault or "")
  elseif brief.unfilled(found.text) then
    note("Deal %q: its brief is not filled in", deal.title)
  end

  local request = deal.signatures[#deal.signatures]
  if request and request.state == "declined" then
    note("Deal %q: %s declined to sign: %s", deal.title, request.signer_name, request.reason or "")
  elseif not deal.signed_urls or #deal.signed_urls == 0 then
    note("Deal %q: « %s » is empty", deal.title, crm.label("deal", "signed_urls"))
  end
end)
