local setting = require "lib/setting"

describe("a setting", function ()
  it("is read by its path", function ()
    expect(setting "signature.timeout"):to_be(settings.signature.timeout)
    expect(setting "won.refuse"):to_be(false)
    expect(setting "brief.lines"):to_equal(settings.brief.lines)
  end)

  it("that is missing is an error that names it (ALT-09)", function ()
    for _, path in ipairs { "nothing", "signature.nothing", "nothing.at.all", "signature.timeout.days" } do
      expect(function () setting(path) end):to_fail("settings." .. path .. " is missing; add it to workspace.lua")
    end
  end)
end)
