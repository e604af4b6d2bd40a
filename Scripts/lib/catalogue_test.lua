local catalogue = require "lib/catalogue"

describe("a product that is ready for quoting", function ()
  local function product(changes)
    local made = {
      description = "Coaching", price = money("100"), vat_rate = decimal("20"),
      sales_category = "prestation de services", category = "Services", class = "Conseil",
    }
    for name, value in pairs(changes) do made[name] = value end
    return made
  end

  it("has all its fields (ALT-14)", function ()
    expect(catalogue.empty_fields(product {})):to_equal {}
  end)

  it("may cost nothing and bear no tax: zero is a value (ALT-14)", function ()
    expect(catalogue.empty_fields(product { price = money("0"), vat_rate = decimal("0") })):to_equal {}
  end)

  it("names each empty field by its label (ALT-14)", function ()
    expect(catalogue.empty_fields {}):to_equal {
      "Description", "Prix de vente", "Taux de TVA", "Catégorie de vente", "Catégorie", "Classe",
    }
  end)

  it("takes blanks for empty (ALT-14)", function ()
    expect(catalogue.empty_fields(product { class = " \t", category = "\u{A0}" })):to_equal { "Catégorie", "Classe" }
  end)
end)
