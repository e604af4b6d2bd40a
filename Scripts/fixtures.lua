-- Deals for the script tests, in the shape of an import with the records of each deal nested in it.

local floriane = { key = "floriane", name = "Floriane Baillon", email = "floriane@altitude.example" }

local acme = {
  key = "acme", name = "ACME", siret = "73282932000074", vat_number = "FR44732829320",
  address = { street = "1 rue des Tilleuls", postal_code = "75001", city = "Paris", country = "FR" },
}

local jeremy = {
  key = "jeremy", first_name = "Jérémy", last_name = "Brunet", email = "j.brunet@acme.example",
  job_title = "DRH", organization = acme, referrer = "Nelly",
  address = { street = "8 allée des Ormes", postal_code = "75011", city = "Paris", country = "FR" },
}

local aline = { key = "aline", first_name = "Aline", last_name = "Fabre", email = "a.fabre@acme.example" }
local karim = { key = "karim", first_name = "Karim", last_name = "Odet" }

local function product(key, name, description, price, vat_rate)
  return {
    key = key, name = name, description = description, price = price, vat_rate = vat_rate,
    sales_category = "prestation de services", category = "Services", class = "Conseil",
  }
end

local coaching = product("coaching", "Coaching de dirigeant", "Coaching individuel, six séances", "1200.00", "20")

local edlc = product("edlc", "EDLC", "Formation certifiante, parcours de sept mois", "1800.00", "0")
edlc.objectives, edlc.programme = "Conduire une équipe.", "Sept modules d'une journée."

local feedback = product("feedback", "Feedback", "Formation d'une journée", "600.00", "0")
feedback.objectives, feedback.programme = "Donner un retour utile.", "Une matinée, un après-midi."

local filled_brief = {
  text = "## Brief commercial\n\n\nL'équipe se connaît peu.\n\tCommencer par un tour de table.\n\nFin à 17 h.",
}

local function deal(title, fields)
  local made = {
    title = title, stage = "Proposition", owner = floriane, organization = acme, person = jeremy,
    email = "affaire@altitude.example", lines = { { product = coaching, quantity = "1" } }, notes = { filled_brief },
  }
  for name, value in pairs(fields) do made[name] = value end
  return made
end

return {
  coaching = deal("Coaching pour ACME", {}),

  -- All is filled in but the OPCA.
  group_training = deal("EDLC pour ACME", {
    promo = "[EDLC_001]", hours_total = "49", hours_group = "35", hours_remote = "7", hours_individual = "7",
    start_date = "2026-11-03", end_date = "2026-11-04", place = "Grenoble", participants = { aline, karim },
    lines = { { product = edlc, quantity = "2", price = "1800.00", discount = "10%" } },
  }),

  individual_training = deal("EDLC individuel pour ACME", {
    hours_total = "14", hours_group = "0", hours_remote = "0", hours_individual = "14",
    start_date = "2026-11-03", end_date = "2026-11-03", place = "Chez le client", participants = { jeremy },
    lines = { { product = edlc, quantity = "1", discount = "150.00" } },
  }),

  -- Nothing is left to warn of.
  opca_training = deal("EDLC financé pour ACME", {
    hours_total = "14", hours_group = "0", hours_remote = "0", hours_individual = "14",
    start_date = "2026-11-03", end_date = "2026-11-03", place = "Chez le client", participants = { jeremy },
    opca_contact = "Lucie Marchal", opca_name = "OPCA Horizon", opca_siret = "73282932000074",
    opca_address = { street = "3 quai Nord", postal_code = "69002", city = "Lyon", country = "FR" },
    lines = { { product = edlc, quantity = "1" } },
  }),

  -- Two trainings and something else in one deal (ALT-40).
  mixed = deal("EDLC, feedback et coaching pour ACME", {
    hours_total = "14", hours_individual = "14", start_date = "2026-11-03", end_date = "2026-11-03",
    lines = {
      { product = coaching, quantity = "1" }, { product = edlc, quantity = "1" }, { product = feedback, quantity = "2" },
    },
  }),

  bad_promo = deal("EDLC mal codé pour ACME", {
    promo = "(EDLC_001)", hours_group = "35", lines = { { product = edlc, quantity = "1" } },
  }),

  -- ALT-43: a person on their own account; the organization bears their name and nothing else.
  private_client = deal("Bilan de Zoé Vasseur", {
    organization = { key = "zoe_org", name = "Zoé Vasseur" },
    person = {
      key = "zoe", first_name = "Zoé", last_name = "Vasseur", email = "zoe.vasseur@courrier.example",
      organization = { key = "zoe_org", name = "Zoé Vasseur" },
    },
    lines = {
      { product = product("bilan", "Bilan", "Bilan de compétences, 24 heures", "1950.00", "0"), quantity = "1" },
    },
  }),
}
