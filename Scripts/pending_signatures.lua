-- Each Monday: the sales owners hear which of their deals have been out for signature for more than a week.
local setting, wording = require "lib/setting", require "lib/wording"

on.schedule({ every = "monday", at = "09:00" }, function (event)
  local limit = event.at.date - setting "pending.days"
  local lists = {}                                       -- lines, by the owner's address
  for _, state in ipairs { "sent", "viewed" } do
    for _, request in ipairs(crm.signature_requests { state = state }) do
      local owner, sent = request.deal.owner, request.sent_at.date
      if owner and sent < limit then
        lists[owner.email] = (lists[owner.email] or "") .. "\n" .. wording.fill(setting "pending.line", {
          deal = chat.escape(request.deal.title), signer = chat.escape(request.signer_name),
          date = sent:format("%d/%m/%Y"), state = setting("pending." .. state),
        })
      end
    end
  end
  for email, lines in pairs(lists) do
    local user = chat.find_user(email)
    if user then chat.send(user, setting "pending.message" .. lines) end
  end
end)
