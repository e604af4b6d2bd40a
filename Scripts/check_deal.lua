-- Before "Créer documents": everything that quote, agreement and programme need is there; all that is missing is told at once.
local catalogue, fields, setting, training =
  require "lib/catalogue", require "lib/fields", require "lib/setting", require "lib/training"

-- A quote needs a client and products that are ready for it (ALT-28, ALT-42).
on.before_enter("Créer documents", function (deal)
  if not deal.person then
    reject("Deal %q: « Contact » is empty", deal.title)
  elseif not deal.person.name then                       -- the client's folder bears it, and who signs has one
    reject("Deal %q: its « Contact » has neither « Prénom » nor « Nom »", deal.title)
  end
  if not deal.organization then
    reject("Deal %q: « Organisation » is empty; a private client needs one too, named like the person",
      deal.title)
  end
  if #deal.lines == 0 then reject("Deal %q: « Produits » is empty; add a product", deal.title) end

  local seen = {}
  for _, line in ipairs(deal.lines) do
    local product = line.product
    if not seen[product.id] then
      seen[product.id] = true
      for _, label in ipairs(catalogue.empty_fields(product)) do
        reject("Product %q: « %s » is empty", product.name, label)
      end
      if product.price and product.price.cents == 0 then
        warn("Product %q: « Prix de vente » is zero", product.name)
      end
      local category, others = training.category(product)
      if not category then
        reject("Product %q: no word of « Description » or « Nom » tells its category, such as formation",
          product.name)
      elseif #others > 0 then
        warn("Product %q counts as « %s », but has words of « %s » too",
          product.name, category, table.concat(others, " », « "))
      end
    end
  end

  -- Filled in, all of it is needed, for whoever pays is on the quote (ALT-45).
  local filled, empty = fields.split(deal, training.opca_fields)
  for _, key in ipairs(#filled > 0 and empty or {}) do
    reject("Deal %q: « %s » is empty, but « %s » is filled in", deal.title, crm.label("deal", key),
      crm.label("deal", filled[1]))
  end

  for _, request in ipairs(deal.signatures) do
    if request.state == "sent" or request.state == "viewed" then
      warn("Deal %q: earlier papers are still out for signature; « Envoyer en signature » takes them back", deal.title)
    end
  end
end, { name = "check_quote_data" })

-- A training needs its product's texts and the fields that the matrix asks for.
on.before_enter("Créer documents", function (deal)
  local products = training.products(deal)
  if #products == 0 then return end

  for _, product in ipairs(products) do
    for _, key in ipairs { "objectives", "programme" } do          -- the description is every product's (ALT-36)
      if fields.is_empty(product[key]) then
        reject("Product %q: « %s » is empty", product.name, crm.label("product", key))
      end
    end
  end
  if #products > 1 then
    warn("Deal %q has %d trainings; « Programme généré » is that of %q", deal.title, #products, products[1].name)
  end

  -- Empty, a person takes the box out of the agreement (ALT-44).
  if #fields.split(deal, training.opca_fields) == 0 then
    warn("Deal %q has no OPCA: take its box out of the « Convention »", deal.title)
  end

  if deal.start_date and deal.end_date and deal.end_date < deal.start_date then
    reject("Deal %q: « %s » is before « %s »", deal.title, crm.label("deal", "end_date"),
      crm.label("deal", "start_date"))
  end
  local sum = training.hours(deal)                                 -- ALT-75
  if sum and deal.hours_total and sum ~= deal.hours_total then
    warn("Deal %q: « %s » is %s, but its parts add up to %s", deal.title, crm.label("deal", "hours_total"),
      deal.hours_total, sum)
  end
  local read, fault = pcall(training.days, deal)
  if not read then reject("%s", fault) end
  if #deal.participants == 0 then
    warn("Deal %q: « %s » is empty", deal.title, crm.label("deal", "participants"))
  end
  for _, person in ipairs(deal.participants) do                    -- each is named in the agreement
    if not person.name then
      reject("Deal %q: person %d of « %s » has neither « Prénom » nor « Nom »", deal.title, person.id,
        crm.label("deal", "participants"))
    end
  end
  fields.check(deal, setting("field_matrix." .. training.kind(deal)))
end, { name = "check_training_data" })
