-- mailto links (RFC 6068): they open in the reader's own mail program, and nothing is sent here (ALT-156, ALT-157).
local mailto = {}

-- The length from which some mail programs and browsers cut a link.
mailto.limit = 2000

-- An address keeps its @, which says where the name ends.
local function address(written)
  return (text.percent_encode(written):gsub("%%40", "@"))
end

-- RFC 6068 wants each line break as CRLF, whichever way it was typed.
local function passage(written)
  return text.percent_encode((written:gsub("\r\n?", "\n"):gsub("\n", "\r\n")))
end

--- The link for { to =, bcc =, subject =, body = }; all but `to` are optional.
function mailto.link(mail)
  if not mail.to or text.trim(mail.to) == "" then error("a mailto link needs an address in `to`", 2) end
  local fields = {}
  if mail.bcc then fields[#fields + 1] = "bcc=" .. address(mail.bcc) end
  if mail.subject then fields[#fields + 1] = "subject=" .. passage(mail.subject) end
  if mail.body then fields[#fields + 1] = "body=" .. passage(mail.body) end
  local link = "mailto:" .. address(mail.to)
  if #fields > 0 then link = link .. "?" .. table.concat(fields, "&") end
  return link
end

return mailto
