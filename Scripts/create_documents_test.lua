describe("create_documents", function ()
  local function rejected(deal)
    local result = move(deal, "Créer documents")
    expect(result.moved):to_be(false)
    expect(deal.stage.name):to_be("Proposition")
    expect(#result.runs):to_be(0)
    expect(#sent.quotes()):to_be(0)
    return table.concat(result.rejected, "\n"), #result.rejected
  end

  local function only_run(result)
    expect(#result.runs):to_be(1)
    expect(result.runs[1].automation):to_be("create_documents")
    return result.runs[1]
  end

  it("makes the quote, writes its number and link, and moves the deal on (ALT-30, ALT-31, ALT-08)", function ()
    local deal = fixture.deal "coaching"
    local result = move(deal, "Créer documents")
    expect(result.moved):to_be(true)
    expect(only_run(result).status):to_be("succeeded")
    expect(deal.stage.name):to_be("Documents prêts")
    expect(deal.quote_number):to_match("^D%-%d%d%d%d%-0001$")
    expect(deal.quote_number):to_be(deal.quotes[1].number)
    expect(deal.quote_url):to_be(deal.quotes[1].url)
    expect(#sent.quotes()):to_be(1)
  end)

  it("has one record for deal and opportunity; an unknown field is an error that names it (ALT-01)", function ()
    local deal = fixture.deal "coaching"
    expect(deal.owner.name):to_be("Floriane Baillon")
    expect(deal.person.last_name):to_be("Brunet")
    expect(function () return deal.titel end):to_fail("titel")
  end)

  it("acts on entering its own stage only (ALT-02, ALT-05)", function ()
    local deal = fixture.deal "coaching"
    for _, stage in ipairs { "Qualifié", "Proposition", "Documents prêts", "Envoyer en signature" } do
      expect(#move(deal, stage).runs):to_be(0)
    end
    expect(#sent.quotes()):to_be(0)
  end)

  it("finds the stage without regard to accents and case (ALT-04)", function ()
    expect(move(fixture.deal "coaching", "creer DOCUMENTS").moved):to_be(true)
  end)

  it("makes the quote for group and individual training alike (ALT-31)", function ()
    for _, name in ipairs { "group_training", "individual_training" } do
      local deal = fixture.deal(name)
      move(deal, "Créer documents")
      expect(deal.quote_number):to_be(deal.quotes[1].number)
      expect(deal.stage.name):to_be("Documents prêts")
    end
  end)

  it("quotes every line with its product, quantity, price and discount; the totals agree (ALT-29, ALT-32)", function ()
    local deal = fixture.deal "group_training"
    move(deal, "Créer documents")
    local quote = deal.quotes[1]
    expect(#quote.lines):to_be(#deal.lines)
    expect(tostring(quote.lines[1].quantity)):to_be("2")
    expect(tostring(quote.lines[1].price)):to_be("1800.00 EUR")
    expect(quote.lines[1].discount):to_be("10%")
    expect(tostring(quote.total_without_tax)):to_be("3240.00 EUR")
    expect(tostring(quote.total_without_tax)):to_be(tostring(deal.total))
  end)

  it("keeps a discount that was entered as an amount (ALT-29)", function ()
    local deal = fixture.deal "individual_training"
    move(deal, "Créer documents")
    expect(deal.quotes[1].lines[1].discount):to_be("150.00")
    expect(tostring(deal.quotes[1].total_without_tax)):to_be("1650.00 EUR")
  end)

  it("adds the VAT of the product (ALT-32)", function ()
    local deal = fixture.deal "coaching"
    move(deal, "Créer documents")
    expect(tostring(deal.quotes[1].total)):to_be("1440.00 EUR")
  end)

  it("bills the organization, or the OPCA when its fields are filled (ALT-33)", function ()
    local deal = fixture.deal "coaching"
    move(deal, "Créer documents")
    expect(deal.quotes[1].customer_name):to_be("ACME")

    local funded = fixture.deal "individual_training"
    funded.opca_contact, funded.opca_name, funded.opca_siret = "Lucie Marchal", "OPCA Horizon", "73282932000074"
    funded.opca_address = { street = "3 quai Nord", postal_code = "69002", city = "Lyon", country = "FR" }
    move(funded, "Créer documents")
    expect(funded.quotes[1].customer_name):to_be("OPCA Horizon")
    expect(funded.quotes[1].customer_siret):to_be("73282932000074")
  end)

  it("serves a private client whose organization bears the person's name only (ALT-28, ALT-42)", function ()
    local deal = fixture.deal "private_client"
    expect(move(deal, "Créer documents").moved):to_be(true)
    expect(deal.quotes[1].customer_name):to_be("Zoé Vasseur")
  end)

  it("refuses a deal without contact, organization and products, and tells all three at once (ALT-28, ALT-42)",
    function ()
      local deal = fixture.deal { title = "Vide", stage = "Proposition" }
      local reasons, count = rejected(deal)
      expect(count):to_be(3)
      expect(reasons):to_contain("« Contact » is empty")
      expect(reasons):to_contain("« Organisation » is empty")
      expect(reasons):to_contain("« Produits » is empty")
      expect(reasons):to_contain("Vide")
    end)

  it("refuses a product that is not ready and names product and field (ALT-14)", function ()
    local deal = fixture.deal "coaching"
    local product = deal.lines[1].product
    product.class, product.vat_rate, product.price = " ", nil, nil
    local reasons, count = rejected(deal)
    expect(count):to_be(3)
    expect(reasons):to_contain("Coaching de dirigeant")
    expect(reasons):to_contain("« Classe » is empty")
    expect(reasons):to_contain("« Taux de TVA » is empty")
    expect(reasons):to_contain("« Prix de vente » is empty")
  end)

  it("tells what a product lacks once, however many lines it stands on (ALT-14)", function ()
    local odd = { key = "odd", name = "Divers", description = "Prestation", price = "10.00", vat_rate = "20",
      sales_category = "prestation de services", category = "Services", class = "Conseil" }
    local deal = fixture.deal {
      title = "Deux fois", stage = "Proposition", organization = { name = "ACME" }, person = { last_name = "Brunet" },
      lines = { { product = odd, quantity = "1" }, { product = odd, quantity = "2" } },
    }
    local _, count = rejected(deal)
    expect(count):to_be(1)
  end)

  it("refuses a product whose category no word tells (ALT-22)", function ()
    local deal = fixture.deal "private_client"
    local product = deal.lines[1].product
    product.name, product.description = "Divers", "Prestation sur mesure"
    expect((rejected(deal))):to_contain("Divers")
  end)

  it("reports the other categories that a product's words tell (ALT-24)", function ()
    local deal = fixture.deal "coaching"
    deal.lines[1].product.description = "Formation et coaching"
    local result = move(deal, "Créer documents")
    expect(result.moved):to_be(true)
    expect(result.warnings[1]):to_contain("« formations »")
    expect(result.warnings[1]):to_contain("« coachings et accompagnement individuel hors formation »")
  end)

  it("tells the reasons of all guards at once (ALT-09)", function ()
    local deal = fixture.deal "bad_promo"
    deal.organization = nil
    local reasons, count = rejected(deal)
    expect(count):to_be(2)
    expect(reasons):to_contain("« Organisation »")
    expect(reasons):to_contain("« Promo »")
  end)

  it("leaves fields and stage alone when accounting refuses, and completes the work on retry (ALT-30, ALT-09)",
    function ()
      local deal = fixture.deal "coaching"
      accounting.fails_with("refused", 1)
      local result = move(deal, "Créer documents")
      expect(result.moved):to_be(true)
      expect(only_run(result).status):to_be("failed")
      expect(deal.stage.name):to_be("Créer documents")
      expect(deal.quote_number):to_be_nil()
      expect(deal.quote_url):to_be_nil()

      retry(result.runs[1])
      expect(deal.stage.name):to_be("Documents prêts")
      expect(#sent.quotes()):to_be(1)
    end)

  it("tries again by itself when accounting does not answer (ALT-30)", function ()
    local deal = fixture.deal "coaching"
    accounting.fails_with("timeout", 2)
    move(deal, "Créer documents")
    clock.advance "1 hours"
    expect(deal.stage.name):to_be("Documents prêts")
    expect(#sent.quotes()):to_be(1)
  end)

  it("leaves one live quote when the deal comes a second time (ALT-10)", function ()
    local deal = fixture.deal "coaching"
    move(deal, "Créer documents")
    move(deal, "Proposition")
    move(deal, "Créer documents")
    local live = {}
    for _, quote in ipairs(deal.quotes) do
      if quote.status ~= "replaced" and quote.status ~= "cancelled" then live[#live + 1] = quote.number end
    end
    expect(live):to_equal { deal.quote_number }
    expect(deal.stage.name):to_be("Documents prêts")
  end)

  it("does not act when the deal is saved in the stage where it is (ALT-06)", function ()
    local deal = fixture.deal "coaching"
    move(deal, "Créer documents")
    local result = move(deal, "Documents prêts")
    expect(#result.runs):to_be(0)
    expect(#sent.quotes()):to_be(1)
  end)

  it("makes no further move by itself (ALT-07)", function ()
    local deal = fixture.deal "group_training"
    move(deal, "Créer documents")
    clock.advance "61 days"
    expect(deal.stage.name):to_be("Documents prêts")
    expect(deal.status):to_be("open")
  end)

  it("makes one quote even if the engine dies at any of its steps (ALT-09)", function ()
    for step = 1, 3 do
      local deal = fixture.deal "coaching"
      engine.crash_at(step)
      move(deal, "Créer documents")
      expect(deal.stage.name):to_be("Documents prêts")
      expect(#deal.quotes):to_be(1)
    end
  end)
end)
