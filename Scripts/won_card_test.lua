describe("won_card", function ()
  local function run_of(result)
    for _, run in ipairs(result.runs) do
      if run.automation == "won_card" then return run end
    end
  end

  local function without_notes(name)
    local deal = fixture.deal { title = "Sans brief", stage = "Confirmé" }
    local model = fixture.deal(name)
    deal.person, deal.organization, deal.owner, deal.email = model.person, model.organization, model.owner, model.email
    return deal
  end

  it("makes a card with the brief, line by line, and writes its link and id (ALT-140 to ALT-142)", function ()
    local deal = fixture.deal "group_training"
    local result = win(deal)
    expect(run_of(result).status):to_be("succeeded")
    expect(#sent.cards()):to_be(1)
    local card = deal.cards[1]
    expect(card.list):to_be(settings.card.list)
    expect(card.title):to_be("EDLC pour ACME")
    expect(card.text):to_contain("\n\n\nL'équipe se connaît peu.\n\tCommencer par un tour de table.\n\nFin à 17 h.")
    expect(deal.card_url):to_be(card.url)
    expect(deal.card_id):to_be(card.card_id)
    expect(table.concat(result.warnings, "\n")).never:to_contain("brief")
  end)

  it("makes a card for every won deal, training or not (ALT-140)", function ()
    for _, name in ipairs { "coaching", "individual_training", "group_training" } do
      local deal = fixture.deal(name)
      win(deal)
      expect(#deal.cards):to_be(1)
    end
  end)

  it("gives each deal of a group its own card with the promo code (ALT-145)", function ()
    local first, second = fixture.deal "group_training", fixture.deal "group_training"
    win(first)
    win(second)
    expect(first.cards[1].text):to_contain("[EDLC_001]")
    expect(second.cards[1].text):to_contain("[EDLC_001]")
    expect(first.card_id == second.card_id):to_be(false)
  end)

  it("makes no second card for a deal that is reopened and won again (ALT-143)", function ()
    local deal = fixture.deal "coaching"
    win(deal)
    local id = deal.card_id
    reopen(deal)
    win(deal)
    expect(#deal.cards):to_be(1)
    expect(deal.card_id):to_be(id)
  end)

  it("makes no card for a deal that has an id already (ALT-143)", function ()
    local deal = fixture.deal "coaching"
    deal.card_id = "carte-ancienne"
    win(deal)
    expect(#sent.cards()):to_be(0)
    expect(deal.card_id):to_be("carte-ancienne")
  end)

  it("leaves the deal won and archived without card when there is no brief, and makes it on retry (ALT-144, ALT-86)",
    function ()
      local deal = without_notes "coaching"
      local result = win(deal)
      local run = run_of(result)
      expect(run.status):to_be("failed")
      expect(run.error):to_contain("Sans brief")
      expect(run.error):to_contain("## Brief commercial")
      expect(deal.status):to_be("won")
      expect(deal.archived):to_be(true)                                            -- ALT-139
      expect(deal.card_id):to_be_nil()
      expect(deal.card_url):to_be_nil()
      expect(#sent.cards()):to_be(0)

      deal:add_note "## Brief commercial\n\n\nAucun brief commercial pour ce deal."   -- ALT-99
      retry(run)
      expect(#deal.cards):to_be(1)
      expect(deal.card_id):to_be(deal.cards[1].card_id)
    end)

  it("tells the fault of a brief that is there (ALT-95, ALT-144)", function ()
    local deal = without_notes "coaching"
    deal:add_note "## brief commercial\n\nX"
    expect(run_of(win(deal)).error):to_contain('Manque le "B" majuscule')
    expect(#sent.cards()):to_be(0)
  end)

  it("leaves the deal won and both fields empty when the board refuses, and makes the card on retry (ALT-140)",
    function ()
      local deal = fixture.deal "coaching"
      board.fails_with("refused", 1)
      local run = run_of(win(deal))
      expect(run.status):to_be("failed")
      expect(deal.status):to_be("won")
      expect(deal.card_id):to_be_nil()
      expect(deal.card_url):to_be_nil()

      retry(run)
      expect(#deal.cards):to_be(1)
      expect(deal.card_url):to_be(deal.cards[1].url)
    end)

  it("checks the promo again before the card is made (ALT-85)", function ()
    local deal = fixture.deal "bad_promo"
    local run = run_of(win(deal))
    expect(run.status):to_be("failed")
    expect(run.error):to_contain("« Promo »")
    expect(#sent.cards()):to_be(0)

    deal.promo = "[EDLC_001]"
    retry(run)
    expect(#deal.cards):to_be(1)
  end)

  it("reports a promo that is missing although there is group work (ALT-85)", function ()
    local deal = fixture.deal "group_training"
    deal.promo = nil
    expect(table.concat(win(deal).warnings, "\n")):to_contain("« Promo » is empty")
    expect(#deal.cards):to_be(1)
    expect(deal.cards[1].text):to_contain(settings.card.no_promo)
  end)

  it("reports a brief that is still the model, and carries it all the same (ALT-100)", function ()
    local deal = without_notes "coaching"
    move(deal, "Documents prêts")
    move(deal, "Confirmé")                                                         -- pin_brief makes the model
    expect(table.concat(win(deal).warnings, "\n")):to_contain("not filled in")
    expect(#deal.cards):to_be(1)
  end)

  it("reports text on the heading's line and carries it too (ALT-90)", function ()
    local deal = without_notes "coaching"
    deal:add_note "## Brief commercial urgent\nSuite"
    expect(table.concat(win(deal).warnings, "\n")):to_contain("begin a new line")
    expect(deal.cards[1].text):to_contain(" urgent\nSuite")
  end)

  it("takes the pinned one of several briefs and reports the others (ALT-101)", function ()
    local deal = without_notes "coaching"
    deal:add_note("## Brief commercial\n\n\nLe bon", { pinned = true })
    deal:add_note "## Brief commercial\n\n\nL'autre"
    expect(table.concat(win(deal).warnings, "\n")):to_contain("1 more")
    expect(deal.cards[1].text):to_contain("Le bon")
  end)

  it("runs on winning, not on losing, and ends what is automated (ALT-03, ALT-11)", function ()
    local deal = fixture.deal "coaching"
    expect(#lose(deal).runs):to_be(0)
    expect(#sent.cards()):to_be(0)
  end)

  it("keeps a won deal readable where it was (ALT-139)", function ()
    local deal = fixture.deal "coaching"
    win(deal)
    expect(deal.archived):to_be(true)
    expect(deal.title):to_be("Coaching pour ACME")
    expect(deal.stage.name):to_be("Proposition")
  end)
end)
