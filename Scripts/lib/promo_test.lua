local promo = require "lib/promo"

describe("the promo code", function ()
  it("may be empty, which means an individual training (ALT-41)", function ()
    expect(promo.fault(nil)):to_be_nil()
    expect(promo.fault("")):to_be_nil()
  end)

  it("is accepted in the form of the manual (ALT-79)", function ()
    expect(promo.fault("[EDLC_001]")):to_be_nil()
  end)

  it("takes letters in either case, and letters and digits in any order (ALT-83)", function ()
    for _, code in ipairs { "[edlc_001]", "[001_EDLC]", "[a1_]", "[_a1]", "[Promo2026_lyon3]" } do
      expect(promo.fault(code)):to_be_nil()
    end
  end)

  it("is refused without an underscore, and only for that (ALT-80)", function ()
    expect(promo.fault("[EDLC001]")):to_be("it must contain one underscore _")
  end)

  it("is refused in parentheses, and only for that (ALT-81, ALT-76)", function ()
    expect(promo.fault("(EDLC_001)")):to_be("it must begin with [ and end with ]")
  end)

  it("is refused with every rule that it breaks (ALT-82)", function ()
    local fault = promo.fault("[formation collective numéro 1]")
    expect(fault):to_contain("it must not contain spaces")
    expect(fault):to_contain("it must contain one underscore _")
    expect(fault):to_contain("nothing but letters without accents")
  end)

  it("is refused when a bracket is missing, doubled or not at the end (ALT-76)", function ()
    for _, code in ipairs { "EDLC_001", "[EDLC_001", "EDLC_001]", "]EDLC_001[", "x[EDLC_001]", "[EDLC_001]x" } do
      expect(promo.fault(code)):to_contain("begin with [ and end with ]")
    end
    expect(promo.fault("[[EDLC_001]]")):to_contain("nothing but")
  end)

  it("needs a letter, a digit and one underscore, and nothing else (ALT-77, ALT-83)", function ()
    expect(promo.fault("[_001]")):to_be("it must contain a letter")
    expect(promo.fault("[EDLC_]")):to_be("it must contain a digit")
    expect(promo.fault("[EDLC__001]")):to_be("it must contain one underscore _")
    expect(promo.fault("[ED_LC_001]")):to_be("it must contain one underscore _")
    for _, code in ipairs { "[EDLC_001!]", "[ÉDLC_001]", "[EDLC-A_001]", "[EDLC_001 🎓]" } do
      expect(promo.fault(code)):to_contain("nothing but")
    end
  end)

  it("is not trimmed: white space anywhere is refused (ALT-78)", function ()
    for _, code in ipairs { " [EDLC_001]", "[EDLC_001] ", "[EDLC_ 001]", "[EDLC\t_001]", "[EDLC_001]\n" } do
      expect(promo.fault(code)):to_contain("it must not contain spaces")
    end
    expect(promo.fault("[EDLC_\u{A0}001]")):to_contain("nothing but")
  end)

  it("is refused when it holds blanks only: neither kind of training (ALT-41)", function ()
    for _, code in ipairs { " ", "\t\n", "\u{A0}" } do
      expect(promo.fault(code)):to_contain("blanks only")
    end
  end)
end)

describe("the kind of a training", function ()
  it("follows from the promo alone (ALT-41)", function ()
    expect(promo.kind(fixture.deal "group_training")):to_be("group")
    expect(promo.kind(fixture.deal "individual_training")):to_be("individual")
  end)

  it("finds a promo forgotten when there are hours of group work (ALT-38)", function ()
    local deal = fixture.deal "group_training"
    expect(promo.forgotten(deal)):to_be(false)
    deal.promo = nil
    expect(promo.forgotten(deal)):to_be(true)
    deal.hours_group = "0"
    expect(promo.forgotten(deal)):to_be(false)
    deal.hours_group = nil
    expect(promo.forgotten(deal)):to_be(false)
  end)
end)
