-- On demand: the manual's check-list before a deal is won, with what can be known filled in (ALT-136).
local brief, checklist, promo, training =
  require "lib/brief", require "lib/checklist", require "lib/promo", require "lib/training"

on.demand("checklist_before_won", function (deal)
  local words = settings.checklists.before_won

  checklist.check(deal.signed_urls and #deal.signed_urls > 0, words.signed)
  checklist.item(words.invoice, deal.quote_number)       -- made in accounting, by hand
  if promo.forgotten(deal) or deal.promo then
    local fault = promo.fault(deal.promo) or (not deal.promo and words.empty)
    checklist.check(not fault, words.promo, fault or deal.promo)
  end
  local note, faulty = brief.find(deal)
  local fault = not note and (faulty[1] and faulty[1].fault or words.no_brief)
    or note and brief.unfilled(note.text) and words.unfilled
  checklist.check(not fault, words.brief, fault)
end)
