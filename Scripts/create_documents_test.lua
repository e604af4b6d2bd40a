describe("create_documents", function ()
  local function only_run(result)
    local found = {}
    for _, run in ipairs(result.runs) do
      if run.automation ~= "notify_failure" then found[#found + 1] = run end
    end
    expect(#found):to_be(1)
    expect(found[1].automation):to_be("create_documents")
    return found[1]
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
    for _, stage in ipairs { "Qualifié", "Proposition", "Documents prêts" } do
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

  -- Of a training: by template, each once.
  local function templates(deal)
    local names = {}
    for place, document in ipairs(deal.documents) do names[place] = document.template end
    table.sort(names)
    return names
  end

  it("makes nothing but the quote for a deal without training (ALT-30, ALT-102)", function ()
    local deal = fixture.deal "coaching"
    move(deal, "Créer documents")
    expect(#deal.documents):to_be(0)
    expect(deal.agreement_url):to_be_nil()
    expect(deal.programme_url):to_be_nil()
    expect(#sent.folders()):to_be(0)
  end)

  it("makes agreement and programme of a training, writes their links, and moves on last (ALT-34, ALT-39, ALT-103, "
    .. "ALT-104, ALT-122)", function ()
    local deal = fixture.deal "group_training"
    local result = move(deal, "Créer documents")
    expect(only_run(result).status):to_be("succeeded")
    expect(templates(deal)):to_equal { "convention", "programme" }
    expect(deal.agreement_url):to_be(deal.documents[1].url)
    expect(deal.programme_url):to_be(deal.documents[2].url)
    expect(deal.quote_number):to_be(deal.quotes[1].number)
    expect(deal.stage.name):to_be("Documents prêts")
  end)

  it("keeps them in « Documents générés » of the client's folder, beside « Fin » (ALT-115, ALT-117, ALT-118)", function ()
    local deal = fixture.deal "group_training"
    move(deal, "Créer documents")
    for _, document in ipairs(deal.documents) do
      expect(document.path):to_contain("Clients/Brunet Jérémy/Documents générés/")
      expect(document.folder.name):to_be("Documents générés")
    end
  end)

  it("uses one folder for all deals of a client, and another for a client of the same name (ALT-115, ALT-116, ALT-118)",
    function ()
      local first, second = fixture.deal "individual_training", fixture.deal "group_training"
      move(first, "Créer documents")
      move(second, "Créer documents")
      expect(first.documents[1].folder.id):to_be(second.documents[1].folder.id)
      expect(first.agreement_url == second.agreement_url):to_be(false)

      local namesake = fixture.deal("individual_training", {
        person = { key = "other", first_name = "Jérémy", last_name = "Brunet", email = "jb@autre.example" },
      })
      move(namesake, "Créer documents")
      expect(namesake.documents[1].folder.id == first.documents[1].folder.id):to_be(false)
      expect(namesake.documents[1].path).never:to_contain("Clients/Brunet Jérémy/")
    end)

  it("writes what deal and product say into the papers (ALT-34, ALT-26)", function ()
    local deal = fixture.deal "opca_training"
    deal.training_days = { "2026-11-03" }
    move(deal, "Créer documents")
    local agreement, programme = content(deal.documents[1]), content(deal.documents[2])
    expect(agreement):to_contain("OPCA Horizon")
    expect(agreement):to_contain("Brunet")
    expect(agreement):to_contain("EDLC")
    expect(agreement):to_contain(deal.quote_number)
    expect(programme):to_contain("Conduire une équipe.")
    expect(programme):to_contain("Sept modules d")
    expect(agreement .. programme).never:to_contain("{{")                          -- ALT-113
  end)

  it("applies the rules of a training to a mixed deal: one agreement, the first training's programme, all lines on the "
    .. "quote (ALT-40)", function ()
    local deal = fixture.deal "mixed"
    local result = move(deal, "Créer documents")
    expect(table.concat(result.warnings, "\n")):to_contain("« Programme généré » is that of \"EDLC\"")
    expect(templates(deal)):to_equal { "convention", "programme" }
    expect(content(deal.documents[2])):to_contain("Conduire une équipe.")
    expect(content(deal.documents[1])):to_contain("Feedback")
    expect(#deal.quotes[1].lines):to_be(3)
  end)

  it("leaves a paper's field empty when it fails, and stays; a retry makes only what is missing (ALT-34)", function ()
    local deal = fixture.deal "group_training"
    documents.fails_with("refused", 1, { operation = "generate" })
    local result = move(deal, "Créer documents")
    expect(only_run(result).status):to_be("failed")
    expect(deal.stage.name):to_be("Créer documents")
    expect(deal.quote_number):to_match("^D%-")
    expect(deal.agreement_url):to_be_nil()
    expect(deal.programme_url):to_be_nil()

    expect(retry(result.runs[1]).runs[1].status):to_be("succeeded")
    expect(templates(deal)):to_equal { "convention", "programme" }
    expect(#deal.quotes):to_be(1)
    expect(deal.stage.name):to_be("Documents prêts")
  end)

  it("makes no paper when the folder can't be made, and all of them on retry (ALT-34)", function ()
    local deal = fixture.deal "group_training"
    drive.fails_with("refused", 1, { operation = "child" })
    local result = move(deal, "Créer documents")
    expect(only_run(result).status):to_be("failed")
    expect(#deal.documents):to_be(0)
    retry(result.runs[1])
    expect(#deal.documents):to_be(2)
    expect(#sent.folders()):to_be(2)
  end)

  it("tries again by itself when documents or drive do not answer, without doubles (ALT-34)", function ()
    for _, service in ipairs { documents, drive } do
      local deal = fixture.deal "group_training"
      service.fails_with("timeout", 2)
      move(deal, "Créer documents")
      clock.advance "1 hours"
      expect(templates(deal)):to_equal { "convention", "programme" }
      expect(#deal.quotes):to_be(1)
      expect(deal.stage.name):to_be("Documents prêts")
    end
  end)

  it("makes a paper once although the answer is lost (ALT-09)", function ()
    local deal = fixture.deal "group_training"
    documents.fails_with("timeout", 1, { after = true })
    move(deal, "Créer documents")
    clock.advance "1 hours"
    expect(templates(deal)):to_equal { "convention", "programme" }
  end)

  it("links new papers on a second entry and keeps the earlier files; an unchanged quote stays (ALT-10)", function ()
    local deal = fixture.deal "group_training"
    move(deal, "Créer documents")
    local agreement, programme, number = deal.agreement_url, deal.programme_url, deal.quote_number
    local first = deal.documents[1]
    move(deal, "Proposition")
    deal.lines[1].product.objectives = "Tout autre chose."
    move(deal, "Créer documents")
    expect(#deal.documents):to_be(4)
    expect(deal.agreement_url == agreement):to_be(false)
    expect(deal.programme_url == programme):to_be(false)
    expect(content(first)):to_contain("Conduire une équipe.")
    expect(content(deal.documents[4])):to_contain("Tout autre chose.")
    expect(deal.quote_number):to_be(number)
    expect(#deal.quotes):to_be(1)
  end)

  it("replaces the quote when the lines have changed: one is live (ALT-10)", function ()
    local deal = fixture.deal "coaching"
    move(deal, "Créer documents")
    local number = deal.quote_number
    move(deal, "Proposition")
    deal.lines[1].quantity = "3"
    move(deal, "Créer documents")
    expect(#deal.quotes):to_be(2)
    expect(deal.quotes[1].status):to_be("replaced")
    expect(deal.quotes[2].status):to_be("draft")
    expect(deal.quote_number):to_be(deal.quotes[2].number)
    expect(deal.quote_number == number):to_be(false)
  end)

  it("leaves no paper of the first entry linked when the second one fails (ALT-10, ALT-34)", function ()
    local deal = fixture.deal "group_training"
    move(deal, "Créer documents")
    move(deal, "Proposition")
    documents.fails_with("refused", 1)
    move(deal, "Créer documents")
    expect(deal.agreement_url):to_be_nil()
    expect(deal.programme_url):to_be_nil()
  end)

  it("takes the links away when the deal is no training any more (ALT-10, ALT-35)", function ()
    local deal = fixture.deal "group_training"
    move(deal, "Créer documents")
    move(deal, "Proposition")
    deal.lines[1].product.description = "Coaching d'équipe"
    move(deal, "Créer documents")
    expect(deal.agreement_url):to_be_nil()
    expect(deal.programme_url):to_be_nil()
    expect(#deal.documents):to_be(2)
    expect(deal.stage.name):to_be("Documents prêts")
  end)

  it("does not move a deal that somebody has moved meanwhile, and says so (ALT-09)", function ()
    local deal = fixture.deal "group_training"
    documents.fails_with("timeout", 3)
    move(deal, "Créer documents")
    move(deal, "Qualifié")
    clock.advance "1 hours"
    expect(deal.stage.name):to_be("Qualifié")
    expect(deal.agreement_url).never:to_be_nil()
  end)

  it("comes to the same when the engine dies at any of its steps (ALT-09)", function ()
    for step = 1, 3 do
      local deal = fixture.deal "coaching"
      engine.crash_at(step)
      move(deal, "Créer documents")
      expect(deal.stage.name):to_be("Documents prêts")
      expect(#deal.quotes):to_be(1)
    end
    local step, crashed = 1, true
    while crashed do
      local deal = fixture.deal "group_training"
      engine.crash_at(step)
      crashed = move(deal, "Créer documents").crashed
      expect(deal.stage.name):to_be("Documents prêts")
      expect(#deal.quotes):to_be(1)
      expect(templates(deal)):to_equal { "convention", "programme" }
      expect(deal.agreement_url):to_be(deal.documents[1].url)
      expect(deal.programme_url):to_be(deal.documents[2].url)
      step = step + 1
    end
    expect(step > 8):to_be(true)
  end)
end)
