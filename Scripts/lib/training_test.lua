local training = require "lib/training"

local function category(description, name)
  return (training.category { description = description, name = name or "Service" })
end

describe("a product's category", function ()
  it("is told by a word of its description (ALT-16 to ALT-21)", function ()
    expect(category "Bilan, 24 heures"):to_be("bilan de compétences")                                   -- ALT-16
    expect(category "Formation de deux jours"):to_be("formations")                                      -- ALT-17
    expect(category "Un parcours en ligne"):to_be("formations")                                         -- ALT-17
    expect(category "Un accompagnement"):to_be("coachings et accompagnement individuel hors formation") -- ALT-18
    expect(category "Coaching"):to_be("coachings et accompagnement individuel hors formation")          -- ALT-18
    expect(category "Intervention d'un jour"):to_be("interventions en sous-traitance")                  -- ALT-19
    expect(category "Animation"):to_be("interventions en sous-traitance")                               -- ALT-19
    expect(category "Outplacement"):to_be("outplacement")                                               -- ALT-20
    expect(category "Cellule EIC"):to_be("prestations PDV PSE")                                         -- ALT-21
    expect(category "Entretien AE"):to_be("prestations PDV PSE")                                        -- ALT-21
  end)

  it("does not depend on case, apostrophes or punctuation (ALT-23)", function ()
    expect(category "FORMATION"):to_be("formations")
    expect(category "l’accompagnement"):to_be("coachings et accompagnement individuel hors formation")
    expect(category "(outplacement)"):to_be("outplacement")
  end)

  it("is told by whole words only (ALT-23)", function ()
    expect(category "Information du personnel"):to_be_nil()
    expect(category "Bilans comptables"):to_be_nil()
  end)

  it("is told by the acronyms in capitals only (ALT-23)", function ()
    expect(category "eic"):to_be_nil()
    expect(category "Ae"):to_be_nil()
    expect(category "PAESINE"):to_be_nil()
    expect(category "AE-2026"):to_be("prestations PDV PSE")
  end)

  it("is training before all others, and the others are reported (ALT-24)", function ()
    local found, others = training.category { description = "Coaching, bilan et formation", name = "X" }
    expect(found):to_be("formations")
    expect(others):to_equal { "bilan de compétences", "coachings et accompagnement individuel hors formation" }
  end)

  it("keeps one order whatever the order of the words (ALT-24)", function ()
    expect(category "EIC puis outplacement"):to_be(category "Outplacement puis EIC")
  end)

  it("is looked for in the name only when the description tells nothing (ALT-25)", function ()
    expect(category("Six séances", "Coaching de dirigeant")):to_be(
      "coachings et accompagnement individuel hors formation")
    expect(category("Coaching", "Formation")):to_be("coachings et accompagnement individuel hors formation")
  end)

  it("is nil when no word tells it, with or without a description (ALT-22, ALT-23)", function ()
    expect(category "Prestation diverse"):to_be_nil()
    expect(category ""):to_be_nil()
    expect(category(nil)):to_be_nil()
  end)
end)

describe("a training deal", function ()
  local edlc, coaching = { name = "EDLC", description = "Formation" }, { name = "C", description = "Coaching" }
  local odd = { name = "Divers", description = "Prestation" }

  it("is one as soon as one of its lines is (ALT-25)", function ()
    expect(training.concerns { lines = { { product = coaching }, { product = edlc } } }):to_be(true)
    expect(training.concerns { lines = { { product = odd }, { product = edlc } } }):to_be(true)
  end)

  it("is none without a training", function ()
    expect(training.concerns { lines = { { product = coaching } } }):to_be(false)
    expect(training.concerns { lines = {} }):to_be(false)
  end)

  it("is never denied in silence when a product has no category (ALT-22)", function ()
    expect(function () training.concerns { lines = { { product = coaching }, { product = odd } } } end):to_fail("Divers")
  end)
end)

describe("a training deal's", function ()
  it("trainings are each listed once, in the order of the lines (ALT-40)", function ()
    local names = {}
    for _, product in ipairs(training.products(fixture.deal "mixed")) do names[#names + 1] = product.name end
    expect(names):to_equal { "EDLC", "Feedback" }
    local edlc = { id = 1, name = "EDLC", description = "Formation" }
    expect(#training.products { lines = { { product = edlc }, { product = edlc } } }):to_be(1)
  end)

  it("kind is told by the promo alone (ALT-41)", function ()
    expect(training.kind { hours_group = decimal("35") }):to_be("individual")
    expect(training.kind { promo = "" }):to_be("individual")
    expect(training.kind { promo = "[EDLC_001]" }):to_be("collective")
  end)

  it("hours add up over those that are filled in (ALT-75)", function ()
    expect(training.hours {}):to_be_nil()
    expect(training.hours { hours_group = decimal("35"), hours_individual = decimal("1.5") }):to_be("36.5")
    expect(training.hours { hours_remote = decimal("0") }):to_be("0")
  end)

  it("participants are those that it names, else its contact, if any (ALT-137)", function ()
    expect(#training.participants(fixture.deal "group_training")):to_be(2)
    local deal = fixture.deal("group_training", { participants = {} })
    expect(training.participants(deal)[1].name):to_be("Jérémy Brunet")
    deal.person = nil
    expect(#training.participants(deal)):to_be(0)
  end)
end)

describe("the days of a training", function ()
  local function written(days)
    local list = {}
    for place, day in ipairs(days) do list[place] = tostring(day.day) end
    return list
  end

  it("are those listed, each once (ALT-107)", function ()
    local deal = { title = "X", training_days = { "2026-11-03", " 2026-11-17 ", "2026-11-03" } }
    expect(written(training.days(deal))):to_equal { "2026-11-03", "2026-11-17" }
    expect(written(training.attendance_days(deal))):to_equal { "2026-11-03", "2026-11-17" }
  end)

  it("are an error that names field and text when one is no date (ALT-107)", function ()
    for _, wrong in ipairs { "3/11/2026", "", "2026-02-30" } do
      expect(function () training.days { title = "X", training_days = { wrong } } end):to_fail(
        'deal "X": « Jours de formation »: "' .. wrong .. '" is no date')
    end
  end)

  it("are else the working days from the first to the last one (ALT-107)", function ()
    local deal = { title = "X", start_date = date("2026-11-05"), end_date = date("2026-11-10") }
    expect(written(training.attendance_days(deal))):to_equal { "2026-11-05", "2026-11-06", "2026-11-09", "2026-11-10" }
    expect(#training.days(deal)):to_be(0)
  end)

  it("are unknown without both dates, or when there are too many of them (ALT-107)", function ()
    local first = date("2026-11-02")                     -- a Monday
    expect(#training.attendance_days { title = "X", start_date = first }):to_be(0)
    expect(#training.attendance_days { title = "X", start_date = first, end_date = first:plus_days(-1) }):to_be(0)
    expect(#training.attendance_days { title = "X", start_date = first, end_date = first:plus_days(25) }):to_be(20)
    expect(#training.attendance_days { title = "X", start_date = first, end_date = first:plus_days(28) }):to_be(0)
  end)
end)
