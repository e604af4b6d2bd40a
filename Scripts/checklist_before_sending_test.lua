-- Its lines are tested in lib/checklist_test.lua.
describe("checklist_before_sending", function ()
  it("is made on demand, for any deal, and changes nothing (ALT-135)", function ()
    for _, deal in ipairs {
      fixture.deal "group_training", fixture.deal "coaching", fixture.deal "private_client",
      fixture.deal { title = "Vide", stage = "Proposition" },
    } do
      local notes = #deal.notes
      local result = run("checklist_before_sending", deal)
      expect(result.runs[1].status):to_be("succeeded")
      expect(#deal.notes):to_be(notes)
      expect(#deal.documents):to_be(0)
    end
    expect(#sent.messages()):to_be(0)
  end)

  it("runs at no move by itself (ALT-05)", function ()
    for _, run in ipairs(move(fixture.deal "coaching", "Créer documents").runs) do
      expect(run.automation).never:to_be("checklist_before_sending")
    end
  end)
end)
