-- "Confirmé": the deal has its sales brief pinned at the top; one is made from the model if there is none.
local brief = require "lib/brief"

on.enter("Confirmé", function (deal)
  local note, faulty, others = brief.find(deal)

  for _, wrong in ipairs(faulty) do                      -- reported and left alone: it is the salesperson's to mend
    warn("Deal %q: note %d is not a valid « Brief commercial »: %s", deal.title, wrong.note.id, wrong.fault)
  end
  for _, other in ipairs(others) do                      -- one pinned brief a deal (ALT-97)
    warn("Deal %q: note %d is another « Brief commercial »; note %d counts", deal.title, other.id, note.id)
    if other.pinned then other:unpin() end
  end

  if note then
    note:pin()
  else
    deal:add_note(brief.model(), { pinned = true })
  end
end)
