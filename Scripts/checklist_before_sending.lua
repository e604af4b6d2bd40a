-- On demand: the manual's check-list before the papers go out, with what can be known filled in (ALT-135).
local checklist = require "lib/checklist"

on.demand("checklist_before_sending", function (deal)
  if not deal then error("name the deal: coulisse run checklist_before_sending --deal ID", 0) end
  for _, line in ipairs(checklist.before_sending(deal)) do print(line) end
end)
