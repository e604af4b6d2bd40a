describe("send_for_signature", function ()
  local function run_of(result)
    for _, run in ipairs(result.runs) do
      if run.automation == "send_for_signature" then return run end
    end
  end

  -- A deal in "Documents prêts", with its papers.
  local function ready(name, changes)
    local deal = fixture.deal(name or "coaching", changes)
    move(deal, "Créer documents")
    expect(deal.stage.name):to_be("Documents prêts")
    return deal
  end

  -- A deal whose papers are out for signature, and its request.
  local function sent_out(name)
    local deal = ready(name)
    local run = run_of(move(deal, "Envoyer en signature"))
    return deal, deal.signatures[1], run
  end

  local function rejected(deal)
    local result = move(deal, "Envoyer en signature")
    expect(result.moved):to_be(false)
    expect(#sent.requests()):to_be(0)
    return table.concat(result.rejected, "\n"), #result.rejected
  end

  local function open_requests(deal)
    local count = 0
    for _, request in ipairs(deal.signatures) do
      if request.state == "sent" or request.state == "viewed" then count = count + 1 end
    end
    return count
  end

  local function count_of(deal, path)
    local count = 0
    for _, document in ipairs(deal.documents) do
      if document.path:find(path, 1, true) then count = count + 1 end
    end
    return count
  end

  describe("the guard", function ()
    it("refuses a deal without a quote (ALT-123)", function ()
      local reasons, count = rejected(fixture.deal "coaching")
      expect(count):to_be(2)
      expect(reasons):to_contain("« N° du devis Quickbooks » is empty")
      expect(reasons):to_contain("« Devis QBO généré » is empty; move the deal to « Créer documents » first")
    end)

    it("refuses a training without agreement or programme (ALT-123)", function ()
      local deal = ready "group_training"
      deal.agreement_url, deal.programme_url = nil, nil
      local reasons, count = rejected(deal)
      expect(count):to_be(2)
      expect(reasons):to_contain("« Convention générée » is empty")
      expect(reasons):to_contain("« Programme généré » is empty")
    end)

    it("refuses a client without an e-mail address, a name, or no client at all (ALT-128)", function ()
      local deal = ready()
      deal.person.email = nil
      expect((rejected(deal))):to_contain('« E-mail » of "Jérémy Brunet" is empty')
      deal.person.first_name, deal.person.last_name = nil, nil
      expect((rejected(deal))):to_contain("« Prénom »")
      deal.person = nil
      expect((rejected(deal))):to_contain("« Contact » is empty")
    end)

    it("warns when the deal has changed since its quote, or is no training any more (ALT-32, ALT-126)", function ()
      local deal = ready "group_training"
      deal.lines[1].quantity = "1"
      deal.lines[1].product.description = "Coaching d'équipe"
      local result = move(deal, "Envoyer en signature")
      expect(result.moved):to_be(true)
      local warnings = table.concat(result.warnings, "\n")
      expect(warnings):to_contain("comes to 1620.00 EUR, but its quote " .. deal.quote_number .. " to 3240.00 EUR")
      expect(warnings):to_contain("« Convention générée » is sent")
    end)
  end)

  it("files the quote in « Documents générés » (ALT-102, ALT-118, ALT-124)", function ()
    local deal = sent_out()
    expect(count_of(deal, "Clients/Brunet Jérémy/Documents générés/Devis " .. deal.quote_number)):to_be(1)
  end)

  it("sends the papers of a training as one PDF, in the order quote, agreement, programme (ALT-105, ALT-112, ALT-125)",
    function ()
      local deal, request = sent_out "opca_training"
      local title = request.document.title
      local quote, agreement, programme = title:find("Devis", 1, true), title:find("Convention", 1, true),
        title:find("Programme", 1, true)
      expect(quote < agreement and agreement < programme):to_be(true)
      expect(request.document.content_type):to_be("application/pdf")
      expect(#sent.requests()):to_be(1)
    end)

  it("sends a deal without training its quote alone (ALT-127)", function ()
    local _, request = sent_out()
    expect(request.document.title):to_contain("Devis")
    expect(request.document.title).never:to_contain("+")
  end)

  it("takes this deal's papers, not those of the client's other deals (ALT-126)", function ()
    local other = ready "group_training"
    local deal = ready "opca_training"
    local other_quote = other.quote_number
    move(deal, "Envoyer en signature")
    expect(deal.signatures[1].document.title):to_contain(deal.quote_number)
    expect(deal.signatures[1].document.title).never:to_contain(other_quote)
    expect(#other.signatures):to_be(0)
  end)

  it("picks the papers by their links in the deal, so another one that is linked there is sent (ALT-46, ALT-125, "
    .. "ALT-126)", function ()
    local deal = ready "individual_training"
    local first = deal.programme_url
    move(deal, "Proposition")
    move(deal, "Créer documents")
    move(deal, "Envoyer en signature")
    local newest = deal.signatures[1].document
    expect(deal.programme_url == first):to_be(false)

    move(deal, "Documents prêts")
    deal.programme_url = deal.agreement_url
    move(deal, "Envoyer en signature")
    local corrected = deal.signatures[2].document
    expect(corrected.sha256 == newest.sha256):to_be(false)
    expect(corrected.title).never:to_contain("Programme")
  end)

  it("asks the client by mail (ALT-128)", function ()
    local deal, request = sent_out()
    expect(request.state):to_be("sent")
    expect(request.signer_email):to_be("j.brunet@acme.example")
    expect(#deal.emails):to_be(1)
    expect(deal.emails[1].recipients):to_equal { "j.brunet@acme.example" }
    expect(deal.emails[1].subject):to_be("À signer : Coaching pour ACME")
    expect(deal.emails[1].text):to_contain("Bonjour Jérémy Brunet,")
    expect(deal.stage.name):to_be("Envoyer en signature")
  end)

  it("moves the deal to « Confirmé » when signed, keeps the file and its link, and the quote is accepted (ALT-106, "
    .. "ALT-120, ALT-131, ALT-132)", function ()
    local deal, request = sent_out()
    view(request)
    expect(deal.stage.name):to_be("Envoyer en signature")
    sign(request)
    expect(deal.stage.name):to_be("Confirmé")
    expect(request.state):to_be("signed")
    expect(#deal.signed_urls):to_be(1)
    expect(count_of(deal, "Clients/Brunet Jérémy/Documents signés")):to_be(1)      -- the folder's root
    expect(deal.quotes[1].status):to_be("accepted")
    expect(deal.notes[1].pinned):to_be(true)                                       -- pin_brief has run (ALT-06)
  end)

  it("moves once when the event comes twice (ALT-131)", function ()
    local deal, request = sent_out()
    sign(request)
    move(deal, "Documents prêts")
    sign(request)
    expect(deal.stage.name):to_be("Documents prêts")
    expect(#deal.signed_urls):to_be(1)
  end)

  it("makes no move when the deal has left the stage, and keeps the signed file (ALT-131)", function ()
    local deal, request = sent_out()
    move(deal, "Proposition")
    sign(request)
    expect(deal.stage.name):to_be("Proposition")
    expect(#deal.signed_urls):to_be(1)
  end)

  it("makes no move of a deal that is lost meanwhile, and keeps the signed file (ALT-131)", function ()
    local deal, request = sent_out()
    lose(deal)
    sign(request)
    expect(deal.status):to_be("lost")
    expect(#deal.signed_urls):to_be(1)
  end)

  it("accepts no quote that was replaced while its papers were out, and has said that they are (ALT-131, ALT-10)", function ()
    local deal, request = sent_out()
    move(deal, "Proposition")
    deal.lines[1].quantity = "2"
    local again = move(deal, "Créer documents")
    expect(table.concat(again.warnings, "\n")):to_contain("still out for signature")
    sign(request)
    expect(#deal.signed_urls):to_be(1)
    expect(deal.quotes[1].status):to_be("replaced")
    expect(deal.quotes[2].status):to_be("draft")
    expect(deal.stage.name):to_be("Documents prêts")
  end)

  it("keeps an earlier link beside the new one (ALT-132)", function ()
    local deal, request = sent_out()
    deal.signed_urls = { "https://drive.example/ancien" }
    sign(request)
    expect(#deal.signed_urls):to_be(2)
    expect(deal.signed_urls[1]):to_be("https://drive.example/ancien")
  end)

  it("lets the move stand when the file can't be kept; a retry completes (ALT-132)", function ()
    local deal, request, run = sent_out()
    drive.fails_with("refused", 1, { operation = "store" })
    sign(request)
    expect(deal.stage.name):to_be("Confirmé")
    expect(deal.signed_urls):to_be_nil()

    expect(run_of(retry(run)).status):to_be("succeeded")
    expect(#deal.signed_urls):to_be(1)
    expect(deal.quotes[1].status):to_be("accepted")
    expect(deal.stage.name):to_be("Confirmé")
  end)

  it("keeps the file by itself when the drive does not answer (ALT-132)", function ()
    local deal, request = sent_out()
    drive.fails_with("timeout", 2)
    sign(request)
    expect(deal.stage.name):to_be("Confirmé")
    clock.advance "1 hours"
    expect(#deal.signed_urls):to_be(1)
    expect(count_of(deal, "Clients/Brunet Jérémy/Documents signés")):to_be(1)
  end)

  it("stays and notes it when the client declines (ALT-133)", function ()
    local deal, request = sent_out()
    decline(request, "trop cher")
    expect(deal.stage.name):to_be("Envoyer en signature")
    expect(deal.notes[#deal.notes].text):to_be("Signature refusée par le client : trop cher")
    expect(deal.signed_urls):to_be_nil()
    expect(deal.quotes[1].status):to_be("draft")
  end)

  it("notes a refusal without a reason too (ALT-133)", function ()
    local deal, request = sent_out()
    decline(request)
    expect(deal.notes[#deal.notes].text):to_be("Signature refusée par le client : sans motif")
  end)

  it("stays and notes it when nobody signs for 60 days (ALT-133)", function ()
    local deal, request = sent_out()
    local notes = #deal.notes
    clock.advance "59 days"
    expect(#deal.notes):to_be(notes)
    clock.advance "2 days"
    expect(#deal.notes):to_be(notes + 1)
    expect(deal.notes[#deal.notes].text):to_contain("Le délai de signature est écoulé")
    expect(request.state):to_be("expired")
    expect(deal.stage.name):to_be("Envoyer en signature")
    expect(function () sign(request) end):to_fail("expired")
  end)

  it("stops without sending when the quote is gone, cannot be had, or the papers can't be put together (ALT-124, "
    .. "ALT-129)", function ()
    local deal = ready()
    local number = deal.quote_number
    deal.quote_number = "D-2020-9999"
    local gone = run_of(move(deal, "Envoyer en signature"))
    expect(gone.status):to_be("failed")
    expect(gone.error):to_contain("D-2020-9999")
    expect(#sent.requests()):to_be(0)
    move(deal, "Documents prêts")
    deal.quote_number = number

    for service, operation in pairs { accounting = "quote_pdf", documents = "merge", signature = "send" } do
      local faulty = ({ accounting = accounting, documents = documents, signature = signature })[service]
      local other = ready()
      faulty.fails_with("refused", 1, { operation = operation })
      local failed = run_of(move(other, "Envoyer en signature"))
      expect(failed.status):to_be("failed")
      expect(#other.signatures):to_be(0)
      expect(#other.emails):to_be(0)
      expect(other.stage.name):to_be("Envoyer en signature")                       -- ALT-128

      expect(run_of(retry(failed)).status):to_be("waiting")
      expect(#other.signatures):to_be(1)
      expect(#other.emails):to_be(1)
      expect(count_of(other, "Documents générés/Devis")):to_be(1)
    end
  end)

  it("tries again by itself, and sends one request (ALT-129)", function ()
    local deal = ready()
    signature.fails_with("timeout", 2, { after = true })
    documents.fails_with("timeout", 2)
    move(deal, "Envoyer en signature")
    clock.advance "1 hours"
    expect(#deal.signatures):to_be(1)
    expect(#deal.emails):to_be(1)
  end)

  it("leaves one open request when the deal comes a second time while it waits (ALT-129)", function ()
    local deal, first = sent_out()
    move(deal, "Documents prêts")
    move(deal, "Envoyer en signature")
    expect(#deal.signatures):to_be(2)
    expect(first.state):to_be("cancelled")
    expect(open_requests(deal)):to_be(1)
    expect(count_of(deal, "Documents générés/Devis")):to_be(1)                     -- the same file, filed once
    sign(deal.signatures[2])
    expect(deal.stage.name):to_be("Confirmé")
    expect(#deal.signed_urls):to_be(1)
    expect(function () sign(first) end):to_fail("cancelled")
  end)

  it("comes to the same when the engine dies at any of its steps, on the way out and back (ALT-09, ALT-129)", function ()
    local step, crashed = 1, true
    while crashed do
      local deal = ready()
      engine.crash_at(step)
      crashed = move(deal, "Envoyer en signature").crashed
      expect(#deal.signatures):to_be(1)
      expect(#deal.emails):to_be(1)
      expect(count_of(deal, "Documents générés/Devis")):to_be(1)
      step = step + 1
    end
    expect(step > 8):to_be(true)

    step, crashed = 1, true
    while crashed do
      local deal, request = sent_out()
      engine.crash_at(step)
      crashed = sign(request).crashed
      expect(deal.stage.name):to_be("Confirmé")
      expect(#deal.signed_urls):to_be(1)
      expect(count_of(deal, "Documents signés")):to_be(1)
      expect(deal.quotes[1].status):to_be("accepted")
      step = step + 1
    end
    expect(step > 4):to_be(true)
  end)
end)
