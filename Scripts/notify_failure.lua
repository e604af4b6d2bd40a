-- A run failed: the deal's owner hears of it by chat, with what was wrong and how to go on.
local wording = require "lib/wording"

on.event("run.failed", function (deal, event)
  local owner = deal and deal.owner
  if not owner then return end
  local user = chat.find_user(owner.email)
  if not user then return end                            -- nobody else is told (ALT-150)
  chat.send(user, chat.escape(wording.fill(settings.failure.message, {
    deal = deal.title, automation = event.automation, error = event.error, run = tostring(event.run),
  })))
end)
