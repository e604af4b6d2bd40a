-- On demand: the manual's check-list before a deal is won, with what can be known filled in (ALT-136).
local checklist = require "lib/checklist"

on.demand("checklist_before_won", function (deal)
  if not deal then error("name the deal: coulisse run checklist_before_won --deal ID", 0) end
  for _, line in ipairs(checklist.before_won(deal)) do print(line) end
end)
