describe("thank_referrer", function ()
  local function run_of(result)
    for _, run in ipairs(result.runs) do
      if run.automation == "thank_referrer" then return run end
    end
  end

  -- The messages of thanks; notify_failure writes others.
  local function thanks()
    local found = {}
    for _, message in ipairs(sent.messages()) do
      if message.text:find("mailto:", 1, true) then found[#found + 1] = message end
    end
    return found
  end

  -- What a mail program makes of the link's part of this name.
  local function decoded(message, name)
    local part = message:gsub("&amp;", "&"):match("[?&]" .. name .. "=([^&|>%s]*)") or ""
    return (part:gsub("%%(%x%x)", function (digits) return string.char(tonumber(digits, 16)) end))
  end

  it("sends the sales owner a private message (ALT-147, ALT-151)", function ()
    local deal = fixture.deal "coaching"
    expect(run_of(win(deal)).status):to_be("succeeded")
    expect(#thanks()):to_be(1)
    expect(deal.messages[1].recipient.email):to_be("floriane@altitude.example")      -- ALT-150
    expect(deal.messages[1].text):to_contain("Jérémy Brunet")
    expect(deal.messages[1].text):to_contain("mailto:")
    expect(deal.messages[1].text):to_contain("Nelly")
  end)

  it("writes a mail that names client, referrer and sales owner, line breaks as CRLF (ALT-149, ALT-152, ALT-157)",
    function ()
      local deal = fixture.deal "coaching"
      win(deal)
      local body = decoded(deal.messages[1].text, "body")
      expect(body):to_contain("Jérémy Brunet")
      expect(body):to_contain("Floriane Baillon")
      expect(body):to_contain("Nelly")
      expect(body):to_contain("\r\n\r\n")
      expect(body:find("[{}]")):to_be_nil()
      expect(decoded(deal.messages[1].text, "subject")):to_be(settings.thanks.subject)
    end)

  it("puts the deal's own address in blind copy (ALT-153)", function ()
    local deal = fixture.deal "coaching"
    win(deal)
    expect(decoded(deal.messages[1].text, "bcc")):to_be("affaire@altitude.example")
  end)

  it("addresses the mail to the sales owner and says so, whoever bears the referrer's name (ALT-154, ALT-155)",
    function ()
      local deal = fixture.deal "coaching"
      fixture.deal {
        title = "Autre", stage = "Qualifié",
        person = { first_name = "Nelly", last_name = "Roux", email = "nelly.roux@courrier.example" },
      }
      win(deal)
      expect(deal.messages[1].text):to_contain("mailto:floriane@altitude.example?")
      expect(deal.messages[1].text:find("nelly.roux", 1, true)):to_be_nil()
      expect(deal.messages[1].text):to_contain("remplacez")
    end)

  it("sends one message and nothing else: the mail is the owner's to send (ALT-156)", function ()
    local deal = fixture.deal "coaching"
    win(deal)
    clock.advance "61 days"
    expect(#thanks()):to_be(1)
  end)

  it("does nothing without a referrer, and that is no error (ALT-147)", function ()
    for _, blank in ipairs { "", "  ", "\u{A0}" } do
      local deal = fixture.deal "coaching"
      deal.person.referrer = blank
      expect(run_of(win(deal)).status):to_be("succeeded")
      expect(#deal.messages):to_be(0)
    end
    expect(run_of(win(fixture.deal "private_client")).status):to_be("succeeded")
    expect(#thanks()):to_be(0)
  end)

  it("takes the referrer's name as free text, signs and all (ALT-148, ALT-151, ALT-157)", function ()
    local deal = fixture.deal "coaching"
    deal.person.referrer = "Nelly & <Zoé> | 50 % ?"
    win(deal)
    expect(decoded(deal.messages[1].text, "body")):to_contain("Bonjour Nelly & <Zoé> | 50 % ?,")
    expect(deal.messages[1].text:find("<Zoé>", 1, true)):to_be_nil()
  end)

  it("escapes markup in the client's name too (ALT-151)", function ()
    local deal = fixture.deal "coaching"
    deal.person.last_name = "<!channel>"
    win(deal)
    expect(deal.messages[1].text:find("<!channel>", 1, true)):to_be_nil()
    expect(decoded(deal.messages[1].text, "body")):to_contain("Jérémy <!channel>")
  end)

  it("is an error without contact, without owner, or without the deal's address (ALT-149, ALT-153)", function ()
    for field, label in pairs {
      person = "« Contact »", owner = "« Référent commercial »", email = "« E-mail de l'opportunité »",
    } do
      local deal = fixture.deal "coaching"
      deal[field] = nil
      local run = run_of(win(deal))
      expect(run.status):to_be("failed")
      expect(run.error):to_contain(label)
      expect(run.error):to_contain("Coaching pour ACME")
    end
    expect(#thanks()):to_be(0)
  end)

  it("is an error when a name is missing: no link then (ALT-152)", function ()
    local deal = fixture.deal "coaching"
    deal.person.first_name, deal.person.last_name = nil, nil
    expect(run_of(win(deal)).error):to_contain("{client}")
    expect(#thanks()):to_be(0)
  end)

  it("fails alone when the chat refuses: the deal is won, the card is made, a retry sends (ALT-150)", function ()
    local deal = fixture.deal "coaching"
    chat.fails_with("refused", 1)
    local run = run_of(win(deal))
    expect(run.status):to_be("failed")
    expect(deal.status):to_be("won")
    expect(#deal.cards):to_be(1)
    expect(#thanks()):to_be(0)

    retry(run)
    expect(#thanks()):to_be(1)
  end)

  it("tries again by itself when the chat does not answer, and sends one message (ALT-151)", function ()
    local deal = fixture.deal "coaching"
    chat.fails_with("timeout", 2)
    win(deal)
    clock.advance "1 hours"
    expect(#thanks()):to_be(1)
  end)

  it("reports a link that some mail programs would cut (ALT-157)", function ()
    local deal = fixture.deal "coaching"
    deal.person.referrer = ("Nelly "):rep(400)
    expect(table.concat(win(deal).warnings, "\n")):to_contain("characters")
    expect(#thanks()):to_be(1)
  end)

  it("can be run on demand on a deal that is not won (ALT-151)", function ()
    local deal = fixture.deal "coaching"
    run("thank_referrer", deal)
    expect(#thanks()):to_be(1)
    expect(deal.status):to_be("open")
  end)
end)
