#!/bin/sh
# Makes the golden database of the present release: a workspace in the middle of its work, as text. Run it once for each
# release that changes the schema or the journal, before the next one is begun, and commit what it makes:
#
#   Tests/CommandsTests/Releases/make.sh .build/debug/coulisse > Tests/CommandsTests/Releases/schema-002.sql
set -e
coulisse=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir scripts
cat > workspace.lua <<'E'
-- The workspace from which the golden journals come.
return {
  seller = { name = "Altitude" },
  currency = "EUR",
  time_zone = "Europe/Paris",
  pipelines = { { name = "Ventes", stages = { "Qualifié", "Proposition", "Confirmé" } } },
  fields = { deal = { { key = "drawn", label = "Tiré", type = "text" } } },
}
E
cat > scripts/offer.lua <<'E'
-- What a journal may have in it: values of all kinds, a refused move, fused effects, a step, a wait.
on.enter("Proposition", function (deal)
  local drawn, order, begun = math.random(1000000), {}, now()
  for key in pairs { b = 2, a = 1, [3] = "c" } do order[#order + 1] = tostring(key) end
  deal.drawn = table.concat(order, " ") .. " " .. drawn
  local card = board.create_card(deal, { list = "À faire", title = deal.title, text = "à faire" })
  local elsewhere = "Ailleurs"
  local moved = pcall(function () deal:move_to(elsewhere) end)
  mail.send { to = "floriane@altitude.example", subject = "Offre", text = "Carte " .. card.id }
  chat.send("floriane@altitude.example", "Carte " .. card.id)
  local again = math.random(1000000)
  local answer = wait(deal:becomes("won"), "600 days")
  deal:add_note(string.format("%s, %s, %s", answer.state, deal.drawn == "3 a b " .. drawn, again ~= drawn))
  deal:add_note(string.format("%s, %s", now() > begun, moved))
end, { name = "offer" })

on.enter("Proposition", function (deal) deal:add_note("second") end, { name = "second" })

on.enter("Confirmé", function (deal)
  sleep("3 days")
  deal:add_note("slept")
end, { name = "nap" })
E
{
  echo '{"users":[{"key":"floriane","name":"Floriane Baillon","email":"floriane@altitude.example"}]}' | "$coulisse" import -
  for deal in waiting sleeping running answered retrying; do
    "$coulisse" deals create --title "Affaire $deal" --key "$deal" --owner floriane
  done
  "$coulisse" deals move waiting Proposition
  "$coulisse" deals move sleeping Confirmé
  # Their processes die: with a step begun, and with one that was carried out; behind each a run is queued.
  COULISSE_FAULT=step.asked:1 "$coulisse" deals move running Proposition || true
  COULISSE_FAULT=step.answered:1 "$coulisse" deals move answered Proposition || true
  COULISSE_FAULT=step.asked:1 "$coulisse" deals move retrying Proposition || true
} >&2
python3 - <<'E'
import sqlite3
database = sqlite3.connect("coulisse.db")
database.execute("UPDATE run SET status = 'running' WHERE automation = 'offer' AND deal_id = 3")
# One whose service was away.
database.execute(
    "UPDATE run SET status = 'retrying', attempts = 1, due_at = 1 WHERE automation = 'offer' AND deal_id = 5")
database.execute("UPDATE run SET due_at = 1 WHERE status = 'waiting' AND deal_id = 2")
database.commit()
print("\n".join(database.iterdump()))
E
