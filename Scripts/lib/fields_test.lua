local fields = require "lib/fields"

describe("an empty field", function ()
  it("is nothing, or blanks, or a list without anything (ALT-74)", function ()
    for _, value in ipairs { "", "  ", "\u{A0}\n", {} } do expect(fields.is_empty(value)):to_be(true) end
    expect(fields.is_empty(nil)):to_be(true)
    for _, value in ipairs { "x", 0, false, { "x" }, decimal("0"), money("0") } do
      expect(fields.is_empty(value)):to_be(false)
    end
  end)

  it("is told from the filled ones, each in the order given (ALT-45)", function ()
    local filled, empty = fields.split({ a = "x", c = " " }, { "c", "b", "a" })
    expect(filled):to_equal { "a" }
    expect(empty):to_equal { "c", "b" }
  end)
end)

describe("a private client", function ()
  local function is_private(organization, first, last)
    return fields.is_private_client {
      organization = organization and { name = organization }, person = { first_name = first, last_name = last },
    }
  end

  it("has an organization with the person's name, in either order (ALT-43)", function ()
    expect(is_private("Zoé Vasseur", "Zoé", "Vasseur")):to_be(true)
    expect(is_private(" VASSEUR Zoe", "Zoé", "Vasseur")):to_be(true)
    expect(is_private("Vasseur", nil, "Vasseur")):to_be(true)
  end)

  it("is told from a company (ALT-43)", function ()
    expect(is_private("ACME", "Zoé", "Vasseur")):to_be(false)
    expect(is_private(nil, "Zoé", "Vasseur")):to_be(false)
    expect(fields.is_private_client { organization = { name = "ACME" } }):to_be(false)
  end)
end)

describe("the field matrix", function ()
  -- `reject` and `warn` are for guards; here they are written down.
  local said
  local function check(deal, matrix)
    local old_reject, old_warn = reject, warn
    said = { rejected = {}, warned = {} }
    reject = function (...) said.rejected[#said.rejected + 1] = string.format(...) end
    warn = function (...) said.warned[#said.warned + 1] = string.format(...) end
    local went_well, fault = pcall(fields.check, deal, matrix)
    reject, warn = old_reject, old_warn
    if not went_well then error(fault, 0) end
    return said
  end

  it("blocks when a required field is empty (ALT-74)", function ()
    local deal = fixture.deal "coaching"
    local found = check(deal, { deal = { place = "required" }, person = { job_title = "required" } })
    expect(found.rejected):to_equal { 'Deal "Coaching pour ACME": « Lieu de formation » is empty' }
    expect(#found.warned):to_be(0)
    deal.place, deal.person.job_title = " ", nil
    expect(#check(deal, { deal = { place = "required" }, person = { job_title = "required" } }).rejected):to_be(2)
  end)

  it("says nothing of a field that is filled in if needed (ALT-74)", function ()
    local deal = fixture.deal "coaching"
    for _, place in ipairs { "", "Grenoble" } do
      deal.place = place
      local found = check(deal, { deal = { place = "if_needed" } })
      expect(#found.rejected + #found.warned):to_be(0)
    end
  end)

  it("blocks when a field that has to be empty is not (ALT-74)", function ()
    local deal = fixture.deal "coaching"
    expect(#check(deal, { deal = { promo = "must_be_empty" } }).rejected):to_be(0)
    deal.promo = "[EDLC_001]"
    expect(check(deal, { deal = { promo = "must_be_empty" } }).rejected):to_equal {
      'Deal "Coaching pour ACME": « Promo » has to be empty for this kind of training',
    }
  end)

  it("warns of an automatic field that a person has filled in, not of one that a script has (ALT-74)", function ()
    local deal, matrix = fixture.deal "coaching", { deal = { quote_url = "automatic" } }
    expect(#check(deal, matrix).warned):to_be(0)
    deal.quote_url = "https://devis.example/1"
    local found = check(deal, matrix)
    expect(#found.rejected):to_be(0)
    expect(found.warned[1]):to_contain("« Devis QBO généré » was filled in by hand")
    move(deal, "Créer documents")
    expect(#check(deal, matrix).warned):to_be(0)
  end)

  it("warns in one line of all whose mark is lost (ALT-74)", function ()
    local deal = fixture.deal "coaching"
    local found = check(deal, { deal = { place = "unknown", start_date = "unknown", title = "unknown" } })
    expect(#found.rejected):to_be(0)
    expect(#found.warned):to_be(1)
    expect(found.warned[1]):to_contain("« Lieu de formation », « Date de début de mission »")
  end)

  it("asks nothing of a private client's organization but its name, whatever the mark (ALT-43)", function ()
    local deal = fixture.deal "private_client"
    local found = check(deal, { organization = { siret = "required", address = "unknown" } })
    expect(#found.rejected + #found.warned):to_be(0)
    deal.organization.name = "Vasseur SARL"
    found = check(deal, { organization = { siret = "required", address = "unknown" } })
    expect(#found.rejected):to_be(1)
    expect(#found.warned):to_be(1)
  end)

  it("is silent about a record that is not there; that is another guard's (ALT-42)", function ()
    local deal = fixture.deal "coaching"
    deal.organization = nil
    expect(#check(deal, { organization = { siret = "required" } }).rejected):to_be(0)
  end)

  it("names a mark or a field that it does not know (ALT-74)", function ()
    local deal = fixture.deal "coaching"
    expect(function () check(deal, { deal = { place = "requried" } }) end):to_fail('deal.place is "requried"')
    expect(function () check(deal, { deal = { plaec = "required" } }) end):to_fail("plaec")
  end)

  it("has a mark for each field of the manual's tables, for both kinds (ALT-47 to ALT-72)", function ()
    for _, kind in ipairs { "individual", "collective" } do
      local count = 0
      for record, keys in pairs(settings.field_matrix[kind]) do
        for key in pairs(keys) do
          expect(crm.label(record, key)).never:to_be_nil()
          count = count + 1
        end
      end
      expect(count):to_be(26)                                                      -- 19, 3 and 4
    end
    expect(settings.field_matrix.individual.deal.promo):to_be("must_be_empty")     -- ALT-65
    expect(settings.field_matrix.collective.deal.promo):to_be("required")
  end)
end)
