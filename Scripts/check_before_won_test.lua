describe("check_before_won", function ()
  local function warned(deal)
    local result = win(deal)
    expect(result.moved):to_be(true)
    expect(deal.status):to_be("won")
    return table.concat(result.warnings, "\n"), #result.warnings
  end

  local function signed(name, changes)
    local deal = fixture.deal(name, changes)
    deal.signed_urls = { "https://drive.example/signe" }
    return deal
  end

  it("says nothing of a deal that has all (ALT-85, ALT-86)", function ()
    local _, count = warned(signed "coaching")
    expect(count):to_be(0)
    _, count = warned(signed "group_training")
    expect(count):to_be(0)
  end)

  it("tells a promo that is wrong, before the card is made (ALT-85)", function ()
    local deal = signed "bad_promo"
    local warnings = warned(deal)
    expect(warnings):to_contain('« Promo » "(EDLC_001)": it must begin with [ and end with ]')
    expect(#deal.cards):to_be(0)
  end)

  it("tells a promo that is missing for a group training (ALT-85)", function ()
    local deal = signed "group_training"
    deal.promo = nil
    local warnings, count = warned(deal)
    expect(count):to_be(1)
    expect(warnings):to_contain("« Promo » is empty, but there are hours of group work")
  end)

  it("tells that the brief is missing, and the deal is won all the same (ALT-86, ALT-144)", function ()
    for _, name in ipairs { "coaching", "group_training" } do                      -- training or not
      local deal = signed(name, { notes = {} })
      expect((warned(deal))):to_contain('has no note that begins with "## Brief commercial"')
      expect(#deal.cards):to_be(0)
    end
  end)

  it("tells what is wrong with a brief (ALT-95)", function ()
    local deal = signed("coaching", { notes = { { text = "##Brief commercial\nX" } } })
    expect((warned(deal))):to_contain('Manque un espace entre ## et "Brief"')
  end)

  it("tells that the model is not filled in, once (ALT-100)", function ()
    local deal = signed("coaching", { notes = {} })
    move(deal, "Confirmé")
    local warnings, count = warned(deal)
    expect(warnings):to_contain("its brief is not filled in")
    expect(count):to_be(1)
  end)

  it("takes « Aucun brief commercial » for a brief (ALT-99)", function ()
    local deal = signed("coaching", {
      notes = { { text = "## Brief commercial\n\n\nAucun brief commercial pour ce deal." } },
    })
    local _, count = warned(deal)
    expect(count):to_be(0)
  end)

  it("tells that the client has declined to sign, and why (ALT-133, ALT-136)", function ()
    local deal = fixture.deal "coaching"
    move(deal, "Créer documents")
    move(deal, "Envoyer en signature")
    decline(deal.signatures[1], "trop cher")
    local warnings = win(deal).warnings
    expect(warnings):to_contain('Deal "Coaching pour ACME": Jérémy Brunet declined to sign: trop cher')
    expect(table.concat(warnings, "\n")).never:to_contain("« Document(s) signé(s) » is empty")
  end)

  it("tells that nothing was signed (ALT-136)", function ()
    expect((warned(fixture.deal "coaching"))):to_contain("« Document(s) signé(s) » is empty")
  end)

  it("keeps a deal open only if the settings say so (ALT-144)", function ()
    expect(settings.won.refuse):to_be(false)
  end)
end)
