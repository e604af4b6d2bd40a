import CRM
import Testing

@testable import Scripting

@Suite("Values that scripts calculate with")
struct ValueTests {
  @Test(
    "Amounts and decimals are exact",
    arguments: [
      ("money('0.10') + money('0.20')", "0.30 EUR"), ("money('10') - money('0.01')", "9.99 EUR"),
      ("money('10.01') * 3", "30.03 EUR"), ("3 * money('10.01')", "30.03 EUR"),
      ("money('10.05') * decimal('0.5')", "5.03 EUR"), ("decimal('0.5') * money('10.05')", "5.03 EUR"),
      ("money('10') / 3", "3.33 EUR"), ("money('-10.01') / 2", "-5.01 EUR"), ("money('10') / money('4')", "2.5"),
      ("-money('5')", "-5.00 EUR"), ("money(12)", "12.00 EUR"), ("money(decimal('1.5'))", "1.50 EUR"),
      ("money('1.5').amount", "1.50"), ("money('1.5').currency", "EUR"), ("money('1.5').cents", "150"),
      ("money('1') < money('2')", "true"), ("money('2') <= money('1')", "false"), ("money('1') == money('1.00')", "true"),
      ("'Total: ' .. money('1')", "Total: 1.00 EUR"), ("tostring(money('1'))", "1.00 EUR"),
      ("decimal('0.1') + decimal('0.2')", "0.3"), ("decimal('1') / 3", "0.333333"), ("2 - decimal('0.5')", "1.5"),
      ("decimal('2.5') * 2", "5"), ("-decimal('2.5')", "-2.5"), ("decimal('2.5') > 2", "true"), ("1 <= decimal('0.5')", "false"),
      ("decimal('2.5'):round()", "3"), ("decimal('2.345'):round(2)", "2.35"), ("decimal('3'):integer() + 1", "4"),
      ("decimal(7) == decimal('7.0')", "true"), ("decimal('1.5') .. ' h'", "1.5 h"),
    ])
  func arithmetic(_ expression: String, _ result: String) throws {
    #expect(try printed("print(\(expression))") == [result])
  }

  @Test(
    "Nothing makes a float of an amount, and nothing mixes what doesn't mix",
    arguments: [
      ("money('1') * 0.5", "write decimal(\"0.5\")"), ("money(0.1)", "an exact number expected, got the float 0.1"),
      ("decimal(0.1)", "an exact number expected, got the float 0.1"), ("decimal('1') + 0.5", "got the float 0.5"),
      ("money('1') + 1", "amounts are added to and compared with amounts only, got number"),
      ("money('1') < 2", "compared with amounts only"), ("money('1') * money('2')", "a number expected, got an amount"),
      ("money('1') * nil", "a number expected, got nil"), ("money('1') / 0", "can't divide 1.00 EUR by zero"),
      ("decimal('1') / 0", "can't divide 1 by zero"), ("money('1,50')", "write it with a point"), ("money()", "amount like \"12.50\" expected"),
      ("money('999999999999.99') * 2", "the amount is too large"), ("money('999999999999.99') / decimal('0.01')", "the amount is too large"),
      ("decimal('2.5'):integer()", "2.5 is no whole number"), ("money('1').euros", "money has no field 'euros'"),
      ("date('2026-02-30')", "February"), ("date('2026-11-03') < 3", "a date expected, got number"),
      ("date('2026-11-03') + math.maxinteger", "outside the years"), ("date('2026-11-03') - math.mininteger", "outside the years"),
      ("now() < date('2026-11-03')", "times are compared with times only"), ("'x' .. money('1') .. nil", "attempt to concatenate a nil value"),
    ])
  func refusals(_ expression: String, _ message: String) throws {
    let found = try complaint("print(\(expression))")
    #expect(found.hasPrefix("scripts/t.lua:2: ") && found.contains(message), "\(found)")
  }

  @Test(
    "Dates and times",
    arguments: [
      ("date('2026-11-03').weekday", "2"), ("date('2026-11-03').year", "2026"),
      ("date('2026-11-03') + 30", "2026-12-03"), ("1 + date('2026-12-31')", "2027-01-01"), ("date('2026-11-03') - 3", "2026-10-31"),
      ("date('2026-11-03') - date('2026-11-01')", "2"), ("date('2026-11-03'):plus_days(-3)", "2026-10-31"),
      ("date('2026-11-03') < date('2026-11-04')", "true"), ("date('2026-11-03') == date('2026-11-03')", "true"),
      ("date('2026-01-03'):format('%d/%m/%Y')", "03/01/2026"), ("'le ' .. date('2026-11-03')", "le 2026-11-03"),
      ("today()", "2026-11-03"), ("now()", "2026-11-03T09:00:00.000Z"), ("now():plus('15 hours').date", "2026-11-04"),
      ("now() < now():plus('1 s')", "true"), ("os.time()", "1793696400"), ("os.date('!%H:%M')", "09:00"),
    ])
  func time(_ expression: String, _ result: String) throws {
    #expect(try printed("print(\(expression))") == [result])
  }

  @Test("today is the day where the workspace is, not in Greenwich")
  func localDay() throws {
    let host = MemoryHost()
    host.now = try Instant(parsing: "2026-11-03T23:30:00Z")
    #expect(try printed("print(today(), now().date)", host: host) == ["2026-11-04\t2026-11-04"])
  }

  @Test("Values come back from scripts as they went in")
  func roundTrip() throws {
    let host = MemoryHost()
    host.answers["chat.send"] = .success(.null)
    let values: [Value] = [
      .null, .boolean(true), .integer(.min), .number(0.1), .decimal(ExactDecimal(millionths: 1_500_000)),
      .text("é\u{0}"), .money(Money(cents: -1, currency: .eur)), .day(try CalendarDay(parsing: "2026-02-28")),
      .instant(host.now), .record(RecordRef(kind: .dealLine, id: 42, part: 1)), .list([.integer(1), .text("a")]),
      .object([ValueField("a", .list([.boolean(false)])), ValueField("b", .text("x"))]),
    ]
    for value in values {
      host.calls = []
      let execution = try Workshop(body: "chat.send(deal.owner, event.value or false)").execution(
        host: host, event: .object([ValueField("value", value)]))
      _ = try execution.begin()
      guard case .operation(_, _, let arguments, _) = host.actions.last else {
        #expect(Bool(false), "no operation for \(value)")
        continue
      }
      #expect(arguments.last == (value == .null ? .boolean(false) : value))
    }
  }

  @Test(
    "text knows letters, not bytes",
    arguments: [
      ("text.trim(' \\n é \\t')", "é"), ("text.folded('Documents  PRÊTS')", "documents prets"),
      ("table.concat(text.words(\"L'accompagnement, hors-formation (AE)\"), '|')", "L|accompagnement|hors|formation|AE"),
      ("#text.lines('a\\n\\nb')", "3"), ("text.percent_encode('[EDLC_001] é/')", "%5BEDLC_001%5D%20%C3%A9%2F"),
      ("text.escape_markup('<a href=\"x\">l\\'été & co</a>')", "&lt;a href=&quot;x&quot;&gt;l&#39;été &amp; co&lt;/a&gt;"),
    ])
  func text(_ expression: String, _ result: String) throws {
    #expect(try printed("print(\(expression))") == [result])
  }

  @Test("settings and seller are read as workspace.lua has them, and can't be changed")
  func readOnly() throws {
    #expect(
      try printed("print(settings.brief.model, settings.retries, settings.absent, seller.name, seller.address.city)")
        == ["À remplacer\t3\tnil\tAltitude\tParis"])
    for body in ["settings.retries = 4", "seller.name = 'x'", "crm.deal = nil", "accounting.extra = 1", "string.rep = 1"] {
      let found = try complaint(body)
      #expect(found.contains("can't be changed by a script"), "\(body): \(found)")
    }
    #expect(try complaint("print(seller.nam)").contains("seller has no 'nam'; did you mean 'name'?"))
  }
}
