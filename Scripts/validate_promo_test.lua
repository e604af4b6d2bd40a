describe("validate_promo", function ()
  local function enter(promo)
    local deal = fixture.deal "group_training"
    deal.promo = promo
    return deal, move(deal, "Créer documents")
  end

  -- What is said about the promo; other guards have their own say.
  local function about_promo(texts)
    local found = {}
    for _, said in ipairs(texts) do
      if said:find("« Promo »", 1, true) then found[#found + 1] = said end
    end
    return found
  end

  it("lets a group training with a well-formed promo pass (ALT-38, ALT-79)", function ()
    local deal, result = enter "[EDLC_001]"
    expect(result.moved):to_be(true)
    expect(#result.rejected):to_be(0)
    expect(about_promo(result.warnings)):to_equal {}
    expect(deal.promo):to_be("[EDLC_001]")
  end)

  it("lets an individual training without promo pass (ALT-41)", function ()
    local result = move(fixture.deal "individual_training", "Créer documents")
    expect(result.moved):to_be(true)
    expect(about_promo(result.warnings)):to_equal {}
  end)

  it("refuses a malformed promo and names deal, field and rule (ALT-38, ALT-80 to ALT-82)", function ()
    for promo, rule in pairs {
      ["[EDLC001]"] = "one underscore",                        -- ALT-80
      ["(EDLC_001)"] = "begin with [ and end with ]",          -- ALT-81
      ["[formation collective numéro 1]"] = "not contain spaces",  -- ALT-82
      [" [EDLC_001]"] = "not contain spaces",                  -- ALT-78
      ["   "] = "blanks only",                                 -- ALT-41
    } do
      local deal, result = enter(promo)
      expect(result.moved):to_be(false)
      local reasons = table.concat(about_promo(result.rejected), "\n")
      expect(reasons):to_contain("EDLC pour ACME")
      expect(reasons):to_contain(rule)
      expect(deal.stage.name):to_be("Proposition")
      expect(#result.runs):to_be(0)
    end
    expect(#sent.quotes()):to_be(0)
  end)

  it("refuses a malformed promo on a deal without training too (ALT-76)", function ()
    local deal = fixture.deal "coaching"
    deal.promo = "EDLC_001"
    expect(move(deal, "Créer documents").moved):to_be(false)
  end)

  it("warns when the promo looks forgotten, and lets the deal pass (ALT-38)", function ()
    local deal, result = enter(nil)
    expect(result.moved):to_be(true)
    expect(about_promo(result.warnings)[1]):to_contain("« Promo » is empty")
    expect(deal.quote_number):to_match("^D%-")
  end)

  it("lets the deal pass once the promo is mended (ALT-09)", function ()
    local deal, result = enter "[EDLC001]"
    expect(result.moved):to_be(false)
    deal.promo = "[EDLC_001]"
    expect(move(deal, "Créer documents").moved):to_be(true)
    expect(#sent.quotes()):to_be(1)
  end)

  it("leaves the promo as it is, so that deals of one training are found by it, to the letter (ALT-84)", function ()
    local first, second, other = enter "[EDLC_001]", enter "[EDLC_001]", enter "[edlc_001]"
    local found = {}
    for _, deal in ipairs(crm.deals { promo = "[EDLC_001]" }) do found[#found + 1] = deal.id end
    expect(found):to_equal { first.id, second.id }
    expect(other.promo):to_be("[edlc_001]")
  end)
end)
