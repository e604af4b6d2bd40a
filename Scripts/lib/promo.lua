-- The promo code that all deals of one group training share, such as [EDLC_001] (ALT-76 to ALT-83).
local promo = {}

-- What makes a code well formed, in one place: a pattern that it must match, and the words for it.
promo.rules = {
  { "^%[.*%]$",             "it must begin with [ and end with ]" },
  { "^%S*$",                "it must not contain spaces" },
  { "%a",                   "it must contain a letter" },
  { "%d",                   "it must contain a digit" },
  { "^[^_]*_[^_]*$",        "it must contain one underscore _" },
  -- Brackets of the wrong shape are the first rule's business, spaces the second's.
  { "^%p?[A-Za-z0-9_%s]*%p?$", "it must contain nothing but letters without accents, digits and the underscore" },
}

--- nil when the code is empty (an individual training) or well formed; else every rule that it breaks.
function promo.fault(code)
  if code == nil or code == "" then return nil end
  if text.trim(code) == "" then
    return "it holds blanks only; « formation individuelle »: empty it, « formation collective »: fill it in"
  end
  local broken = {}
  for _, rule in ipairs(promo.rules) do
    if not code:find(rule[1]) then broken[#broken + 1] = rule[2] end
  end
  if #broken > 0 then return table.concat(broken, "; ") end
end

--- "individual" or "group": whether the promo is empty is the only criterion (ALT-41).
function promo.kind(deal)
  return (deal.promo == nil or deal.promo == "") and "individual" or "group"
end

--- Whether the promo looks forgotten: hours of group work, but no promo (ALT-38).
function promo.forgotten(deal)
  local hours = deal.hours_group
  return promo.kind(deal) == "individual" and hours ~= nil and hours > decimal("0")
end

return promo
