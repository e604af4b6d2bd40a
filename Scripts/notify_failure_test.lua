describe("notify_failure", function ()
  it("tells the deal's owner what failed, why, and how to go on (ALT-09, ALT-150)", function ()
    local deal = fixture.deal "coaching"
    accounting.fails_with("refused", 1)
    local result = move(deal, "Créer documents")
    expect(#sent.messages()):to_be(1)
    local message = deal.messages[1]
    expect(message.recipient.email):to_be("floriane@altitude.example")
    expect(message.text):to_contain("create_documents")
    expect(message.text):to_contain("Coaching pour ACME")
    expect(message.text):to_contain("the service refused the request")
    expect(message.text):to_contain("coulisse runs retry " .. result.runs[1].id)
    expect(message.text).never:to_contain("scripts/")
  end)

  it("escapes markup in the deal's title (ALT-151)", function ()
    local deal = fixture.deal("coaching", { title = "<!channel> & co" })
    accounting.fails_with("refused", 1)
    move(deal, "Créer documents")
    expect(deal.messages[1].text).never:to_contain("<!channel>")
  end)

  it("says nothing of what is tried again by itself (ALT-30)", function ()
    local deal = fixture.deal "coaching"
    accounting.fails_with("timeout", 2)
    move(deal, "Créer documents")
    clock.advance "1 hours"
    expect(#sent.messages()):to_be(0)
  end)

  it("tells nobody else when the deal has no owner (ALT-150)", function ()
    local deal = fixture.deal "coaching"
    deal.owner = nil
    accounting.fails_with("refused", 1)
    local result = move(deal, "Créer documents")
    expect(#sent.messages()):to_be(0)
    for _, run in ipairs(result.runs) do
      if run.automation == "notify_failure" then expect(run.status):to_be("succeeded") end
    end
  end)

  it("leaves the failed run as it is when the chat refuses too: no message about a message (ALT-150)", function ()
    local deal = fixture.deal "coaching"
    accounting.fails_with("refused", 1)
    chat.fails_with("refused", 5)
    local result = move(deal, "Créer documents")
    expect(#result.runs):to_be(2)
    expect(result.runs[1].status):to_be("failed")
    expect(result.runs[2].status):to_be("failed")
    expect(#sent.messages()):to_be(0)
  end)

  it("tells a second failure too (ALT-09)", function ()
    local deal = fixture.deal "coaching"
    accounting.fails_with("refused", 2)
    local result = move(deal, "Créer documents")
    retry(result.runs[1])
    expect(#sent.messages()):to_be(2)
  end)
end)
