-- Which fields a product needs before it can be quoted (ALT-14), with the labels that people know them by.
local catalogue = {}

catalogue.required = {
  { "description", "Description" },
  { "price", "Prix de vente" },
  { "vat_rate", "Taux de TVA" },
  { "sales_category", "Catégorie de vente" },
  { "category", "Catégorie" },
  { "class", "Classe" },
}

--- The labels of the required fields that are empty in this product, in the order above.
function catalogue.empty_fields(product)
  local empty = {}
  for _, field in ipairs(catalogue.required) do
    local value = product[field[1]]
    if value == nil or (type(value) == "string" and text.trim(value) == "") then
      empty[#empty + 1] = field[2]
    end
  end
  return empty
end

return catalogue
