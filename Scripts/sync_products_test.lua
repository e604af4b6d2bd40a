describe("sync_products", function ()
  local function count() return #crm.products() end

  it("makes nothing of what is there on both sides, however often it runs (ALT-12, ALT-15)", function ()
    fixture.deal "coaching"
    fixture.deal "group_training"
    local before = count()
    for _ = 1, 2 do
      local result = run "sync_products"
      expect(result.runs[1].status):to_be("succeeded")
      expect(#result.warnings):to_be(0)
    end
    expect(count()):to_be(before)
  end)

  it("works on an empty catalogue and needs no deal (ALT-15)", function ()
    expect(run("sync_products").runs[1].status):to_be("succeeded")
    expect(count()):to_be(0)
  end)

  it("fails without having made half of it when accounting refuses, and can be run again (ALT-15)", function ()
    fixture.deal "coaching"
    accounting.fails_with("refused", 1)
    local failed = run("sync_products").runs[1]
    expect(failed.status):to_be("failed")
    expect(retry(failed).runs[1].status):to_be("succeeded")
    expect(count()):to_be(1)
  end)
end)
