-- On demand: products that accounting has and the CRM has not are made here too (ALT-15).
on.demand("sync_products", function ()
  local known, made = {}, 0
  for _, product in ipairs(crm.products()) do known[text.folded(product.name)] = product end

  for _, found in ipairs(accounting.products()) do
    local name = text.folded(found.name)
    if not known[name] then                              -- so a second time makes no second one
      known[name] = crm.add_product {
        name = found.name, description = found.description, price = found.price, vat_rate = found.vat_rate,
        sales_category = found.sales_category, category = found.category, class = found.class,
      }
      made = made + 1
      print("+ " .. found.name)
      for _, key in ipairs(found.missing) do
        warn("Product %q: « %s » is empty in accounting", found.name, crm.label("product", key))
      end
    end
  end
  print(made .. " products made")
end)
