describe("pending_signatures", function ()
  local function sent_out(name, changes)
    local deal = fixture.deal(name, changes)
    move(deal, "Créer documents")
    move(deal, "Envoyer en signature")
    return deal
  end

  -- What this script sent: the others write to the owners too.
  local function lists()
    local found = {}
    for _, message in ipairs(sent.messages()) do
      if message.text:find(settings.pending.message, 1, true) then found[#found + 1] = message end
    end
    return found
  end

  it("tells an owner once a week, from the Monday after a whole week", function ()
    clock.set "2026-03-17 10:00"                         -- a Tuesday; the clocks go forward on the 29th
    sent_out "coaching"
    clock.set "2026-03-23 10:00"
    expect(#lists()):to_be(0)
    clock.advance "7 days"
    expect(#lists()):to_be(1)
    expect(lists()[1].recipient.email):to_be("floriane@altitude.example")
    expect(lists()[1].text):to_contain("« Coaching pour ACME »")
    expect(lists()[1].text):to_contain("17/03/2026")
    clock.advance "7 days"
    expect(#lists()):to_be(2)
  end)

  it("puts all deals of an owner into one message, and says which the client has seen", function ()
    view(sent_out("coaching").signatures[1])
    sent_out("coaching", { title = "<!channel>" })
    clock.advance "14 days"
    expect(#lists()):to_be(1)
    local text = lists()[1].text
    expect(text):to_contain(settings.pending.viewed)
    expect(text):to_contain(settings.pending.sent)
    expect(text).never:to_contain("<!channel>")
  end)

  it("says nothing of what is signed, nor of a deal without an owner", function ()
    sign(sent_out("coaching").signatures[1])
    sent_out("coaching", { title = "Sans référent" }).owner = nil
    clock.advance "28 days"
    expect(#lists()):to_be(0)
  end)

  it("makes one list of the Mondays on which no engine was at work", function ()
    sent_out "coaching"
    clock.set "2026-02-10 08:00"
    expect(#lists()):to_be(1)
  end)
end)
