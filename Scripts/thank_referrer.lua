-- Won, and someone referred the client: the sales owner gets a mail of thanks that is ready to be sent.
local mailto, setting, wording = require "lib/mailto", require "lib/setting", require "lib/wording"

on.won(function (deal)
  local person, owner = deal.person, deal.owner
  if not person then error(string.format("deal %q: « Contact » is empty", deal.title)) end
  local referrer = text.trim(person.referrer or "")
  if referrer == "" then return end                      -- nobody to thank

  if not owner then error(string.format("deal %q: « Référent commercial » is empty", deal.title)) end
  if not deal.email then error(string.format("deal %q: « E-mail de l'opportunité » is empty", deal.title)) end
  local user = chat.find_user(owner.email)
  if not user then error(string.format("the chat has no user with the address %s", owner.email)) end

  local names = { client = person.name, owner = owner.name, referrer = referrer }
  local link = mailto.link {
    to = owner.email,                                    -- to be replaced by hand: it is never guessed (ALT-155)
    bcc = deal.email,
    subject = wording.fill(setting "thanks.subject", names),
    body = wording.fill(setting "thanks.body", names),
  }
  if #link > mailto.limit then
    warn("Deal %q: the mailto link has %d characters; some mail programs cut it", deal.title, #link)
  end

  chat.send(user, wording.fill(setting "thanks.message", {
    client = chat.escape(person.name),
    owner = chat.escape(owner.name),
    referrer = chat.link(link, referrer),                -- the name is what the owner clicks on
  }))
end)
