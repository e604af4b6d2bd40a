-- Before "Créer documents": the promo code of a group training is well formed.
local promo = require "lib/promo"

on.before_enter("Créer documents", function (deal)
  local fault = promo.fault(deal.promo)                  -- nil when it is empty (individual) or well formed
  if fault then
    reject("Deal %q: « Promo » %q: %s. Write it like [EDLC_001]", deal.title, deal.promo, fault)
  end

  if promo.forgotten(deal) then
    warn("Deal %q: « Nombre d'heures de travaux de groupe » is filled in, but « Promo » is empty: "
      .. "it is taken for a « formation individuelle »", deal.title)
  end
end)
