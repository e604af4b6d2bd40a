-- Altitude: training and coaching. Whose workspace it is, its pipeline, its own fields and its wording.
return {
  seller = {
    name = "Altitude",
    address = { street = "12 rue des Cimes", postal_code = "38000", city = "Grenoble", country = "FR" },
    siret = "00138204300014",
    vat_number = "FR70001382043",
    training_declaration = "82 38 00000 38",
  },
  currency = "EUR",
  time_zone = "Europe/Paris",

  pipelines = {
    {
      name = "Ventes",
      stages = {
        "Qualifié", "Proposition", "Créer documents", "Documents prêts", "Envoyer en signature", "Confirmé",
      },
    },
  },

  -- Beside the built-in fields of each kind of record. filled_by: "person", "automation" or "any".
  fields = {
    deal = {
      { key = "opca_contact", label = "Prénom et nom OPCA", type = "text", filled_by = "person" },
      { key = "opca_name", label = "OPCA ou autre organisme à facturer", type = "text", filled_by = "person" },
      { key = "opca_address", label = "Adresse de facturation OPCA", type = "address", filled_by = "person" },
      { key = "opca_siret", label = "SIRET OPCA", type = "siret", filled_by = "person" },
      { key = "start_date", label = "Date de début de mission", type = "date", filled_by = "person" },
      { key = "end_date", label = "Date de fin mission", type = "date", filled_by = "person" },
      { key = "place", label = "Lieu de formation", type = "text", filled_by = "person" },
      { key = "quote_number", label = "N° du devis Quickbooks", type = "text", filled_by = "automation" },
      { key = "quote_url", label = "Devis QBO généré", type = "url", filled_by = "automation" },
      { key = "agreement_url", label = "Convention générée", type = "url", filled_by = "automation" },
      { key = "programme_url", label = "Programme généré", type = "url", filled_by = "automation" },
      { key = "signed_urls", label = "Document(s) signé(s)", type = "texts", filled_by = "automation" },
      { key = "hours_total", label = "Nombre d'heures total", type = "hours", filled_by = "person" },
      { key = "hours_group", label = "Nombre d'heures de travaux de groupe", type = "hours", filled_by = "person" },
      { key = "hours_remote", label = "Nombre d'heures auto-formation accompagnée à distance", type = "hours",
        filled_by = "person" },
      { key = "hours_individual", label = "Nombre d'heures face à face individuel", type = "hours",
        filled_by = "person" },
      { key = "card_url", label = "Lien Trello", type = "url", filled_by = "automation" },
      { key = "card_id", label = "ID Trello", type = "text", filled_by = "automation" },
      { key = "promo", label = "Promo", type = "text", filled_by = "person" },
    },
    product = {
      { key = "objectives", label = "Objectifs pédagogiques", type = "long_text", filled_by = "person",
        aliases = { "Objectifs pédagogique" } },
      { key = "programme", label = "Programme de formation", type = "long_text", filled_by = "person" },
      { key = "prerequisites", label = "Prérequis", type = "long_text", filled_by = "person" },
      { key = "audience", label = "Public", type = "long_text", filled_by = "person" },
      { key = "assessment", label = "Modalités d’évaluation et intervenants", type = "long_text",
        filled_by = "person" },
    },
    person = {
      { key = "referrer", label = "Nom du prescripteur", type = "text", filled_by = "person" },
    },
  },

  -- What a run may spend, and where loops stop.
  limits = { run_time = "5 seconds", memory = 64, host_calls = 10000, retries = 8 },

  -- Read by the scripts as settings.x. Names in braces are filled in by the script beside which they stand.
  settings = {
    brief = {
      -- The lines that the salesperson replaces; they come after the heading "## Brief commercial".
      lines = {
        "À remplacer : le contexte du client, sa demande et ce qu'il en attend.",
        "À remplacer : ce que l'intervenant doit savoir avant de commencer (personnes, dates, points d'attention).",
      },
    },
    card = {
      only_training = false,      -- true: a card only for deals with a training
      list = "À démarrer",
      title = "{deal}",
      text = "Promo : {promo}",   -- the brief follows
      no_promo = "aucune",
    },
    thanks = {
      subject = "Merci pour votre recommandation",
      body = [[
Bonjour {referrer},

Merci d'avoir recommandé Altitude à {client}. Nous venons de décider de travailler ensemble,
et c'est à vous que nous devons cette rencontre.

Au plaisir de vous revoir bientôt,

{owner}
Altitude]],
      message = "Bonne nouvelle, {owner} : l'affaire avec {client} est conclue. Pour remercier la personne qui "
        .. "nous a recommandés, cliquez sur son nom : {referrer}. Le message s'ouvre dans votre messagerie, "
        .. "à votre propre adresse : remplacez-la par celle du prescripteur avant l'envoi.",
    },
  },

  -- Each service's own configuration; what is not here keeps its default.
  services = {
    board = { lists = { "À démarrer", "En cours", "Terminé" } },
  },
}
