local brief = require "lib/brief"

local valid = "## Brief commercial\n\n\nCe brief commercial est valide et sera rapporté dans la carte Trello "
  .. "créée à la fin du funnel Pipedrive.\n\nEt un second paragraphe."

local function note(id, written, pinned) return { id = id, text = written, pinned = pinned or false } end

describe("the brief's heading", function ()
  it("is accepted as the manual writes it (ALT-88, ALT-89)", function ()
    expect(brief.diagnose(valid)):to_be_nil()
  end)

  it("is accepted for a deal without anything to tell (ALT-99)", function ()
    expect(brief.diagnose "## Brief commercial\n\n\nAucun brief commercial pour ce deal."):to_be_nil()
  end)

  it("may have text beside it, which is only advised against (ALT-90)", function ()
    expect(brief.diagnose "## Brief commercial : urgent\nSuite"):to_be_nil()
    local _, beside = brief.content "## Brief commercial : urgent\nSuite"
    expect(beside):to_be(true)
    _, beside = brief.content(valid)
    expect(beside):to_be(false)
  end)

  it("has four faults, told in the manual's words (ALT-91 to ALT-95)", function ()
    expect(brief.diagnose "## brief commercial\nX"):to_be('Manque le "B" majuscule')                      -- ALT-91
    expect(brief.diagnose "##Brief commercial\nX"):to_be('Manque un espace entre ## et "Brief"')          -- ALT-92
    expect(brief.diagnose "## BRIEF COMMERCIAL\nX"):to_be(
      [[La casse n'est pas respectée, seul le "B" est majuscule]])                                        -- ALT-93
    expect(brief.diagnose "Brief commercial\nX"):to_be("Manque le ## au début")                           -- ALT-94
  end)

  it("has each of several faults told (ALT-95)", function ()
    expect(brief.diagnose "##brief commercial"):to_be(
      'Manque un espace entre ## et "Brief" ; Manque le "B" majuscule')
  end)

  it("has nothing before it, blanks included (ALT-88)", function ()
    for _, written in ipairs { " ## Brief commercial", "\n## Brief commercial", "Note : ## Brief commercial", "" } do
      expect(brief.diagnose(written)):to_contain("La note doit commencer par")
    end
  end)

  it("is refused with other hashes, blanks and words (ALT-88)", function ()
    for _, written in ipairs {
      "# Brief commercial", "### Brief commercial", "##  Brief commercial", "##\tBrief commercial",
      "## Brief  commercial", "## Brief Commercial", "## Brief commercialisation", "## Bref commercial",
    } do
      expect(type(brief.diagnose(written))):to_be("string")
    end
  end)

  it("is broken by an edit of the first line (ALT-98)", function ()
    expect(brief.diagnose(brief.model())):to_be_nil()
    expect(type(brief.diagnose((brief.model():gsub("^## ", "")))) == "string"):to_be(true)
  end)
end)

describe("the brief of a deal", function ()
  it("is the only note with that heading; other notes are ignored (ALT-87)", function ()
    local found, faulty, others = brief.find { notes = { note(1, "Rappeler lundi"), note(2, valid), note(3, "Vu.") } }
    expect(found.id):to_be(2)
    expect(#faulty + #others):to_be(0)
  end)

  it("is none when there is no note, or faulty ones only, which are told with their fault (ALT-95, ALT-96)", function ()
    expect((brief.find { notes = {} })):to_be_nil()
    local found, faulty = brief.find { notes = { note(1, "## brief commercial"), note(2, "Bonjour") } }
    expect(found):to_be_nil()
    expect(#faulty):to_be(1)
    expect(faulty[1].note.id):to_be(1)
    expect(faulty[1].fault):to_be('Manque le "B" majuscule')
  end)

  it("is the pinned one of several, and the others are told (ALT-101)", function ()
    local found, _, others = brief.find { notes = { note(1, valid), note(2, valid, true), note(3, valid) } }
    expect(found.id):to_be(2)
    expect(#others):to_be(2)
  end)

  it("is the most recent of several when none is pinned (ALT-101)", function ()
    local found, _, others = brief.find { notes = { note(1, valid), note(2, valid) } }
    expect(found.id):to_be(2)
    expect(others[1].id):to_be(1)
  end)
end)

describe("the brief's text", function ()
  it("begins with the heading and goes on with the model's two lines (ALT-96)", function ()
    expect(brief.model()):to_be(
      "## Brief commercial\n\n\n" .. settings.brief.lines[1] .. "\n" .. settings.brief.lines[2])
  end)

  it("is carried over unchanged, line by line (ALT-141)", function ()
    expect((brief.content "## Brief commercial\n\n\n  Un\n\tDeux\n\nTrois  \n")):to_be("\n\n  Un\n\tDeux\n\nTrois  \n")
    expect((brief.content "## Brief commercial\r\nUn\r\nDeux")):to_be("Un\r\nDeux")
  end)

  it("is not filled in while a line of the model stands there, or nothing at all (ALT-100)", function ()
    expect(brief.unfilled(brief.model())):to_be(true)
    expect(brief.unfilled "## Brief commercial\n\n"):to_be(true)
    expect(brief.unfilled(valid)):to_be(false)
    expect(brief.unfilled "## Brief commercial\n\n\nAucun brief commercial pour ce deal."):to_be(false)  -- ALT-99
  end)
end)
