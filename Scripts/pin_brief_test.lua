describe("pin_brief", function ()
  local heading = "## Brief commercial"
  local none = heading .. "\n\n\nAucun brief commercial pour ce deal."

  -- A deal with notes of these texts, { text, pinned } or a text alone, that has entered "Confirmé".
  local function confirmed(...)
    local deal = fixture.deal { title = "Sans note", stage = "Envoyer en signature" }
    for _, note in ipairs { ... } do
      if type(note) == "string" then note = { note } end
      deal:add_note(note[1], { pinned = note[2] or false })
    end
    return deal, move(deal, "Confirmé")
  end

  local function pinned(deal)
    local ids = {}
    for _, note in ipairs(deal.notes) do
      if note.pinned then ids[#ids + 1] = note.id end
    end
    return ids
  end

  it("makes and pins the model for a deal without brief (ALT-96, ALT-97)", function ()
    local deal, result = confirmed()
    expect(result.runs[1].automation):to_be("pin_brief")
    expect(result.runs[1].status):to_be("succeeded")
    expect(#deal.notes):to_be(1)
    expect(deal.notes[1].text):to_be(heading .. "\n\n\n" .. table.concat(settings.brief.lines, "\n"))
    expect(deal.notes[1].pinned):to_be(true)
  end)

  it("does so for any deal, training or not (ALT-86)", function ()
    for _, name in ipairs { "coaching", "group_training" } do
      local deal = fixture.deal(name)
      move(deal, "Confirmé")
      expect(#pinned(deal)):to_be(1)
    end
  end)

  it("pins the valid brief that is there and makes no second one (ALT-96, ALT-97)", function ()
    local deal = confirmed("Rappeler lundi", none, "Devis relu")
    expect(#deal.notes):to_be(3)
    expect(pinned(deal)):to_equal { deal.notes[2].id }
    expect(deal.notes[2].text):to_be(none)                                          -- ALT-99
  end)

  it("leaves other notes alone, even pinned ones (ALT-87)", function ()
    local deal = confirmed({ "Rappeler lundi", true }, none)
    expect(pinned(deal)):to_equal { deal.notes[1].id, deal.notes[2].id }
  end)

  it("changes nothing the second time (ALT-97)", function ()
    local deal = confirmed(none)
    move(deal, "Documents prêts")
    expect(move(deal, "Confirmé").moved):to_be(true)
    expect(#deal.notes):to_be(1)
    expect(pinned(deal)):to_equal { deal.notes[1].id }
  end)

  it("makes the model beside a faulty brief, leaves that alone and reports its fault (ALT-91 to ALT-96)", function ()
    for faulty, fault in pairs {
      ["## brief commercial\nX"] = 'Manque le "B" majuscule',
      ["##Brief commercial\nX"] = 'Manque un espace entre ## et "Brief"',
      ["## BRIEF COMMERCIAL\nX"] = [[La casse n'est pas respectée, seul le "B" est majuscule]],
      ["Brief commercial\nX"] = "Manque le ## au début",
    } do
      local deal, result = confirmed(faulty)
      expect(#deal.notes):to_be(2)
      expect(deal.notes[1].text):to_be(faulty)
      expect(pinned(deal)):to_equal { deal.notes[2].id }
      expect(table.concat(result.warnings, "\n")):to_contain(fault)
    end
  end)

  it("pins one of several valid briefs, the most recent, and reports the others (ALT-101)", function ()
    local deal, result = confirmed(none, heading .. "\n\n\nUn vrai brief.")
    expect(pinned(deal)):to_equal { deal.notes[2].id }
    expect(table.concat(result.warnings, "\n")):to_contain("note " .. deal.notes[1].id)
  end)

  it("keeps the pinned one of several valid briefs (ALT-101)", function ()
    local deal = confirmed({ none, true }, heading .. "\n\n\nUn vrai brief.")
    expect(pinned(deal)):to_equal { deal.notes[1].id }
  end)

  it("leaves one pinned brief where there were two (ALT-97)", function ()
    local deal = confirmed({ none, true }, { heading .. "\n\n\nUn vrai brief.", true })
    expect(pinned(deal)):to_equal { deal.notes[2].id }
  end)

  it("runs whoever moved the deal there, once a move (ALT-06)", function ()
    local deal, result = confirmed(none)
    expect(#result.runs):to_be(1)
    expect(#move(deal, "Confirmé").runs):to_be(0)
  end)
end)
