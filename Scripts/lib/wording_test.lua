local wording = require "lib/wording"

describe("a text with placeholders", function ()
  it("has each of them replaced, as often as it stands there (ALT-152)", function ()
    expect(wording.fill("{client}, {owner}, {client}", { client = "Jérémy Brunet", owner = "Floriane Baillon" }))
      :to_be("Jérémy Brunet, Floriane Baillon, Jérémy Brunet")
  end)

  it("takes values as they are, signs of patterns included (ALT-157)", function ()
    expect(wording.fill("<{client}>", { client = "100 % & {client} %1" })):to_be("<100 % & {client} %1>")
  end)

  it("never keeps a placeholder: a missing or blank value is an error that names it (ALT-152)", function ()
    expect(function () wording.fill("Bonjour {client}", {}) end):to_fail("{client}")
    expect(function () wording.fill("Bonjour {client}", { client = " " }) end):to_fail("{client}")
    expect(function () wording.fill("Bonjour {Client}", { client = "Zoé" }) end):to_fail("{Client}")
    expect(function () wording.fill("Bonjour {}", { client = "Zoé" }) end):to_fail("{}")
  end)
end)

describe("a text that is cut", function ()
  it("has at most so many characters, whole ones", function ()
    expect(wording.cut("été", 3)):to_be("été")
    expect(wording.cut("étés", 3)):to_be("ét…")
    expect(utf8.len(wording.cut(("é"):rep(300), 120))):to_be(120)
  end)
end)
