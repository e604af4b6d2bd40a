describe("check_deal", function ()
  local function rejected(deal)
    local result = move(deal, "Créer documents")
    expect(result.failure):to_be_nil()
    expect(result.moved):to_be(false)
    expect(deal.stage.name):to_be("Proposition")
    expect(#result.runs):to_be(0)
    expect(#sent.quotes()):to_be(0)
    expect(#deal.documents):to_be(0)
    return table.concat(result.rejected, "\n"), #result.rejected
  end

  -- The warnings of a deal that passes.
  local function warned(deal)
    local result = move(deal, "Créer documents")
    expect(result.moved):to_be(true)
    return table.concat(result.warnings, "\n"), #result.warnings
  end

  it("lets a deal pass that has everything, without a word (ALT-28, ALT-36, ALT-45, ALT-74)", function ()
    local _, count = warned(fixture.deal "opca_training")
    expect(count):to_be(0)
    _, count = warned(fixture.deal "coaching")
    expect(count):to_be(0)
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
    local product = deal.lines[1].product
    product.objectives, product.programme = "Oser.", "Une journée."
    local warnings = warned(deal)
    expect(warnings):to_contain("« formations »")
    expect(warnings):to_contain("« coachings et accompagnement individuel hors formation »")
  end)

  it("tells the reasons of all guards at once (ALT-09)", function ()
    local deal = fixture.deal "bad_promo"
    deal.organization = nil
    local reasons, count = rejected(deal)
    expect(count):to_be(2)
    expect(reasons):to_contain("« Organisation »")
    expect(reasons):to_contain("« Promo »")
  end)

  it("needs the texts of a training and names product and field (ALT-36)", function ()
    local deal = fixture.deal "opca_training"
    local product = deal.lines[1].product
    product.objectives, product.programme = " ", nil
    local reasons, count = rejected(deal)
    expect(count):to_be(2)
    expect(reasons):to_contain('Product "EDLC": « Objectifs pédagogiques » is empty')
    expect(reasons):to_contain('Product "EDLC": « Programme de formation » is empty')

    product.objectives, product.programme = "Conduire.", "Sept jours."
    product.name, product.description = "Formation EDLC", nil
    reasons, count = rejected(deal)
    expect(count):to_be(1)
    expect(reasons):to_contain('Product "Formation EDLC": « Description » is empty')
  end)

  it("needs the texts of every training of a deal (ALT-36, ALT-40)", function ()
    local deal = fixture.deal "mixed"
    deal.lines[3].product.programme = nil
    expect((rejected(deal))):to_contain('Product "Feedback": « Programme de formation » is empty')
  end)

  it("needs the training's price, and warns of zero (ALT-37)", function ()
    local deal = fixture.deal "opca_training"
    deal.lines[1].product.price = nil
    expect((rejected(deal))):to_contain('Product "EDLC": « Prix de vente » is empty')
    deal.lines[1].product.price = "0"
    local warnings, count = warned(deal)
    expect(count):to_be(1)
    expect(warnings):to_contain('Product "EDLC": « Prix de vente » is zero')
  end)

  it("needs an organization for a private client too, and says so (ALT-42)", function ()
    local deal = fixture.deal "private_client"
    deal.organization = nil
    local reasons, count = rejected(deal)
    expect(count):to_be(1)
    expect(reasons):to_contain("« Organisation » is empty; a private client needs one too")
  end)

  it("lets the organization of a private client have a name and nothing else (ALT-43)", function ()
    local deal = fixture.deal("opca_training", {
      person = {
        key = "zoe", first_name = "Zoé", last_name = "Vasseur", email = "zoe.vasseur@courrier.example",
        job_title = "Gérante", address = { street = "1 rue", postal_code = "38000", city = "Grenoble", country = "FR" },
      },
      organization = { key = "zoe_org", name = "Zoé Vasseur" },
    })
    local _, count = warned(deal)
    expect(count):to_be(0)
  end)

  it("tells that the OPCA's box is to be taken out when there is no OPCA (ALT-44)", function ()
    local warnings, count = warned(fixture.deal "group_training")
    expect(count):to_be(1)
    expect(warnings):to_contain("has no OPCA: take its box out of the « Convention »")
  end)

  it("refuses an OPCA in part and names what is empty, training or not (ALT-45)", function ()
    for _, name in ipairs { "group_training", "coaching" } do
      local deal = fixture.deal(name)
      deal.opca_name, deal.opca_siret = "OPCA Horizon", "73282932000074"
      local reasons, count = rejected(deal)
      expect(count):to_be(2)
      expect(reasons):to_contain("« Prénom et nom OPCA » is empty")
      expect(reasons):to_contain("« Adresse de facturation OPCA » is empty")
    end
  end)

  it("refuses an end before the start (ALT-52)", function ()
    local deal = fixture.deal "opca_training"
    deal.end_date = "2026-11-02"
    expect((rejected(deal))):to_contain("« Date de fin mission » is before « Date de début de mission »")
    deal.end_date = "2026-11-03"
    expect(move(deal, "Créer documents").moved):to_be(true)
  end)

  it("warns when the hours do not add up, and lets the deal pass (ALT-75)", function ()
    local deal = fixture.deal "opca_training"
    deal.hours_remote = "1.5"
    local warnings, count = warned(deal)
    expect(count):to_be(1)
    expect(warnings):to_contain("« Nombre d'heures total » is 14, but its parts add up to 15.5")
  end)

  it("warns of fields whose mark is lost, and lets the deal pass (ALT-74)", function ()
    local deal = fixture.deal "opca_training"
    deal.place, deal.person.job_title, deal.hours_remote = nil, nil, nil
    local warnings, count = warned(deal)
    expect(count):to_be(1)
    expect(warnings):to_contain("not filled in: « Nombre d'heures auto-formation accompagnée à distance », "
      .. "« Lieu de formation », « Fonction »")
  end)

  it("warns of an automatic field that was filled in by hand, and fills it in (ALT-74)", function ()
    local deal = fixture.deal "opca_training"
    deal.quote_number = "1234"
    local warnings, count = warned(deal)
    expect(count):to_be(1)
    expect(warnings):to_contain("« N° du devis Quickbooks » was filled in by hand")
    expect(deal.quote_number):to_match("^D%-")

    move(deal, "Proposition")
    _, count = warned(deal)                              -- what stands there now is ours
    expect(count):to_be(0)
  end)

  it("refuses a day that is no date (ALT-107)", function ()
    local deal = fixture.deal "opca_training"
    deal.training_days = { "2026-11-03", "le 4 novembre" }
    expect((rejected(deal))):to_contain('« Jours de formation »: "le 4 novembre" is no date')
  end)

  it("refuses a contact or participant without a name, since papers and folder bear it (ALT-115, ALT-137)", function ()
    local deal = fixture.deal "group_training"
    local person = deal.participants[2]
    person.first_name, person.last_name = nil, nil
    expect((rejected(deal))):to_contain("« Participants » has neither « Prénom » nor « Nom »")

    local other = fixture.deal "coaching"
    other.person.first_name, other.person.last_name = nil, nil
    expect((rejected(other))):to_contain("« Contact » has neither « Prénom » nor « Nom »")
  end)

  it("warns when nobody is named as a participant (ALT-137)", function ()
    local deal = fixture.deal("opca_training", { participants = {} })
    local warnings, count = warned(deal)
    expect(count):to_be(1)
    expect(warnings):to_contain("« Participants » is empty")
  end)

  it("tells all that is wrong in one answer, warnings apart (ALT-09, ALT-28, ALT-36, ALT-37, ALT-42, ALT-45, ALT-52, "
    .. "ALT-75)", function ()
    local deal = fixture.deal "group_training"
    local product = deal.lines[1].product
    deal.person, deal.organization, deal.opca_name, deal.hours_total = nil, nil, "OPCA Horizon", "50"
    deal.end_date, deal.promo, deal.place = "2026-11-01", "EDLC_001", nil
    product.objectives, product.price = nil, nil
    local result = move(deal, "Créer documents")
    expect(result.moved):to_be(false)
    local reasons, warnings = table.concat(result.rejected, "\n"), table.concat(result.warnings, "\n")
    for _, part in ipairs {
      "« Contact » is empty", "« Organisation » is empty", "« Prix de vente » is empty",
      "« Objectifs pédagogiques » is empty", "« SIRET OPCA » is empty", "« Prénom et nom OPCA » is empty",
      "« Adresse de facturation OPCA » is empty", "« Date de fin mission » is before", "« Promo »",
    } do
      expect(reasons):to_contain(part)
    end
    expect(#result.rejected):to_be(9)
    expect(warnings):to_contain("add up to 49")
    expect(warnings):to_contain("« Lieu de formation »")
    expect(reasons).never:to_contain("add up")
    expect(#sent.quotes()):to_be(0)
  end)
end)
