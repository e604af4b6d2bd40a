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
