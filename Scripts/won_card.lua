-- Won: a card on the board that carries the sales brief, so that the trainers have the exact context.
local brief, promo, setting, training, wording =
  require "lib/brief", require "lib/promo", require "lib/setting", require "lib/training", require "lib/wording"

-- Everything is looked at before the card is made; a retry goes on once the deal is mended (ALT-09). What is only
-- advised against, such as a promo that looks forgotten, check_before_won has told already.
on.won(function (deal)
  if deal.card_id then return end                        -- reopened and won again: the same card (ALT-143)
  if setting "card.only_training" and not training.concerns(deal) then return end

  local fault = promo.fault(deal.promo)
  if fault then error(string.format("deal %q: « Promo » %q: %s", deal.title, deal.promo, fault)) end

  local note, faulty, others = brief.find(deal)
  if not note then
    local found = faulty[1] and ("; note %d: %s"):format(faulty[1].note.id, faulty[1].fault) or ""
    error(string.format("deal %q has no note that begins with %q%s", deal.title, brief.heading, found))
  end
  if #others > 0 then warn("Deal %q has %d more briefs; note %d counts", deal.title, #others, note.id) end
  local content, beside = brief.content(note.text)
  if beside then warn("Deal %q: begin a new line after %q in the brief", deal.title, brief.heading) end

  local head = wording.fill(setting "card.text", { promo = deal.promo or setting "card.no_promo" })
  local card = board.create_card(deal, {
    list = setting "card.list",
    title = wording.fill(setting "card.title", { deal = deal.title }),
    text = head .. "\n" .. content,                      -- the brief line by line, unchanged (ALT-141)
  })
  deal.card_url, deal.card_id = card.url, card.id
end)
