-- Altitude: training and coaching. Whose workspace it is, its pipeline, its own fields and its wording.
return {
  seller = {
    name = "Altitude",
    address = { street = "12 rue des Cimes", postal_code = "38000", city = "Grenoble", country = "FR" },
    siret = "00138204300014",
    vat_number = "FR70001382043",
    training_declaration = "82 38 00000 38",
    -- Free texts, printed on documents as they stand here.
    training_region = "Auvergne-Rhône-Alpes",
    legal_form = "SAS",
    capital = "10 000 €",
    rcs = "Grenoble 001 382 043",
    email = "contact@altitude.example",
    phone = "04 00 00 00 38",
    website = "www.altitude.example",
    representative = "Roxane Thévenaz",
    representative_title = "Présidente",
    iban = "FR76 0000 0000 0000 0138 2043 002",
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
      -- One date a day, like 2026-11-03: an attendance sheet is made for each participant and day.
      { key = "training_days", label = "Jours de formation", type = "texts", filled_by = "person" },
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
  limits = { run_time = "5 seconds", memory = 64, host_calls = 10000, calls = { retries = 8 } },

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

Merci d’avoir recommandé Altitude à {client}. Nous allons travailler ensemble, et c’est à vous que nous le devons.

Au plaisir de vous revoir bientôt,

{owner}
Altitude]],
      message = "Bonne nouvelle, {owner} : l’affaire avec {client} est conclue. Pour remercier la personne qui "
        .. "nous a recommandés, cliquez sur son nom : {referrer}. Le message s’ouvre dans votre messagerie, "
        .. "à votre propre adresse : remplacez-la par celle du prescripteur avant l’envoi.",
    },
    -- What the documents in templates/ say and an office may want to change. The spaces before ":", ";" and "%" are
    -- no-break spaces: copy them when you write your own.
    documents = {
      quote_validity = "30 jours",
      payment_terms = "Règlement par virement à 30 jours, date de facture.",
      early_payment = "Pas d’escompte pour paiement anticipé.",
      late_rate = "trois fois le taux de l’intérêt légal",
      mediator = "Médiation Conso des Alpes, 3 rue du Médiateur, 38000 Grenoble, mediation.example",
      cancellation = "Toute annulation est notifiée par écrit. Si le client renonce à la formation moins de dix "
        .. "jours ouvrés avant son début, il doit 30 % du prix à titre de dédit. S’il l’interrompt, il doit le "
        .. "prix des heures suivies et, à titre de dédit, 50 % du prix des heures qui restaient à suivre.",
      disputes = "Les parties recherchent d’abord un accord amiable. À défaut, le différend est porté devant le "
        .. "tribunal compétent ; entre commerçants, celui de Grenoble.",
      methods = "Apports courts, mises en situation, échanges entre pairs et travail sur les cas des "
        .. "participants. Un support est remis à chacun ; la salle est équipée d’un écran et d’un tableau.",
      remote_assistance = "Cette assistance est joignable par courriel et répond en un jour ouvré.",
      access_delay = "Deux semaines en moyenne, selon le calendrier des sessions.",
      morning = "9 h 00 – 12 h 30",
      afternoon = "13 h 30 – 17 h 00",
      accessibility = "Nos formations sont ouvertes aux personnes en situation de handicap. Parlez-en dès "
        .. "l’inscription à notre référente handicap, Inès Morvan (ines@altitude.example) : nous étudions avec "
        .. "vous les aménagements possibles.",
      personal_data = "L’organisme traite les données personnelles des participants pour organiser et justifier "
        .. "la formation, et les conserve le temps qu’imposent ses obligations légales. Chacun peut accéder à "
        .. "ses données et les faire rectifier : contact@altitude.example.",
    },
    signature = {
      timeout = "60 days",        -- then nobody can sign any more, and the deal gets a note
      signed_name = "Documents signés – ",   -- before the deal's title: the signed file's name
      -- The deal's note when nobody signs, by what happened.
      notes = {
        declined = "Signature refusée par le client : {reason}",
        expired = "Le délai de signature est écoulé ; le client n’a pas signé.",
        cancelled = "Demande de signature annulée : {reason}",
        no_reason = "sans motif",
      },
    },
    pending = {
      days = 7,                   -- out for signature for longer than that: the owner hears of it each Monday
      message = "En attente de signature depuis plus d’une semaine :",
      line = "« {deal} », {signer}, envoyé le {date}, {state}",
      sent = "pas encore ouvert",
      viewed = "ouvert",
    },
    won = {
      refuse = false,             -- true: what check_before_won finds keeps the deal open, instead of being told
    },
    failure = {
      message = "L’automatisation {automation} a échoué pour « {deal} » : {error}\n"
        .. "Une fois la cause corrigée : coulisse runs retry {run}",
    },
    checklists = {
      before_sending = {
        documents = "Tous les documents sont relus et corrigés",
        opca = "Les mentions relatives à l’OPCA sont retirées de la convention si le deal n’en a pas",
        no_opca = "pas d’OPCA : retirer l’encart",
        contacts = "Les coordonnées de chaque stagiaire à former sont vérifiées",
        no_email = "pas d’e-mail",
        layout = "La mise en page et les sauts de page sont lisibles",
        content = "Le contenu de la formation est vérifié : objectifs et description",
        empty = "est vide",
      },
      before_won = {
        signed = "Le document signé est vérifié",
        not_signed = "absent",
        invoice = "Le devis accepté par le client est transformé en facture dans QBO",
        promo = "Pour une formation collective, la promo est présente et exacte",
        brief = "Le brief commercial est rédigé et commence par « ## Brief commercial »",
        empty = "vide",
        no_brief = "absent",
        unfilled = "à compléter",
      },
    },
    -- Which field is filled in, by kind of training: ALT-47 to ALT-72, in that order. To change an entry write one of:
    --   "required"       it has to be filled in: empty, and no document is made
    --   "if_needed"      may be filled in or empty
    --   "must_be_empty"  filled in, and no document is made
    --   "automatic"      a script fills it in, over whatever stands there
    --   "unknown"        the mark is lost from the source: nothing is refused, an empty field is warned of
    -- "promo" has no mark either; its two entries follow from the prose (ALT-41).
    field_matrix = {
      individual = {   -- formation individuelle
        deal = {   -- ALT-47 to ALT-65
          opca_contact = "if_needed",
          opca_name = "if_needed",
          opca_address = "if_needed",
          opca_siret = "if_needed",
          start_date = "unknown",
          end_date = "unknown",
          place = "unknown",
          quote_number = "automatic",
          quote_url = "automatic",
          agreement_url = "automatic",
          programme_url = "automatic",
          signed_urls = "automatic",
          hours_total = "unknown",
          hours_group = "unknown",
          hours_remote = "unknown",
          hours_individual = "unknown",
          card_url = "automatic",
          card_id = "automatic",
          promo = "must_be_empty",
        },
        organization = {   -- ALT-66 to ALT-68
          name = "unknown",
          address = "unknown",
          siret = "unknown",
        },
        person = {   -- ALT-69 to ALT-72
          first_name = "unknown",
          last_name = "unknown",
          address = "unknown",
          job_title = "unknown",
        },
      },
      collective = {   -- formation collective
        deal = {   -- ALT-47 to ALT-65
          opca_contact = "if_needed",
          opca_name = "if_needed",
          opca_address = "if_needed",
          opca_siret = "if_needed",
          start_date = "unknown",
          end_date = "unknown",
          place = "unknown",
          quote_number = "automatic",
          quote_url = "automatic",
          agreement_url = "automatic",
          programme_url = "automatic",
          signed_urls = "automatic",
          hours_total = "unknown",
          hours_group = "unknown",
          hours_remote = "unknown",
          hours_individual = "unknown",
          card_url = "automatic",
          card_id = "automatic",
          promo = "required",
        },
        organization = {   -- ALT-66 to ALT-68
          name = "unknown",
          address = "unknown",
          siret = "unknown",
        },
        person = {   -- ALT-69 to ALT-72
          first_name = "unknown",
          last_name = "unknown",
          address = "unknown",
          job_title = "unknown",
        },
      },
    },
  },

  -- Each service's own configuration; what is not here keeps its default.
  services = {
    accounting = { quote_prefix = "D", quote_template = "devis" },
    board = { lists = { "À démarrer", "En cours", "Terminé" } },
    drive = { clients = "Clients", folders = { "Documents générés", "Fin" } },
    mail = { from = "contact@altitude.example" },
    -- The mail that asks a client to sign.
    signature = {
      subject = "À signer : {title}",
      text = [[
Bonjour {signer},

Veuillez trouver ci-joint, pour signature, les documents « {title} ».

Une question, une correction avant de signer ? Répondez simplement à ce message.

Bien cordialement,

{seller}]],
    },
  },
}
