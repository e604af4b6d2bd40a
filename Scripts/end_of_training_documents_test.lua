describe("end_of_training_documents", function ()
  local function run_of(result)
    for _, run in ipairs(result.runs) do
      if run.automation == "end_of_training_documents" then return run end
    end
  end

  -- How many papers the deal has of each template.
  local function papers(deal)
    local count = {}
    for _, document in ipairs(deal.documents) do
      count[document.template] = (count[document.template] or 0) + 1
    end
    return count
  end

  local two_persons = { ["feuille-de-presence"] = 4, attestation = 2, ["certificat-de-realisation"] = 2,
    ["fiche-evaluation"] = 1 }
  local one_person = { ["feuille-de-presence"] = 1, attestation = 1, ["certificat-de-realisation"] = 1,
    ["fiche-evaluation"] = 1 }

  it("makes sheets for each participant and day, certificates for each, and the evaluation (ALT-107 to ALT-110, ALT-146)",
    function ()
      local deal = fixture.deal "group_training"
      expect(run_of(win(deal)).status):to_be("succeeded")
      expect(papers(deal)):to_equal(two_persons)
    end)

  it("keeps them in « Fin » of the client's folder, each sheet named by its participant and day (ALT-119)", function ()
    local deal = fixture.deal "group_training"
    win(deal)
    local names = {}
    for _, document in ipairs(deal.documents) do
      expect(document.path):to_contain("Clients/Brunet Jérémy/Fin/")
      names[#names + 1] = document.title
    end
    expect(names):to_contain("Feuille de présence – EDLC – Aline Fabre – 2026-11-03")
    expect(names):to_contain("Feuille de présence – EDLC – Karim Odet – 2026-11-04")
    expect(names):to_contain("Attestation de fin de formation – EDLC – Karim Odet")
  end)

  it("writes participant, training and day into them (ALT-107, ALT-108)", function ()
    local deal = fixture.deal "individual_training"
    win(deal)
    for _, document in ipairs(deal.documents) do
      local html = content(document)
      expect(html):to_contain("EDLC")
      expect(html).never:to_contain("{{")
      if document.template ~= "fiche-evaluation" then expect(html):to_contain("Jérémy Brunet") end
      if document.template == "feuille-de-presence" then expect(html):to_contain("2026") end
    end
  end)

  it("makes none before the deal is won: asked for, it refuses (ALT-107 to ALT-110, ALT-112)", function ()
    local deal = fixture.deal "group_training"
    for _, stage in ipairs { "Créer documents", "Confirmé" } do move(deal, stage) end
    expect(papers(deal)):to_equal { convention = 1, programme = 1 }
    local refused = run_of(run("end_of_training_documents", deal))
    expect(refused.status):to_be("failed")
    expect(refused.error):to_contain('deal "EDLC pour ACME" is not won')
    expect(papers(deal)):to_equal { convention = 1, programme = 1 }
  end)

  it("makes none for a deal without training (ALT-35)", function ()
    local deal = fixture.deal "coaching"
    expect(run_of(win(deal)).status):to_be("succeeded")
    expect(#deal.documents):to_be(0)
  end)

  it("says so when a deal with an agreement has no training any more (ALT-35)", function ()
    local deal = fixture.deal "group_training"
    move(deal, "Créer documents")
    deal.lines[1].product.description = "Coaching d'équipe"
    expect(table.concat(win(deal).warnings, "\n")):to_contain("no training any more")
    expect(papers(deal)):to_equal { convention = 1, programme = 1 }
  end)

  it("takes the contact for the participant when none is named (ALT-137)", function ()
    local deal = fixture.deal("individual_training", { participants = {} })
    win(deal)
    expect(papers(deal)):to_equal(one_person)
    expect(deal.documents[1].title):to_contain("Jérémy Brunet")
  end)

  it("takes the days that are listed, each once (ALT-107)", function ()
    local deal = fixture.deal "individual_training"
    deal.training_days = { "2026-11-03", "2026-11-17", " 2026-11-03" }
    win(deal)
    expect(papers(deal)["feuille-de-presence"]):to_be(2)
  end)

  it("makes the rest and says so when nobody can tell the days (ALT-107)", function ()
    for _, last in ipairs { "2027-06-30", "" } do
      local deal = fixture.deal "individual_training"
      deal.end_date = last
      local result = win(deal)
      expect(table.concat(result.warnings, "\n")):to_contain("no attendance sheets; fill in « Jours de formation »")
      expect(papers(deal)):to_equal { attestation = 1, ["certificat-de-realisation"] = 1, ["fiche-evaluation"] = 1 }
    end
  end)

  it("tells whose papers they are when a deal has several trainings (ALT-40)", function ()
    local deal = fixture.deal "mixed"
    expect(table.concat(win(deal).warnings, "\n")):to_contain('the papers for its end are those of "EDLC"')
    expect(papers(deal)):to_equal(one_person)
  end)

  it("makes no second ones when the deal is won again, and keeps what a person has corrected (ALT-146)", function ()
    local deal = fixture.deal "group_training"
    win(deal)
    reopen(deal)
    win(deal)
    expect(papers(deal)):to_equal(two_persons)
  end)

  it("makes those of a participant who came later, and no others (ALT-137)", function ()
    local late = fixture.deal "group_training"
    late.participants[2].first_name = "Karima"           -- as if another person had taken the place
    win(late)
    late.participants[2].first_name = "Karim"
    local result = run("end_of_training_documents", late)
    expect(run_of(result).status):to_be("succeeded")
    expect(papers(late)):to_equal { ["feuille-de-presence"] = 6, attestation = 3, ["certificat-de-realisation"] = 3,
      ["fiche-evaluation"] = 1 }
  end)

  it("makes both's papers of two participants with one name (ALT-137)", function ()
    local function namesake(key)
      return { key = key, first_name = "Anne", last_name = "O'Brien & fils" }
    end
    local deal = fixture.deal("group_training", { participants = { namesake "anne1", namesake "anne2" } })
    win(deal)
    expect(papers(deal)):to_equal(two_persons)
    reopen(deal)
    win(deal)
    expect(papers(deal)):to_equal(two_persons)
  end)

  it("names what is missing before it makes anything: no contact, a participant without a name (ALT-09)", function ()
    local deal = fixture.deal "group_training"
    local contact = deal.person
    deal.person = nil
    local failed = run_of(win(deal))
    expect(failed.status):to_be("failed")
    expect(failed.error):to_contain('deal "EDLC pour ACME": « Contact » is empty')
    deal.person = contact
    local person = deal.participants[2]
    person.first_name, person.last_name = nil, nil
    failed = run_of(retry(failed))
    expect(failed.error):to_contain("« Participants » has neither « Prénom » nor « Nom »")
    expect(#deal.documents):to_be(0)

    person.first_name, person.last_name = "Karim", "Odet"
    expect(run_of(retry(failed)).status):to_be("succeeded")
    expect(papers(deal)):to_equal(two_persons)
  end)

  it("completes on retry, or when the deal is won again, what a failure has left out (ALT-09)", function ()
    local first, second = fixture.deal "group_training", fixture.deal "individual_training"
    documents.fails_with("refused", 1)
    local failed = run_of(win(first))
    expect(failed.status):to_be("failed")
    expect(first.status):to_be("won")
    retry(failed)
    expect(papers(first)):to_equal(two_persons)

    documents.fails_with("refused", 1)
    win(second)
    reopen(second)
    win(second)
    expect(papers(second)):to_equal(one_person)
  end)

  it("tries again by itself, without doubles (ALT-09)", function ()
    local deal = fixture.deal "individual_training"
    documents.fails_with("timeout", 3, { after = true })
    win(deal)
    clock.advance "1 hours"
    expect(papers(deal)):to_equal(one_person)
  end)

  it("comes to the same when the engine dies at any step of a winning, card and message too (ALT-09, ALT-143)", function ()
    local step, crashed = 1, true
    while crashed do
      local deal = fixture.deal "individual_training"
      engine.crash_at(step)
      crashed = win(deal).crashed
      expect(deal.status):to_be("won")
      expect(papers(deal)):to_equal(one_person)
      expect(#deal.cards):to_be(1)
      expect(#deal.messages):to_be(1)
      step = step + 1
    end
    expect(step > 10):to_be(true)
  end)
end)
