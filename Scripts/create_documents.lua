-- "Créer documents": the quote of every deal, its number and link in the deal, then on to "Documents prêts".
local catalogue, training = require "lib/catalogue", require "lib/training"

-- A quote needs a client and products that are ready for it; all that is missing is told at once (ALT-28, ALT-42).
on.before_enter("Créer documents", function (deal)
  if not deal.person then reject("Deal %q: « Contact » is empty", deal.title) end
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
end, { name = "check_quote_data" })

on.enter("Créer documents", function (deal)
  local quote = accounting.create_quote(deal)            -- a second entry does not leave two live quotes (ALT-10)
  deal.quote_number, deal.quote_url = quote.number, quote.url
  deal:move_to("Documents prêts", { from = "Créer documents" })
end, { name = "create_documents" })
