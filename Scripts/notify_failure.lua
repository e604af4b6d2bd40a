-- A run failed: the deal's owner hears of it by chat, with what was wrong and how to go on.
local setting, wording = require "lib/setting", require "lib/wording"

on.event("run.failed", function (deal, event)
  local owner = deal and deal.owner
  if not owner then return end
  local user = chat.find_user(owner.email)
  if not user then return end                            -- nobody else is told (ALT-150)
  local reason = event.error:gsub("^scripts/[^:]+:%d+: ", "")   -- the place is for whoever writes scripts
  chat.send(user, chat.escape(wording.fill(setting "failure.message", {
    deal = deal.title, automation = event.automation, error = reason, run = tostring(event.run),
  })))
end)
