local checklist = require "lib/checklist"

describe("the check-list before sending", function ()
  local words = settings.checklists.before_sending

  it("has all that the manual asks for, to be ticked by a person (ALT-135)", function ()
    local deal = fixture.deal "opca_training"
    expect(checklist.before_sending(deal)):to_equal {
      "[ ] " .. words.documents,
      "[x] " .. words.opca .. " : OPCA Horizon",
      "[ ] " .. words.contacts .. " : Jérémy Brunet <j.brunet@acme.example>",
      "[ ] " .. words.layout,
      "[ ] " .. words.content .. " : EDLC",
    }
  end)

  it("tells that the OPCA's box is to be taken out, or what of the OPCA is empty (ALT-135, ALT-44)", function ()
    local deal = fixture.deal "group_training"
    expect(checklist.before_sending(deal)):to_contain("[ ] " .. words.opca .. " : " .. words.no_opca)
    deal.opca_siret = "73282932000074"
    expect(checklist.before_sending(deal)[2]):to_contain("« Prénom et nom OPCA », « OPCA ou autre organisme à facturer »")
  end)

  it("lists every trainee, and who has no address (ALT-135, ALT-137)", function ()
    local line = checklist.before_sending(fixture.deal "group_training")[3]
    expect(line):to_contain("Aline Fabre <a.fabre@acme.example>")
    expect(line):to_contain("Karim Odet – " .. words.no_email)
  end)

  it("names the texts of each training that are empty (ALT-135)", function ()
    local deal = fixture.deal "mixed"
    deal.lines[3].product.objectives = nil
    local lines = checklist.before_sending(deal)
    expect(lines[5]):to_be("[ ] " .. words.content .. " : EDLC")
    expect(lines[6]):to_contain("Feedback – « Objectifs pédagogiques » " .. words.empty)
  end)

  it("has no lines about a training for other deals (ALT-135)", function ()
    expect(#checklist.before_sending(fixture.deal "coaching")):to_be(3)
  end)
end)

describe("the check-list before won", function ()
  local words = settings.checklists.before_won

  it("has all that the manual asks for, with what is known (ALT-136)", function ()
    local deal = fixture.deal "group_training"
    deal.quote_number, deal.signed_urls = "D-2026-0001", { "https://drive.example/signe" }
    expect(checklist.before_won(deal)):to_equal {
      "[ ] " .. words.signed,
      "[ ] " .. words.invoice .. " : D-2026-0001",
      "[x] " .. words.promo .. " : [EDLC_001]",
      "[x] " .. words.brief,
    }
  end)

  it("tells what is missing or wrong (ALT-136, ALT-85, ALT-95)", function ()
    local deal = fixture.deal("group_training", { notes = { { text = "## brief commercial\nX" } } })
    deal.promo = nil
    expect(checklist.before_won(deal)):to_equal {
      "[ ] " .. words.signed .. " : " .. words.not_signed,
      "[ ] " .. words.invoice,
      "[ ] " .. words.promo .. " : " .. words.empty,
      "[ ] " .. words.brief .. ' : Manque le "B" majuscule',
    }
    deal.promo = "[EDLC001]"
    expect(checklist.before_won(deal)[3]):to_contain("[ ] " .. words.promo .. " : it must contain one underscore")
  end)

  it("tells a brief that is absent or not filled in (ALT-136, ALT-100)", function ()
    local deal = fixture.deal("coaching", { notes = {} })
    expect(checklist.before_won(deal)[3]):to_be("[ ] " .. words.brief .. " : " .. words.no_brief)
    move(deal, "Confirmé")
    expect(checklist.before_won(deal)[3]):to_be("[ ] " .. words.brief .. " : " .. words.unfilled)
  end)
end)
