-- The sales brief: the note of a deal that begins with "## Brief commercial" (ALT-86 to ALT-101).
local setting = require "lib/setting"
local brief = {}

brief.heading = "## Brief commercial"

--- The text of a new brief: the heading and the lines that the salesperson replaces (`settings.brief.lines`).
function brief.model()
  return brief.heading .. "\n\n\n" .. table.concat(setting "brief.lines", "\n")
end

--- nil when the text is a valid brief; else what is wrong with it, in the words that salespeople know (ALT-95).
function brief.diagnose(written)
  local hashes, blanks, title = written:match("^(#*)(%s*)([^\r\n]*)")
  local faults = {}
  if not text.folded(title):find("^brief commercial%f[%W]") or (hashes == "" and blanks ~= "") then
    return 'La note doit commencer par "' .. brief.heading .. '", sans rien avant'
  end
  if hashes == "" then
    faults[#faults + 1] = "Manque le ## au début"
  elseif hashes ~= "##" then
    faults[#faults + 1] = "Il faut deux # au début, ni plus ni moins"
  elseif blanks == "" then
    faults[#faults + 1] = 'Manque un espace entre ## et "Brief"'
  elseif blanks ~= " " then
    faults[#faults + 1] = 'Il faut un seul espace entre ## et "Brief"'
  end
  if title:find("^brief commercial") then
    faults[#faults + 1] = 'Manque le "B" majuscule'
  elseif title:lower():find("^brief commercial") and not title:find("^Brief commercial") then
    faults[#faults + 1] = [[La casse n'est pas respectée, seul le "B" est majuscule]]
  elseif not title:find("^Brief commercial") then
    faults[#faults + 1] = 'Le titre doit s\'écrire exactement "' .. brief.heading .. '"'
  end
  if #faults > 0 then return table.concat(faults, " ; ") end
end

--- The deal's brief or nil; the faulty ones as { note =, fault = }; the other valid ones.
--- Of several valid ones the pinned one counts, else the most recent (ALT-101). Notes without that title are ignored.
function brief.find(deal)
  local chosen, faulty, valid = nil, {}, {}
  for _, note in ipairs(deal.notes) do                      -- oldest first
    local fault = brief.diagnose(note.text)
    if not fault then
      valid[#valid + 1] = note
      if note.pinned or not (chosen and chosen.pinned) then chosen = note end
    elseif text.folded(note.text):find("^[# ]*brief commercial%f[%W]") then
      faulty[#faulty + 1] = { note = note, fault = fault }
    end
  end
  local others = {}
  for _, note in ipairs(valid) do
    if note.id ~= chosen.id then others[#others + 1] = note end
  end
  return chosen, faulty, others
end

--- What follows the heading and its line break, unchanged; and whether something stands on the heading's own line,
--- which is only advised against (ALT-90).
function brief.content(written)
  local after = written:sub(#brief.heading + 1)
  return (after:gsub("^[ \t]*\r?\n", "", 1)), after:find("^[ \t]*[^%s]") ~= nil
end

--- Whether a line of the model still stands there, or nothing at all (ALT-100).
function brief.unfilled(written)
  if text.trim((brief.content(written))) == "" then return true end
  for _, line in ipairs(setting "brief.lines") do
    if text.trim(line) ~= "" and written:find(line, 1, true) then return true end
  end
  return false
end

return brief
