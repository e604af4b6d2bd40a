-- Lines of a check-list: what is known to be right is ticked, the rest is for a person.
local checklist = {}

local function line(mark, wording, remark)
  print(mark .. " " .. wording .. (remark and remark ~= "" and " : " .. remark or ""))
end

--- To be ticked by a person.
function checklist.item(wording, remark) line("[ ]", wording, remark) end

--- Known to be right.
function checklist.done(wording, remark) line("[x]", wording, remark) end

function checklist.check(right, wording, remark) line(right and "[x]" or "[ ]", wording, remark) end

return checklist
