local mailto = require "lib/mailto"

-- What a mail program makes of a part of the link.
local function decoded(part)
  return (part:gsub("%%(%x%x)", function (digits) return string.char(tonumber(digits, 16)) end))
end

describe("a mailto link", function ()
  it("has the address first, then the fields that were given", function ()
    expect(mailto.link { to = "a@x.example" }):to_be("mailto:a@x.example")
    expect(mailto.link { to = "a@x.example", bcc = "b@x.example", subject = "S", body = "B" })
      :to_be("mailto:a@x.example?bcc=b@x.example&subject=S&body=B")
  end)

  it("encodes accents, blanks and signs as UTF-8 (ALT-157)", function ()
    expect(mailto.link { to = "a@x.example", subject = "Jérémy & Zoé ? 50 % # +" })
      :to_be("mailto:a@x.example?subject=J%C3%A9r%C3%A9my%20%26%20Zo%C3%A9%20%3F%2050%20%25%20%23%20%2B")
  end)

  it("brings every name through the round trip (ALT-157)", function ()
    for _, name in ipairs { "Jérémy Brunet", "Anne-Lise d’Œuvre", "Ünal & Fils?", "a=b;c%20d", "山田 👋", "<b>|x" } do
      local link = mailto.link { to = "a@x.example", body = name }
      expect(decoded(link:match("body=(.*)$"))):to_be(name)
    end
  end)

  it("writes each line break as CRLF, whichever way it was typed (ALT-157)", function ()
    expect(mailto.link { to = "a@x.example", body = "un\ndeux\r\ntrois\rquatre" })
      :to_be("mailto:a@x.example?body=un%0D%0Adeux%0D%0Atrois%0D%0Aquatre")
  end)

  it("can't be made to hold further fields by what stands in one (ALT-157)", function ()
    local link = mailto.link { to = "a&b?c@x.example", bcc = "d&to=e@x.example", subject = "S&bcc=f@x.example" }
    expect(link):to_be("mailto:a%26b%3Fc@x.example?bcc=d%26to%3De@x.example&subject=S%26bcc%3Df%40x.example")
  end)

  it("needs an address", function ()
    expect(function () mailto.link { subject = "S" } end):to_fail("address")
    expect(function () mailto.link { to = " " } end):to_fail("address")
  end)
end)
